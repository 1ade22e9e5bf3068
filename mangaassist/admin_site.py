"""Our admin: Django's own, with our name and templates."""

from django.contrib.admin import AdminSite
from django.contrib.admin.apps import AdminConfig


class MangaAssistAdminSite(AdminSite):
    site_header = "MangaAssist"
    site_title = "MangaAssist"
    index_title = "Operator's room"


class MangaAssistAdminConfig(AdminConfig):
    default_site = "mangaassist.admin_site.MangaAssistAdminSite"

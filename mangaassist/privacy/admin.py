"""Brings the page into the operator's room."""

from __future__ import annotations

from typing import cast

from django.contrib import admin

from mangaassist.admin_site import MangaAssistAdminSite
from mangaassist.privacy import pages

_site = cast(MangaAssistAdminSite, admin.site)
_site.add_page("privacy/", pages.privacy_page, "privacy")
_site.add_page("privacy/export/", pages.export_page, "privacy_export")
_site.add_page("privacy/erase/", pages.erase_page, "privacy_erase")

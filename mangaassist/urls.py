"""Every address of the project."""

from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path(settings.ADMIN_PATH, admin.site.urls),
    path("desk/", include("escalation.urls")),
    path("i18n/", include("django.conf.urls.i18n")),
    path("", include("mangaassist.health.urls")),
    path("", include("chat.urls")),
    path("", include("shop.urls")),
    path("api/v1/", include("partners.urls")),
    path("", include("storefront.urls")),
]

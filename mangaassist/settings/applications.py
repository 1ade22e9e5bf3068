"""The applications, and what a request passes on its way to them."""

from __future__ import annotations

from mangaassist.settings.basis import BASE_DIR

INSTALLED_APPS = [
    "mangaassist",
    "mangaassist.admin_site.MangaAssistAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "django.contrib.staticfiles",
    "channels",
    # Serves the API pages' scripts from our own static files.
    "ninja",
    "mangaassist.access",
    "mangaassist.privacy",
    "mangaassist.outbox",
    "caching",
    "shop",
    "knowledge",
    "recommendations",
    "escalation",
    "chat",
    "mangaassist.analytics",
    "mangaassist.health",
    "partners",
    "storefront",
]

MIDDLEWARE = [
    "mangaassist.headers.complete_headers",
    "mangaassist.health.middleware.answer_probes",
    "mangaassist.request_ids.name_requests",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    # Behind these: what it puts in place of an answer gets their headers as well.
    "partners.middleware.PartnerMiddleware",
    "mangaassist.static_files.StaticFiles",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "mangaassist.access.middleware.watch_room",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "mangaassist.urls"
ASGI_APPLICATION = "mangaassist.asgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "storefront.context.storefront",
            ],
        },
    }
]

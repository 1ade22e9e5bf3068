"""Language, time and files of the pages."""

from __future__ import annotations

from mangaassist import environment
from mangaassist.settings.basis import BASE_DIR, DATA_DIR, EMBEDDED

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("ja", "日本語")]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
# The shop's: its days begin at midnight there, and its operators read times in it.
TIME_ZONE = environment.zone("TIME_ZONE", "UTC")

STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = DATA_DIR / "static"
STATIC_ROOT.mkdir(parents=True, exist_ok=True)
# A laptop serves the files as they lie; a deployment runs collectstatic and gets hashed, compressed names.
WHITENOISE_USE_FINDERS = EMBEDDED
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": (
            "django.contrib.staticfiles.storage.StaticFilesStorage"
            if EMBEDDED
            else "mangaassist.static_files.ModuleStorage"
        )
    },
}
MEDIA_ROOT = DATA_DIR / "media"

"""Mail: only a request that goes on by e-mail sends any."""

from __future__ import annotations

from mangaassist import environment
from mangaassist.settings.basis import DATA_DIR, EMBEDDED

# Only a request that goes on by e-mail sends any. A laptop writes them into a folder.
EMAIL_BACKEND = f"django.core.mail.backends.{'filebased' if EMBEDDED else 'smtp'}.EmailBackend"
EMAIL_FILE_PATH = DATA_DIR / "mail"
EMAIL_HOST = environment.text("EMAIL_HOST", "localhost")
EMAIL_PORT = int(environment.number("EMAIL_PORT", 25, low=1, high=65535))
EMAIL_HOST_USER = environment.text("EMAIL_HOST_USER")
EMAIL_HOST_PASSWORD = environment.text("EMAIL_HOST_PASSWORD")
EMAIL_USE_TLS = environment.boolean("EMAIL_USE_TLS", False)
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = environment.text("DEFAULT_FROM_EMAIL", "MangaAssist <help@localhost>")

"""Keys, cookies, and what a browser is told of them on every page (docs/security.md)."""

from __future__ import annotations

from typing import Any

from csp.constants import NONE, SELF

from mangaassist import embedded, environment
from mangaassist.settings.basis import DATA_DIR, EMBEDDED

SECRET_KEY = environment.text("SECRET_KEY") or (embedded.secret_key(DATA_DIR) if EMBEDDED else "")
if not SECRET_KEY:
    environment.faults.append("SECRET_KEY must be set outside the embedded profile.")
    SECRET_KEY = "unset-and-refused-by-the-system-checks"  # noqa: S105  # nosec B105  # no start with it
ALLOWED_HOSTS = environment.words("ALLOWED_HOSTS", "127.0.0.1,localhost,[::1]" if EMBEDDED else "")
CSRF_TRUSTED_ORIGINS = environment.words("CSRF_TRUSTED_ORIGINS")
# Origins (scheme://host[:port]) of pages, other than our own, that may embed the widget.
WIDGET_ALLOWED_ORIGINS = environment.words("WIDGET_ALLOWED_ORIGINS")
# HS256 secret shared with the shop that signs ``identity`` tokens; empty: no such sign-in.
WIDGET_IDENTITY_KEY = environment.text("WIDGET_IDENTITY_KEY")

HTTPS = environment.boolean("HTTPS", not EMBEDDED)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
# With this prefix a browser takes them from this very host over https only (RFC 6265bis, section 4.1.3).
SESSION_COOKIE_NAME = "__Host-sessionid" if HTTPS else "sessionid"
LANGUAGE_COOKIE_SECURE, LANGUAGE_COOKIE_HTTPONLY, LANGUAGE_COOKIE_SAMESITE = HTTPS, True, "Lax"
CSRF_COOKIE_NAME = "__Host-csrftoken" if HTTPS else "csrftoken"

CONTENT_SECURITY_POLICY: dict[str, Any] = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "connect-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
# What no page of ours asks a browser for (https://www.w3.org/TR/permissions-policy/).
PERMISSIONS_POLICY = ", ".join(
    f"{feature}=()"
    for feature in (
        "accelerometer browsing-topics camera display-capture geolocation gyroscope magnetometer microphone midi "
        "payment serial usb"
    ).split()
)

"""The operator's room: where it is, who may stay and for how long."""

from __future__ import annotations

from typing import Any

from mangaassist import environment

# Where it is, without the slash before: another path than everybody tries first.
ADMIN_PATH = environment.room_path("ADMIN_PATH", "admin/")
# A session of staff ends after so many minutes without a page, and in any case after so many hours.
STAFF_IDLE_MIN = environment.number("STAFF_IDLE_MIN", 60, low=5, high=24 * 60)
STAFF_SESSION_H = environment.number("STAFF_SESSION_H", 12, low=0.5, high=24 * 7)
# So many wrong passwords within so many minutes, and an account takes no more from strangers for as long.
SIGN_IN_FAILURES = int(environment.number("SIGN_IN_FAILURES", 10, low=3, high=1000))
SIGN_IN_PAUSE_MIN = environment.number("SIGN_IN_PAUSE_MIN", 15, low=1, high=24 * 60)
# For passwords of staff (NIST SP 800-63B: long, and none that everybody tries).
AUTH_PASSWORD_VALIDATORS: list[dict[str, Any]] = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

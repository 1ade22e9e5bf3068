"""Every setting; with mangaassist/environment.py the only reader of the environment.

``MANGAASSIST_PROFILE`` picks the defaults: ``embedded`` (SQLite, a private Redis, local engines; no keys) or
``aws``. Each role can be switched alone: ``RECOMMENDER=personalize``, ``RECOMMENDER_OPTIONS='{"…": …}'``.
What is wrong with a value is said by the system checks in mangaassist/checks.py, one line per fault.
"""

from __future__ import annotations

import django_stubs_ext

from mangaassist import environment
from mangaassist.settings.applications import *  # noqa: F403
from mangaassist.settings.assistant import *  # noqa: F403
from mangaassist.settings.basis import *  # noqa: F403
from mangaassist.settings.mail import *  # noqa: F403
from mangaassist.settings.pages import *  # noqa: F403
from mangaassist.settings.partners import *  # noqa: F403
from mangaassist.settings.retention import *  # noqa: F403
from mangaassist.settings.roles import *  # noqa: F403
from mangaassist.settings.room import *  # noqa: F403
from mangaassist.settings.security import *  # noqa: F403
from mangaassist.settings.stores import *  # noqa: F403
from mangaassist.settings.telemetry import *  # noqa: F403
from mangaassist.settings.workers import *  # noqa: F403

# Lets classes such as admin.ModelAdmin[Series] say what they are about, at run time as for mypy.
django_stubs_ext.monkeypatch()

SETTING_FAULTS = environment.faults

"""System checks: every bad setting is one readable line, and the start stops there."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register


@register
def environment_is_readable(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    return [Error(fault, id="mangaassist.E001") for fault in settings.SETTING_FAULTS]

"""The embedded event log does not grow for ever."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from mangaassist.analytics import models
from mangaassist.analytics.models import AnalyticsEvent
from mangaassist.analytics.tasks import prune

pytestmark = pytest.mark.django_db


def test_events_are_kept_as_long_as_the_setting_says(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.ANALYTICS_KEPT_DAYS = 30
    # Several slices, the last one not full.
    monkeypatch.setattr(models, "SLICE", 2)
    now = timezone.now()
    for days in (0, 29, 31, 40, 50, 60, 400):
        at = now - timedelta(days=days)
        AnalyticsEvent.objects.create(record_id=f"r{days}", event="test", session_id="s", at=at, body={})
    prune()
    assert sorted(AnalyticsEvent.objects.values_list("record_id", flat=True)) == ["r0", "r29"]

"""Events in our own database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import InterfaceError, OperationalError

from mangaassist.analytics.backends.base import AnalyticsStream, StreamUnavailable
from mangaassist.analytics.models import AnalyticsEvent


class DatabaseStream(AnalyticsStream):
    def put(self, records: Sequence[dict[str, Any]]) -> Mapping[int, str]:
        rows = [
            AnalyticsEvent(
                record_id=record["record_id"],
                event=record["event"],
                session_id=record["session_id"],
                at=datetime.fromisoformat(record["at"]),
                body=record,
            )
            for record in records
        ]
        try:
            AnalyticsEvent.objects.bulk_create(rows, ignore_conflicts=True)
        except (OperationalError, InterfaceError) as error:
            raise StreamUnavailable(str(error)) from error
        return {}

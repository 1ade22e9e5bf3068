"""A stream in our own database, for one laptop: the same promises as Kinesis, with a single shard that never closes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from django.db import InterfaceError, OperationalError, transaction
from django.utils import timezone

from mangaassist.outbox.backends.base import Outgoing, Record, Shard, ShardRead, Stream, StreamUnavailable
from mangaassist.outbox.models import ShardLease, StreamEnd, StreamRecord

SHARD = "0"


class DatabaseStream(Stream):
    """``keep_h``: hours after which a record that has been read is gone."""

    embedded = True

    def __init__(self, *, name: str = "rag-reindex", keep_h: float = 168.0) -> None:
        self.name = name
        self.keep_h = keep_h

    @property
    def identity(self) -> str:
        return f"database:{self.name}"

    def put(self, messages: Sequence[Outgoing]) -> Mapping[str, str]:
        try:
            with transaction.atomic():
                # One writer at a time: numbers become visible in their order, so that no reader passes one over.
                end, _ = StreamEnd.objects.get_or_create(stream=self.name)
                end = StreamEnd.objects.select_for_update().get(pk=end.pk)
                rows = [
                    StreamRecord(stream=self.name, number=end.number + place, record_id=message.id, body=message.body)
                    for place, message in enumerate(messages, start=1)
                ]
                StreamRecord.objects.bulk_create(rows)
                end.number += len(rows)
                end.save(update_fields=["number"])
                self._forget_old()
        except (OperationalError, InterfaceError) as error:
            raise StreamUnavailable(str(error)) from error
        return {}

    def _forget_old(self) -> None:
        """What has been read for long; never what nobody has read yet."""
        readers = ShardLease.objects.filter(stream=self.identity).values_list("position", flat=True)
        read = min((int(position or 0) for position in readers), default=0)
        before = timezone.now() - timedelta(hours=self.keep_h)
        StreamRecord.objects.filter(stream=self.name, number__lte=read, at__lt=before).delete()

    def shards(self) -> list[Shard]:
        return [Shard(SHARD)]

    def read(self, shard: str, after: str, *, limit: int = 500) -> ShardRead:
        try:
            found = StreamRecord.objects.filter(stream=self.name, number__gt=int(after or 0))
            rows = list(found.order_by("number")[:limit])
        except (OperationalError, InterfaceError) as error:
            raise StreamUnavailable(str(error)) from error
        records = tuple(Record(row.record_id, row.body, str(row.number)) for row in rows)
        return ShardRead(records, records[-1].position if records else after)

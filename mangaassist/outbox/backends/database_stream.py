"""A stream in our own database, for one laptop: the same promises as Kinesis, with a single shard that never closes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from django.db import DatabaseError, transaction
from django.utils import timezone

from mangaassist.outbox.backends.base import Outgoing, Record, Shard, ShardRead, Stream, StreamUnavailable
from mangaassist.outbox.models import StreamEnd, StreamRecord

SHARD = "0"


class DatabaseStream(Stream):
    """``keep_h``: hours after which a record is gone, read or not."""

    embedded = True

    def __init__(self, *, name: str = "rag-reindex", keep_h: float = 168.0) -> None:
        self.name = name
        self.keep_h = keep_h

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
                before = timezone.now() - timedelta(hours=self.keep_h)
                StreamRecord.objects.filter(stream=self.name, at__lt=before).delete()
        except DatabaseError as error:
            raise StreamUnavailable(str(error)) from error
        return {}

    def shards(self) -> list[Shard]:
        return [Shard(SHARD)]

    def read(self, shard: str, after: str, *, limit: int = 500) -> ShardRead:
        try:
            found = StreamRecord.objects.filter(stream=self.name, number__gt=int(after or 0))
            rows = list(found.order_by("number")[:limit])
        except DatabaseError as error:
            raise StreamUnavailable(str(error)) from error
        records = tuple(Record(row.record_id, row.body, str(row.number)) for row in rows)
        return ShardRead(records, records[-1].position if records else after)

"""Reading a stream: each shard by one reader at a time, in order, its position kept only after the records are applied.

A reader that dies leaves its lease to run out; the next one begins at the position that was kept, so that a record may
be applied twice but is never left out. Shards that came of a split or a merge wait for their parents' end.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import structlog

from mangaassist.outbox.backends.base import Record, Shard, Stream
from mangaassist.outbox.delivery import park
from mangaassist.outbox.models import ShardLease, shared_now

log = structlog.get_logger(__name__)

# Applies records in order, as one or not at all; raises, then they are given again.
ApplyRecords = Callable[[Sequence[Record]], None]

LEASE_S = 30.0
BATCH = 500
# After so many failures of a batch each of its records is tried alone, and what still fails is parked.
PATIENCE = 5
RETRY_S = 2.0
LONGEST_RETRY_S = 60.0


class ShardReader:
    """One process' reader of a topic's stream. Thread-safe."""

    def __init__(self, topic: str, stream: Stream, apply: ApplyRecords) -> None:
        self.topic = topic
        self.stream = stream
        self._apply = apply
        self._owner = uuid.uuid4()
        self._taking = threading.Lock()

    def take(self) -> int:
        """One round over all shards that this reader can have; the number of records applied.

        Raises :class:`~mangaassist.outbox.backends.base.StreamUnavailable`.
        """
        # Of a worker's threads one reads; the others have nothing to do.
        if not self._taking.acquire(blocking=False):
            return 0
        try:
            self._note(self.stream.shards())
            return sum(self._read(lease) for lease in self._lease(shared_now()))
        finally:
            self._taking.release()

    def _note(self, shards: Sequence[Shard]) -> None:
        """Rows for shards that may be read now: their parents, if any, have been applied or are gone."""
        rows = dict(ShardLease.objects.filter(topic=self.topic).values_list("shard", "is_over"))
        listed = {shard.id for shard in shards}
        for shard in shards:
            unread = [parent for parent in shard.parents if parent in listed and not rows.get(parent, False)]
            if shard.id not in rows and not unread:
                ShardLease.objects.get_or_create(topic=self.topic, shard=shard.id)
        ShardLease.objects.filter(topic=self.topic, is_over=True).exclude(shard__in=listed).delete()

    def _lease(self, now: datetime) -> list[ShardLease]:
        mine = []
        for lease in ShardLease.objects.filter(topic=self.topic, is_over=False, retry_at__lte=now):
            if lease.owner != self._owner and lease.owner is not None and lease.leased_until > now:
                continue
            # The condition again: another reader may have been first.
            taken = ShardLease.objects.filter(pk=lease.pk, owner=lease.owner, leased_until=lease.leased_until).update(
                owner=self._owner, leased_until=now + timedelta(seconds=LEASE_S)
            )
            if taken:
                mine.append(lease)
        return mine

    def _read(self, lease: ShardLease) -> int:
        read = self.stream.read(lease.shard, lease.position, limit=BATCH)
        if read.records and not self._applied(lease, read.records):
            return 0
        if read.records or read.is_over:
            self._keep(lease, position=read.position, is_over=read.is_over, failures=0, error="")
        if read.is_over:
            log.info("shard_over", topic=self.topic, shard=lease.shard)
        return len(read.records)

    def _applied(self, lease: ShardLease, records: Sequence[Record]) -> bool:
        try:
            if lease.failures < PATIENCE:
                self._apply(records)
            else:
                self._apply_singly(records)
        except Exception as error:  # Whatever it is: the position stays, and they are read again.
            failures = lease.failures + 1
            pause = min(LONGEST_RETRY_S, RETRY_S * 2 ** min(lease.failures, 10))
            log.warning("records_not_applied", topic=self.topic, shard=lease.shard, error=repr(error)[:300])
            retry_at = shared_now() + timedelta(seconds=pause)
            self._keep(lease, failures=failures, error=repr(error)[:2000], retry_at=retry_at)
            return False
        return True

    def _apply_singly(self, records: Sequence[Record]) -> None:
        """Past the patience: one bad record must not hold up its shard for ever.

        Raises the first error when all of them fail: then it is not the records' fault.
        """
        failed: list[tuple[Record, Exception]] = []
        for record in records:
            try:
                self._apply([record])
            except Exception as error:
                failed.append((record, error))
        if len(failed) == len(records) > 1:
            raise failed[0][1]
        for record, fault in failed:
            park(self.topic, record.id, record.body, repr(fault))

    def _keep(self, lease: ShardLease, **values: object) -> None:
        """Unless the lease was lost: then another reader's position counts."""
        mine = ShardLease.objects.filter(pk=lease.pk, owner=self._owner)
        if not mine.update(updated_at=shared_now(), **values):
            log.warning("shard_lease_lost", topic=self.topic, shard=lease.shard)

    def let_go(self) -> None:
        """At the end of a process: the next reader need not wait."""
        ShardLease.objects.filter(topic=self.topic, owner=self._owner).update(owner=None)

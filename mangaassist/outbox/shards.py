"""Reading a stream: each shard by one reader at a time, in order, its position kept only after the records are applied.

A reader that dies leaves its lease to run out; the next one begins at the position that was kept, so that a record may
be applied twice but is never left out. Shards that came of a split or a merge wait for their parents' end.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial

import structlog
from django.db import InterfaceError, OperationalError
from django.db.models import QuerySet

from mangaassist.outbox.backends.base import Record, Shard, Stream, StreamUnavailable
from mangaassist.outbox.delivery import park
from mangaassist.outbox.leases import kept
from mangaassist.outbox.models import ShardLease, shared_now
from mangaassist.outbox.topics import Outage

log = structlog.get_logger(__name__)

# Applies records in order, as one or not at all; raises, then they are given again. An Outage is nobody's fault: it is
# waited for, however long it lasts.
ApplyRecords = Callable[[Sequence[Record]], None]

LEASE_S = 30.0
# What takes longer hangs: its shard is another's then.
LONGEST_APPLY_S = 1_800.0
BATCH = 500
# After so many failures of a batch each of its records is tried alone, and what still fails is parked.
PATIENCE = 5
RETRY_S = 2.0
LONGEST_RETRY_S = 60.0
_OUTAGES = (Outage, OperationalError, InterfaceError)


class ShardReader:
    """One process' reader of a topic's stream. Thread-safe."""

    def __init__(self, topic: str, stream: Stream, apply: ApplyRecords) -> None:
        self.topic = topic
        self.stream = stream
        self._apply = apply
        self._owner = uuid.uuid4()
        self._taking = threading.Lock()
        # Lease → outages in a row, for the pause between attempts.
        self._outages: dict[int, int] = {}

    def take(self) -> int:
        """One round over all shards that this reader can have; the number of records applied.

        A shard that can't be read holds up no other. Raises
        :class:`~mangaassist.outbox.backends.base.StreamUnavailable` when none can be.
        """
        # Of a worker's threads one reads; the others have nothing to do.
        if not self._taking.acquire(blocking=False):
            return 0
        try:
            self._note(self.stream.shards())
            return self._read_all()
        finally:
            self._taking.release()

    def _read_all(self) -> int:
        applied, error, read = 0, None, 0
        for lease in list(self._leases().filter(is_over=False, retry_at__lte=shared_now())):
            if not self._is_taken(lease):
                continue
            try:
                applied += self._read(lease)
                read += 1
            except StreamUnavailable as unavailable:
                log.warning("shard_not_read", topic=self.topic, shard=lease.shard, error=str(unavailable)[:300])
                error = unavailable
        if error is not None and not read:
            raise error
        return applied

    def _leases(self) -> QuerySet[ShardLease]:
        return ShardLease.objects.filter(topic=self.topic, stream=self.stream.identity)

    def _note(self, shards: Sequence[Shard]) -> None:
        """Rows for shards that may be read now: their parents, if any, have been applied or are gone."""
        rows = dict(self._leases().values_list("shard", "is_over"))
        listed = {shard.id for shard in shards}
        for shard in shards:
            unread = [parent for parent in shard.parents if parent in listed and not rows.get(parent, False)]
            if shard.id not in rows and not unread:
                ShardLease.objects.get_or_create(topic=self.topic, stream=self.stream.identity, shard=shard.id)
        # Of another stream, or of shards that have gone with what they held.
        ShardLease.objects.filter(topic=self.topic).exclude(stream=self.stream.identity, shard__in=listed).delete()

    def _is_taken(self, lease: ShardLease) -> bool:
        now = shared_now()
        if lease.owner not in (None, self._owner) and lease.leased_until > now:
            return False
        # The condition again: another reader may have been first.
        mine = self._leases().filter(pk=lease.pk, owner=lease.owner, leased_until=lease.leased_until)
        return bool(mine.update(owner=self._owner, leased_until=now + timedelta(seconds=LEASE_S)))

    def _read(self, lease: ShardLease) -> int:
        read = self.stream.read(lease.shard, lease.position, limit=BATCH)
        if read.records and not self._is_applied(lease, read.records):
            return 0
        if read.records or read.is_over:
            self._keep(lease, position=read.position, is_over=read.is_over, failures=0, error="")
        if read.is_over:
            log.info("shard_over", topic=self.topic, shard=lease.shard)
        return len(read.records)

    def _is_applied(self, lease: ShardLease, records: Sequence[Record]) -> bool:
        try:
            with kept(
                partial(self._renew, lease),
                lease_s=LEASE_S,
                longest_s=LONGEST_APPLY_S,
                hangs="shard_reader_hangs",
                topic=self.topic,
                shard=lease.shard,
            ):
                if lease.failures < PATIENCE:
                    self._apply(records)
                else:
                    self._apply_singly(records)
        except Exception as error:  # Whatever it is: the position stays, and they are read again.
            self._postpone(lease, error)
            return False
        self._outages.pop(lease.pk, None)
        return True

    def _postpone(self, lease: ShardLease, error: Exception) -> None:
        log.warning("records_not_applied", topic=self.topic, shard=lease.shard, error=repr(error)[:300])
        is_outage = isinstance(error, _OUTAGES)
        in_a_row = self._outages[lease.pk] = self._outages.get(lease.pk, 0) + 1
        pause = min(LONGEST_RETRY_S, RETRY_S * 2 ** min(in_a_row - 1, 10))
        self._keep(
            lease,
            failures=lease.failures + (not is_outage),
            error=repr(error)[:2000],
            retry_at=shared_now() + timedelta(seconds=pause),
        )

    def _apply_singly(self, records: Sequence[Record]) -> None:
        """Past the patience: one bad record must not hold up its shard for ever.

        Raises an outage; and the first error when all of several fail, for then it is not the records' fault.
        """
        failed: list[tuple[Record, Exception]] = []
        for record in records:
            try:
                self._apply([record])
            except _OUTAGES:
                raise
            except Exception as error:
                failed.append((record, error))
        if len(failed) == len(records) > 1:
            raise failed[0][1]
        for record, fault in failed:
            park(self.topic, record.id, record.body, repr(fault))

    def _renew(self, lease: ShardLease) -> None:
        mine = self._leases().filter(pk=lease.pk, owner=self._owner)
        mine.update(leased_until=shared_now() + timedelta(seconds=LEASE_S))

    def _keep(self, lease: ShardLease, **values: object) -> None:
        """Unless the lease was lost: then another reader's position counts."""
        mine = self._leases().filter(pk=lease.pk, owner=self._owner)
        if not mine.update(updated_at=shared_now(), **values):
            log.warning("shard_lease_lost", topic=self.topic, shard=lease.shard)

    def let_go(self) -> None:
        """At the end of a process: the next reader need not wait."""
        ShardLease.objects.filter(topic=self.topic, owner=self._owner).update(owner=None)

"""Building a version of the index beside the one in force, and putting it in force in one transaction.

A passage belongs to the versions from ``added_in`` until before ``removed_in`` (as rows do in a database with
multi-version concurrency), so that a new version costs what changed and not a copy of everything. Readers look at the
version that the pointer names: they see the old one whole until the swap, and the new one whole after it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from time import monotonic
from typing import Any

import structlog
from django.db import transaction
from django.db.models.functions import Length
from django.utils import timezone

from caching.invalidation import invalidate
from knowledge.backends.base import EmbedderUnavailable
from knowledge.embedding import embed, embedder_in_use, kept_vectors, text_hash
from knowledge.models import IndexPointer, IndexVersion, Passage, corpus_tag
from knowledge.passages import Content
from mangaassist.doorbell import ring_after_commit
from mangaassist.outbox.models import shared_now
from mangaassist.outbox.topics import Outage

log = structlog.get_logger(__name__)

# mangaassist.doorbell: rung with the number of a version that is in force now.
BELL = "help"

LEASE_S = 60.0
# Sources and characters written in one transaction: shoppers' writes come in between.
CHUNK = 100
CHUNK_CHARACTERS = 200_000
# A reader may still hold the version before.
PURGED_AFTER_S = 600.0
# How long a version waits for vectors; what then lacks one is found by its words, and embedded later.
EMBED_S = 30.0
VERSIONS_KEPT_DAYS = 30


class IndexBusy(Outage):
    """Another build is at work; try again in a while."""


class BuildLost(Outage):
    """This build was taken for dead and given up by another one."""


class NotVerified(Exception):
    """The new version is not what it should be: it is not put in force."""


def serving_version() -> int:
    """The version in force; 0 before the first."""
    return IndexPointer.objects.values_list("version", flat=True).first() or 0


class Build:
    """One version being built, as a context manager: what goes wrong inside leaves the version in force as it is.

    Raises :class:`IndexBusy` on entering while another build lives.
    """

    def __init__(self, cause: str) -> None:
        self._cause = cause[:200]
        self._expected: dict[tuple[str, str], int] = {}
        self._tags: set[str] = set()
        self._version: IndexVersion | None = None
        self._embedder = embedder_in_use()

    def __enter__(self) -> Build:
        now = shared_now()
        with transaction.atomic():
            _locked_pointer()
            # Locked: its builder may be in the middle of a write, and what it wrote must be seen to be undone.
            for other in IndexVersion.objects.select_for_update().filter(status=IndexVersion.Status.BUILDING):
                if other.leased_until > now:
                    raise IndexBusy(f"Version {other.number} is being built.")
                _give_up(other, "its builder was not heard of any more")
            _undo(list(IndexVersion.objects.filter(status=IndexVersion.Status.FAILED).values_list("pk", flat=True)))
            self._version = IndexVersion.objects.create(
                cause=self._cause, leased_until=now + timedelta(seconds=LEASE_S), began_at=now
            )
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> None:
        with transaction.atomic():
            version = IndexVersion.objects.select_for_update().filter(pk=self._number).first()
            if version is not None and version.status == IndexVersion.Status.BUILDING:
                _give_up(version, repr(error) if error else "it was not finished")

    @property
    def _number(self) -> int:
        assert self._version is not None
        return self._version.pk

    def put(self, contents: Iterable[Content]) -> int:
        """Takes what sources say now; how many of them say something else than before. Raises :class:`BuildLost`.

        One transaction: give it ``CHUNK`` sources at a time.
        """
        wanted = {(content.kind, content.ref): content for content in contents}
        with transaction.atomic():
            version = self._still_ours()
            changed = self._put_changed(version, wanted)
            for content in wanted.values():
                content.note()
            version.leased_until = shared_now() + timedelta(seconds=LEASE_S)
            version.save(update_fields=["leased_until", "added", "removed"])
        return changed

    def _put_changed(self, version: IndexVersion, wanted: dict[tuple[str, str], Content]) -> int:
        present: dict[tuple[str, str], list[Passage]] = {source: [] for source in wanted}
        for kind in {kind for kind, _ in wanted}:
            refs = [ref for each, ref in wanted if each == kind]
            for row in Passage.objects.filter(kind=kind, ref__in=refs, removed_in=None).defer("vector"):
                present[kind, row.ref].append(row)
        digests = {source: content.digest for source, content in wanted.items()}
        changed = {
            source: content
            for source, content in wanted.items()
            if _differs(content, digests[source], present[source]) or self._lacks_vectors(present[source])
        }
        gone = [row for source in changed for row in present[source]]
        removed, undone = self._take_out(version, changed)
        new = [
            Passage(
                kind=content.kind,
                ref=content.ref,
                place=place,
                locale=content.locale,
                category=content.category,
                title=title[:300],
                text=text,
                age_rating=content.age_rating,
                digest=digests[source],
                text_hash=text_hash(title[:300], text),
                added_in=version.pk,
            )
            for source, content in changed.items()
            for place, (title, text) in enumerate(content.passages)
        ]
        self._keep_vectors([row for row in new if row.kind != Passage.Kind.PRODUCT])
        Passage.objects.bulk_create(new)
        version.removed += removed
        version.added += len(new) - undone
        for source, content in changed.items():
            self._expected[source] = len(content.passages)
        # No kept answer holds what is said of products.
        self._tags |= {corpus_tag(row.locale) for row in (*gone, *new) if row.kind != Passage.Kind.PRODUCT}
        return len(changed)

    def _lacks_vectors(self, present: list[Passage]) -> bool:
        """Rows are never changed once they are in force: those without a vector of the model in use come anew."""
        model = self._embedder.model if self._embedder else ""
        return bool(model) and any(row.vector_model != model and row.kind != Passage.Kind.PRODUCT for row in present)

    def _keep_vectors(self, new: list[Passage]) -> None:
        """What was embedded before is not embedded again."""
        if self._embedder is None or not new:
            return
        kept = kept_vectors(self._embedder.model, {row.text_hash for row in new})
        for row in new:
            if row.text_hash in kept:
                row.vector, row.vector_model = kept[row.text_hash], self._embedder.model

    def embed(self) -> None:
        """Gives this version's new passages of help their vectors, as far as the model answers and time allows.

        Raises :class:`BuildLost`.
        """
        ends_at = monotonic() + EMBED_S
        new = Passage.objects.filter(added_in=self._number, vector=None).of_help().order_by("pk")
        while self._embedder and monotonic() < ends_at and (rows := list(new[: self._embedder.most_texts])):
            try:
                embed(self._embedder, rows)
            except EmbedderUnavailable as error:
                log.warning("passages_not_embedded", version=self._number, error=str(error)[:200])
                return
            with transaction.atomic():
                version = self._still_ours()
                Passage.objects.bulk_update(rows, ["vector", "vector_model"])
                version.leased_until = shared_now() + timedelta(seconds=LEASE_S)
                version.save(update_fields=["leased_until"])

    def _take_out(self, version: IndexVersion, sources: Iterable[tuple[str, str]]) -> tuple[int, int]:
        """(passages of the version in force that are marked, passages of this very build that go)."""
        refs: dict[str, list[str]] = {}
        for kind, ref in sources:
            refs.setdefault(kind, []).append(ref)
        removed = undone = 0
        for kind, of_kind in refs.items():
            present = Passage.objects.filter(kind=kind, ref__in=of_kind, removed_in=None)
            undone += present.filter(added_in=version.pk).delete()[0]
            removed += present.update(removed_in=version.pk)
        return removed, undone

    def finish(self) -> int:
        """Verifies the version and puts it in force; its number. Without any change: the number of the one in force.

        What the cache holds of the old version is invalidated in the same transaction. Raises :class:`NotVerified`
        or :class:`BuildLost`.
        """
        if not self._expected:
            with transaction.atomic():
                self._still_ours().delete()
            return serving_version()
        self._verify()
        with transaction.atomic():
            pointer = _locked_pointer()
            version = self._still_ours()
            now = timezone.now()
            IndexVersion.objects.filter(status=IndexVersion.Status.SERVING).update(status=IndexVersion.Status.RETIRED)
            version.status, version.serving_at = IndexVersion.Status.SERVING, now
            version.passages = Passage.objects.at_version(version.pk).count()
            if self._embedder is not None:
                of_model = Passage.objects.at_version(version.pk).filter(vector_model=self._embedder.model)
                version.embedded = of_model.count()
            version.save(update_fields=["status", "serving_at", "passages", "embedded"])
            pointer.version = version.pk
            pointer.save(update_fields=["version"])
            invalidate(self._tags)
            # After the cache's clock: whoever hears it finds that its picture is old.
            ring_after_commit(BELL, str(version.pk))
        log.info("index_in_force", version=version.pk, added=version.added, removed=version.removed, cause=self._cause)
        return version.pk

    def _verify(self) -> None:
        version = self._still_ours_unlocked()
        new, old = Passage.objects.at_version(version.pk), Passage.objects.at_version(serving_version())
        if new.count() != old.count() + version.added - version.removed:
            raise NotVerified("the number of its passages is not that of the version in force with the changes")
        found: dict[tuple[str, str], list[int]] = {}
        touched = new.filter(added_in=version.pk).order_by("kind", "ref", "place")
        for kind, ref, place, length in touched.values_list("kind", "ref", "place", Length("text")):
            if not length:
                raise NotVerified(f"a passage of {ref} is empty")
            found.setdefault((kind, ref), []).append(place)
        for source, expected in self._expected.items():
            if found.get(source, []) != list(range(expected)):
                raise NotVerified(f"the passages of {source[1]} are not complete")

    def _still_ours(self) -> IndexVersion:
        version = IndexVersion.objects.select_for_update().filter(pk=self._number).first()
        return self._checked(version)

    def _still_ours_unlocked(self) -> IndexVersion:
        return self._checked(IndexVersion.objects.filter(pk=self._number).first())

    def _checked(self, version: IndexVersion | None) -> IndexVersion:
        if version is None or version.status != IndexVersion.Status.BUILDING:
            raise BuildLost(f"Version {self._number} was given up meanwhile.")
        return version


def _differs(content: Content, digest: str, present: list[Passage]) -> bool:
    return len(content.passages) != len(present) or any(row.digest != digest for row in present)


def _locked_pointer() -> IndexPointer:
    IndexPointer.objects.get_or_create(pk=1)
    return IndexPointer.objects.select_for_update().get(pk=1)


def _give_up(version: IndexVersion, error: str) -> None:
    """Within a transaction."""
    _undo([version.pk])
    version.status, version.error = IndexVersion.Status.FAILED, error[:2000]
    version.save(update_fields=["status", "error"])
    log.warning("index_build_given_up", version=version.pk, error=error[:300])


def _undo(numbers: list[int]) -> None:
    """Nothing of these versions may be seen when a later one is in force."""
    Passage.objects.filter(added_in__in=numbers).delete()
    Passage.objects.filter(removed_in__in=numbers).update(removed_in=None)


def purge() -> int:
    """Removes passages that no reader can come upon any more, and old versions' rows; the number of passages."""
    now = timezone.now()
    settled = IndexVersion.objects.filter(serving_at__lt=now - timedelta(seconds=PURGED_AFTER_S))
    newest = settled.order_by("-number").values_list("number", flat=True).first() or 0
    count, _ = Passage.objects.filter(removed_in__lte=newest).delete()
    ended = IndexVersion.objects.filter(status__in=(IndexVersion.Status.RETIRED, IndexVersion.Status.FAILED))
    ended.filter(began_at__lt=now - timedelta(days=VERSIONS_KEPT_DAYS)).delete()
    return count

"""Versions of the index: built beside the one in force, verified, in force as a whole or not at all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.utils import timezone

from knowledge import index
from knowledge.index import Build, BuildLost, IndexBusy, NotVerified, purge, serving_version
from knowledge.models import Article, IndexVersion, Passage
from knowledge.passages import Content
from tests.mangaassist.running import until
from tests.mangaassist.this_database import database_url

pytestmark = pytest.mark.django_db(transaction=True)


def says(ref: str, *texts: str, kind: str = "article") -> Content:
    return Content(kind=kind, ref=ref, locale="en", passages=tuple(("Title", text) for text in texts))


def gone(ref: str) -> Content:
    return Content(kind="article", ref=ref)


def build(*contents: Content) -> int:
    with Build("a test") as building:
        building.put(contents)
        return building.finish()


def served() -> list[str]:
    return list(Passage.objects.serving().values_list("text", flat=True))


def test_nothing_of_a_new_version_is_seen_before_it_is_in_force() -> None:
    build(says("a/en", "old"), says("b/en", "stays"))
    with Build("a test") as building:
        building.put([says("a/en", "new"), gone("c/en")])
        assert served() == ["old", "stays"]
        building.put([says("d/en", "one", "two")])
        assert served() == ["old", "stays"]
        version = building.finish()
    assert served() == ["new", "stays", "one", "two"]
    assert serving_version() == version
    assert IndexVersion.objects.get(pk=version).passages == 4
    assert [v.status for v in IndexVersion.objects.all()] == ["serving", "retired"]


def test_the_same_again_makes_no_new_version() -> None:
    first = build(says("a/en", "one", "two"))
    assert build(says("a/en", "one", "two"), gone("never/en")) == first
    assert IndexVersion.objects.count() == 1
    assert build(says("a/en", "two", "one")) > first


def test_a_source_that_is_put_twice_counts_as_put_last() -> None:
    build(says("a/en", "old"))
    with Build("a test") as building:
        building.put([says("a/en", "first", "second")])
        building.put([says("a/en", "last")])
        building.finish()
    assert served() == ["last"]
    with Build("a test") as building:
        building.put([says("a/en", "x")])
        building.put([gone("a/en")])
        building.finish()
    assert served() == []


def test_what_goes_wrong_inside_leaves_no_trace() -> None:
    before = build(says("a/en", "old"))
    with pytest.raises(RuntimeError, match="away"), Build("a test") as building:
        building.put([says("a/en", "new"), says("b/en", "more")])
        raise RuntimeError("the source is away")
    assert (served(), serving_version()) == (["old"], before)
    failed = IndexVersion.objects.first()
    assert failed is not None
    assert (failed.status, "away" in failed.error) == ("failed", True)
    # Nor in the versions that follow.
    build(says("c/en", "next"))
    assert served() == ["old", "next"]


def test_one_build_at_a_time() -> None:
    with Build("the first"), pytest.raises(IndexBusy), Build("the second"):
        pass
    build(says("a/en", "later"))
    assert served() == ["later"]


def test_a_builder_that_is_taken_for_dead_can_do_no_more_harm() -> None:
    build(says("a/en", "old"))
    with pytest.raises(BuildLost), Build("slow") as slow:
        slow.put([says("a/en", "slow"), says("b/en", "slow")])
        IndexVersion.objects.filter(status="building").update(leased_until=timezone.now() - timedelta(seconds=1))
        build(says("c/en", "quick"))
        slow.put([says("d/en", "slow")])
    assert served() == ["old", "quick"]
    with pytest.raises(BuildLost), Build("slower") as slower:
        slower.put([says("a/en", "slower")])
        IndexVersion.objects.filter(status="building").update(leased_until=timezone.now() - timedelta(seconds=1))
        build(says("e/en", "quicker"))
        slower.finish()
    assert served() == ["old", "quick", "quicker"]


def test_what_a_failed_version_left_behind_is_never_seen() -> None:
    build(says("a/en", "old"))
    failed = IndexVersion.objects.create(status="failed", leased_until=timezone.now())
    Passage.objects.filter(text="old").update(removed_in=failed.pk)
    leftover = Passage(kind="article", ref="x/en", locale="en", title="T", text="left", digest="d", added_in=failed.pk)
    leftover.save()
    build(says("b/en", "next"))
    assert served() == ["old", "next"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda new: new.filter(text="two").delete(),
        lambda new: new.filter(text="two").update(text=""),
        lambda new: new.filter(text="one").update(place=5),
        lambda new: Passage.objects.filter(text="old").update(removed_in=None),
    ],
)
def test_a_version_that_is_not_what_it_should_be_is_not_put_in_force(damage: Any) -> None:
    before = build(says("a/en", "old"))
    with pytest.raises(NotVerified), Build("a test") as building:
        building.put([says("a/en", "one", "two")])
        damage(Passage.objects.exclude(text="old"))
        building.finish()
    assert (served(), serving_version()) == (["old"], before)


def test_old_passages_are_purged_when_nobody_can_be_reading_them() -> None:
    build(says("a/en", "old"))
    build(says("a/en", "new"))
    assert purge() == 0
    IndexVersion.objects.update(serving_at=timezone.now() - timedelta(seconds=index.PURGED_AFTER_S + 1))
    assert purge() == 1
    assert served() == ["new"]
    IndexVersion.objects.update(began_at=timezone.now() - timedelta(days=index.VERSIONS_KEPT_DAYS + 1))
    purge()
    assert [v.status for v in IndexVersion.objects.all()] == ["serving"]


def test_pointer_and_passages_are_read_in_one_query(django_assert_num_queries: Any) -> None:
    build(says("a/en", "old"))
    with django_assert_num_queries(1):
        assert served() == ["old"]


def test_a_whole_chunk_costs_the_same_queries_as_one_source(django_assert_max_num_queries: Any) -> None:
    build(*(says(f"{n}/en", "old") for n in range(100)))
    with Build("a test") as building:
        with django_assert_max_num_queries(10):
            building.put([says(f"{n}/en", "new") for n in range(100)])
        building.finish()
    assert set(served()) == {"new"}


@pytest.mark.process
def test_a_build_killed_in_the_middle_leaves_the_version_in_force_and_the_next_one_is_whole() -> None:
    """A real process of `manage.py reindex`, killed once it has written and before it is in force."""
    build(says("old/en", "old"))
    Article.objects.bulk_create(
        Article(slug=f"a{n}", locale="en", category="x", question=f"Question {n}?", body=f"Answer {n}. " * 50)
        for n in range(8_000)
    )
    process = subprocess.Popen(
        [sys.executable, "manage.py", "reindex"],
        cwd=django_settings.BASE_DIR,
        env=os.environ | {"DATABASE_URL": database_url()},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        until(lambda: Passage.objects.count() > 200, "the build at work", within_s=60)
        os.kill(process.pid, signal.SIGKILL)
        process.wait(timeout=10)
    finally:
        process.kill()
    assert served() == ["old"]
    assert IndexVersion.objects.filter(status="building").count() == 1
    with pytest.raises(IndexBusy):
        build(says("b/en", "next"))
    # Its lease runs out.
    IndexVersion.objects.filter(status="building").update(leased_until=timezone.now())
    time.sleep(0.01)
    build(says("b/en", "next"))
    assert served() == ["next", "old"]
    assert Passage.objects.count() == 2

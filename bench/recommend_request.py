"""Whole requests for recommendations, as chat and the shop's pages make them: database, cache, masks, live stock.

The baseline is the same request by somebody of whom nothing is known: the popular shelf, in the same run.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

from bench.pairing import in_turns
from bench.tables import Table

# Series; each has five volumes with an offer.
SIZES = (200, 2_000, 10_000)
VOLUMES = 5
READERS = 1_500
NOW = datetime(2026, 6, 1, tzinfo=UTC)


def run() -> list[Table]:
    rows: list[tuple[str, ...]] = []
    for series in SIZES:
        _load(series)
        rows += _measure(series)
    # With the largest shop loaded.
    return [_requests(rows), asyncio.run(_loop_lag())]


def _requests(rows: list[tuple[str, ...]]) -> Table:
    return Table(
        title="Recommendations: the whole request, 10 items with reasons and live stock",
        columns=("request", "ms", "to popular"),
        rows=rows,
        note="One blocking caller. “Made anew” is what a shopper's own click causes: history and engines, every mask, "
        "stock. “From the cache” still reads orders and stock from the database.",
    )


def _load(series: int) -> None:
    """A shop of this size, its readers, and a model of them; instead of whatever was there."""
    from django.core.management import call_command

    from mangaassist.outbox.models import OutboxMessage
    from recommendations.models import Interaction, content_key
    from recommendations.promotion import train_and_publish
    from shop.changes import ALL_SERIES_TAG
    from shop.models import Edition, Offer, OrderLine, Series

    call_command("flush", interactive=False, verbosity=0)
    assert not OrderLine.objects.exists()
    genres = [f"genre {number}" for number in range(20)]
    Series.objects.bulk_create(
        [
            Series(id=f"s{n:05}", title=f"Series {n}", genres=[genres[n % 20]], themes=[f"theme {n % 60}"],
                   authors=[f"author {n // 3}"], age_rating="teen", volume_count=VOLUMES)
            for n in range(series)
        ],
        batch_size=1_000,
    )  # fmt: skip
    asins = [(f"S{n:05}-{volume}", f"s{n:05}", volume) for n in range(series) for volume in range(1, VOLUMES + 1)]
    Edition.objects.bulk_create(
        [
            Edition(asin=asin, series_id=id, title=f"{id} {volume}", language="en", format="paperback",
                    volumes=[volume], first_volume=volume, age_rating="teen")
            for asin, id, volume in asins
        ],
        batch_size=1_000,
    )  # fmt: skip
    Offer.objects.bulk_create(
        [Offer(edition_id=asin, price="9.99", currency="USD", stock=7) for asin, _, _ in asins], batch_size=1_000
    )
    dice = random.Random(4)
    rows = []
    for reader in range(READERS):
        read: set[int] = set()
        while len(read) < 25:
            anything = min(int(dice.expovariate(1 / (series / 5))), series - 1)
            read.add(anything // 20 * 20 + reader % 20 if dice.random() < 0.5 else anything)
        for step, number in enumerate(sorted(read, key=lambda _: dice.random())):
            asin, at = f"S{number:05}-1", NOW - timedelta(days=dice.randrange(90), minutes=step)
            rows.append(
                Interaction(
                    customer_id=f"reader-{reader}", asin=asin, series_id=f"s{number:05}", type="purchase", at=at,
                    content_key=content_key(f"reader-{reader}", "", asin, "purchase", None, at),
                )
            )  # fmt: skip
    Interaction.objects.bulk_create(rows, batch_size=1_000, ignore_conflicts=True)
    from caching.invalidation import bump_now

    bump_now([ALL_SERIES_TAG, "everything:*"])
    # Nobody delivers here, and what waits would be looked at again and again.
    OutboxMessage.objects.all().delete()
    train_and_publish(force=True)


def _measure(series: int) -> list[tuple[str, ...]]:
    from caching.invalidation import bump_now
    from recommendations.models import Interaction
    from recommendations.recommend import RecommendationRequest, recommend_for

    long = RecommendationRequest(customer_id="reader-7", limit=10)
    Interaction.objects.of_customer("reader-8").filter(
        pk__in=list(Interaction.objects.of_customer("reader-8").values_list("pk", flat=True)[5:])
    ).delete()
    short = RecommendationRequest(customer_id="reader-8", limit=10)
    nobody = RecommendationRequest(session_id="nobody", limit=10)
    like = RecommendationRequest(session_id="nobody", asin="S00003-1", limit=10)

    def anew(request: RecommendationRequest) -> None:
        # Cheaper than a stored click, and with the same effect on the cache.
        bump_now([f"customer:{request.customer_id or f'session-{request.session_id}'}"])
        recommend_for(request)

    contestants: dict[str, Callable[[], object]] = {
        "popular, made anew": partial(anew, nobody),
        "5 known, made anew": partial(anew, short),
        "25 known, made anew": partial(anew, long),
        "similar to one, made anew": partial(anew, like),
        "25 known, from the cache": partial(recommend_for, long),
    }
    for engine, request in (("popular", nobody), ("session", short), ("ease", long)):
        found = recommend_for(request).engine
        assert found == engine, f"{found} answered instead of {engine}"
    timings = in_turns(contestants, rounds=15, calls=10)
    return [
        (
            f"{name}, {series * VOLUMES:,} editions",
            f"{timings.micros(name) / 1000:.2f}",
            f"{timings.ratio(name, 'popular, made anew'):.2f}",
        )
        for name in contestants
    ]


async def _loop_lag() -> Table:
    """How late a task of the event loop is that wants to run every millisecond."""
    from caching.invalidation import bump_now
    from chat.warm import settle
    from recommendations.recommend import RecommendationRequest, arecommend_for

    # As every web process does.
    settle()

    async def busy(number: int) -> None:
        while not done.is_set():
            customer = f"reader-{number}"
            bump_now([f"customer:{customer}"])
            await arecommend_for(RecommendationRequest(customer_id=customer, limit=10))

    rows = []
    for callers in (0, 1, 4, 8):
        done = asyncio.Event()
        tasks = [asyncio.create_task(busy(20 + number)) for number in range(callers)]
        await asyncio.sleep(0.3)
        late = []
        for _ in range(2_000):
            began = time.perf_counter()
            await asyncio.sleep(0.001)
            late.append((time.perf_counter() - began - 0.001) * 1000)
        done.set()
        await asyncio.gather(*tasks)
        late.sort()
        places = [f"{late[int(len(late) * share)]:.2f}" for share in (0.5, 0.95, 0.99)]
        rows.append((f"{callers} shoppers at a time, made anew", *places, f"{late[-1]:.2f}"))
    return Table(
        title="Recommendations: how late the event loop is meanwhile",
        columns=("load", "median ms", "95 %", "99 %", "worst"),
        rows=rows,
        note=f"{SIZES[-1] * VOLUMES:,} editions; engines, masks and database run in threads, which share Python's "
        "interpreter lock with the loop.",
    )

"""The operator's overview over a million turns: how long it takes to count them, and to open the page. By name only:
``python -m bench overview``.

:func:`fill` makes two months of a shop that grows: more in the evening and at weekends, a slow evening now and then.
"""

from __future__ import annotations

import itertools
import math
import random
import time
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from bench.tables import Table

BY_NAME_ONLY = True
TURNS = 1_000_000
DAYS = 60
OPENED = 30
BATCH = 5_000
# intent: (share, share that is answered)
_INTENTS = {
    "recommend": (24, 0.97), "search": (15, 0.91), "availability": (12, 0.95), "price": (9, 0.96),
    "next_volume": (8, 0.97), "faq": (8, 1.0), "series_facts": (7, 0.94), "order_status": (5, 1.0),
    "greeting": (4, 1.0), "reading_order": (3, 1.0), "promotions": (2, 1.0), "other": (2, 0.0), "human": (1, 1.0),
}  # fmt: skip
_ENGINES = ("ease", "ease", "ease", "session", "session", "popular")


def fill(turns: int, days: int, now: datetime, *, seed: int = 7) -> None:
    """Rows up to ``now``, written in bulk; the last day ends with now."""
    from chat.models import Conversation, FeedbackCount, Message, Turn
    from escalation.models import Handoff
    from recommendations.models import Interaction

    rng = random.Random(seed)
    weights = [_busy(now - timedelta(hours=hours)) * (1 - hours / days / 60) for hours in range(days * 24)]
    hours = rng.choices(range(days * 24), weights=weights, k=int(turns / 4.5) + 1)
    moments = sorted(now - timedelta(hours=hour, seconds=rng.random() * 3_600) for hour in hours)
    made = _conversations(moments, turns, rng)
    while batch := list(itertools.islice(made, BATCH)):
        Conversation.objects.bulk_create(dict.fromkeys(turn.conversation for turn, *_ in batch), ignore_conflicts=True)
        Turn.objects.bulk_create([turn for turn, *_ in batch])
        Message.objects.bulk_create([message for _, message, *_ in batch])
        Handoff.objects.bulk_create([each for *_, handoff, _ in batch for each in handoff])
        Interaction.objects.bulk_create([each for *_, clicks in batch for each in clicks])
    for back in range(days):
        day = (now - timedelta(days=back)).date()
        for intent, (share, _) in _INTENTS.items():
            up = rng.randrange(2, 5) * share
            FeedbackCount.objects.create(day=day, intent=intent, up=up, down=int(up * rng.uniform(0.05, 0.14)))


def _busy(at: datetime) -> float:
    """How much is asked in an hour like this one, as a share of the busiest."""
    evening = math.exp(-(((at.hour - 20) % 24 - 0) ** 2) / 18) + math.exp(-((at.hour - 13) ** 2) / 10) * 0.6
    return (0.06 + evening) * (1.35 if at.weekday() >= 5 else 1.0)


def _conversations(moments: list[datetime], turns: int, rng: random.Random) -> Iterator[tuple[Any, Any, list, list]]:
    """(turn, its answer, the handoff it led to, what was clicked and bought of its list)."""
    from chat.models import Conversation
    from escalation.models import Handoff

    made = 0
    for moment in moments:
        talk = Conversation(session_id=uuid.uuid4().hex, created_at=moment, updated_at=moment)
        at = moment
        for place in range(rng.choice((2, 3, 4, 5, 8))):
            if made == turns:
                return
            made += 1
            handed = []
            if place == 2 and rng.random() < 0.05:
                reason = rng.choice(("asked", "asked", "complaint", "frustration", "uncertain"))
                handed = [Handoff(conversation_id=talk.pk.hex, trigger=reason, status="closed", opened_at=at)]
            yield (*_turn(talk, at, rng), handed, [])
            at += timedelta(seconds=rng.uniform(12, 90))


def _turn(talk: Any, at: datetime, rng: random.Random) -> tuple[Any, Any]:
    from chat.models import Message, Turn

    intent = rng.choices(list(_INTENTS), weights=[share for share, _ in _INTENTS.values()])[0]
    answered = rng.random() < _INTENTS[intent][1]
    status = "failed" if rng.random() < 0.004 else "stopped" if rng.random() < 0.01 else "complete"
    slow = 2.6 if at.day % 11 == 3 and 18 <= at.hour <= 22 else 1.0
    writes = rng.random() < 0.62 and intent not in ("other", "human", "greeting", "order_status")
    first = rng.lognormvariate(math.log(620 if writes else 14), 0.45) * slow
    steps = {"memory": 1.2, "screen": 0.3, "understand": 6.0, "products": 9.0, "live_offers": 3.0, "generate": first}
    steps |= {"recommend": {"recommendations": 38.0}, "faq": {"passages": 12.0}}.get(intent, {})
    budgets = {"understand": 20, "products": 50, "recommendations": 200, "generate": 1500}
    told = []
    for step, ms in steps.items():
        taken = round(ms if step == "generate" else rng.lognormvariate(math.log(ms), 0.5) * slow, 2)
        budget = budgets.get(step)
        told.append({"step": step, "ms": taken} | ({"budget_ms": budget, "over": taken > budget} if budget else {}))
    generation: dict[str, Any] = {"generator": "composer"}
    if writes:
        fell = rng.random() < 0.012
        read, written = rng.randrange(700, 1_900), rng.randrange(60, 220)
        generation = {"generator": "composer" if fell else "bedrock", "read": read, "written": written}
        generation |= {"cost": round(read * 0.0000008 + written * 0.000004, 8)} | ({"tried": "bedrock"} if fell else {})
    engine = rng.choice(_ENGINES) if intent == "recommend" else ""
    turn = Turn(
        conversation=talk,
        status=status,
        intent=intent,
        language="ja" if talk.pk.int % 3 == 0 else "en",
        generator=generation["generator"],
        engine=engine,
        trace={"steps": told, "slots": [], "notes": [], "generation": generation, "cache": []},
        latency_ms=first * 1.4,
        first_delta_ms=first,
        started_at=at,
        finished_at=at,
    )
    list_id = {"recommendation_id": uuid.uuid4().hex} if engine else {}
    cards = [list_id | {"kind": "product", "id": "B1"}] if answered and intent not in ("faq", "other") else []
    return turn, Message(conversation=talk, turn=turn, role="assistant", content="…", cards=cards, created_at=at)


def run() -> list[Table]:
    from django.contrib.auth.models import User
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext
    from django.utils import timezone

    from chat.models import Turn
    from mangaassist.analytics.models import Tally
    from mangaassist.analytics.rollup import roll_up

    fill(TURNS, DAYS, timezone.now())
    began = time.perf_counter()
    while not roll_up():
        pass
    counted_s = time.perf_counter() - began
    began = time.perf_counter()
    roll_up()
    again_s = time.perf_counter() - began
    client = Client(headers={"host": "localhost"})
    client.force_login(User.objects.create_superuser("op"))
    rows = []
    for period in ("today", "week", "month"):
        address = f"/admin/overview/?period={period}"
        client.get(address)
        times = []
        for _ in range(OPENED):
            began = time.perf_counter()
            assert client.get(address).status_code == 200
            times.append((time.perf_counter() - began) * 1_000)
        with CaptureQueriesContext(connection) as queries:
            client.get(address)
        ordered = sorted(times)
        rows.append([period, str(len(queries)), f"{median(times):.0f} ms", f"{ordered[int(OPENED * 0.95)]:.0f} ms"])
    note = (
        f"{Turn.objects.count():,} turns in {DAYS} days, {Tally.objects.count():,} tallies. Counting all of them from "
        f"nothing took {counted_s:.0f} s ({TURNS / counted_s:,.0f} turns/s); a run with nothing new takes "
        f"{again_s * 1_000:.0f} ms."
    )
    return [Table(title="Overview", columns=["Period", "Queries", "Median", "p95"], rows=rows, note=note)]

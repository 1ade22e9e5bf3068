"""The overview's lists below the plots: what shoppers want, where time goes, what is recommended, kept and paid for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from caching.charts import Chart
from chat.waterfall import STEPS
from mangaassist.analytics import wording
from mangaassist.analytics.models import UnansweredCount, UnansweredQuestion
from mangaassist.analytics.plots import spark
from mangaassist.analytics.reading import Read, labelled, total
from mangaassist.analytics.tallying import Numbers, quantile_ms
from mangaassist.analytics.tiles import share
from mangaassist.names import intent_name, name_of

Link = Callable[..., str]
MOST_INTENTS = 10
MOST_QUESTIONS = 6
TREND_DAYS = 30
BAR = 100


@dataclass(frozen=True, slots=True)
class Row:
    """``bar`` and ``mark``: of BAR, where the bar ends and a mark stands (None: none). ``is_bad``: worth a look."""

    label: str
    cells: list[str]
    bar: float | None = None
    mark: float | None = None
    is_bad: bool = False
    href: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """A table: ``columns`` name the label's and the cells' columns. ``sum``: a line above it. ``note``: below."""

    name: str
    title: str
    columns: list[str]
    rows: list[Row]
    sum: str = ""
    note: str = ""
    href: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A question that is often asked in vain. ``nearest`` may be empty."""

    question: str
    language: str
    asked: str
    nearest: str
    spark: Chart
    href: str


def panels(read: Read, link: Link) -> list[Panel]:
    return [intents(read, link), steps(read, link), engines(read, link), caches(read, link), generators(read, link),
            languages(read, link), handoffs(read, link)]  # fmt: skip


def intents(read: Read, link: Link) -> Panel:
    found = labelled(read.whole, "intent")
    whole, most = total(found.values(), "turns"), max((each["turns"] for each in found.values()), default=0)
    rows = [
        Row(
            intent_name(intent),
            [wording.count(numbers["turns"]), _rate(numbers.get("answered", 0), numbers.get("unanswered", 0))],
            bar=numbers["turns"] / most * BAR,
            href=link("chat.turn", started_at__gte=read.begins.isoformat(), intent=intent),
        )
        for intent, numbers in _by(found, "turns")[:MOST_INTENTS]
    ]
    rest = whole - sum(numbers["turns"] for _intent, numbers in _by(found, "turns")[:MOST_INTENTS])
    note = _("and %s questions of other kinds") % wording.count(rest) if rest else ""
    columns = [_("Wish"), _("Questions"), _("Answered")]
    return Panel("intents", _("What shoppers want"), columns, rows, note=note)


def _rate(good: float, bad: float) -> str:
    return wording.percent(share(good, good + bad))


def steps(read: Read, link: Link) -> Panel:
    found = labelled(read.whole, "step")
    slowest = max((quantile_ms(numbers, "time", 0.95) or 0 for numbers in found.values()), default=0)
    rows = []
    for step in sorted(found, key=_step_order):
        numbers = found[step]
        median, late = quantile_ms(numbers, "time", 0.5), quantile_ms(numbers, "time", 0.95)
        budget_ms = settings.TURN_BUDGETS_S.get(step, 0) * 1000
        over = share(numbers.get("over", 0), numbers["runs"]) or 0
        rows.append(
            Row(
                name_of(STEPS, step),
                [
                    wording.milliseconds(median),
                    wording.milliseconds(late),
                    wording.milliseconds(budget_ms) if budget_ms else "–",
                    wording.percent(over, exact=True) if budget_ms else "–",
                ],
                bar=(late or 0) / slowest * BAR if slowest else None,
                mark=budget_ms / slowest * BAR if budget_ms and budget_ms <= slowest else None,
                is_bad=over > 0.05,
            )
        )
    return Panel(
        "steps",
        _("Where the time goes"),
        [_("Step"), _("Half within"), _("19 of 20"), _("Budget"), _("Over it")],
        rows,
        note=_("Bars: what 19 of 20 do not exceed; the mark is the budget. Times are known within 9 %."),
    )


def _step_order(step: str) -> tuple[int, str]:
    order = list(STEPS)
    return (order.index(step) if step in order else len(order), step)


def engines(read: Read, link: Link) -> Panel:
    found = labelled(read.whole, "engine")
    rows = []
    for engine, numbers in _by(found, "shown"):
        shown = numbers.get("shown", 0)
        clicked, bought = share(numbers.get("clicked", 0), shown), share(numbers.get("bought", 0), shown)
        rows.append(
            Row(
                engine,
                [wording.count(shown), wording.percent(clicked, exact=True), wording.percent(bought, exact=True)],
                bar=(clicked or 0) * BAR,
                href=link("chat.turn", started_at__gte=read.begins.isoformat(), engine=engine),
            )
        )
    return Panel(
        "engines",
        _("Recommendations"),
        [_("Engine"), _("Lists"), _("Clicked"), _("Bought")],
        rows,
        note=_("Lists shown in conversations, by the day they were shown; bought: within a week after a click."),
        href=link("recommendations.experiment"),
        link=_("Experiments"),
    )


def caches(read: Read, link: Link) -> Panel:
    found = labelled(read.whole, "cache")
    rows, saved_s = [], 0.0
    for kind, numbers in sorted(found.items(), key=lambda each: -each[1].get("hits", 0) - each[1].get("misses", 0)):
        asked = numbers.get("hits", 0) + numbers.get("misses", 0)
        saved_s += saved(numbers)
        ratio = share(numbers.get("hits", 0), asked)
        rows.append(
            Row(
                name_of(wording.CACHES, kind),
                [wording.count(asked), wording.percent(ratio), wording.duration(saved(numbers))],
                bar=(ratio or 0) * BAR,
            )
        )
    hits, misses = total(found.values(), "hits"), total(found.values(), "misses")
    told = {"ratio": _rate(hits, misses), "time": wording.duration(saved_s)}
    return Panel(
        "caches",
        _("Cache"),
        [_("Kind"), _("Asked for"), _("From the cache"), _("Time saved")],
        rows,
        sum=_("%(ratio)s found, %(time)s of computing saved") % told if rows else "",
        href=link("caching.cachepolicy"),
        link=_("Cache policies"),
    )


def saved(numbers: Numbers) -> float:
    """Seconds: what the answers that were found would have taken to compute, as long as others did."""
    if not (numbers.get("hit_n") and numbers.get("miss_n")):
        return 0.0
    hit_us = numbers["hit_us"] / numbers["hit_n"]
    miss_us = numbers["miss_us"] / numbers["miss_n"]
    return max(0.0, numbers["hit_n"] * (miss_us - hit_us) / 1e6)


def generators(read: Read, link: Link) -> Panel:
    found = labelled(read.whole, "generator")
    most = max((each["turns"] for each in found.values()), default=0)
    rows = [
        Row(
            generator,
            [
                wording.count(numbers["turns"]),
                wording.count(numbers.get("read", 0) + numbers.get("cached", 0) + numbers.get("stored", 0)),
                wording.count(numbers.get("written", 0)),
                wording.percent(share(numbers.get("fallbacks", 0), numbers["turns"]), exact=True),
                wording.dollars(numbers.get("dollars", 0)),
            ],
            bar=numbers["turns"] / most * BAR,
            is_bad=numbers.get("fallbacks", 0) > 0.05 * numbers["turns"],
            href=link("chat.turn", started_at__gte=read.begins.isoformat(), generator=generator),
        )
        for generator, numbers in _by(found, "turns")
    ]
    columns = [_("Written by"), _("Answers"), _("Tokens read"), _("Tokens written"), _("Fell back"), _("Cost")]
    note = _("Fell back: the composer answered in its place. Cost: by the prices that are set.")
    return Panel("generators", _("Who wrote the answers"), columns, rows, note=note)


def languages(read: Read, link: Link) -> Panel:
    rows = _shares(
        labelled(read.whole, "language"),
        "turns",
        wording.language_name,
        lambda language: link("chat.turn", started_at__gte=read.begins.isoformat(), language=language),
    )
    return Panel("languages", _("Languages"), [_("Language"), _("Questions"), _("Share")], rows)


def handoffs(read: Read, link: Link) -> Panel:
    rows = _shares(
        labelled(read.whole, "handoffs"),
        "opened",
        wording.trigger_name,
        lambda trigger: link("escalation.handoff", opened_at__gte=read.begins.isoformat(), trigger__exact=trigger),
    )
    return Panel("handoffs", _("Why a person was needed"), [_("Reason"), _("Conversations"), _("Share")], rows)


def _shares(
    found: Mapping[str, Numbers], name: str, told: Callable[[str], str], href: Callable[[str], str]
) -> list[Row]:
    """How many of each label there are, and its share of all; ``told``: the label for people."""
    whole = total(found.values(), name)
    return [
        Row(
            told(label),
            [wording.count(numbers[name]), wording.percent(numbers[name] / whole)],
            bar=numbers[name] / whole * BAR,
            href=href(label),
        )
        for label, numbers in _by(found, name)
    ]


def _by(found: Mapping[str, Numbers], name: str) -> list[tuple[str, Numbers]]:
    """The most first; those without any are left out."""
    known: Iterable[tuple[str, Numbers]] = ((label, numbers) for label, numbers in found.items() if numbers.get(name))
    return sorted(known, key=lambda each: (-each[1][name], each[0]))


# --- What is asked in vain --------------------------------------------------------------------------------------------


def wanted(read: Read, link: Link) -> list[Wanted]:
    """The most asked of those that nobody has handled and that were asked in the period."""
    rows = UnansweredQuestion.objects.filter(handled_at=None, last_asked_at__gte=read.begins)
    most = list(rows.order_by("-asked", "-last_asked_at")[:MOST_QUESTIONS])
    trend = trends(row.pk for row in most)
    return [
        Wanted(
            row.question,
            row.language,
            wording.count(row.asked),
            row.nearest,
            spark([float(number) for number in trend[row.pk]]),
            link("analytics.unansweredquestion", row.pk),
        )
        for row in most
    ]


def trends(questions: Iterable[int]) -> dict[int, list[int]]:
    """How often each was asked on each of the last TREND_DAYS days, oldest first: one query."""
    today = timezone.localdate()
    found = {question: [0] * TREND_DAYS for question in questions}
    since = today - timedelta(days=TREND_DAYS - 1)
    counts = UnansweredCount.objects.filter(question__in=found, day__gte=since, day__lte=today)
    for question, day, asked in counts.values_list(F("question_id"), "day", "asked"):
        found[question][(day - since).days] = asked
    return found

"""The overview's first figures, each beside what it was in the period before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from caching.charts import Chart
from chat.assistant import read_assistant, spent_today
from mangaassist.analytics import wording
from mangaassist.analytics.plots import Values, spark
from mangaassist.analytics.reading import Read, labelled, total, values
from mangaassist.analytics.tallying import Counted, Numbers, quantile_ms

# A change of less than that is none.
EVEN_COUNT = 0.01
EVEN_POINTS = 0.001


@dataclass(frozen=True, slots=True)
class Delta:
    """``tone``: good, bad or even. ``text`` begins with the arrow or sign; ``told``: for who cannot see colours."""

    text: str
    tone: str
    told: str


@dataclass(frozen=True, slots=True)
class Tile:
    name: str
    label: str
    value: str
    note: str
    delta: Delta | None
    spark: Chart | None
    href: str


@dataclass(frozen=True, slots=True)
class Opinions:
    """``share_before``, ``shares`` (by day): of the good ones; None where there are none."""

    bad: int
    good: int
    share_before: float | None
    shares: list[float | None] | None


@dataclass(frozen=True, slots=True)
class Rates:
    """Of a period; shares are None where nothing happened."""

    begun: float
    turns: float
    answered: float | None
    handed: float | None
    unanswered: float
    first_ms: float | None
    first_ms_95: float | None
    dollars: float

    @classmethod
    def of(cls, counted: Counted) -> Rates:
        turns = counted.get(("turns", ""), {})
        return cls(
            begun=turns.get("begun", 0),
            turns=ended(turns),
            answered=answered(turns),
            handed=handed(counted),
            unanswered=turns.get("unanswered", 0),
            first_ms=quantile_ms(turns, "first", 0.5),
            first_ms_95=quantile_ms(turns, "first", 0.95),
            dollars=dollars(counted),
        )


def tiles(read: Read, opinions: Opinions, link: Callable[..., str]) -> list[Tile]:
    now = Rates.of(read.whole)
    before = Rates.of(read.before) if read.before is not None else None
    turns = values(read.points, read.now)
    since = read.begins.isoformat()
    liked = share(opinions.good, opinions.good + opinions.bad)
    past = [counted if start <= read.now else None for start, counted in read.points]
    return [
        Tile(
            "conversations", _("Conversations"), wording.count(now.begun), "",
            _more(now.begun, before.begun if before else None), _spark(turns, lambda each: each.get("begun", 0)),
            link("chat.conversation", updated_at__gte=since),
        ),
        Tile(
            "turns", _("Questions"), wording.count(now.turns),
            _("%.1f a conversation") % (now.turns / now.begun) if now.begun else "",
            _more(now.turns, before.turns if before else None), _spark(turns, ended),
            link("chat.turn", started_at__gte=since),
        ),
        Tile(
            "answered", _("Answered"), wording.percent(now.answered), _("of all questions"),
            _points(now.answered, before.answered if before else None, up_is_good=True),
            spark([None if each is None else answered(each) for each in turns], top=1.0),
            link("chat.turn", started_at__gte=since, status__exact="complete"),
        ),
        Tile(
            "handed", _("To a person"), wording.percent(now.handed, exact=True), _("of conversations"),
            _points(now.handed, before.handed if before else None, up_is_good=False),
            spark([None if counted is None else handed(counted) for counted in past]),
            link("escalation.handoff", opened_at__gte=since),
        ),
        Tile(
            "liked", _("Liked"), wording.percent(liked),
            _("%(up)s good, %(down)s bad") % {"up": wording.count(opinions.good), "down": wording.count(opinions.bad)},
            _points(liked, opinions.share_before, up_is_good=True),
            spark(opinions.shares, top=1.0) if opinions.shares else None,
            link("chat.feedback", updated_at__gte=since, rating__exact=-1),
        ),
        Tile(
            "first", _("Until the first words"), wording.milliseconds(now.first_ms),
            _("19 of 20 within %s") % wording.milliseconds(now.first_ms_95) if now.first_ms_95 else "",
            _slower(now.first_ms, before.first_ms if before else None),
            _spark(turns, lambda each: quantile_ms(each, "first", 0.5)),
            link("chat.turn", started_at__gte=since),
        ),
        Tile(
            "unanswered", _("Not found"), wording.count(now.unanswered), _("questions without an answer"),
            _more(now.unanswered, before.unanswered if before else None, up_is_good=False),
            _spark(turns, lambda each: each.get("unanswered", 0)),
            link("analytics.unansweredquestion", handled="no"),
        ),
        Tile(
            "spend", _("Models"), wording.dollars(now.dollars),
            _budget() or _cost_a_thousand(now),
            _more(now.dollars, before.dollars if before else None, up_is_good=None),
            spark([None if counted is None else dollars(counted) for counted in past]),
            link("chat.turn", started_at__gte=since),
        ),
    ]  # fmt: skip


def share(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def ended(turns: Numbers) -> float:
    return turns.get("complete", 0) + turns.get("stopped", 0) + turns.get("failed", 0)


def answered(turns: Numbers) -> float | None:
    """Of what was answered, not found or failed. Who stops an answer has said nothing of it."""
    good = turns.get("answered", 0)
    return share(good, good + turns.get("unanswered", 0) + turns.get("failed", 0))


def handed(counted: Counted) -> float | None:
    """Handoffs by conversations that began; an older one may be handed over as well, but more than all are not."""
    begun = counted.get(("turns", ""), {}).get("begun", 0)
    opened = total(labelled(counted, "handoffs").values(), "opened")
    return min(1.0, opened / begun) if begun else None


def dollars(counted: Counted) -> float:
    return total(labelled(counted, "generator").values(), "dollars")


def _cost_a_thousand(rates: Rates) -> str:
    if not rates.turns:
        return ""
    return _("%s a thousand questions") % wording.dollars(rates.dollars / rates.turns * 1_000)


def _budget() -> str:
    """What has gone of today's budget for models, if there is one (days of UTC, as the assistant counts them)."""
    budget = read_assistant().budget_per_day
    if budget is None:
        return ""
    words = {"spent": wording.dollars(float(spent_today())), "budget": wording.dollars(float(budget))}
    return _("today %(spent)s of %(budget)s") % words


def _spark(turns: list[Numbers | None], figure: Callable[[Numbers], float | None]) -> Chart | None:
    known: Values = [None if each is None else figure(each) for each in turns]
    return spark(known)


# --- Beside the period before -----------------------------------------------------------------------------------------


def _more(now: float, before: float | None, *, up_is_good: bool | None = True) -> Delta | None:
    """``up_is_good``: None, neither."""
    if not before:
        return None
    change = now / before - 1
    if abs(change) < EVEN_COUNT:
        return Delta(_("as before"), "even", "")
    return _delta(change, f"{wording.percent(abs(change))}", up_is_good)


def _points(now: float | None, before: float | None, *, up_is_good: bool) -> Delta | None:
    if now is None or before is None:
        return None
    change = now - before
    if abs(change) < EVEN_POINTS:
        return Delta(_("as before"), "even", "")
    return _delta(change, _("%.1f points") % abs(change * 100), up_is_good)


def _slower(now: float | None, before: float | None) -> Delta | None:
    """Quantiles are known within 9 %: what differs by less is the same."""
    if now is None or not before:
        return None
    change = now / before - 1
    if abs(change) < 0.09:
        return Delta(_("as before"), "even", "")
    told = wording.percent(abs(change))
    return Delta(
        f"{'▲' if change > 0 else '▼'} {told}",
        "bad" if change > 0 else "good",
        _("slower than before") if change > 0 else _("faster than before"),
    )


def _delta(change: float, told: str, up_is_good: bool | None) -> Delta:
    tone = "even" if up_is_good is None else "good" if (change > 0) == up_is_good else "bad"
    return Delta(
        f"{'▲' if change > 0 else '▼'} {told}", tone, _("more than before") if change > 0 else _("less than before")
    )

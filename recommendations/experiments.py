"""Trying things out on shoppers: who gets which arm, that they got it, and what they did then.

Assignment is a hash of the experiment's salt and the shopper: the same everywhere, without a table. An exposure is
written behind the first answer; outcomes are written with the interactions themselves. Off while nothing runs.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, cast

import structlog
from django.db import DatabaseError, IntegrityError, close_old_connections, connection, transaction
from django.db.models import Count, Max, Q
from django.utils import timezone

from caching.behind import Behind
from caching.pictures import Picture
from mangaassist.rehearsal import is_rehearsal
from recommendations.models import Arm, Experiment, Exposure, Interaction, Outcome
from recommendations.tuning import BOUNDS, Engine, ShelfOrder, Tuning, usual

log = structlog.get_logger(__name__)

TAG = "experiments"
# The interactions that count, as a result page names them.
OUTCOMES = ("click", "add_to_cart", "purchase")
# Shoppers that this process need not tell of again; more are forgotten and told of twice, which changes nothing.
REMEMBERED = 100_000
# The first exposure is written during the turn that it belongs to.
EXPOSED_WITHIN = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class RunningArm:
    id: int
    weight: int
    engine: str
    shelf_order: str
    # Only those that differ from the delivered ones.
    parameters: tuple[tuple[str, float], ...]

    def tuning(self) -> Tuning:
        known: dict[str, Any] = dict(self.parameters)
        return replace(
            usual(), engine=cast(Engine, self.engine), shelf_order=cast(ShelfOrder, self.shelf_order), **known
        )


@dataclass(frozen=True, slots=True)
class Running:
    id: int
    salt: str
    traffic: float
    arms: tuple[RunningArm, ...]


@dataclass(frozen=True, slots=True)
class Board:
    """``for_everybody``: the arm that was rolled out last."""

    running: Running | None
    for_everybody: RunningArm | None


@dataclass(frozen=True, slots=True)
class Part:
    """That a shopper takes part, and in which arm."""

    experiment_id: int
    salt: str
    arm_id: int


@dataclass(frozen=True, slots=True)
class Assignment:
    """How a shopper is to be answered; ``part`` None: outside every experiment."""

    owner: str
    tuning: Tuning
    part: Part | None = None


def _as_running(arm: Arm) -> RunningArm:
    parameters = tuple((name, value) for name in BOUNDS if (value := getattr(arm, name)) is not None)
    return RunningArm(arm.pk, arm.weight, arm.engine, arm.shelf_order, parameters)


def _read_board() -> Board:
    experiment = Experiment.objects.filter(status=Experiment.Status.RUNNING).prefetch_related("arms").first()
    last = (
        Experiment.objects.filter(status=Experiment.Status.ROLLED_OUT)
        .select_related("rolled_out")
        .order_by("-rolled_out_at")
        .first()
    )
    running = None
    if experiment is not None:
        arms = tuple(_as_running(arm) for arm in experiment.arms.all())
        running = Running(experiment.pk, experiment.salt, experiment.traffic_percent / 100, arms)
    return Board(running, _as_running(last.rolled_out) if last is not None and last.rolled_out else None)


board = Picture(
    TAG,
    make=_read_board,
    rows_version=lambda: tuple(Experiment.objects.aggregate(n=Count("pk"), at=Max("updated_at")).values()),
)


# --- Assignment -----------------------------------------------------------------------------------------------


def assign(owner: str) -> Assignment:
    """``owner``: as in cache keys; empty for nobody in particular, who takes part in nothing."""
    now = board.current()
    base = now.for_everybody.tuning() if now.for_everybody else usual()
    if now.running is None or not owner:
        return Assignment(owner, base)
    arm = arm_for(now.running, owner)
    if arm is None:
        return Assignment(owner, base)
    return Assignment(owner, arm.tuning(), Part(now.running.id, now.running.salt, arm.id))


def arm_for(running: Running, owner: str) -> RunningArm | None:
    """The same for the same shopper, everywhere; None for those outside the experiment's traffic."""
    digest = hashlib.blake2b(f"{running.salt}\x1f{owner}".encode(), digest_size=16).digest()
    # Two draws that have nothing to do with each other: more traffic later moves nobody to another arm.
    takes_part, which = (int.from_bytes(half) / 2**64 for half in (digest[:8], digest[8:]))
    if takes_part >= running.traffic or not running.arms:
        return None
    left = which * sum(arm.weight for arm in running.arms)
    for arm in running.arms:
        left -= arm.weight
        if left < 0:
            return arm
    return running.arms[-1]


# --- Exposures ------------------------------------------------------------------------------------------------

# Its own thread: a locked database must not hold up what else is done behind answers.
writer = Behind()
_told: set[tuple[str, str]] = set()
_lock = threading.Lock()


def expose(assignment: Assignment) -> None:
    """This shopper is being answered by this arm. Returns at once; written behind the answer, once."""
    part = assignment.part
    if part is None or is_rehearsal():
        return
    key = (part.salt, assignment.owner)
    with _lock:
        if key in _told:
            return
        if len(_told) >= REMEMBERED:
            _told.clear()
        _told.add(key)
    if not writer.submit(partial(_write, assignment.owner, part, timezone.now())):
        _forget(key)


def _write(owner: str, part: Part, at: datetime) -> None:
    close_old_connections()
    exposure = Exposure(experiment_id=part.experiment_id, arm_id=part.arm_id, owner=owner, first_at=at)
    try:
        Exposure.objects.bulk_create([exposure], ignore_conflicts=True)
    except DatabaseError as error:
        # The next answer tries again.
        _forget((part.salt, owner))
        log.warning("exposure_not_written", error=str(error))
    finally:
        connection.close()


def _forget(key: tuple[str, str]) -> None:
    with _lock:
        _told.discard(key)


def forget_participation(owners: Collection[str], *, until: datetime | None = None) -> None:
    """Deletes what a shopper's part in experiments was, under each of their names, if it began before ``until``; call
    it in the transaction that forgets the rest."""
    parts = Exposure.objects.filter(owner__in=owners)
    (parts if until is None else parts.filter(first_at__lte=until)).delete()


def parts_of(owner: str, at: datetime) -> tuple[str, ...]:
    """``experiment: arm`` of each experiment that this shopper took part in at that time."""
    running = Q(experiment__ended_at=None) | Q(experiment__ended_at__gte=at)
    exposures = Exposure.objects.filter(running, owner=owner, first_at__lte=at + EXPOSED_WITHIN)
    return tuple(f"{each.experiment}: {each.arm}" for each in exposures.select_related("experiment", "arm"))


# --- Outcomes -------------------------------------------------------------------------------------------------


def running_now() -> Running | None:
    """Ask before a transaction changes something: within it, the answer has to come from the rows."""
    return board.current().running


def record_outcomes(done: Iterable[tuple[str, Interaction]], running: Running | None) -> None:
    """(shopper, new interaction): those of shoppers who take part, since they do. Call it in the transaction that
    stores the interactions."""
    wanted = [(owner, row) for owner, row in done if row.type in OUTCOMES] if running else []
    if running is None or not wanted:
        return
    owners = {owner for owner, _ in wanted}
    exposures = {each.owner: each for each in Exposure.objects.filter(experiment_id=running.id, owner__in=owners)}
    outcomes = [
        Outcome(
            exposure=exposures[owner],
            type=row.type,
            from_list=bool(row.recommendation_id),
            at=row.at,
            content_key=row.content_key,
        )
        for owner, row in wanted
        if owner in exposures and row.at >= exposures[owner].first_at
    ]
    Outcome.objects.bulk_create(outcomes, ignore_conflicts=True, batch_size=1000)


# --- The operator's hand --------------------------------------------------------------------------------------


class NotPossible(Exception):
    """Not in this state of the experiment; the text is for the operator."""


def start(experiment: Experiment) -> None:
    """From now on its arms answer. Raises :class:`NotPossible`."""
    if experiment.arms.count() < 2:
        raise NotPossible("An experiment compares at least two arms.")
    try:
        _move(experiment, {"draft"}, "running", started_at=timezone.now())
    except IntegrityError as error:
        raise NotPossible("Another experiment is running. Stop it first.") from error


def stop(experiment: Experiment) -> None:
    """Everybody gets the same again; what was found stays. Raises :class:`NotPossible`."""
    _move(experiment, {"running"}, "stopped", ended_at=timezone.now())


def roll_out(arm: Arm) -> None:
    """Everybody gets this arm, and its experiment ends. Raises :class:`NotPossible`."""
    now = timezone.now()
    _move(
        arm.experiment, {"running", "stopped"}, "rolled_out",
        ended_at=arm.experiment.ended_at or now, rolled_out=arm, rolled_out_at=now,
    )  # fmt: skip


def take_back(experiment: Experiment) -> None:
    """Everybody gets what they got before it was rolled out. Raises :class:`NotPossible`."""
    _move(experiment, {"rolled_out"}, "stopped", rolled_out=None, rolled_out_at=None)


def _move(experiment: Experiment, allowed: set[str], status: str, **fields: Any) -> None:
    """Only one of two operators who press at once gets through."""
    with transaction.atomic():
        now = Experiment.objects.select_for_update().get(pk=experiment.pk)
        if now.status not in allowed:
            raise NotPossible(f"This experiment is {now.get_status_display()}.")
        for name, value in fields.items():
            setattr(now, name, value)
        now.status = status
        now.save()
    experiment.refresh_from_db()

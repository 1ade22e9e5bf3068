"""The cheapest way to get certain volumes: singles, omnibuses, deluxe editions and boxes, each at its live price.

This is weighted set cover. Editions hold runs of volumes, so a search that always covers the lowest missing volume
meets at most one state per volume and is exact. Editions with holes make more states; beyond a bound on work the
cheapest states are kept and the answer says that it is not proven to be the cheapest.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

# States per missing volume. Runs of volumes need one.
WIDEST_SEARCH = 200


@dataclass(frozen=True, slots=True)
class Choice:
    """An edition that can be bought now. All prices of one question are in one currency."""

    asin: str
    volumes: frozenset[int]
    price: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """``asins`` in the order of reading; ``covered``: the wanted volumes that they bring; ``missing``: what cannot be
    had now; ``overlaps``: volumes bought though they are there already, or twice. ``exact``: nothing is cheaper.
    """

    asins: tuple[str, ...]
    total: Decimal
    covered: frozenset[int]
    missing: frozenset[int]
    overlaps: tuple[int, ...]
    exact: bool


# (price, volumes bought in vain, books): ties go to fewer overlaps, then to fewer books, then to the ASINs.
_Cost = tuple[Decimal, int, int, tuple[str, ...]]


def cheapest_completion(wanted: Collection[int], choices: Iterable[Choice]) -> Completion:
    """The cheapest editions that hold all of ``wanted`` that can be had."""
    offered = list(choices)
    can_be_had = {volume for choice in offered for volume in choice.volumes}
    goal = sorted(set(wanted) & can_be_had)
    cost, exact = _cover(goal, offered)
    by_asin = {choice.asin: choice for choice in offered}
    chosen = sorted((by_asin[asin] for asin in cost[3]), key=lambda choice: (min(choice.volumes), choice.asin))
    bought = sorted(volume for choice in chosen for volume in choice.volumes)
    once = set(goal)
    overlaps = []
    for volume in bought:
        if volume in once:
            once.discard(volume)
        else:
            overlaps.append(volume)
    return Completion(
        asins=tuple(choice.asin for choice in chosen),
        total=cost[0],
        covered=frozenset(goal),
        missing=frozenset(wanted) - can_be_had,
        overlaps=tuple(overlaps),
        exact=exact,
    )


def furthest_within(wanted: Collection[int], choices: Iterable[Choice], budget: Decimal) -> Completion | None:
    """The longest run of ``wanted`` from its start that ``budget`` pays for; None when it pays for no volume.

    More volumes never cost less, so the run is found by halving.
    """
    offered = list(choices)
    can_be_had = {volume for choice in offered for volume in choice.volumes}
    goal = sorted(set(wanted) & can_be_had)
    best: Completion | None = None
    low, high = 1, len(goal)
    while low <= high:
        middle = (low + high) // 2
        tried = cheapest_completion(goal[:middle], offered)
        if tried.total <= budget:
            best, low = tried, middle + 1
        else:
            high = middle - 1
    return best


def _cover(goal: Sequence[int], offered: Sequence[Choice]) -> tuple[_Cost, bool]:
    """The least cost that covers ``goal``, all of which is offered; whether it is proven."""
    bits = {volume: 1 << place for place, volume in enumerate(goal)}
    usable = [(choice, sum(bits[volume] for volume in choice.volumes if volume in bits)) for choice in offered]
    covering: list[list[tuple[Choice, int]]] = [
        [(choice, mask) for choice, mask in usable if mask & bits[volume]] for volume in goal
    ]
    everything = (1 << len(goal)) - 1
    nothing: _Cost = (Decimal(0), 0, 0, ())
    # By the place of the lowest volume that is still missing; the last entry is the goal.
    states: list[dict[int, _Cost]] = [{} for _ in range(len(goal) + 1)]
    states[0][0] = nothing
    exact = True
    for place, covers in enumerate(covering):
        here = list(states[place].items())
        if len(here) > WIDEST_SEARCH:
            exact = False
            here = sorted(here, key=lambda state: state[1])[:WIDEST_SEARCH]
        for have, cost in here:
            for choice, mask in covers:
                has = have | mask
                in_vain = len(choice.volumes) - (has ^ have).bit_count()
                price, vain, books, asins = cost
                then: _Cost = (price + choice.price, vain + in_vain, books + 1, tuple(sorted((*asins, choice.asin))))
                # The lowest zero bit.
                missing = ~has & everything
                at = (missing & -missing).bit_length() - 1 if missing else len(goal)
                if has not in states[at] or then < states[at][has]:
                    states[at][has] = then
        states[place].clear()
    return states[-1].get(everything, nothing), exact

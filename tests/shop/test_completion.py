"""The cheapest way to finish a series, against a search of everything."""

from __future__ import annotations

from decimal import Decimal
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shop.completion import Choice, Completion, cheapest_completion, furthest_within


def choice(asin: str, volumes: list[int], price: str) -> Choice:
    return Choice(asin, frozenset(volumes), Decimal(price))


SINGLES = [choice(f"S{volume}", [volume], "10") for volume in range(1, 7)]
OMNIBUSES = [choice("O1", [1, 2, 3], "22"), choice("O2", [4, 5, 6], "22")]
BOX = choice("BOX", [1, 2, 3, 4, 5, 6], "40")


@pytest.mark.parametrize(
    ("wanted", "choices", "asins", "missing", "overlaps"),
    [
        ([], SINGLES, (), (), ()),
        ([5, 6], SINGLES, ("S5", "S6"), (), ()),
        ([1, 2, 3], [*SINGLES, *OMNIBUSES], ("O1",), (), ()),
        # Volume 4 is there already, and two singles cost less than its omnibus.
        ([5, 6], [*SINGLES, *OMNIBUSES], ("S5", "S6"), (), ()),
        # … unless only the omnibus can be bought: then volume 4 is bought again.
        ([5, 6], OMNIBUSES, ("O2",), (), (4,)),
        ([1, 2, 3, 4, 5, 6], [*SINGLES, *OMNIBUSES, BOX], ("BOX",), (), ()),
        ([6, 7, 8], SINGLES, ("S6",), (7, 8), ()),
        ([7], SINGLES, (), (7,), ()),
        ([1, 2], [], (), (1, 2), ()),
        # The same price: fewer volumes in vain.
        ([1, 2], [choice("A", [1, 2, 3], "20"), choice("B", [1, 2], "20")], ("B",), (), ()),
        # The same price and nothing in vain: fewer books.
        ([1, 2], [choice("A", [1], "10"), choice("B", [2], "10"), choice("C", [1, 2], "20")], ("C",), (), ()),
        # Editions with holes.
        (
            [1, 2, 3],
            [choice("A", [1, 3], "5"), choice("B", [2], "5"), choice("C", [1, 2, 3], "11")],
            ("A", "B"),
            (),
            (),
        ),
    ],
)
def test_the_cheapest(
    wanted: list[int],
    choices: list[Choice],
    asins: tuple[str, ...],
    missing: tuple[int, ...],
    overlaps: tuple[int, ...],
) -> None:
    found = cheapest_completion(wanted, choices)
    assert found.asins == asins
    assert found.missing == set(missing)
    assert found.overlaps == overlaps
    assert found.exact


_CHOICES = st.lists(
    st.tuples(st.frozensets(st.integers(1, 6), min_size=1), st.integers(1, 30)), min_size=1, max_size=8
).map(lambda drawn: [Choice(f"A{n}", volumes, Decimal(price)) for n, (volumes, price) in enumerate(drawn)])


@given(st.frozensets(st.integers(1, 6)), _CHOICES)
@settings(deadline=None)
def test_nothing_is_cheaper(wanted: frozenset[int], choices: list[Choice]) -> None:
    found = cheapest_completion(wanted, choices)
    goal = wanted - found.missing
    every = (some for size in range(len(choices) + 1) for some in combinations(choices, size))
    covering = [some for some in every if goal <= {volume for each in some for volume in each.volumes}]
    assert found.exact
    assert found.total == min(sum((each.price for each in some), Decimal(0)) for some in covering)
    assert found.covered == goal


def test_a_long_series_with_every_kind_of_edition_is_exact() -> None:
    choices = [choice(f"S{n}", [n], "9.99") for n in range(1, 111)]
    choices += [choice(f"O{n}", [3 * n - 2, 3 * n - 1, 3 * n], "21.99") for n in range(1, 37)]
    choices += [choice(f"B{n}", list(range(first, first + 23)), "150") for n, first in enumerate((1, 24, 47, 70))]
    found = cheapest_completion(range(5, 111), choices)
    assert found.exact
    assert found.covered == set(range(5, 111))
    assert found.asins[-2:] == ("S109", "S110")


def test_work_has_a_bound_and_says_so() -> None:
    choices = [
        choice(f"H{a}-{b}-{c}", [a, b, c], str(7 + (a * b + c) % 5))
        for a, b, c in combinations(range(1, 25), 3)
        if (a + b + c) % 3 == 0
    ]
    found = cheapest_completion(range(1, 25), choices)
    assert not found.exact
    assert found.covered == set(range(1, 25))


@pytest.mark.parametrize(
    ("budget", "asins"),
    [("5", None), ("10", ("S1",)), ("22", ("O1",)), ("31", ("O1",)), ("32", ("O1", "S4")), ("1000", ("BOX",))],
)
def test_how_far_a_budget_goes(budget: str, asins: tuple[str, ...] | None) -> None:
    found: Completion | None = furthest_within(range(1, 9), [*SINGLES, *OMNIBUSES, BOX], Decimal(budget))
    assert (found.asins if found else None) == asins

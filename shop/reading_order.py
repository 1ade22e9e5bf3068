"""In which order related series are read: prequels first, then the story, then what follows it. Pure rules.

The way of publication decides: a prequel that was written later is read after the story unless the catalogue says that
the story is its sequel. Side stories and spin-offs come behind what they belong to; an adaptation replaces nothing and
is named apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

Place = Literal["main", "aside", "adaptation"]

# (from, kind, to): "``to`` is the ``kind`` of ``from``", as in the catalogue feed.
Relation = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Step:
    series: str
    place: Place


def reading_order(start: str, relations: Iterable[Relation], started: Mapping[str, int | None]) -> tuple[Step, ...]:
    """Everything connected with ``start``, in the order of reading; ``started``: years of first publication.

    Relations that contradict each other (a circle of sequels) are put in the order of publication, then by id. A
    series on its own is one step.
    """
    follows: dict[str, set[str]] = {}
    asides: dict[str, set[str]] = {}
    adaptations: set[str] = set()
    neighbours: dict[str, set[str]] = {}
    for of, kind, to in relations:
        if of == to:
            continue
        neighbours.setdefault(of, set()).add(to)
        neighbours.setdefault(to, set()).add(of)
        if kind == "sequel":
            follows.setdefault(to, set()).add(of)
        elif kind == "prequel":
            follows.setdefault(of, set()).add(to)
        elif kind in {"spin_off", "side_story"}:
            asides.setdefault(to, set()).add(of)
        elif kind == "adaptation":
            adaptations.add(to)
    connected = _connected(start, neighbours)
    # Two that call each other a side story: the older is the story.
    for aside, stories in asides.items():
        for story in list(stories):
            if aside in asides.get(story, ()) and _age(story, started) > _age(aside, started):
                stories.discard(story)
    aside_of = {aside: stories for aside, stories in asides.items() if stories}
    apart = adaptations & connected - {start}
    after = {
        each: {
            *(b for b in follows.get(each, ()) if b in connected),
            *(b for b in aside_of.get(each, ()) if b in connected),
        }
        for each in connected
        if each not in apart
    }
    ordered = _sorted(after, {each: (each in aside_of, *_age(each, started)) for each in connected})
    steps = [Step(each, "aside" if each in aside_of else "main") for each in ordered]
    steps += [Step(each, "adaptation") for each in sorted(apart, key=lambda each: _age(each, started))]
    return tuple(steps)


def _connected(start: str, neighbours: Mapping[str, set[str]]) -> set[str]:
    found, waiting = {start}, [start]
    while waiting:
        for other in neighbours.get(waiting.pop(), ()):
            if other not in found:
                found.add(other)
                waiting.append(other)
    return found


def _age(series: str, started: Mapping[str, int | None]) -> tuple[int, str]:
    return started.get(series) or 9999, series


def _sorted(after: Mapping[str, set[str]], rank: Mapping[str, tuple[object, ...]]) -> list[str]:
    """Whatever has nothing unread before it comes next; a circle is opened at its best rank."""
    left = {each: {before for before in befores if before in after} for each, befores in after.items()}
    ordered: list[str] = []
    while left:
        free = [each for each, befores in left.items() if not befores & left.keys()]
        first = min(free or left, key=lambda each: rank[each])
        ordered.append(first)
        del left[first]
    return ordered

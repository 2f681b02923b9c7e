"""Mean opinion scores of a listening test, with intervals over listeners and songs.

Hidden references check the listeners: whoever rates them low did not hear what there was to hear, or mixed up the scale
(post-screening of Recommendation ITU-R BS.1534-3, where 90 of 100 is the line and 15 % of the references may lie below
it).
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from typing import Any, Final

from soundsieve.errors import unknown_name
from soundsieve.evaluation.listening_material import MIXTURE, REFERENCE
from soundsieve.evaluation.ratings import Rating
from soundsieve.metrics.interval import reweighted_interval

ALL: Final = "all"
"""What the stems that every system has are called together."""

GOOD_REFERENCE: Final = 8
"""A hidden reference rated below this counts as not recognised."""

MOST_MISSED: Final = 0.15
"""The share of references a listener may rate below that."""


@dataclass(frozen=True)
class Opinion:
    """The mean opinion score (MOS) of one system.

    Attributes:
        stem: Of which; `ALL` for all that every system was rated on.
        system: Whose.
        mos: Mean of the ratings, from 1 to 10.
        low: Of the 95 % interval had other listeners and songs been drawn; None for one listener and one song.
        high: Its other end.
        ratings: How many.
        listeners: By how many.
        songs: Of how many.
    """

    stem: str
    system: str
    mos: float
    low: float | None
    high: float | None
    ratings: int
    listeners: int
    songs: int


@dataclass(frozen=True)
class Difference:
    """How much better one system was rated than another by the same listeners on the same stems of the same songs.

    Attributes:
        stem: Of which; `ALL` for all that every system was rated on.
        system: The one.
        other: The other.
        mean: Of the one's rating minus the other's.
        low: Of its 95 % interval, as for `Opinion`.
        high: Its other end.
        pairs: How many.
    """

    stem: str
    system: str
    other: str
    mean: float
    low: float | None
    high: float | None
    pairs: int


@dataclass(frozen=True)
class Doubt:
    """A listener who rated too many hidden references low.

    Attributes:
        listener: Who.
        references: Hidden references rated.
        missed: How many of them below `GOOD_REFERENCE`.
    """

    listener: str
    references: int
    missed: int


@dataclass(frozen=True)
class Opinions:
    """What a listening test found.

    Attributes:
        rows: By stem and system.
        differences: By stem and pair of systems; the reference and the mixture are left out.
        listeners: Whose ratings count.
        doubts: Listeners who rated too many hidden references low.
        screened: Whether the ratings of those were left out.
        stems: Stems of songs that were rated; each song's count.
        shared: Those of them on which every system was rated, which `ALL` is over.
        without: Listeners left out by name.
    """

    rows: tuple[Opinion, ...]
    differences: tuple[Difference, ...]
    listeners: tuple[str, ...]
    doubts: tuple[Doubt, ...]
    screened: bool
    stems: int
    shared: int
    without: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return plain values, ready for `json.dumps`."""
        values: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return values


def opinions(ratings: Iterable[Rating], *, screen: bool = False, without: Sequence[str] = ()) -> Opinions:
    """Average ratings.

    Names that differ in case alone are the same. Where a listener rated the same version of the same stem more than
    once, the last rating counts. All stems together (`ALL`) are those stems of songs on which every system was rated,
    since another system's would be easier or harder; a reference or mixture that lacks one of them has no such row.

    Args:
        ratings: Of one test.
        screen: Leave out listeners who rated more than 15 % of the hidden references below 8.
        without: Listeners to leave out, those who only practised say.

    Raises:
        UnknownNameError: a listener to be left out has rated nothing.

    >>> row = ("2026-01-01T12:00:00Z", 1, "Song", "bass")
    >>> heard = [Rating(who, *row, "a", n, 1, 15.0, 0, 0.0, 15.0, 0.0) for who, n in (("x", 4), ("y", 6), ("z", 8))]
    >>> [(found.system, found.mos, found.ratings) for found in opinions(heard).rows]
    [('a', 6.0, 3)]
    """
    rated = _spelled_alike(ratings)
    unasked = find_listeners(without, rated)
    last = {(r.listener, r.song, r.stem, r.system): r for r in rated if r.listener not in unasked}
    doubts = find_doubts(last.values())
    out = {doubt.listener for doubt in doubts} if screen else set()
    kept = [rating for rating in last.values() if rating.listener not in out]
    shared = _shared(kept)
    groups = _groups(kept, shared)
    return Opinions(
        rows=tuple(_opinion(stem, system, group) for (stem, system), group in groups),
        differences=tuple(_differences(groups)),
        listeners=tuple(sorted({rating.listener for rating in kept})),
        doubts=doubts,
        screened=screen,
        stems=len({(rating.song, rating.stem) for rating in kept}),
        shared=len(shared),
        without=unasked,
    )


def find_listeners(names: Iterable[str], ratings: Iterable[Rating]) -> tuple[str, ...]:
    """Find listeners by name without regard to case, and return their names as they are spelled in the ratings.

    Raises:
        UnknownNameError: one has rated nothing.
    """
    known = {rating.listener.casefold(): rating.listener for rating in ratings}
    found = set()
    for name in names:
        if name.casefold() not in known:
            raise unknown_name("listener", name, known.values())
        found.add(known[name.casefold()])
    return tuple(sorted(found))


def find_doubts(ratings: Iterable[Rating]) -> tuple[Doubt, ...]:
    """Find listeners who rated more than 15 % of their hidden references below 8, in order of name."""
    of_listener: dict[str, list[int]] = defaultdict(list)
    for rating in ratings:
        if rating.system == REFERENCE:
            of_listener[rating.listener].append(rating.rating)
    counted = [
        Doubt(listener, len(given), sum(value < GOOD_REFERENCE for value in given))
        for listener, given in sorted(of_listener.items())
    ]
    return tuple(doubt for doubt in counted if doubt.missed > MOST_MISSED * doubt.references)


def _spelled_alike(ratings: Iterable[Rating]) -> list[Rating]:
    """Spell each listener, song and system as it is spelled first; those that differ in case alone are one."""
    first = {("system", name): name for name in (REFERENCE, MIXTURE)}

    def spelled(what: str, name: str) -> str:
        return first.setdefault((what, name.casefold()), name)

    return [
        replace(
            rating,
            listener=spelled("listener", rating.listener),
            song=spelled("song", rating.song),
            system=spelled("system", rating.system),
        )
        for rating in ratings
    ]


def _shared(ratings: Sequence[Rating]) -> set[tuple[str, str]]:
    """Find the songs and stems on which every system was rated, in this order."""
    of_system: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for rating in ratings:
        if rating.system not in {REFERENCE, MIXTURE}:
            of_system[rating.system].add((rating.song, rating.stem))
    return set.intersection(*of_system.values()) if of_system else set()


def _groups(ratings: Sequence[Rating], shared: set[tuple[str, str]]) -> list[tuple[tuple[str, str], list[Rating]]]:
    """Group by stem and system, and once more over all that is shared where that is several stems."""
    groups: dict[tuple[str, str], list[Rating]] = defaultdict(list)
    together: dict[str, list[Rating]] = defaultdict(list)
    for rating in ratings:
        groups[rating.stem, rating.system].append(rating)
        if (rating.song, rating.stem) in shared:
            together[rating.system].append(rating)
    if len({stem for _, stem in shared}) > 1:
        for system, group in together.items():
            if len({(rating.song, rating.stem) for rating in group}) == len(shared):
                groups[ALL, system] = group
    return sorted(groups.items(), key=lambda group: (group[0][0] == ALL, group[0][0], _rank(group[0][1])))


def _rank(system: str) -> tuple[int, str]:
    """Order systems by name, then the reference and the mixture."""
    return {REFERENCE: 1, MIXTURE: 2}.get(system, 0), system


def _opinion(stem: str, system: str, ratings: Sequence[Rating]) -> Opinion:
    values = [rating.rating for rating in ratings]
    low, high = _interval(values, ratings)
    return Opinion(
        stem,
        system,
        math.fsum(values) / len(values),
        low,
        high,
        len(values),
        len({rating.listener for rating in ratings}),
        len({rating.song for rating in ratings}),
    )


def _differences(groups: Iterable[tuple[tuple[str, str], list[Rating]]]) -> Iterable[Difference]:
    of_system: dict[str, dict[str, dict[tuple[str, str, str], Rating]]] = defaultdict(lambda: defaultdict(dict))
    for (stem, system), group in groups:
        if system not in {REFERENCE, MIXTURE}:
            of_system[stem][system] = {(r.listener, r.song, r.stem): r for r in group}
    for stem, systems in of_system.items():
        for one, other in combinations(systems, 2):
            both = [key for key in systems[one] if key in systems[other]]
            if not both:
                continue
            values = [systems[one][key].rating - systems[other][key].rating for key in both]
            low, high = _interval(values, [systems[one][key] for key in both])
            yield Difference(stem, one, other, math.fsum(values) / len(values), low, high, len(values))


def _interval(values: Sequence[float], ratings: Sequence[Rating]) -> tuple[float | None, float | None]:
    """Find the interval of a mean over listeners and songs; a single one of either cancels out."""
    if len({r.listener for r in ratings}) < 2 and len({r.song for r in ratings}) < 2:
        return None, None
    members = [(("listener", rating.listener), ("song", rating.song)) for rating in ratings]
    return reweighted_interval(values, members=members)

"""Mean opinion scores of a listening test, with intervals over listeners and songs.

Hidden references check the listeners: whoever rates them low did not hear what there was to hear, or mixed up the scale
(post-screening of Recommendation ITU-R BS.1534-3, where 90 of 100 is the line and 15 % of the references may lie below
it).
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any, Final

from soundsieve.evaluation.listening_material import MIXTURE, REFERENCE
from soundsieve.evaluation.ratings import Rating
from soundsieve.metrics.interval import reweighted_interval

ALL: Final = "all"
"""What all stems together are called."""

GOOD_REFERENCE: Final = 8
"""A hidden reference rated below this counts as not recognised."""

MOST_MISSED: Final = 0.15
"""The share of references a listener may rate below that."""


@dataclass(frozen=True)
class Opinion:
    """The mean opinion score (MOS) of one system.

    Attributes:
        stem: Of which; `ALL` for all of them.
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
        stem: Of which; `ALL` for all of them.
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
    """

    rows: tuple[Opinion, ...]
    differences: tuple[Difference, ...]
    listeners: tuple[str, ...]
    doubts: tuple[Doubt, ...]
    screened: bool

    def to_json(self) -> dict[str, Any]:
        """Return plain values, ready for `json.dumps`."""
        values: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return values


def opinions(ratings: Iterable[Rating], *, screen: bool = False) -> Opinions:
    """Average ratings.

    Where a listener rated the same version of the same stem more than once, the last rating counts.

    Args:
        ratings: Of one test.
        screen: Leave out listeners who rated more than 15 % of the hidden references below 8.

    >>> row = ("2026-01-01T12:00:00Z", 1, "Song", "bass")
    >>> heard = [Rating(who, *row, "a", n, 1, 15.0, 0, 0.0, 15.0, 0.0) for who, n in (("x", 4), ("y", 6), ("z", 8))]
    >>> [(found.system, found.mos, found.ratings) for found in opinions(heard).rows]
    [('a', 6.0, 3)]
    """
    last = {(r.listener, r.song, r.stem, r.system): r for r in ratings}
    doubts = find_doubts(last.values())
    out = {doubt.listener for doubt in doubts} if screen else set()
    kept = [rating for rating in last.values() if rating.listener not in out]
    return Opinions(
        rows=tuple(_opinion(stem, system, group) for (stem, system), group in _groups(kept, lambda r: r.system)),
        differences=tuple(_differences(kept)),
        listeners=tuple(sorted({rating.listener for rating in kept})),
        doubts=doubts,
        screened=screen,
    )


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


def _groups(ratings: Sequence[Rating], key: Callable[[Rating], str]) -> list[tuple[tuple[str, str], list[Rating]]]:
    """Group by stem and `key`, and once more over all stems where there are several."""
    groups: dict[tuple[str, str], list[Rating]] = defaultdict(list)
    several = len({rating.stem for rating in ratings}) > 1
    for rating in ratings:
        groups[rating.stem, key(rating)].append(rating)
        if several:
            groups[ALL, key(rating)].append(rating)
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


def _differences(ratings: Sequence[Rating]) -> Iterable[Difference]:
    of_system: dict[str, dict[str, dict[tuple[str, str, str], Rating]]] = defaultdict(lambda: defaultdict(dict))
    for (stem, system), group in _groups(ratings, lambda r: r.system):
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

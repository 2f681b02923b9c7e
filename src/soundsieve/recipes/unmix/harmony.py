"""Keys, chords and the progressions that songs are built on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

_DEGREES = {"i": 0, "ii": 2, "iii": 4, "iv": 5, "v": 7, "vi": 9, "vii": 11}
_NUMERAL = re.compile(r"([b#]?)(vii|vi|v|iv|iii|ii|i)(M7|m7b5|7|9|5|o|sus|6)?", re.IGNORECASE)
_QUALITIES = {
    "": (0, 4, 7),
    "7": (0, 4, 7, 10),
    "9": (0, 4, 7, 10, 14),
    "M7": (0, 4, 7, 11),
    "6": (0, 4, 7, 9),
    "5": (0, 7),
    "o": (0, 3, 6),
    "sus": (0, 5, 7),
    "m7b5": (0, 3, 6, 10),
}
KEYS = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")
MAJOR, MINOR = (0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10)
PENTATONIC_MAJOR, PENTATONIC_MINOR = (0, 2, 4, 7, 9), (0, 3, 5, 7, 10)


class Chord(NamedTuple):
    """A chord: the pitch class of its root and the semitones of its notes above it."""

    root: int
    steps: tuple[int, ...]


def chord(numeral: str, tonic: int) -> Chord:
    """Return the chord that a Roman numeral names; degrees are counted in the major scale, small letters are minor.

    Raises:
        ValueError: when it is no such numeral.

    >>> chord("bVII", 0), chord("ii7", 7)
    (Chord(root=10, steps=(0, 4, 7)), Chord(root=9, steps=(0, 3, 7, 10)))
    """
    found = _NUMERAL.fullmatch(numeral)
    if found is None:
        raise ValueError(f"{numeral!r}: not a chord; expected a Roman numeral such as IV, bVII or ii7")
    sign, degree, suffix = found.groups()
    steps = _QUALITIES[suffix or ""]
    if degree.islower():
        steps = tuple(3 if step == 4 else step for step in steps)
    shift = {"b": -1, "#": 1, "": 0}[sign]
    return Chord((tonic + _DEGREES[degree.lower()] + shift) % 12, steps)


def progression(text: str, tonic: int) -> list[list[Chord]]:
    """Return the bars of a progression: bars stand apart, the chords of one bar are joined by commas.

    >>> [len(bar) for bar in progression("I vi,IV V7", 0)]
    [1, 2, 1]
    """
    return [[chord(numeral, tonic) for numeral in bar.split(",")] for bar in text.split()]


def near(pitch_class: int, centre: int) -> int:
    """Return the key of a pitch class that is nearest to `centre`.

    >>> near(0, 59), near(11, 60)
    (60, 59)
    """
    return centre + (pitch_class - centre + 6) % 12 - 6


def voicing(harmony: Chord, centre: int, count: int) -> tuple[int, ...]:
    """Return `count` keys of a chord around `centre`, lowest first; the nearest inversion is taken.

    >>> voicing(Chord(5, (0, 4, 7)), 60, 3)
    (57, 60, 65)
    """
    classes = {(harmony.root + step) % 12 for step in harmony.steps}
    keys = [key for key in range(max(0, centre - 24), min(127, centre + 30)) if key % 12 in classes]
    starts = range(len(keys) - count + 1)
    best = min(starts, key=lambda start: abs(sum(keys[start : start + count]) / count - centre))
    return tuple(keys[best : best + count])


def guitar_voicing(harmony: Chord, lowest: int) -> tuple[int, ...]:
    """Return a strummed chord: root, fifth, octave, and the third above it.

    >>> guitar_voicing(Chord(4, (0, 3, 7)), 40)
    (40, 47, 52, 55, 59)
    """
    root = lowest + (harmony.root - lowest) % 12
    third = next((step for step in harmony.steps if step in (3, 4, 5)), 7)
    fifth = next((step for step in harmony.steps if step in (6, 7)), 7)
    top = harmony.steps[3] + 12 if len(harmony.steps) > 3 else fifth + 12
    return tuple(sorted({root, root + fifth, root + 12, root + 12 + third, root + top}))


def ladder(scale: Sequence[int], tonic: int, lowest: int, highest: int) -> list[int]:
    """Return the keys of a scale from lowest to highest.

    >>> ladder(PENTATONIC_MINOR, 9, 57, 69)
    [57, 60, 62, 64, 67, 69]
    """
    return [key for key in range(lowest, highest + 1) if (key - tonic) % 12 in scale]

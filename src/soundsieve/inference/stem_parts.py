"""What is asked of a song, stems by name or the song without one, in terms of the stems that an engine finds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from soundsieve.datasets import ACCOMPANIMENT, VOCALS
from soundsieve.errors import SettingsError, unknown_name

TWO = (VOCALS, ACCOMPANIMENT)
FOUR = (VOCALS, "drums", "bass", "other")
MINUS = "minus-"

Stems: TypeAlias = int | str | Iterable[str] | None
"""2, 4, names (also with commas between them), or None for all that an engine finds."""


@dataclass(frozen=True)
class Part:
    """Something that is made of a song.

    Attributes:
        name: A stem, `accompaniment`, or `minus-` and one of these.
        stem: Which of the engine's stems, counted from 0.
        minus: It is the song without that one.
    """

    name: str
    stem: int
    minus: bool = False

    @property
    def mixdown(self) -> bool:
        """Whether it is called the song without something."""
        return self.name.startswith(MINUS)

    def of(self, mixture: NDArray[np.float32], stems: NDArray[np.float32]) -> NDArray[np.float32]:
        """Make it of a piece of the song (channel, time) and the stems of that piece (stem, channel, time)."""
        stem: NDArray[np.float32] = stems[self.stem]
        return mixture - stem if self.minus else stem


def stem_names(stems: Stems) -> tuple[str, ...] | None:
    """Say in names what is asked for; None where it is all that there is.

    Raises:
        SettingsError: when it is another number than 2 and 4, or no name at all.

    >>> stem_names("2"), stem_names("Drums, bass"), stem_names(["vocals"])
    (('vocals', 'accompaniment'), ('drums', 'bass'), ('vocals',))
    """
    if stems is None:
        return None
    words = [str(stems)] if isinstance(stems, int | str) else list(stems)
    names = tuple(dict.fromkeys(name.strip().lower() for word in words for name in word.split(",") if name.strip()))
    if names in (("2",), ("4",)):
        return TWO if names == ("2",) else FOUR
    if not names:
        raise SettingsError(f"stems: name at least one; 2 are {' and '.join(TWO)}, 4 are {', '.join(FOUR)}")
    for name in names:
        if name.isdigit():
            raise SettingsError(f"stems = {name}: must be 2, 4 or names such as vocals,drums")
    return names


def minus_names(mixdowns: str | Iterable[str]) -> tuple[str, ...]:
    """Say which stems are to be left out of the song, each in a mixdown of its own.

    Raises:
        SettingsError: when one does not begin with `minus-`.

    >>> minus_names(["minus-vocals", "minus-drums,minus-bass"])
    ('vocals', 'drums', 'bass')
    """
    words = [mixdowns] if isinstance(mixdowns, str) else list(mixdowns)
    asked = [name.strip().lower() for word in words for name in word.split(",")]
    for name in asked:
        if not name.startswith(MINUS) or name == MINUS:
            raise SettingsError(f"mixdown {name!r}: must be {MINUS} and a stem, {MINUS}{VOCALS} for example")
    return tuple(dict.fromkeys(name.removeprefix(MINUS) for name in asked))


def find_parts(names: Iterable[str], stems: Sequence[str]) -> tuple[Part, ...]:
    """Find of which stems parts are made.

    `accompaniment` is all but the vocals, as the song minus these, whether the engine knows it or not.

    Args:
        names: Of the parts.
        stems: What the engine finds, in order.

    Raises:
        UnknownNameError: when it does not find one of them.

    >>> find_parts(["accompaniment", "minus-drums"], ["vocals", "drums", "other"])
    (Part(name='accompaniment', stem=0, minus=True), Part(name='minus-drums', stem=1, minus=True))
    """
    found = []
    for name in names:
        stem = name.removeprefix(MINUS)
        minus = stem != name
        if stem in stems:
            found.append(Part(name, stems.index(stem), minus))
        elif stem == ACCOMPANIMENT and VOCALS in stems:
            found.append(Part(name, stems.index(VOCALS), not minus))
        else:
            known = [*stems, *([ACCOMPANIMENT] if VOCALS in stems and ACCOMPANIMENT not in stems else [])]
            raise unknown_name("stem", stem, known)
    return tuple(found)

"""What an engine's stems are compared with: the stems of a song, one by one or added up.

Songs have bass, drums, other and vocals. An engine may find fewer and call all that is left the accompaniment; and one
that finds four is also judged as one of vocals and accompaniment, so that both kinds can be compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from soundsieve.datasets import ACCOMPANIMENT, STEMS, VOCALS
from soundsieve.errors import SettingsError

Rows = tuple[int, ...]


@dataclass(frozen=True)
class StemGroups:
    """One way to divide a song.

    Attributes:
        stems: What it is divided into.
        references: For each, which of a song's `STEMS` add up to it.
        estimates: For each, which of the engine's stems do.
    """

    stems: tuple[str, ...]
    references: tuple[Rows, ...]
    estimates: tuple[Rows, ...]

    @property
    def name(self) -> str:
        """All stems in one line."""
        return " / ".join(self.stems)


def stem_groups(engine_stems: Sequence[str]) -> tuple[StemGroups, ...]:
    """Return the ways in which an engine is judged, that of its own stems first.

    Raises:
        SettingsError: the stems of a song do not add up to what the engine finds.

    >>> [groups.name for groups in stem_groups(("vocals", "accompaniment"))]
    ['vocals / accompaniment']
    >>> [groups.name for groups in stem_groups(("drums", "bass", "other", "vocals"))]
    ['bass / drums / other / vocals', 'vocals / accompaniment']
    """
    named = [stem for stem in STEMS if stem in engine_stems]
    rest = tuple(row for row, stem in enumerate(STEMS) if stem not in named)
    has_rest = ACCOMPANIMENT in engine_stems
    if has_rest != bool(rest) or len(named) + has_rest != len(engine_stems) or len(engine_stems) < 2:
        raise SettingsError(
            f"the engine finds {', '.join(engine_stems)}; expected {', '.join(STEMS)}, or some of them and "
            f"{ACCOMPANIMENT}, which is all others"
        )
    stems = (*named, *([ACCOMPANIMENT] if has_rest else []))
    references = (*((STEMS.index(stem),) for stem in named), *([rest] if has_rest else []))
    own = StemGroups(stems, references, tuple((list(engine_stems).index(stem),) for stem in stems))
    if len(stems) == 2 or VOCALS not in stems:
        return (own,)
    return own, StemGroups((VOCALS, ACCOMPANIMENT), _against(VOCALS, STEMS), _against(VOCALS, engine_stems))


def added_up(x: NDArray[np.float32], rows: Sequence[Rows]) -> NDArray[np.float32]:
    """Add up stems: (stem, channel, time) → (group, channel, time), without a copy where nothing changes.

    >>> added_up(np.array([[[1.0]], [[2.0]], [[4.0]]], np.float32), ((1,), (0, 2))).ravel()
    array([2., 5.], dtype=float32)
    """
    if list(rows) == [(row,) for row in range(len(x))]:
        return x
    result = np.empty((len(rows), *x.shape[1:]), np.float32)
    for total, members in zip(result, rows, strict=True):
        total[:] = x[members[0]]
        for row in members[1:]:
            total += x[row]
    return result


def _against(stem: str, stems: Sequence[str]) -> tuple[Rows, Rows]:
    row = list(stems).index(stem)
    return (row,), tuple(other for other in range(len(stems)) if other != row)

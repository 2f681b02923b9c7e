"""Ways to divide a table of descriptors into training, choosing and testing, from the most optimistic to the honest.

Random splits hear other pieces of a test track, and other tracks of its artist, in training. By track, pieces stay
with their track. The fault-filtered lists of GTZAN keep artists apart as well, and leave out what is repeated or
mislabelled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from soundsieve.datasets import Clip, split_by_fraction
from soundsieve.datasets.genre_table import GenreTable
from soundsieve.errors import DatasetError, SettingsError

STUDY = (680, 170, 150)  # training, choosing, testing
FOLDS = 10
FILTERED = "fault-filtered"
_PARTS = ("train", "validation", "test")

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Split:
    """Rows of a table, none of them twice.

    Attributes:
        train: rows to learn from.
        validation: rows to choose by.
        test: rows to report on.
    """

    train: Rows
    validation: Rows
    test: Rows


@dataclass(frozen=True)
class Division:
    """One rung of a ladder: a way to divide, drawn once or several times.

    Attributes:
        name: of the way.
        splits: what was drawn.
        kind: `repeated` splits are drawn anew each time, `folds` test every row once, `fixed` is published.
    """

    name: str
    splits: tuple[Split, ...]
    kind: Literal["repeated", "folds", "fixed"]


def random_splits(table: GenreTable, seeds: Sequence[int], sizes: Sequence[int] = STUDY) -> Division:
    """Draw rows at random, as the study did: neither tracks nor artists are kept together, genres are as they fall.

    Args:
        table: what to divide.
        seeds: one a split.
        sizes: shares of training, choosing and testing; counts where the table has as many rows.

    Raises:
        SettingsError: a size is not above 0, or there are fewer rows than parts.
    """
    ends = np.cumsum(_counts(len(table), sizes))[:2]
    splits = [
        Split(*np.split(np.random.default_rng(seed).permutation(len(table)).astype(np.int64), ends)) for seed in seeds
    ]
    return Division("random rows", tuple(splits), "repeated")


def folds(table: GenreTable, seed: int = 0, *, count: int = FOLDS, by_track: bool = False) -> Division:
    """Test each of some folds once; a fifth of what is left chooses. Genres are in proportion in every part.

    Args:
        table: what to divide.
        seed: decides the folds.
        count: how many.
        by_track: keep the rows of a track together.

    Raises:
        SettingsError: fewer than 2 folds.
        DatasetError: fewer rows, or tracks, than folds.
    """
    if count < 2:
        raise SettingsError(f"folds = {count}: expected at least 2")
    owners = table.groups if by_track else table.names
    parts = _stratified(table, owners, {str(k): 1 / count for k in range(count)}, seed)
    splits = []
    for k, test in enumerate(parts.values()):
        rest = np.setdiff1d(np.arange(len(table)), test)
        inner = _stratified(table, owners, {"train": 0.8, "validation": 0.2}, seed + k, rest)
        splits.append(Split(inner["train"], inner["validation"], test))
    return Division(f"{count} folds by track" if by_track else f"{count} folds of rows", tuple(splits), "folds")


def by_track(table: GenreTable, seeds: Sequence[int], sizes: Sequence[int] = STUDY) -> Division:
    """Draw whole tracks, genres in proportion.

    Raises:
        SettingsError: a size is not above 0.
        DatasetError: there are fewer tracks than parts.
    """
    _counts(len(table), sizes)
    shares = {part: size / sum(sizes) for part, size in zip(_PARTS, sizes, strict=True)}
    splits = [Split(**_stratified(table, table.groups, shares, seed)) for seed in seeds]
    return Division("random tracks", tuple(splits), "repeated")


def fault_filtered(table: GenreTable, lists: Mapping[str, Sequence[str]]) -> Division:
    """Divide by published lists of tracks; rows of other tracks are left out.

    Args:
        table: what to divide.
        lists: part → tracks; see `soundsieve.datasets.gtzan.filtered_tracks`.

    Raises:
        DatasetError: the table lacks a track that a list names.
    """
    rows_of: dict[str, list[int]] = {}
    for row, track in enumerate(table.groups):
        rows_of.setdefault(track, []).append(row)
    for part in _PARTS:
        missing = [track for track in lists[part] if track not in rows_of]
        if missing:
            raise DatasetError(
                f"the table has no row for {len(missing)} of {len(lists[part])} tracks of the {part} list, the first "
                f"is {missing[0]}"
            )
    parts = {part: np.array(sorted(r for track in lists[part] for r in rows_of[track]), np.int64) for part in _PARTS}
    return Division(FILTERED, (Split(**parts),), "fixed")


def leaked(table: GenreTable, split: Split) -> float:
    """Share of the test rows with another row of their track among those of training or choosing.

    >>> table = GenreTable(("a", "b", "c"), ("x",), np.zeros((3, 1)), ("pop",) * 3, ("1", "1", "2"))
    >>> leaked(table, Split(np.array([0]), np.array([], np.int64), np.array([1, 2])))
    0.5
    """
    owner = np.array(table.groups)
    seen = np.concatenate([owner[split.train], owner[split.validation]])
    return float(np.isin(owner[split.test], seen).mean())


def _counts(rows: int, sizes: Sequence[int]) -> list[int]:
    """Scale the sizes to a number of rows, the last taking what rounding leaves.

    >>> _counts(1000, STUDY), _counts(10_000, STUDY), _counts(10, (3, 1, 1))
    ([680, 170, 150], [6800, 1700, 1500], [6, 2, 2])
    """
    if len(sizes) != len(_PARTS) or min(sizes) <= 0:
        raise SettingsError(f"sizes = {tuple(sizes)}: expected three numbers above 0: training, choosing, testing")
    first, second = (round(rows * size / sum(sizes)) for size in sizes[:2])
    if min(first, second, rows - first - second) < 1:
        raise SettingsError(f"sizes = {tuple(sizes)}: {rows} rows are too few for three parts of these shares")
    return [first, second, rows - first - second]


def _stratified(
    table: GenreTable, owners: Sequence[str], shares: Mapping[str, float], seed: int, rows: Rows | None = None
) -> dict[str, Rows]:
    chosen = range(len(table)) if rows is None else rows.tolist()
    clips = [Clip(Path(str(row)), (table.labels[row],), owners[row], part="all") for row in chosen]
    parts = split_by_fraction(clips, shares, seed)
    return {
        part: np.array(sorted(int(clip.path.name) for clip in members), np.int64) for part, members in parts.items()
    }

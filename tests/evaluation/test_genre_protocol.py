from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from soundsieve.datasets import gtzan
from soundsieve.datasets.genre_table import GenreTable, read_table
from soundsieve.errors import DatasetError, SettingsError
from soundsieve.evaluation import genre_protocol as protocol
from soundsieve.evaluation.genre_protocol import Division, leaked


def table(tracks: int = 100, pieces: int = 1) -> GenreTable:
    """Tracks of four genres in turn, each cut into as many pieces."""
    groups = [f"{('blues', 'jazz', 'pop', 'rock')[k % 4]}.{k:05d}" for k in range(tracks) for _ in range(pieces)]
    names = tuple(f"{group}.{k % pieces}.wav" for k, group in enumerate(groups))
    labels = tuple(gtzan.genre_of(group) for group in groups)
    values = np.arange(tracks * pieces, dtype=float)[:, None]
    return GenreTable(names, ("x",), values, labels, tuple(groups))


def everything(division: Division) -> list[list[int]]:
    return [sorted(np.concatenate([s.train, s.validation, s.test]).tolist()) for s in division.splits]


def owners(of: GenreTable, rows: np.ndarray) -> set[str]:
    return {of.groups[row] for row in rows.tolist()}


def test_random_splits_have_the_studys_sizes_and_follow_their_seed() -> None:
    thousand = table(1000)
    division = protocol.random_splits(thousand, [0, 1, 0])
    first, second, again = division.splits
    assert [len(part) for part in (first.train, first.validation, first.test)] == [680, 170, 150]
    assert everything(division) == [list(range(1000))] * 3
    np.testing.assert_array_equal(first.test, again.test)
    assert set(first.test.tolist()) != set(second.test.tolist())


def test_random_splits_of_pieces_leak_and_tracks_do_not() -> None:
    cut = table(100, pieces=10)
    (shuffled,) = protocol.random_splits(cut, [0]).splits
    assert leaked(cut, shuffled) > 0.95
    division = protocol.by_track(cut, [0, 1])
    for split in division.splits:
        assert leaked(cut, split) == 0
        assert not owners(cut, split.train) & owners(cut, split.validation)
        sizes = [len(part) for part in (split.train, split.validation, split.test)]
        assert sizes == pytest.approx([680, 170, 150], abs=10), "whole tracks of ten pieces"
        assert np.bincount(cut.targets[split.test]).tolist() == pytest.approx([37.5] * 4, abs=10)
    assert everything(division) == [list(range(1000))] * 2


@pytest.mark.parametrize("by_track", [False, True])
def test_folds_test_every_row_once(by_track: bool) -> None:
    cut = table(40, pieces=5)
    division = protocol.folds(cut, count=10, by_track=by_track)
    assert sorted(row for split in division.splits for row in split.test.tolist()) == list(range(200))
    assert everything(division) == [list(range(200))] * 10
    assert (max(leaked(cut, split) for split in division.splits) == 0) == by_track
    for split in division.splits:
        assert np.bincount(cut.targets[split.test], minlength=4).tolist() == [5, 5, 5, 5]


def test_the_filtered_lists_decide_and_leave_out() -> None:
    cut = table(8, pieces=2)
    lists = {"train": ["rock.00003", "blues.00000"], "validation": ["jazz.00001"], "test": ["pop.00006"]}
    (split,) = protocol.fault_filtered(cut, lists).splits
    assert [part.tolist() for part in (split.train, split.validation, split.test)] == [[0, 1, 6, 7], [2, 3], [12, 13]]


def test_a_listed_track_without_a_row_is_an_error() -> None:
    lists = {"train": ["blues.00000", "pop.00077"], "validation": ["jazz.00001"], "test": ["pop.00006"]}
    with pytest.raises(DatasetError, match=r"no row for 1 of 2 tracks of the train list, the first is pop\.00077"):
        protocol.fault_filtered(table(8), lists)


@pytest.mark.parametrize("sizes", [(1, 1), (680, 0, 150), (-1, 2, 3), (98, 1, 1)])
def test_impossible_sizes_are_refused(sizes: tuple[int, ...]) -> None:
    with pytest.raises(SettingsError, match=r"sizes = \("):
        protocol.random_splits(table(10), [0], sizes)


def test_one_fold_is_refused() -> None:
    with pytest.raises(SettingsError, match="folds = 1: expected at least 2"):
        protocol.folds(table(10), count=1)


@pytest.mark.shared_data
def test_the_real_filtered_split(shared_data: Path) -> None:
    root = shared_data / "gtzan"
    real = read_table(root / "features_30_sec.csv")
    (split,) = protocol.fault_filtered(real, gtzan.filtered_tracks(root)).splits
    assert [len(part) for part in (split.train, split.validation, split.test)] == [443, 197, 290]
    assert leaked(real, split) == 0
    assert np.bincount(real.targets[split.test]).tolist() == [31, 31, 30, 29, 27, 27, 27, 30, 26, 32]

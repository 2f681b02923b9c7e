"""A ladder of learners whose scores are known beforehand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from soundsieve.datasets import gtzan
from soundsieve.datasets.genre_table import Examples, GenreTable, read_table
from soundsieve.errors import Cancelled
from soundsieve.evaluation import genre_figures
from soundsieve.evaluation import genre_protocol as protocol
from soundsieve.evaluation.genre_ladder import ladder
from soundsieve.training.genre_table import TableTraining, learner


def table(tracks: int = 60, pieces: int = 5) -> GenreTable:
    """Every track is a random point, far from the others, that says nothing of its genre; its pieces are near it."""
    rng = np.random.default_rng(0)
    points = np.repeat(rng.standard_normal((tracks, 8)), pieces, axis=0)
    values = points + 1e-3 * rng.standard_normal(points.shape)
    groups = tuple(f"t{k:03d}" for k in range(tracks) for _ in range(pieces))
    labels = tuple(("jazz", "pop", "rock")[k % 3] for k in range(tracks) for _ in range(pieces))
    names = tuple(f"{group}.{k % pieces}" for k, group in enumerate(groups))
    return GenreTable(names, tuple("abcdefgh"), values, labels, groups)


def nearest(train: Examples, validation: Examples, seed: int) -> Callable[[np.ndarray], np.ndarray]:
    def predict(values: np.ndarray) -> np.ndarray:
        distance = np.linalg.norm(values[:, None] - train.values, axis=-1)
        return np.eye(train.classes)[train.targets[distance.argmin(1)]]

    return predict


def always_first(train: Examples, validation: Examples, seed: int) -> Callable[[np.ndarray], np.ndarray]:
    return lambda values: np.eye(train.classes)[np.zeros(len(values), int)]


def test_what_knows_tracks_again_falls_and_what_knows_nothing_stays() -> None:
    cut = table()
    divisions = [protocol.random_splits(cut, range(4)), protocol.by_track(cut, range(4))]
    rows = ladder(cut, {"nearest": nearest, "first": always_first}, divisions)
    assert [(row.division, row.model) for row in rows] == [
        ("random rows", "nearest"),
        ("random rows", "first"),
        ("random tracks", "nearest"),
        ("random tracks", "first"),
    ]
    by_row, first, by_track, _ = rows
    assert by_row.mean > 0.98
    assert by_row.leaked > 0.95
    assert by_track.leaked == 0
    assert by_track.mean < 0.6
    assert first.mean == pytest.approx(1 / 3, abs=0.08)
    assert all(row.low <= row.mean <= row.high for row in rows)
    assert {row.splits for row in rows} == {4}
    assert by_row.interval == "splits"
    assert by_row.mean == pytest.approx(np.mean(by_row.of_splits))


def test_each_row_tested_once_is_judged_by_tracks() -> None:
    cut = table()
    (row,) = ladder(cut, {"first": always_first}, [protocol.folds(cut, count=5, by_track=True)])
    assert (row.splits, row.tested, row.interval) == (5, 60, "tracks")
    assert row.mean == pytest.approx(1 / 3)
    assert 0.1 < row.low < row.mean < row.high < 0.6


def test_a_fixed_split_is_trained_on_from_several_seeds() -> None:
    cut = table(12, 1)
    lists = {"train": cut.groups[:6], "validation": cut.groups[6:9], "test": cut.groups[9:]}
    seeds: list[int] = []

    def noting(train: Examples, validation: Examples, seed: int) -> Callable[[np.ndarray], np.ndarray]:
        seeds.append(seed)
        return lambda values: np.eye(3)[np.full(len(values), seed % 3)]

    (row,) = ladder(cut, {"noting": noting}, [protocol.fault_filtered(cut, lists)], repeats=3, seed=6)
    assert seeds == [6, 7, 8]
    assert row.of_splits == (1 / 3, 1 / 3, 1 / 3)
    assert (row.mean, row.validation, row.by_track) == pytest.approx((1 / 3, 1 / 3, 1 / 3))
    assert row.to_json()["division"] == "fault-filtered"


def test_pieces_vote_for_their_track() -> None:
    """Two pieces of three are said rightly, with less certainty than the third is said wrongly: the sum decides."""
    groups = tuple(f"{k:02d}" for k in range(9) for _ in range(3))
    labels = tuple("jazz" if k % 2 else "pop" for k in range(9) for _ in range(3))
    names = tuple(str(k) for k in range(27))
    cut = GenreTable(names, ("x",), np.arange(27.0)[:, None], labels, groups)

    def learner(sure: float) -> Callable[..., Callable[[np.ndarray], np.ndarray]]:
        def predict(values: np.ndarray) -> np.ndarray:
            right = cut.targets[values[:, 0].astype(int)]
            wrong = values[:, 0].astype(int) % 3 == 0
            return np.where(wrong, sure, 1.0)[:, None] * np.eye(2)[np.where(wrong, 1 - right, right)]

        return lambda train, validation, seed: predict

    learners = {"unsure": learner(1.5), "sure": learner(2.5)}
    unsure, sure = ladder(cut, learners, [protocol.folds(cut, count=3, by_track=True)])
    assert unsure.mean == sure.mean == pytest.approx(2 / 3)
    assert (unsure.by_track, sure.by_track) == (1, 0)


def test_it_tells_how_far_it_is_and_can_be_stopped() -> None:
    import threading

    cut, told = table(20, 1), []
    divisions = [protocol.random_splits(cut, range(2)), protocol.folds(cut, count=2)]
    learners = {"a": always_first, "b": always_first}
    ladder(cut, learners, divisions, progress=lambda done, total: told.append((done, total)))
    assert told == [(k, 8) for k in range(1, 9)]
    stop = threading.Event()
    stop.set()
    with pytest.raises(Cancelled):
        ladder(cut, learners, divisions, cancel=stop)


@pytest.mark.shared_data
def test_random_splits_of_the_real_table_flatter(shared_data: Path) -> None:
    """Five random splits read over 15 points above the fault-filtered one, and far above chance, a tenth."""
    root = shared_data / "gtzan"
    real = read_table(root / "features_30_sec.csv")
    divisions = [
        protocol.random_splits(real, range(5)),
        protocol.fault_filtered(real, gtzan.filtered_tracks(root)),
    ]
    settings = TableTraining(views=("level-free",), clip=3.0)
    shuffled, filtered = ladder(real, {"kernel": learner("genre_kernel", {}, settings)}, divisions)
    assert shuffled.mean > 0.7
    assert 0.45 < filtered.mean < shuffled.mean - 0.15


def test_figures_of_a_table_and_its_ladder_can_be_drawn() -> None:
    cut = table()
    rows = ladder(cut, {"nearest": nearest, "first": always_first}, [protocol.by_track(cut, range(3))])
    drawn = {**genre_figures.draw_table(cut), **genre_figures.draw_ladder(rows)}
    assert set(drawn) == {"spread.png", "together.png", "map.png", "ladder.png"}
    assert all(picture.startswith(b"\x89PNG") for picture in drawn.values())
    constant = GenreTable(cut.names, ("a", "b"), np.ones((len(cut), 2)), cut.labels, cut.groups)
    assert set(genre_figures.draw_table(constant)) == {"spread.png", "map.png"}

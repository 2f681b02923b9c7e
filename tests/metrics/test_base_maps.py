"""Measures of maps of bases and objects: a referee, and maps whose worth is known."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from soundsieve.metrics.base_maps import map_accuracy, mean_average_precision, pair_accuracy


@pytest.mark.parametrize("levels", [3, 1000], ids=["many of equal score", "all different"])
def test_average_precision_is_that_of_scikit_learn(levels: int) -> None:
    rng = np.random.default_rng(0)
    scores, labels = rng.integers(0, levels, (60, 5)).astype(float), rng.random((60, 5)) < 0.3
    labels[:, 3], labels[:, 4] = False, True  # neither can be ranked
    referee = np.mean([average_precision_score(labels[:, row], scores[:, row]) for row in range(3)])
    assert mean_average_precision(scores=scores, labels=labels) == pytest.approx(referee, abs=1e-12)
    assert np.isnan(mean_average_precision(scores=scores[:, 3:], labels=labels[:, 3:]))


def truth_of(owners: np.ndarray, labels: int) -> np.ndarray:
    return (owners[:, None] == np.arange(labels)[:, None]).astype(float)


def test_map_accuracy_counts_only_what_can_be_told() -> None:
    """Bases of unknown or unseen owners and recordings with one visible object say nothing."""
    owners = np.array([[0, 1, 0, 1, 2, -1], [0, 0, 0, 0, 0, 0]])
    visible = np.array([[True, True, False], [True, False, False]])
    truth = truth_of(owners, 3)
    maps = truth.copy()
    assert map_accuracy(maps=maps, visible=visible, truth=truth) == 1
    maps[0, :, 0] = [0, 1, 9]  # wrong among the visible two; what is not visible does not matter
    assert map_accuracy(maps=maps, visible=visible, truth=truth) == 0.75
    assert map_accuracy(maps=np.zeros_like(maps), visible=visible, truth=truth) == 0.5
    assert np.isnan(map_accuracy(maps=maps[1:], visible=visible[1:], truth=truth[1:]))
    assert np.isnan(map_accuracy(maps=maps, visible=visible, truth=np.full_like(truth, np.nan)))


def test_bases_of_pairs_are_sent_back() -> None:
    owners = np.array([[0, 0, 0, 0], [1, 1, 1, 2], [0, 1, 1, 0]])
    visible = np.array([[True, False, False], [False, True, True], [True, True, False]])
    maps = truth_of(owners, 3)
    assert pair_accuracy(maps=maps, visible=visible) == 1, "the third has an object in common with both"
    assert pair_accuracy(maps=maps[:2], visible=visible[:2]) == 1
    assert pair_accuracy(maps=np.zeros_like(maps), visible=visible) == 0.5
    assert pair_accuracy(maps=1 - truth_of(np.array([[0] * 4, [1] * 4]), 3)[:, :2], visible=visible[:2, :2]) == 0
    assert np.isnan(pair_accuracy(maps=maps[:1], visible=visible[:1]))
    assert np.isnan(pair_accuracy(maps=maps[[0, 2]], visible=visible[[0, 2]]))

"""Saying when: counts done by hand."""

import numpy as np
import pytest
from numpy.typing import NDArray

from soundsieve.evaluation.heard import Said, judge

CLASSES = ("dog", "owl")
LEAST = {"dog": 0.5, "owl": 0.8}


def said(scores: NDArray[np.float64]) -> Said:
    """As good before calibration as after it."""
    return Said(scores, scores, scores.max(1), scores.max(1))


def test_each_class_is_judged_at_its_own_threshold() -> None:
    scores = np.array([[[0.9, 0.7], [0.6, 0.9]], [[0.4, 0.9], [0.1, 0.1]]])
    heard = np.array([[[True, True], [False, True]], [[True, False], [False, False]]])
    found = judge(said(scores), heard, CLASSES, LEAST, stretch_s=0.25)
    dog, owl = found.classes
    assert (dog.stretches, dog.precision, dog.recall, dog.f1) == (2, 0.5, 0.5, 0.5)
    assert (owl.stretches, owl.precision, owl.recall, owl.f1) == (2, 0.5, 0.5, 0.5)
    assert found.f1 == pytest.approx(0.5)
    assert (found.mixtures, found.stretch_s) == (2, 0.25)
    assert 0 <= found.low <= found.f1 <= found.high <= 1


def test_a_class_that_is_never_heard_has_no_average_precision() -> None:
    scores, heard = np.full((3, 4, 2), 0.1), np.zeros((3, 4, 2), bool)
    heard[..., 0] = True
    found = judge(said(scores), heard, CLASSES, LEAST, stretch_s=1.0)
    assert found.classes[1].average_precision is None
    assert found.classes[1].f1 is None
    assert found.average_precision == found.classes[0].average_precision == 1.0
    assert found.f1 == 0.0


def test_the_error_is_the_gap_between_scores_and_how_often_they_are_right() -> None:
    rng = np.random.default_rng(0)
    scores = np.full((50, 40, 1), 0.3)
    right = rng.random(scores.shape) < 0.3
    assert judge(said(scores), right, ("dog",), {"dog": 0.5}, stretch_s=1).error < 0.03
    assert judge(said(scores), ~right, ("dog",), {"dog": 0.5}, stretch_s=1).error == pytest.approx(0.4, abs=0.03)


def test_a_mixture_is_judged_by_its_own_scores() -> None:
    heard = np.zeros((4, 10, 1), bool)
    heard[:3, 0] = True  # in three of four
    sure, half = np.full((4, 10, 1), 0.9), np.full((4, 1), 0.75)
    found = judge(Said(sure, sure, half, sure.max(1)), heard, ("dog",), {"dog": 0.5}, stretch_s=1)
    assert found.mixture_error == pytest.approx(0.0)
    assert found.mixture_error_before == pytest.approx(0.15)
    assert found.error == found.error_before == pytest.approx(0.9 - 3 / 40)

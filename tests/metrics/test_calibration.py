"""Temperatures and thresholds, against answers that can be worked out."""

import numpy as np
import pytest

from soundsieve.metrics.calibration import calibration_error, fit_temperature, fit_thresholds, probabilities, table_of


@pytest.mark.parametrize("kind", ["one", "each"])
@pytest.mark.parametrize("temperature", [0.4, 1.0, 3.0])
def test_the_temperature_that_the_logits_were_multiplied_by_is_found_again(kind: str, temperature: float) -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (20_000, 4))
    scores = probabilities(logits, kind)  # type: ignore[arg-type]
    if kind == "one":
        truth = (rng.random((len(logits), 1)) > scores.cumsum(1)).sum(1).clip(0, 3)
        found = fit_temperature(temperature * logits, table_of(truth, 4), "one")
    else:
        logits, scores = logits[:, :1] - 1, probabilities(logits[:, :1] - 1, "each")
        truth = np.where(rng.random(len(logits)) < scores[:, 0], 0, -1)
        found = fit_temperature(temperature * logits, table_of(truth, 1), "each")
    assert found == pytest.approx(temperature, rel=0.05)


def test_without_a_clip_of_a_class_nothing_is_changed() -> None:
    assert fit_temperature(np.zeros((2, 3)), table_of(np.array([-1, -1]), 3), "one") == 1.0


def test_a_threshold_separates_what_can_be_separated() -> None:
    scores = np.array([[0.9, 0.1], [0.7, 0.2], [0.4, 0.3], [0.1, 0.2]])
    found = fit_thresholds(scores, table_of(np.array([0, 0, -1, -1]), 2), ["dog", "rain"])
    assert found == {"dog": pytest.approx(0.55), "rain": 0.5}


def test_equal_scores_are_accepted_together() -> None:
    scores = np.array([[0.5], [0.5], [0.5], [0.2]])
    found = fit_thresholds(scores, table_of(np.array([0, -1, -1, 0]), 1), ["dog"])  # all four: F1 2/3; the three: 2/5
    assert found["dog"] == pytest.approx(0.1)


def test_the_calibration_error_is_the_gap_between_confidence_and_accuracy() -> None:
    scores = np.array([[0.9, 0.1]] * 10 + [[0.6, 0.4]] * 10)
    truth = np.array([0] * 8 + [1] * 2 + [0] * 6 + [1] * 4)
    assert calibration_error(scores, truth) == pytest.approx(0.05)
    assert np.isnan(calibration_error(np.zeros((0, 2)), np.zeros(0, int)))

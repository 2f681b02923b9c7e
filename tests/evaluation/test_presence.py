"""Levels tell present from absent exactly as well as they can."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sounds import LABELS, RATE_HZ, background_bank, event_bank
from soundsieve.evaluation.gated import GatedEstimator, loudest_second_db
from soundsieve.evaluation.presence import SILENCE_DB, area_under_curve, best_threshold, calibrate_thresholds
from soundsieve.evaluation.select import DrawnMixtures
from soundsieve.mixing import MixtureSettings

levels = st.lists(st.tuples(st.sampled_from([-60.0, -30.0, -20.0, -19.0, -3.0]), st.booleans()), min_size=1)


@given(levels)
def test_the_area_is_the_share_of_pairs_in_the_right_order(pairs: list[tuple[float, bool]]) -> None:
    there = [level for level, present in pairs if present]
    away = [level for level, present in pairs if not present]
    found = area_under_curve(*zip(*pairs, strict=True))
    if not there or not away:
        assert np.isnan(found)
        return
    order = [1.0 if p > a else 0.5 if p == a else 0.0 for p in there for a in away]
    assert found == pytest.approx(np.mean(order))


@given(levels, st.sampled_from([0.0, 0.02, 0.3, 1.0]))
def test_no_threshold_that_refuses_as_little_is_better_than_the_best(
    pairs: list[tuple[float, bool]], most_refused: float
) -> None:
    def found(threshold: float) -> float:
        return float(np.mean([level >= threshold for level, present in pairs if present]))

    def balanced(threshold: float) -> float:
        if found(threshold) < 1 - most_refused - 1e-9:
            return 0.0
        return found(threshold) + float(np.mean([level < threshold for level, present in pairs if not present]))

    if len({present for _, present in pairs}) < 2:
        assert best_threshold(*zip(*pairs, strict=True)) == SILENCE_DB
        return
    best = best_threshold(*zip(*pairs, strict=True), most_refused=most_refused)
    assert found(best) >= 1 - most_refused - 1e-9
    assert balanced(best) == pytest.approx(max(balanced(x) for x in np.arange(-80, 10, 0.5)))


def test_what_is_there_is_hardly_ever_refused_though_more_that_is_not_gets_through() -> None:
    rng = np.random.default_rng(0)
    levels_db = np.concatenate([rng.normal(-10, 4, 500), rng.normal(-20, 6, 500)])
    present = np.arange(1000) < 500
    threshold = best_threshold(levels_db, present)
    assert np.mean(levels_db[present] < threshold) <= 0.02
    balanced = best_threshold(levels_db, present, most_refused=1.0)
    assert threshold < balanced
    assert np.mean(levels_db[present] < balanced) > 0.05


def leaky(mixture: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """A selector that hands over all of the mixture's first class, and of everything else a hundredth."""
    gains = wanted @ torch.tensor([1.0] + [0.01] * (wanted.shape[2] - 1))
    return gains[..., None] * mixture


def mixtures(count: int, labels: tuple[str, ...] = LABELS) -> DrawnMixtures:
    settings = MixtureSettings(duration_s=1.0, event_s=(0.4, 0.8), classes=(2, 3), events=3)
    return DrawnMixtures((event_bank(labels), background_bank()), settings, (1, 2), count)


def test_thresholds_lie_between_what_is_there_and_what_leaks() -> None:
    # The class asked for is handed over at -6 dB where it is there and at -30 dB where it is not.
    drawn, classes = mixtures(60), sorted(LABELS)
    by_sound = {float(drawn(k).mixture.sum()): drawn(k) for k in range(len(drawn))}

    def estimator(mixture: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
        there = by_sound[float(mixture.numpy()[0, 0].sum())].references
        gain = [0.5 if classes[int(row.argmax())] in there else 10**-1.5 for row in wanted[0]]
        return torch.tensor(gain)[None, :, None] * mixture

    found = calibrate_thresholds(estimator, drawn, classes)
    assert list(found) == classes
    assert all(level == pytest.approx(-18, abs=0.1) for level in found.values())
    loudest = calibrate_thresholds(estimator, drawn, classes, measure=loudest_second_db(RATE_HZ))
    assert all(level == pytest.approx(-18, abs=0.1) for level in loudest.values())


def test_a_class_without_examples_takes_the_threshold_of_all() -> None:
    classes = [*sorted(LABELS[:4]), "unheard"]
    found = calibrate_thresholds(leaky, mixtures(30, LABELS[:4]), classes)
    assert np.isfinite(list(found.values())).all()
    shared = [level for level in found.values() if level == found["unheard"]]
    assert shared


def test_calibration_repeats_and_reports_progress() -> None:
    seen: list[tuple[int, int]] = []
    drawn, classes = mixtures(4), sorted(LABELS)
    first = calibrate_thresholds(leaky, drawn, classes, progress=lambda done, total: seen.append((done, total)))
    assert first == calibrate_thresholds(leaky, drawn, classes)
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_the_gate_holds_back_what_is_absent_and_nothing_else() -> None:
    gated = GatedEstimator(leaky, ["a", "b", "c"], RATE_HZ, thresholds_db={"a": -20.0, "b": -20.0, "c": -60.0})
    mixture = 0.1 * torch.randn(2, 1, 3 * RATE_HZ)
    wanted = torch.tensor([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [0, 0, 0]]).expand(2, 5, 3)
    estimate = gated(mixture, wanted)
    assert estimate.shape == (2, 5, 3 * RATE_HZ)
    assert torch.allclose(estimate[:, 0], mixture[:, 0], atol=1e-6), "present: let through"
    assert not estimate[:, 1].any(), "at -40 dB, below its threshold of -20 dB: absent"
    assert torch.allclose(estimate[:, 2], 0.01 * mixture[:, 0], atol=1e-6), "at -40 dB, above its threshold"
    assert torch.allclose(estimate[:, 3], mixture[:, 0], atol=1e-6), "of the two only the one that is there"
    assert not estimate[:, 4].any(), "nothing was asked for"

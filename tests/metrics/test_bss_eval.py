"""BSS Eval against closed forms, against mir_eval, and against figures that museval printed."""

from __future__ import annotations

import warnings

import mir_eval
import numpy as np
import pytest
from numpy.typing import NDArray

from soundsieve.metrics import bss_eval, over_songs
from soundsieve.metrics.bss_eval import BssEval

Floats = NDArray[np.float64]
MEASURES = ("sdr_db", "isr_db", "sir_db", "sar_db")


def stems(count: int = 3, channels: int = 2, time: int = 12_000, seed: int = 0) -> Floats:
    return np.random.default_rng(seed).standard_normal((count, channels, time))


def level(x: Floats) -> float:
    return 10 * np.log10((x**2).sum())


class TestClosedForms:
    """Long white noises are nearly orthogonal, so each kind of distortion shows in its own measure."""

    def score(self, estimate: Floats, reference: Floats) -> dict[str, float]:
        scores = bss_eval(estimate=estimate, reference=reference, window=reference.shape[-1], taps=8)
        return {name: float(getattr(scores, name)[0, 0]) for name in MEASURES}

    def test_another_stem_is_interference(self) -> None:
        x = stems()
        found = self.score(np.stack([x[0] + 0.1 * x[1], x[1], x[2]]), x)
        ratio = level(x[0]) - level(0.1 * x[1])
        assert found["sdr_db"] == pytest.approx(ratio, abs=1e-9)
        assert found["sir_db"] == pytest.approx(ratio, abs=0.1)
        assert found["isr_db"] > 35
        assert found["sar_db"] > 100

    def test_strange_noise_is_an_artifact(self) -> None:
        x, noise = stems(), stems(1, seed=7)[0]
        found = self.score(np.stack([x[0] + 0.1 * noise, x[1], x[2]]), x)
        ratio = level(x[0]) - level(0.1 * noise)
        assert found["sdr_db"] == pytest.approx(ratio, abs=1e-9)
        assert found["sar_db"] == pytest.approx(ratio, abs=0.1)
        assert min(found["isr_db"], found["sir_db"]) > 35

    @pytest.mark.parametrize("delay", [0, 3])
    def test_a_filter_is_spatial_distortion(self, delay: int) -> None:
        x = stems()
        x[..., -8:] = 0  # so that nothing is cut off by the delay
        found = self.score(np.stack([0.8 * np.roll(x[0], delay, axis=-1), x[1], x[2]]), x)
        distortion = 0.8 * np.roll(x[0], delay, axis=-1) - x[0]
        assert found["sdr_db"] == pytest.approx(level(x[0]) - level(distortion), abs=1e-9)
        assert found["isr_db"] == pytest.approx(found["sdr_db"], abs=1e-6)
        assert min(found["sir_db"], found["sar_db"]) > 100

    def test_a_perfect_estimate_has_no_distortion(self) -> None:
        assert self.score(stems(), stems())["sdr_db"] == np.inf


def test_the_whole_recording_agrees_with_mir_eval() -> None:
    x = stems(2, 1, 4_000)
    y = x + 0.3 * x[::-1] + 0.2 * np.roll(x, 5, axis=-1) + 0.1 * stems(2, 1, 4_000, seed=1)
    scores = bss_eval(estimate=y, reference=x, window=4_000)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # that it is to leave mir_eval
        sdr, isr, sir, sar, _ = mir_eval.separation.bss_eval_images(
            np.moveaxis(x, 1, 2), np.moveaxis(y, 1, 2), compute_permutation=False
        )
    for ours, theirs in zip((getattr(scores, name) for name in MEASURES), (sdr, isr, sir, sar), strict=True):
        np.testing.assert_allclose(ours[:, 0], theirs, atol=1e-6)


# museval 0.4.1 on the stems below: museval.metrics.bss_eval(x.transpose(0, 2, 1), y.transpose(0, 2, 1), window=3_000,
# hop=2_000, filters_len=64), of which the first three frames.
MUSEVAL = {
    "sdr_db": [[13.25969, np.nan, 13.40808], [10.8517, np.nan, 10.74929]],
    "isr_db": [[19.93583, np.nan, 19.95145], [19.73026, np.nan, 19.86281]],
    "sir_db": [[14.74529, np.nan, 14.81094], [11.47871, np.nan, 11.41994]],
    "sar_db": [[19.28615, np.nan, 19.46455], [17.66703, np.nan, 17.80255]],
}


def test_frames_agree_with_museval() -> None:
    scores = bss_eval(**museval_case(), window=3_000, hop=2_000, taps=64)
    assert scores.sdr_db.shape == (2, 5)
    for name in MEASURES:
        np.testing.assert_allclose(getattr(scores, name)[:, :3], MUSEVAL[name], atol=1e-4)


def museval_case() -> dict[str, Floats]:
    x = stems(2, 2, 12_500, seed=3)
    x[1, :, 2_000:5_000] = 0
    return {"reference": x, "estimate": 0.9 * x + 0.2 * x[::-1] + 0.1 * stems(2, 2, 12_500, seed=4)}


class TestSilence:
    def test_a_frame_where_any_stem_is_silent_has_no_figures_and_is_counted(self) -> None:
        x = stems(2, 2, 4_000)
        x[0, :, 1_000:2_000] = 0
        y = x + 0.1 * stems(2, 2, 4_000, seed=1)
        y[1, :, 3_000:] = 0
        scores = bss_eval(estimate=y, reference=x, window=1_000, taps=8)
        assert np.isnan(scores.sdr_db).tolist() == [[False, True, False, True]] * 2
        assert scores.nan_frames.tolist() == [2, 2]
        assert all((np.isnan(getattr(scores, name)) == np.isnan(scores.sdr_db)).all() for name in MEASURES)

    def test_a_stem_that_is_never_heard_does_not_spoil_the_others(self) -> None:
        x, noise = stems(3, 1, 4_000), 0.1 * stems(3, 1, 4_000, seed=1)
        x[1] = 0
        with_it = bss_eval(estimate=x + noise, reference=x, window=1_000, taps=8)
        without = bss_eval(estimate=(x + noise)[[0, 2]], reference=x[[0, 2]], window=1_000, taps=8)
        assert np.isnan(with_it.sdr_db[1]).all()
        assert with_it.nan_frames.tolist() == [0, 4, 0]
        for name in MEASURES:
            np.testing.assert_allclose(getattr(with_it, name)[[0, 2]], getattr(without, name), atol=1e-9)

    def test_a_stem_that_is_never_estimated_still_interferes(self) -> None:
        x = stems(2, 1, 4_000)
        scores = bss_eval(estimate=np.stack([x[0] + 0.1 * x[1], 0 * x[1]]), reference=x, window=4_000, taps=8)
        assert scores.sir_db[0, 0] == pytest.approx(20, abs=0.5)
        assert scores.sar_db[0, 0] > 100
        assert np.isnan(scores.sdr_db[1, 0])

    def test_nothing_but_silence(self) -> None:
        scores = bss_eval(estimate=np.zeros((2, 1, 100)), reference=np.zeros((2, 1, 100)), window=50)
        assert scores.nan_frames.tolist() == [2, 2]


def test_channels_that_are_the_same_are_no_obstacle() -> None:
    x = stems(2, 1, 4_000).repeat(2, axis=1)
    scores = bss_eval(estimate=0.5 * x + 0.1 * x[::-1], reference=x, window=4_000, taps=16)
    np.testing.assert_allclose(scores.sir_db[:, 0], 10 * np.log10(0.25 / 0.01), atol=0.2)


def test_mistakes_are_told() -> None:
    x = stems(2, 1, 100)
    with pytest.raises(ValueError, match=r"found \(2, 1, 100\) and \(1, 1, 100\)"):
        bss_eval(estimate=x, reference=x[:1], window=10)
    with pytest.raises(ValueError, match=r"\(stem, channel, time\)"):
        bss_eval(estimate=x[0], reference=x[0], window=10)
    for name in ("window", "hop", "taps"):
        with pytest.raises(ValueError, match=f"{name}: expected 1 sample or more, found 0"):
            bss_eval(estimate=x, reference=x, **{"window": 10, name: 0})


class TestOverSongs:
    def test_medians_of_songs_are_not_the_median_of_frames(self) -> None:
        found = over_songs([[0.0, 0.0, 0.0, 0.0], [10.0], [20.0, np.nan]])
        assert (found.median, found.mean) == (10.0, 10.0)
        assert (found.pooled_median, found.pooled_mean, found.pooled_mad) == (0.0, 5.0, 0.0)
        assert found.pooled_sd == pytest.approx(np.std([0, 0, 0, 0, 10, 20]))
        assert (found.songs, found.frames, found.nan_songs, found.nan_frames) == (3, 6, 0, 1)

    def test_perfect_frames_are_figures(self) -> None:
        found = over_songs([[1.0, 3.0, np.inf]])
        assert (found.median, found.mean, found.frames) == (3.0, np.inf, 3)
        assert np.isnan(found.pooled_sd)

    def test_no_figure_at_all(self) -> None:
        for scores in ([], [[np.nan, np.nan]]):
            found = over_songs(scores)
            assert np.isnan([found.median, found.mean, found.pooled_mad, found.pooled_sd]).all()
            assert (found.songs, found.nan_songs) == (0, len(scores))

    def test_it_takes_the_frames_of_bss_eval(self) -> None:
        x = stems(2, 1, 4_000)
        scores: BssEval = bss_eval(estimate=x + 0.1 * stems(2, 1, 4_000, seed=1), reference=x, window=1_000, taps=8)
        assert over_songs([scores.sdr_db[0], scores.sdr_db[1]]).median == pytest.approx(20, abs=0.5)

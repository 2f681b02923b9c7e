"""Losses of separators of songs: their values where these are known, and what they pull towards."""

import pytest
import torch

from soundsieve.losses import StemLossSettings, cell_loss, stem_share_loss, waveform_loss
from soundsieve.losses.stems import multi_resolution


def test_waveforms_are_judged_by_their_error() -> None:
    torch.manual_seed(0)
    reference = torch.randn(2, 4, 2, 3_000)
    squared = waveform_loss(estimate=reference + 0.1, reference=reference, settings=StemLossSettings())
    absolute = waveform_loss(estimate=reference + 0.1, reference=reference, settings=StemLossSettings(kind="l1"))
    assert float(squared) == pytest.approx(0.01, rel=1e-4)
    assert float(absolute) == pytest.approx(0.1, rel=1e-4)
    spectral = StemLossSettings(kind="l1", resolutions=1.0, n_ffts=(256, 512))
    worse = waveform_loss(estimate=0.5 * reference, reference=reference, settings=spectral)
    # Half of a sound: convergence is ½ and the logarithms differ by ln 2, at every resolution.
    assert float(worse - 0.5 * reference.abs().mean()) == pytest.approx(0.5 + 0.6931, abs=0.01)


def test_spectra_of_the_same_sound_do_not_differ_and_shifted_phases_hardly() -> None:
    t = torch.arange(8_000) / 8_000
    tone, shifted, other = (
        torch.sin(2 * torch.pi * hz * t + phase)[None] for hz, phase in ((440, 0), (440, 1), (600, 0))
    )
    assert float(multi_resolution(tone, tone, (512, 1024))) == 0
    assert float(multi_resolution(shifted, tone, (512, 1024))) < 0.2 * float(multi_resolution(other, tone, (512, 1024)))


def test_cells_below_the_floor_make_no_difference_and_what_leaks_above_it_does() -> None:
    t = torch.arange(8_000) / 8_000
    loud = torch.sin(2 * torch.pi * 440 * t)
    silence = torch.zeros_like(loud)
    reference = torch.stack([loud, silence])
    unheard, leaking = (torch.stack([loud, level * loud]) for level in (1e-5, 1e-2))
    # Only the second row differs: by its level in the convergence, and in the logarithms from the floor upwards.
    assert float(multi_resolution(unheard, reference, (512,))) == pytest.approx(1e-5, rel=0.01)
    floor, peak = (1e-4 * _magnitudes(loud).max(), _magnitudes(leaking[1]))
    expected = (peak.clamp(min=float(floor)) / floor).log().mean() / 2
    assert float(expected) > 0.03
    assert float(multi_resolution(leaking, reference, (512,))) == pytest.approx(0.01 + float(expected), rel=0.01)


def _magnitudes(x: torch.Tensor) -> torch.Tensor:
    return torch.stft(x, 512, 128, window=torch.hann_window(512), return_complex=True).abs()


def test_the_best_mask_has_the_least_loss_and_louder_songs_do_not_weigh_more() -> None:
    torch.manual_seed(0)
    reference = torch.randn(1, 3, 2, 20, 30, dtype=torch.complex64)
    mixture = reference.sum(1)
    # The projection of a stem on the mixture is the best that a real mask can do.
    best = (reference * mixture[:, None].conj()).real / mixture[:, None].abs().square()
    least = cell_loss(masks=best, mixture=mixture, reference=reference)
    for change in (0.9 * best, best + 0.1, best + 0.1 * torch.randn_like(best)):
        assert cell_loss(masks=change, mixture=mixture, reference=reference) > least
    louder = cell_loss(masks=best, mixture=50 * mixture, reference=50 * reference)
    assert float(louder) == pytest.approx(float(least), rel=1e-3)


def test_true_shares_have_the_least_loss_of_naming() -> None:
    power = torch.rand(2, 4, 2, 8, 10)
    true = power.log()
    least = stem_share_loss(logits=true, power=power)
    for seed in range(3):
        torch.manual_seed(seed)
        assert stem_share_loss(logits=true + 0.3 * torch.randn_like(true), power=power) > least
    assert torch.isfinite(stem_share_loss(logits=true, power=torch.zeros_like(power)))

"""Losses against signals whose ratio is known, and against torchmetrics as referee."""

import pytest
import torch
from torchmetrics.functional.audio import scale_invariant_signal_noise_ratio, signal_noise_ratio

from soundsieve.losses import SelectionLoss, SelectionLossSettings, negative_si_snr, negative_snr


@pytest.mark.parametrize("ratio_db", [-10.0, 0.0, 20.0])
def test_snr_of_noise_at_a_known_level(ratio_db: float) -> None:
    torch.manual_seed(0)
    reference, noise = torch.randn(3, 4000), torch.randn(3, 4000)
    noise *= (reference.norm(dim=-1) / noise.norm(dim=-1) * 10 ** (-ratio_db / 20))[:, None]
    torch.testing.assert_close(
        negative_snr(estimate=reference + noise, reference=reference), torch.full((3,), -ratio_db), atol=1e-3, rtol=0
    )


def test_both_agree_with_torchmetrics() -> None:
    torch.manual_seed(0)
    reference = torch.randn(5, 1000)
    reference -= reference.mean(-1, keepdim=True)
    estimate = 0.3 * reference + 0.1 * torch.randn(5, 1000)
    estimate -= estimate.mean(-1, keepdim=True)
    pair = {"estimate": estimate, "reference": reference}
    torch.testing.assert_close(-negative_snr(**pair), signal_noise_ratio(estimate, reference), atol=1e-3, rtol=0)
    torch.testing.assert_close(
        -negative_si_snr(**pair), scale_invariant_signal_noise_ratio(estimate, reference), atol=1e-3, rtol=0
    )


def test_the_ceiling_bounds_the_loss_and_its_gradient() -> None:
    reference = torch.randn(1000)
    for error in (0.3, 1e-4):
        estimate = (reference * (1 + error)).requires_grad_()
        loss = negative_snr(estimate=estimate, reference=reference, ceiling_db=30)
        loss.backward()
        assert loss > -30.01
        if error < 1e-3:
            assert estimate.grad.norm() < 0.1


def judge(
    settings: SelectionLossSettings, estimate: torch.Tensor, reference: torch.Tensor, weight: float = 1.0
) -> float:
    mixture = torch.ones(1, 1, estimate.shape[-1])
    return SelectionLoss(settings)(
        estimate=estimate, reference=reference, mixture=mixture, weight=torch.full(estimate.shape[:2], weight)
    ).item()


def test_pure_snr_is_the_papers_loss() -> None:
    paper = SelectionLossSettings(si_snr=0, ceiling_db=None, absent=0)
    reference = torch.randn(1, 2, 500)
    estimate = reference + torch.randn(1, 2, 500)
    assert judge(paper, estimate, reference) == pytest.approx(
        negative_snr(estimate=estimate, reference=reference).mean().item(), abs=1e-4
    )


def test_leakage_of_an_absent_class_is_punished_and_silence_is_not() -> None:
    settings = SelectionLossSettings(absent=1.0, absent_floor_db=30)
    silence = torch.zeros(1, 1, 500)
    assert judge(settings, silence, silence) == pytest.approx(-30, abs=0.01)
    assert judge(settings, torch.full((1, 1, 500), 0.1), silence) == pytest.approx(-20, abs=0.5)


def test_padding_counts_for_nothing() -> None:
    settings = SelectionLossSettings()
    reference = torch.randn(1, 2, 500)
    estimate = reference + 0.1 * torch.randn(1, 2, 500)
    spoilt = torch.cat([estimate, torch.full((1, 1, 500), 1e3)], 1)
    padded = torch.cat([reference, torch.zeros(1, 1, 500)], 1)
    loss = SelectionLoss(settings)(
        estimate=spoilt, reference=padded, mixture=torch.ones(1, 1, 500), weight=torch.tensor([[1.0, 1.0, 0.0]])
    )
    assert loss.item() == pytest.approx(judge(settings, estimate, reference), abs=1e-4)


def test_the_guard_gives_a_collapsed_estimate_a_way_out() -> None:
    """At silence pure SNR is flat at 0 dB in every direction that is not the target; SI-SNR still tells them apart."""
    torch.manual_seed(0)
    reference = torch.randn(1, 1, 500)
    right, wrong = 1e-3 * reference, 1e-3 * torch.randn(1, 1, 500)
    pure, guarded = SelectionLossSettings(si_snr=0), SelectionLossSettings(si_snr=0.1)
    gain_pure = judge(pure, wrong, reference) - judge(pure, right, reference)
    gain_guarded = judge(guarded, wrong, reference) - judge(guarded, right, reference)
    assert gain_pure < 0.05
    assert gain_guarded > 1.0


def test_the_guard_pushes_hardest_where_nothing_of_the_target_is_left() -> None:
    time = torch.arange(512) * (2 * torch.pi / 512)
    reference = torch.sin(5 * time)[None, None]
    estimate = (torch.sin(9 * time) + 0.005 * torch.sin(5 * time))[None, None].requires_grad_()  # 46 dB below
    loss = SelectionLoss(SelectionLossSettings(si_snr=1))
    loss(estimate=estimate, reference=reference, mixture=reference, weight=torch.ones(1, 1)).backward()
    assert estimate.grad is not None
    assert estimate.grad.norm() > 0.01

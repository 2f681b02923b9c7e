"""Factorisation of spectrograms, with scikit-learn as the referee."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
import torch
from torch import Tensor

from soundsieve.features.nmf import activate, divergence, factorise
from soundsieve.features.object_stft import ObjectSTFT

DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here"))]


def spectrum(bins: int = 600, frames: int = 50, parts: int = 8, seed: int = 0, noise: float = 0.05) -> Tensor:
    """Sparse bases that come and go, and noise."""
    rng = torch.Generator().manual_seed(seed)
    bases = torch.rand(bins, parts, generator=rng) ** 8 / (1 + torch.arange(bins)[:, None] / 50)
    activations = torch.rand(parts, frames, generator=rng) ** 4
    return bases @ activations + noise * (bases.mean() * torch.rand(bins, frames, generator=rng))


def start(v: Tensor, components: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    rng = torch.Generator().manual_seed(seed)
    first = torch.rand(v.shape[-2], components, generator=rng) + 0.1
    return first, torch.rand(components, v.shape[-1], generator=rng) + 0.1


def referee(v: Tensor, components: int, iterations: int, first: tuple[Tensor, Tensor] | None = None) -> float:
    """What scikit-learn's solver reaches, in double precision."""
    from sklearn.decomposition import non_negative_factorization

    pair = {} if first is None else {"W": first[0].double().numpy(), "H": first[1].double().numpy()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        w, h, _ = non_negative_factorization(
            v.double().numpy(),
            **pair,
            n_components=components,
            init="custom" if pair else "random",
            solver="mu",
            beta_loss="kullback-leibler",
            max_iter=iterations,
            tol=0,
            random_state=0,
        )
    return float(divergence(v, torch.from_numpy(w @ h)))


def test_divergence_is_that_of_scikit_learn() -> None:
    from sklearn.decomposition._nmf import _beta_divergence

    v, (w, h) = spectrum(), start(spectrum(), 5)
    expected = _beta_divergence(v.double().numpy(), w.double().numpy(), h.double().numpy(), 1)
    assert float(divergence(v, w.double() @ h.double())) == pytest.approx(expected, rel=1e-6)
    assert torch.isinf(divergence(torch.ones(1, 1), torch.zeros(1, 1)))


@pytest.mark.parametrize("iterations", [1, 7, 50])
def test_the_published_rule_is_scikit_learns(iterations: int) -> None:
    v = spectrum()
    first = start(v, 6)
    found = factorise(v, 6, iterations=iterations, tolerance=0, relaxation=1, start=first)
    assert found.iterations == iterations
    assert found.divergence.item() == pytest.approx(referee(v, 6, iterations, first), rel=1e-4)


@pytest.mark.parametrize("seed", range(3))
def test_merged_bins_and_long_steps_get_at_least_as_far(seed: int) -> None:
    v = spectrum(seed=seed, parts=12)
    found = factorise(v, 8, seed=seed)
    assert found.iterations < 200
    assert found.divergence.item() < 1.02 * referee(v, 8, 200)


def test_the_published_rule_never_makes_it_worse() -> None:
    v = spectrum(noise=1.0)
    first = start(v, 5)
    before = float(divergence(v, first[0] @ first[1]))
    for iterations in range(1, 30):
        now = factorise(v, 5, iterations=iterations, tolerance=0, relaxation=1, start=first).divergence.item()
        assert now <= before * (1 + 1e-6)
        before = now


def test_bases_are_normalised_and_everything_agrees() -> None:
    v = 100 * spectrum()
    found = factorise(v, 6)
    torch.testing.assert_close(found.bases.amax(0), torch.ones(6))
    torch.testing.assert_close(divergence(v, found.bases @ found.activations), found.divergence, rtol=1e-4, atol=0)
    assert found.divergence.item() < 0.05 * v.sum().item()


def test_the_level_changes_only_the_level() -> None:
    v = spectrum()
    quiet, loud = factorise(v * 2.0**-20, 5), factorise(v * 2.0**10, 5)
    torch.testing.assert_close(quiet.bases, loud.bases)
    torch.testing.assert_close(quiet.activations * 2.0**30, loud.activations)


@pytest.mark.parametrize("device", DEVICES)
def test_a_batch_is_each_of_its_spectrograms(device: str) -> None:
    batch = torch.stack([spectrum(seed=0), 30 * spectrum(seed=1), torch.zeros(600, 50), spectrum(seed=2, noise=2)])
    together = factorise(batch.to(device).reshape(2, 2, 600, 50), 7, seed=3)
    assert together.bases.device.type == device
    assert together.bases.shape == (2, 2, 600, 7)
    assert together.activations.shape == (2, 2, 7, 50)
    for index, v in enumerate(batch):
        alone = factorise(v.to(device), 7, seed=3)
        torch.testing.assert_close(together.bases.reshape(4, 600, 7)[index], alone.bases, rtol=1e-2, atol=1e-3)
        torch.testing.assert_close(together.divergence.reshape(4)[index], alone.divergence, rtol=1e-3, atol=1e-9)


def test_the_seed_decides() -> None:
    v = spectrum(noise=1)
    once, again, other = factorise(v, 7, seed=5), factorise(v, 7, seed=5), factorise(v, 7, seed=6)
    assert torch.equal(once.bases, again.bases)
    assert torch.equal(once.activations, again.activations)
    assert not torch.equal(once.bases, other.bases)


@pytest.mark.parametrize("shape", [(600, 50), (600, 1), (1, 1), (5, 3), (2, 400)])
def test_silence_is_silence(shape: tuple[int, int]) -> None:
    found = factorise(torch.zeros(shape))
    assert torch.isfinite(found.bases).all()
    assert not found.activations.any()
    assert found.divergence.item() == 0
    assert not activate(torch.zeros(shape), torch.rand(shape[0], 3)).any()


def test_silent_frames_and_bins_stay_silent() -> None:
    v = spectrum()
    v[:, 10:20] = 0
    v[300:] = 0
    found = factorise(v, 8)
    assert not found.activations[:, 10:20].any()
    assert (found.bases @ found.activations)[300:].sum() < 1e-6 * v.sum()
    assert not activate(v, found.bases)[:, 10:20].any()


@pytest.mark.parametrize("frames", [1, 2, 7])
def test_fewer_frames_than_bases_are_explained_whole(frames: int) -> None:
    v = spectrum(frames=frames)
    found = factorise(v, 25)
    assert torch.isfinite(found.bases).all()
    assert found.divergence.item() < 1e-3 * v.sum().item()


def test_a_single_loud_cell_is_no_trouble() -> None:
    v = torch.zeros(600, 50)
    v[17, 5] = 1e6
    found = factorise(v, 4)
    torch.testing.assert_close(found.bases @ found.activations, v, rtol=1e-3, atol=1)


def test_activations_of_known_bases_are_found() -> None:
    """Bases of their own bins: the answer is known, whatever their scale."""
    bases = torch.zeros(60, 3)
    for k in range(3):
        bases[20 * k : 20 * k + 20, k] = 10.0**k * torch.rand(20, generator=torch.Generator().manual_seed(k))
    expected = torch.tensor([[1.0, 0, 2, 0], [0, 3, 1, 0], [0.5, 0.1, 0, 0]])
    torch.testing.assert_close(activate(bases @ expected, bases), expected, rtol=1e-3, atol=1e-3)
    both = activate(torch.stack([bases @ expected, 2 * bases @ expected]), bases)
    torch.testing.assert_close(both[1], 2 * expected, rtol=1e-3, atol=2e-3)


def test_bases_that_are_nothing_stay_silent() -> None:
    v = spectrum()
    bases = torch.cat([factorise(v, 4).bases, torch.zeros(600, 2)], dim=1)
    found = activate(v, bases)
    assert torch.isfinite(found).all()
    assert not found[4:].any()


def test_activations_are_scikit_learns() -> None:
    """The problem is convex: both solvers go to the one least value."""
    v = spectrum(noise=1.0)
    bases = factorise(spectrum(seed=4), 6).bases
    ours = divergence(v, bases @ activate(v, bases, tolerance=1e-6, iterations=1_000)).item()
    from sklearn.decomposition import non_negative_factorization

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        w, h, _ = non_negative_factorization(
            v.double().numpy().T,
            H=bases.double().numpy().T,
            n_components=6,
            update_H=False,
            solver="mu",
            beta_loss="kullback-leibler",
            max_iter=1_000,
            tol=0,
        )
    assert ours == pytest.approx(float(divergence(v, torch.from_numpy((w @ h).T))), rel=1e-4)


@pytest.mark.parametrize("bad", [-1.0, float("nan"), float("inf")])
def test_values_that_no_spectrum_has_are_refused(bad: float) -> None:
    v = spectrum()
    v[3, 4] = bad
    with pytest.raises(ValueError, match="finite values of 0 and more"):
        factorise(v)
    with pytest.raises(ValueError, match="bins"):
        activate(spectrum(), torch.ones(3, 2))
    with pytest.raises(ValueError, match="components"):
        factorise(spectrum(), 0)


@pytest.mark.shared_data
def test_real_recordings_get_as_far_as_the_referee(shared_data: Path) -> None:
    from soundsieve import audio
    from soundsieve.audio import resample

    clip = sorted((shared_data / "esc10" / "audio").glob("*.ogg"))[0]
    waveform, rate = audio.read(clip)
    front_end = ObjectSTFT(sample_rate=16_000, window=1_600, hop=800)
    v = front_end.analyse(torch.from_numpy(resample(waveform[:1], rate, 16_000)[0])).abs()
    assert factorise(v).divergence.item() < 1.02 * referee(v, 25, 200)

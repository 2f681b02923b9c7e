"""Non-negative matrix factorisation under the generalised Kullback-Leibler divergence: V ≈ W·H.

The rule is Lee and Seung's ("Algorithms for Non-negative Matrix Factorization", NIPS 2000),

    W ← W · ((V / WH) Hᵀ) / (1 Hᵀ),    H ← H · (Wᵀ (V / WH)) / (Wᵀ 1),

which never makes the divergence larger and takes hundreds of iterations over the whole spectrogram. Three things get
to the same place in a fraction of the time:

* *Over-relaxation.* Each factor in the rule is raised to a power below 2, which is as far as a step of expectation
  maximisation may be stretched without losing its way near the end (Salakhutdinov and Roweis, "Adaptive Overrelaxed
  Bound Optimization Methods", ICML 2003). Where the divergence does grow, a spectrogram goes on with the plain rule.
* *Merged bins.* Adjacent bins are summed until every group holds the same share of the spectrogram's root energies,
  and the small problem is solved first. What the divergence models as Poisson variables stays so in sums, so the model
  and the activations are the same.
* *A good start.* Frames unlike each other are the first bases; the best of a few such draws is kept, tried where it
  costs next to nothing.

Axes: b spectrogram, f bin, m component, l frame.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from soundsieve.features._nmf_start import merged_start
from soundsieve.features._nmf_updates import FLOOR, by_device, solve

RELAXATION = 1.9


@dataclass(frozen=True)
class Factors:
    """What a spectrogram was taken apart into.

    Attributes:
        bases: (…, f, m); the largest value of each is 1, unless the spectrogram is silent.
        activations: (…, m, l), with the scale.
        divergence: (…), see `divergence`, in double precision.
        iterations: Updates of both over all bins, at most, of any spectrogram of the batch.
    """

    bases: Tensor
    activations: Tensor
    divergence: Tensor
    iterations: int


def divergence(spectra: Tensor, approximation: Tensor) -> Tensor:
    """Generalised Kullback-Leibler divergence Σ V·ln(V/P) − V + P, the sum over bins and frames.

    Shape:
        - spectra, approximation: (…, f, l)
        - output: (…), float64; infinite where the approximation says that there is nothing and there is

    >>> v = torch.tensor([[1.0, 2.0]])
    >>> round(divergence(v, v).item(), 4), round(divergence(v, 2 * v).item(), 4)
    (0.0, 0.9206)
    """
    v, p = spectra.double(), approximation.double()
    return (torch.xlogy(v, v) - torch.xlogy(v, p) - v + p).sum(dim=(-2, -1))


def factorise(
    spectra: Tensor,
    components: int = 25,
    *,
    iterations: int = 200,
    seed: int = 0,
    tolerance: float = 1e-3,
    relaxation: float = RELAXATION,
    start: tuple[Tensor, Tensor] | None = None,
) -> Factors:
    """Take spectrograms apart, each by itself.

    Args:
        spectra: Values of 0 and more, (…, f, l); the work is done in float32 on their device.
        components: m.
        iterations: At most, over all bins.
        seed: The same seed gives the same factors, alone or in a batch.
        tolerance: Ends when five iterations take less than this share off the divergence; 0 does them all.
        relaxation: The power of each step; 1 is the published rule, under which the divergence never grows.
        start: Bases (…, f, m) and activations (…, m, l) to go on from; no merged bins and no draws then.

    Raises:
        ValueError: a negative, infinite or NaN value, or a size or count out of range.

    >>> bases, activations = torch.eye(2).repeat_interleave(3, 0), torch.tensor([[1.0, 0, 2, 0], [0, 3.0, 0, 1]])
    >>> found = factorise(bases @ activations, 2)
    >>> found.bases.shape, found.activations.shape, bool(found.divergence < 1e-3)
    (torch.Size([6, 2]), torch.Size([2, 4]), True)
    """
    _check(spectra, iterations, relaxation)
    if components < 1:
        raise ValueError(f"components: expected 1 or more, found {components}")
    *batch, bins, frames = spectra.shape
    flat, scale = _scaled(spectra)
    if start is None:
        pairs = [merged_start(v, components, seed, relaxation) for v in by_device(flat)]
        first_bases, first = (torch.cat([pair[part] for pair in pairs]) for part in (0, 1))
    else:
        shapes = ((bins, components), (components, frames))
        first_bases, first = (x.expand(*batch, *s).reshape(-1, *s).float() for x, s in zip(start, shapes, strict=True))
        first = first / scale
    bases, activations, done = solve(flat, first_bases, first, iterations, tolerance, relaxation, fixed=False)
    peak = bases.amax(dim=1, keepdim=True)
    bases /= peak
    activations *= peak.mT * scale
    activations *= flat.sum(dim=1, keepdim=True) > 0  # what is silent has no activation at all, not a tiny one
    found = divergence(flat * scale, torch.bmm(bases, activations))
    return Factors(
        bases.reshape(*batch, bins, components),
        activations.reshape(*batch, components, frames),
        found.reshape(batch),
        done,
    )


def activate(
    spectra: Tensor,
    bases: Tensor,
    *,
    iterations: int = 200,
    tolerance: float = 1e-3,
    relaxation: float = RELAXATION,
) -> Tensor:
    """Find the activations of bases that stay as they are; there is one best answer, whatever the start.

    Args:
        spectra: (…, f, l).
        bases: (…, f, m), of any scale; broadcast over the axes before.
        iterations: At most.
        tolerance: See `factorise`.
        relaxation: See `factorise`.

    Shape:
        - output: (…, m, l)

    Raises:
        ValueError: a negative, infinite or NaN value, or other bins.

    >>> bases = torch.tensor([[1.0, 0], [1, 1]])
    >>> activate(bases @ torch.tensor([[3.0], [1.0]]), bases, tolerance=0).round(decimals=3).tolist()
    [[3.0], [1.0]]
    """
    _check(spectra, iterations, relaxation)
    _check(bases, iterations, relaxation)
    *batch, bins, frames = spectra.shape
    if bases.shape[-2] != bins:
        raise ValueError(f"bases: expected {bins} bins as the spectra have, found shape {tuple(bases.shape)}")
    components = bases.shape[-1]
    flat, scale = _scaled(spectra)
    total = bases.float().sum(dim=-2, keepdim=True)
    unit = bases.float() / torch.where(total > 0, total, 1)
    unit = unit.clamp(min=FLOOR / bins).expand(*batch, bins, components).reshape(-1, bins, components)
    level = flat.sum(dim=1, keepdim=True)
    activations = (level / components).expand(-1, components, -1).clamp(min=FLOOR)
    _, activations, _ = solve(flat, unit, activations, iterations, tolerance, relaxation, fixed=True)
    activations *= (level > 0) * scale
    found = activations.reshape(*batch, components, frames)
    # A basis that is nothing explains nothing.
    return torch.where(total.mT > 0, found / torch.where(total > 0, total, 1).mT, 0)


def _check(spectra: Tensor, iterations: int, relaxation: float) -> None:
    if spectra.ndim < 2 or 0 in spectra.shape:
        raise ValueError(f"expected a matrix (…, bin, row) that holds something, found shape {tuple(spectra.shape)}")
    if not (bool(torch.isfinite(spectra).all()) and bool((spectra >= 0).all())):
        raise ValueError("expected finite values of 0 and more, found others")
    if iterations < 1 or not 0 < relaxation < 2:
        raise ValueError(f"expected 1 iteration or more and a relaxation below 2, found {iterations} and {relaxation}")


def _scaled(spectra: Tensor) -> tuple[Tensor, Tensor]:
    """Flatten to (b, f, l) with a mean of 1 each, and say what that was divided by; silence stays."""
    flat = spectra.reshape(-1, *spectra.shape[-2:]).float().contiguous()
    scale = flat.mean(dim=(1, 2), keepdim=True)
    scale = torch.where(scale > torch.finfo(scale.dtype).tiny, scale, 1)
    return flat / scale, scale

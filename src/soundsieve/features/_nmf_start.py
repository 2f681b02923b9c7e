"""Where a factorisation starts: at the solution for merged bins, which starts at the best of some draws.

Axes: b spectrogram, f bin, g group of bins, m component, l frame.
"""

from __future__ import annotations

import torch
from torch import Tensor

from soundsieve.features._nmf_updates import FLOOR, solve

_DRAWS, _DRAW_GROUPS, _DRAW_ITERATIONS = 4, 120, 40
_GROUPS, _GROUP_ITERATIONS, _GROUP_TOLERANCE = 400, 100, 1e-4


def merged_start(flat: Tensor, components: int, seed: int, relaxation: float) -> tuple[Tensor, Tensor]:
    """Solve for merged bins first: (b, f, l) → bases (b, f, m) and activations (b, m, l) to go on from."""
    fine_of = _groups(flat, _GROUPS)
    fine = _merged(flat, fine_of)
    few_of = _groups(fine, _DRAW_GROUPS)
    few = _merged(fine, few_of)
    bases, activations = _best_draw(few, components, seed, relaxation)
    bases = _spread(bases, few_of, few, fine)
    bases, activations, _ = solve(
        fine, bases, activations, _GROUP_ITERATIONS, _GROUP_TOLERANCE, relaxation, fixed=False
    )
    return _spread(bases, fine_of, fine, flat), activations


def _groups(flat: Tensor, most: int) -> Tensor:
    """Say which group each bin belongs to, (b, f): adjacent ones, alike in the sum of their root energies."""
    bins = flat.shape[1]
    if bins <= most:
        return torch.arange(bins, device=flat.device).expand(len(flat), -1)
    weight = flat.sum(dim=2).double().sqrt() + 1e-12
    middle = weight.cumsum(dim=1) - weight / 2
    return (middle / weight.sum(dim=1, keepdim=True) * most).long().clamp(max=most - 1)


def _merged(flat: Tensor, group: Tensor) -> Tensor:
    """Sum the bins of a group: (b, f, l) → (b, g, l)."""
    count = int(group.max()) + 1
    # A product and no scattered sum: those add in any order on an accelerator, and differ from run to run.
    member = (group[:, None, :] == torch.arange(count, device=flat.device)[:, None]).to(flat.dtype)
    return torch.bmm(member, flat)


def _spread(bases: Tensor, group: Tensor, merged: Tensor, flat: Tensor) -> Tensor:
    """Give each bin its share of its group's value in every basis: (b, g, m) → (b, f, m)."""
    shares = flat.sum(dim=2) / merged.sum(dim=2).gather(1, group).clamp(min=FLOOR)
    return bases.gather(1, group[..., None].expand(-1, -1, bases.shape[2])) * shares[..., None]


def _best_draw(few: Tensor, components: int, seed: int, relaxation: float) -> tuple[Tensor, Tensor]:
    """Try some draws of the first bases and keep, of each spectrogram, the one that comes out best."""
    draws = few.repeat_interleave(_DRAWS, dim=0)
    bases, activations = _drawn(draws, components, seed)
    bases, activations, _ = solve(draws, bases, activations, _DRAW_ITERATIONS, 0, relaxation, fixed=False)
    approximation = torch.bmm(bases, activations).double()
    # What does not change from draw to draw is left out of the divergence.
    found = (approximation - draws * approximation.log()).sum(dim=(1, 2)).reshape(-1, _DRAWS)
    best = found.argmin(dim=1) + _DRAWS * torch.arange(len(few), device=few.device)
    return bases[best], activations[best]


def _drawn(flat: Tensor, components: int, seed: int) -> tuple[Tensor, Tensor]:
    """Draw frames as first bases, the next always likely to be loud and unlike those before; k-means++ by angle."""
    count, bins, frames = flat.shape
    generator = torch.Generator().manual_seed(seed)  # on the processor, so that every device draws alike
    chance = torch.rand(_DRAWS, components, generator=generator, dtype=torch.float64)
    spread = torch.rand(_DRAWS, components, frames, generator=generator) + 0.1
    chance, spread = (x.to(flat.device).repeat(count // _DRAWS, 1, *[1] * (x.ndim - 2)) for x in (chance, spread))
    root = flat.sqrt()
    root /= root.norm(dim=1, keepdim=True).clamp(min=FLOOR)
    loudness = flat.sum(dim=1).double() + FLOOR
    nearest = torch.zeros(count, frames, device=flat.device)
    chosen = torch.empty(count, components, dtype=torch.int64, device=flat.device)
    for component in range(components):
        odds = ((1 - nearest.square()).clamp(min=0) * loudness + FLOOR).cumsum(dim=1)
        pick = torch.searchsorted(odds, chance[:, component, None] * odds[:, -1:]).clamp(max=frames - 1)
        chosen[:, component] = pick[:, 0]
        frame = root.gather(2, pick[:, None, :].expand(-1, bins, -1))
        nearest = torch.maximum(nearest, torch.bmm(frame.mT, root)[:, 0])
    bases = flat.gather(2, chosen[:, None, :].expand(-1, bins, -1)) + 0.1 * flat.mean(dim=2, keepdim=True) + FLOOR
    bases = bases / bases.sum(dim=1, keepdim=True)
    level = flat.sum(dim=1, keepdim=True)
    return bases, spread * level / spread.sum(dim=1, keepdim=True) + FLOOR

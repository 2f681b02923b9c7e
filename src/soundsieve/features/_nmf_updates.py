"""The multiplicative updates of non-negative matrix factorisation, in buffers that are used again.

Axes: b spectrogram, f bin, g group of bins, m component, l frame.
"""

from __future__ import annotations

import torch
from torch import Tensor

FLOOR = 1e-9  # of factors in a spectrogram of mean 1: nothing divides by 0, and nothing is stuck at 0
_LARGEST_STEP = 1e10  # of one multiplication, before it is raised to a power: keeps float32 finite
_CHECK = 5  # iterations from one look at the divergence to the next


def by_device(flat: Tensor) -> tuple[Tensor, ...]:
    """Give a processor one spectrogram at a time, which fills its cores, and an accelerator all."""
    return tuple(flat[row : row + 1] for row in range(len(flat))) if flat.device.type == "cpu" else (flat,)


def solve(
    flat: Tensor, bases: Tensor, activations: Tensor, iterations: int, tolerance: float, relaxation: float, fixed: bool
) -> tuple[Tensor, Tensor, int]:
    """Update until nothing is gained; what has converged in a batch is left alone while the others go on."""
    out_bases, out_activations, most = torch.empty_like(bases), torch.empty_like(activations), 0
    first = 0
    for v in by_device(flat):
        rows = slice(first, first + len(v))
        first += len(v)
        run = _Run(v, bases[rows].clone(), activations[rows].clone(), relaxation, fixed)
        place = torch.arange(rows.start, rows.stop, device=v.device)
        done, before = 0, run.measure()
        while done < iterations and len(place):
            count = min(_CHECK, iterations - done)
            run.go(count)
            done += count
            if done < iterations and tolerance == 0 and relaxation <= 1:
                continue
            now = run.measure()
            run.calm(now > before)
            over = torch.full_like(now, done >= iterations, dtype=torch.bool)
            if tolerance > 0:
                over |= (before - now).abs() <= tolerance * now
            out_bases[place[over]], out_activations[place[over]] = run.w[over], run.h[over]
            if bool(over.any()):
                run.keep(~over)
                place, now = place[~over], now[~over]
            before = now
        most = max(most, done)
    return out_bases, out_activations, most


class _Run:
    """Spectrograms being factorised, in buffers that are used again.

    Args:
        v: (b, f, l), of mean 1.
        w: Bases (b, f, m), overwritten.
        h: Activations (b, m, l), overwritten.
        relaxation: Of each step.
        fixed: Leaves the bases alone; they add up to 1.
    """

    def __init__(self, v: Tensor, w: Tensor, h: Tensor, relaxation: float, fixed: bool) -> None:
        self.v, self.w, self.h, self._fixed = v, w, h, fixed
        self._relaxation = relaxation
        self._calmed = torch.zeros(len(v), dtype=torch.bool, device=v.device)
        self._any_calmed = False
        self._ratio = torch.empty_like(v)
        self._constant = (torch.xlogy(v, v) - v).sum(dim=(1, 2), dtype=torch.float64)
        if not fixed:
            self._normalise()

    def go(self, count: int) -> None:
        """Update so many times."""
        for _ in range(count):
            if not self._fixed:
                self._divide()
                step = torch.bmm(self._ratio, self.h.mT).div_(self.h.sum(dim=2).unsqueeze(1))
                self.w.mul_(self._relaxed(step))
                self._normalise()
            self._divide()
            self.h.mul_(self._relaxed(torch.bmm(self.w.mT, self._ratio))).clamp_(min=FLOOR)

    def measure(self) -> Tensor:
        """Say what the divergence is, (b,); columns of the bases add up to 1."""
        torch.bmm(self.w, self.h, out=self._ratio)
        fit = self._ratio.log_().mul_(self.v).sum(dim=(1, 2), dtype=torch.float64)
        found: Tensor = self._constant + self.h.sum(dim=(1, 2), dtype=torch.float64) - fit
        return found

    def calm(self, grown: Tensor) -> None:
        """Go on with the plain rule where the divergence has grown."""
        self._calmed |= grown
        self._any_calmed = bool(self._calmed.any())

    def keep(self, rows: Tensor) -> None:
        """Forget the others."""
        self.v, self.w, self.h, self._ratio = (x[rows] for x in (self.v, self.w, self.h, self._ratio))
        self._calmed, self._constant = self._calmed[rows], self._constant[rows]

    def _divide(self) -> None:
        torch.bmm(self.w, self.h, out=self._ratio)
        torch.div(self.v, self._ratio, out=self._ratio)

    def _normalise(self) -> None:
        """Let every basis add up to 1 and its activations have the scale: the sums that the rule divides by."""
        self.w.clamp_(min=FLOOR / self.w.shape[1])
        total = self.w.sum(dim=1, keepdim=True)
        self.w.div_(total)
        self.h.mul_(total.mT)

    def _relaxed(self, step: Tensor) -> Tensor:
        step.clamp_(max=_LARGEST_STEP)
        if self._any_calmed:
            power = torch.where(self._calmed, 1.0, self._relaxation).to(step.dtype)
            return step.pow_(power[:, None, None])
        return step if self._relaxation == 1 else step.pow_(self._relaxation)

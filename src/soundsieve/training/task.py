"""What every task being trained has in common: its generator, its optimiser, and what it logs of them."""

from __future__ import annotations

import math
from typing import Any, cast

import torch
from lightning import LightningModule

from soundsieve.training.recipe import OptimiserSettings, RunSettings

_LEAST_SHARE = 0.02  # of the learning rate that is left at the end of a cosine


class TrainedTask(LightningModule):
    """A network being trained as its recipe says; a subclass has the steps."""

    def __init__(self, run: RunSettings) -> None:
        super().__init__()
        self.run = run
        torch.manual_seed(run.seed)  # the first weights, which the subclass makes next

    def on_train_batch_start(self, batch: Any, index: int) -> None:
        """Seed dropout from (seed, step), so that a resumed run draws what an unbroken one would have drawn.

        Once an epoch would not do: making a data loader draws from the same generator, and when that happens differs.
        """
        torch.manual_seed(hash((self.run.seed, self.global_step)) % (1 << 32))

    def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
        """Record the gradient norm before clipping, and the learning rate."""
        norms = torch.stack([p.grad.detach().norm() for p in self.parameters() if p.grad is not None])
        self.log("train/gradient_norm", norms.norm())
        self.log("train/learning_rate", optimizer.param_groups[0]["lr"])

    def configure_optimizers(self) -> Any:
        """Adam (AdamW where weights decay) with the recipe's schedule."""
        o = self.run.optimiser
        kind = torch.optim.AdamW if o.weight_decay and o.decoupled else torch.optim.Adam
        optimiser = kind(self.parameters(), lr=o.learning_rate, weight_decay=o.weight_decay)
        if o.schedule == "constant":
            return optimiser
        if o.schedule == "step":
            step = torch.optim.lr_scheduler.StepLR(optimiser, o.step_epochs, o.step_factor)
            return {"optimizer": optimiser, "lr_scheduler": {"scheduler": step, "interval": "epoch"}}
        total = cast(int, self.trainer.estimated_stepping_batches)
        cosine = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: cosine_factor(step, total, o))
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": cosine, "interval": "step"}}


def cosine_factor(step: int, total: int, optimiser: OptimiserSettings) -> float:
    """The share of the learning rate at one step: a linear rise, then half a cosine down to 2 %.

    >>> [round(cosine_factor(step, 100, OptimiserSettings(schedule="cosine")), 2) for step in (0, 50, 100)]
    [1.0, 0.51, 0.02]
    """
    rise = min(1.0, (step + 1) / max(1, optimiser.warmup_steps))
    middle = (1 + _LEAST_SHARE) / 2
    return rise * (middle + (1 - middle) * math.cos(math.pi * min(1.0, step / total)))

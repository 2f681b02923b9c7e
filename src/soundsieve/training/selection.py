"""A selector being trained: what Lightning calls at each step."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, cast

import torch
from lightning import LightningModule
from torch import Tensor, nn

from soundsieve import models
from soundsieve.errors import SettingsError
from soundsieve.losses import SelectionLoss, negative_snr, share_loss
from soundsieve.models._selector import NamesCells
from soundsieve.training.mixtures import Example
from soundsieve.training.recipe import SelectRecipe

MONITOR = "val/sdr_improvement_db"


class SelectionTask(LightningModule):
    """Optimises one selector; validation is the mean SDR improvement over single classes of unheard recordings."""

    def __init__(self, recipe: SelectRecipe, classes: Sequence[str]) -> None:
        super().__init__()
        self.recipe = recipe
        self.classes = tuple(classes)
        torch.manual_seed(recipe.training.seed)  # the first weights
        self.model = models.build(recipe.model.name, recipe.model.hyper, len(classes))
        self.loss = SelectionLoss(recipe.loss)
        if recipe.loss.shares and not (recipe.queries.each and isinstance(self.model, NamesCells)):
            raise SettingsError("loss.shares: needs queries.each = true and a model that names cells (mask_unet)")

    def on_train_batch_start(self, batch: Example, index: int) -> None:
        """Seed dropout from (seed, step), so that a resumed run draws what an unbroken one would have drawn.

        Once an epoch would not do: making a data loader draws from the same generator, and when that happens differs.
        """
        torch.manual_seed(hash((self.recipe.training.seed, self.global_step)) % (1 << 32))

    def training_step(self, batch: Example, index: int) -> Tensor:
        """Loss over every query of the batch."""
        shares = self.recipe.loss.shares
        naming = None
        if shares:
            network = cast(NamesCells, self.model)
            estimate, logits = network.estimate_and_name(batch["mixture"], batch["wanted"])
            naming = share_loss(logits=logits.float(), **self._sources(batch, network))
        else:
            estimate = self.model(batch["mixture"], batch["wanted"])
        loss = self.loss(
            estimate=estimate.float(), reference=batch["references"], mixture=batch["mixture"], weight=batch["weight"]
        )
        self.log("train/loss_db", loss, prog_bar=True, batch_size=len(batch["mixture"]))
        if naming is None:
            return loss
        self.log("train/naming_nats", naming, batch_size=len(batch["mixture"]))
        return loss + shares * naming

    @torch.no_grad()
    def _sources(self, batch: Example, network: NamesCells) -> dict[str, Tensor]:
        """The power of each class in the mixtures, and of all else, with the class that each belongs to."""
        single = batch["weight"] * (batch["wanted"].sum(-1) == 1)  # every class in the mixture is asked for alone
        references = batch["references"] * single[..., None]
        rest = batch["mixture"] - references.sum(1, keepdim=True)
        owner = nn.functional.pad(batch["wanted"] * single[..., None], (0, 1, 0, 1))
        owner[:, -1, -1] = 1
        return {"power": network.cell_power(torch.cat([references, rest], 1)), "owner": owner}

    def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
        """Record the gradient norm before clipping, and the learning rate."""
        norms = torch.stack([p.grad.detach().norm() for p in self.parameters() if p.grad is not None])
        self.log("train/gradient_norm", norms.norm())
        self.log("train/learning_rate", optimizer.param_groups[0]["lr"])

    def validation_step(self, batch: Example, index: int) -> None:
        """SDR improvement of each query of the batch."""
        estimate = self.model(batch["mixture"], batch["wanted"]).float()
        reference, weight = batch["references"], batch["weight"]
        mixture = batch["mixture"].expand_as(reference)
        heard = weight * (reference.square().sum(-1) > 0)
        before = negative_snr(estimate=mixture, reference=reference)
        after = negative_snr(estimate=estimate, reference=reference)
        count = heard.sum().clamp(min=1)
        size = int(heard.sum())
        self.log(MONITOR, ((before - after) * heard).sum() / count, prog_bar=True, batch_size=size, sync_dist=True)
        self.log("val/loss_db", (after * heard).sum() / count, batch_size=size, sync_dist=True)

    def configure_optimizers(self) -> Any:
        """Adam (AdamW where weights decay) with the recipe's schedule."""
        o = self.recipe.training.optimiser
        kind = torch.optim.AdamW if o.weight_decay else torch.optim.Adam
        optimiser = kind(self.parameters(), lr=o.learning_rate, weight_decay=o.weight_decay)
        if o.schedule == "step":
            step = torch.optim.lr_scheduler.StepLR(optimiser, o.step_epochs, o.step_factor)
            return {"optimizer": optimiser, "lr_scheduler": {"scheduler": step, "interval": "epoch"}}
        total = cast(int, self.trainer.estimated_stepping_batches)

        def factor(step: int) -> float:
            rise = min(1.0, (step + 1) / max(1, o.warmup_steps))
            return rise * (0.51 + 0.49 * math.cos(math.pi * min(1.0, step / total)))

        cosine = torch.optim.lr_scheduler.LambdaLR(optimiser, factor)
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": cosine, "interval": "step"}}

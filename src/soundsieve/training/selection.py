"""A selector being trained: what Lightning calls at each step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from soundsieve import models
from soundsieve.errors import SettingsError
from soundsieve.losses import SelectionLoss, negative_snr, share_loss
from soundsieve.models._selector import NamesCells
from soundsieve.training.mixtures import Example
from soundsieve.training.recipe import SelectRecipe
from soundsieve.training.task import TrainedTask

MONITOR = "val/sdr_improvement_db"


class SelectionTask(TrainedTask):
    """Optimises one selector; validation is the mean SDR improvement over single classes of unheard recordings."""

    def __init__(self, recipe: SelectRecipe, classes: Sequence[str]) -> None:
        super().__init__(recipe.training)
        self.recipe = recipe
        self.classes = tuple(classes)
        self.model = models.build(recipe.model.name, recipe.model.hyper, len(classes))
        self.loss = SelectionLoss(recipe.loss)
        if recipe.loss.shares and not (recipe.queries.each and isinstance(self.model, NamesCells)):
            raise SettingsError("loss.shares: needs queries.each = true and a model that names cells (mask_unet)")

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

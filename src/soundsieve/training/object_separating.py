"""A network that separates what is seen being trained: what Lightning calls at each step."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor

from soundsieve import models
from soundsieve.errors import SettingsError
from soundsieve.losses import cell_loss, group_logits, negative_snr, stem_share_loss
from soundsieve.models.object_unet import ObjectUNet
from soundsieve.training.object_mixing import ObjectExample
from soundsieve.training.object_recipe import ObjectRecipe
from soundsieve.training.task import TrainedTask

MONITOR = "val/sdr_improvement_db"
_SILENT = 1e-7  # mean square (−70 dB) below which a group is not there
_MOST_DB = 40.0  # a group that is nearly all there is to hear does not decide the mean


class ObjectTask(TrainedTask):
    """Optimises one network.

    Axes: b batch, g group, s label and, last, the rest, f bin, m band, l frame, t time.
    """

    def __init__(self, recipe: ObjectRecipe) -> None:
        super().__init__(recipe.training)
        self.recipe = recipe
        self.model = models.build(recipe.model.name, recipe.model.hyper, len(recipe.labels))

    def training_step(self, batch: ObjectExample, index: int) -> Tensor:
        """Compare the sums of tracks with the sounds of the groups."""
        network = cast(ObjectUNet, self.model)
        with torch.no_grad():
            true = network.spectrum(batch["references"])  # b, g, f, l
        spectrum = network.spectrum(batch["mixture"])
        logits = group_logits(logits=network.logits(spectrum, batch["seen"]).float(), owner=batch["owner"])
        masks = torch.einsum("bgml,mf->bgfl", logits.softmax(1), network.bands)
        loss = cell_loss(masks=masks[:, :, None], mixture=spectrum, reference=true[:, :, None])
        if self.recipe.loss.shares:
            power = torch.einsum("mf,bgfl->bgml", network.bands, true.real.square() + true.imag.square())
            shares = stem_share_loss(logits=logits[:, :, None], power=power[:, :, None])
            loss = loss + self.recipe.loss.shares * shares
        self.log("train/loss", loss, prog_bar=True, batch_size=len(spectrum))
        return loss

    def validation_step(self, batch: ObjectExample, index: int) -> None:
        """How much better each group is than the mixture, the rest by itself, and what leaks into silent tracks."""
        mixture, references, owner = batch["mixture"], batch["references"], batch["owner"]
        estimate = torch.einsum("bgs,bst->bgt", owner, self.model(mixture, batch["seen"]).float())
        gained = _db(estimate, references) - _db(mixture.expand_as(references), references)
        others = (mixture - references).square().mean(-1)
        there = (references.square().mean(-1) > _SILENT) & (others > _SILENT)
        for name, rows in ((MONITOR, slice(0, -2)), ("val/rest_improvement_db", slice(-1, None))):
            own = gained[:, rows][there[:, rows]]
            if len(own):
                self.log(name, own.mean(), prog_bar=name == MONITOR, batch_size=len(own), sync_dist=True)
        silent = owner[:, -2].any(-1) & (mixture[:, 0].square().mean(-1) > _SILENT)
        if bool(silent.any()):
            share = estimate[silent, -2].square().mean(-1) / mixture[silent, 0].square().mean(-1)
            leaked = 10 * torch.log10(share + 1e-6)
            self.log("val/leaked_db", leaked.mean(), batch_size=len(leaked), sync_dist=True)

    def on_validation_epoch_end(self) -> None:
        """Refuse to choose an epoch by nothing."""
        if MONITOR not in self.trainer.callback_metrics:
            raise SettingsError(
                "no validation mixture has two groups that are heard; expected mixture.least_videos ≥ 2"
            )


def _db(estimate: Tensor, reference: Tensor) -> Tensor:
    return -negative_snr(estimate=estimate, reference=reference).clamp(-_MOST_DB, _MOST_DB)

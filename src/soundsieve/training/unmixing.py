"""A separator of songs being trained: what Lightning calls at each step."""

from __future__ import annotations

from typing import Protocol, cast, runtime_checkable

import torch
from torch import Tensor

from soundsieve import models
from soundsieve.errors import SettingsError
from soundsieve.losses import cell_loss, negative_snr, stem_share_loss, waveform_loss
from soundsieve.training.songs import StemExample
from soundsieve.training.task import TrainedTask
from soundsieve.training.unmix_recipe import UnmixRecipe

MONITORS = {"mse": "val/minus_mse_db", "sdr": "val/sdr_db"}
_SILENT = 1e-6  # mean square (−60 dB) below which a stem is not there
_MOST_DB = 40.0  # a stem that is all there is to hear does not decide the mean


@runtime_checkable
class MasksCells(Protocol):
    """A network that shares the cells of a spectrum among the stems; see `soundsieve.models.stem_unet`."""

    bands: Tensor

    def spectrum(self, waveform: Tensor) -> Tensor: ...  # noqa: D102

    def logits(self, spectrum: Tensor) -> Tensor: ...  # noqa: D102


class UnmixTask(TrainedTask):
    """Optimises one separator; the more of a monitored value, the better."""

    def __init__(self, recipe: UnmixRecipe) -> None:
        super().__init__(recipe.training)
        self.recipe = recipe
        if recipe.model.name not in models.names("unmix"):
            raise SettingsError(f"model.name = {recipe.model.name}: expected {', '.join(models.names('unmix'))}")
        self.model = models.build(recipe.model.name, recipe.model.hyper, len(recipe.stems))
        if recipe.loss.kind == "cells" and not isinstance(self.model, MasksCells):
            raise SettingsError(f"loss.kind = cells: a {recipe.model.name} does not mask cells; choose mse or l1")

    def training_step(self, batch: StemExample, index: int) -> Tensor:
        """Loss over the stems of a batch."""
        mixture, references = batch["mixture"], batch["references"]
        if self.recipe.loss.kind == "cells":
            loss = self._cells(mixture, references)
        else:
            estimate = self.model(mixture).float()
            loss = waveform_loss(estimate=estimate, reference=references, settings=self.recipe.loss)
        self.log("train/loss", loss, prog_bar=True, batch_size=len(mixture))
        return loss

    def _cells(self, mixture: Tensor, references: Tensor) -> Tensor:
        network = cast(MasksCells, self.model)
        spectrum = network.spectrum(mixture)
        with torch.no_grad():
            true = network.spectrum(references)
        logits = network.logits(spectrum).float()
        masks = torch.einsum("bscml,mf->bscfl", logits.softmax(1), network.bands)
        loss = cell_loss(masks=masks, mixture=spectrum, reference=true)
        if self.recipe.loss.shares:
            power = torch.einsum("mf,bscfl->bscml", network.bands, true.real.square() + true.imag.square())
            loss = loss + self.recipe.loss.shares * stem_share_loss(logits=logits, power=power)
        return loss

    def on_validation_epoch_start(self) -> None:
        """Begin to add up: squared errors, ratios in dB, how many of these, and segments; a column for each stem."""
        self._sums = torch.zeros(4, len(self.recipe.stems), device=self.device)

    def validation_step(self, batch: StemExample, index: int) -> None:
        """Add up the error of all stems, and the signal-to-distortion ratio of each that is there."""
        references = batch["references"]
        estimate = self.model(batch["mixture"]).float()
        error = (estimate - references).square().mean((2, 3))
        ratios = (-negative_snr(estimate=estimate.flatten(2), reference=references.flatten(2))).clamp(
            -_MOST_DB, _MOST_DB
        )
        there = references.square().mean((2, 3)) > _SILENT
        sums = torch.stack([error.sum(0), (ratios * there).sum(0), there.sum(0), torch.full_like(error[0], len(error))])
        self._sums = self._sums + sums

    def on_validation_epoch_end(self) -> None:
        """Divide what all devices have added up, and put together what the best epoch is best in.

        A stem may be there on one device and on another not: what is exchanged is the same table on all of them.

        Raises:
            SettingsError: when the best epoch is to be best in stems that are nowhere.
        """
        errors, ratios, there, segments = self.trainer.strategy.reduce(self._sums, reduce_op="sum")
        heard = there > 0
        for row, name in enumerate(self.recipe.stems):
            if heard[row]:
                self.log(f"val/{name}_db", ratios[row] / there[row], sync_dist=True)
        if heard.any():
            self.log(MONITORS["sdr"], (ratios[heard] / there[heard]).mean(), prog_bar=True, sync_dist=True)
        elif self.recipe.training.monitor == "sdr":
            raise SettingsError("training.monitor = sdr: the segments of validation are silent; expected mse for these")
        error = (errors / segments).mean()
        self.log("val/mse", error, sync_dist=True)
        self.log(MONITORS["mse"], -10 * torch.log10(error + 1e-12), prog_bar=True, sync_dist=True)

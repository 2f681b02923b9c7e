"""A classifier being trained to say what is heard when, on mixtures with known times."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor
from torchmetrics.classification import MultilabelAveragePrecision

from soundsieve import models
from soundsieve.errors import SettingsError
from soundsieve.features import LogMel
from soundsieve.losses import tag_loss
from soundsieve.mixing.generators import Purpose, generator_for
from soundsieve.mixing.spec_augment import SpecAugmentSettings, spec_augment
from soundsieve.models._classifier import NamesSegments, channels_last
from soundsieve.training.tag_mixtures import HeardExample
from soundsieve.training.tag_recipe import TagRecipe
from soundsieve.training.task import TrainedTask

MONITOR = "val/average_precision"


class HearingTask(TrainedTask):
    """Optimises front end and network; the best epoch has the highest average precision over stretches of time."""

    def __init__(self, recipe: TagRecipe, classes: Sequence[str]) -> None:
        super().__init__(recipe.training)
        self.recipe = recipe
        self.classes = tuple(classes)
        self.front_end = LogMel(recipe.front_end)
        model = models.build(recipe.model.name, recipe.model.hyper, len(classes))
        if not isinstance(model, NamesSegments):
            raise SettingsError(f"mixture: a {recipe.model.name} does not say when; choose one that does")
        channels_last(model)
        self.model = model
        _, hop_frames = self.model.frame_logits(torch.zeros(1, recipe.front_end.mels, 64), torch.tensor([64]))
        self.stretch = hop_frames * recipe.front_end.hop
        self.precision = MultilabelAveragePrecision(len(classes), average="macro")

    def logits(self, waveform: Tensor, stretches: int) -> Tensor:
        """Name each stretch of mixtures (b, time): (b, class, stretch)."""
        features, frames = self.front_end(waveform)
        return self._named(features, frames, stretches)

    def _named(self, features: Tensor, frames: Tensor, stretches: int) -> Tensor:
        named, _ = cast(NamesSegments, self.model).frame_logits(features, frames)
        return named[..., :stretches].float()  # a frame centred on the end may begin one stretch more

    def training_step(self, batch: HeardExample, index: int) -> Tensor:
        """Binary cross-entropy over classes and stretches."""
        heard = batch["heard"]
        features, frames = self.front_end(batch["waveform"])
        if self.recipe.spec_augment is not None:
            features = self._hidden(features, frames, index, self.recipe.spec_augment)
        named = self._named(features, frames, heard.shape[-1])
        loss = tag_loss(
            logits=named.transpose(1, 2).flatten(0, 1),
            target=heard.transpose(1, 2).flatten(0, 1),
            settings=self.recipe.loss,
        )
        self.log("train/loss_nats", loss, prog_bar=True, batch_size=len(heard))
        return loss

    def _hidden(self, features: Tensor, frames: Tensor, index: int, settings: SpecAugmentSettings) -> Tensor:
        seed, epoch, first = self.recipe.training.seed, self.current_epoch, index * len(features)
        rows = enumerate(zip(features, frames.tolist(), strict=True), first)
        return torch.stack(
            [
                spec_augment(row, count, settings, generator_for(seed, epoch, number, Purpose.MASKS))
                for number, (row, count) in rows
            ]
        )

    def validation_step(self, batch: HeardExample, index: int) -> None:
        """Collect what was said of each stretch."""
        heard = batch["heard"]
        named = self.logits(batch["waveform"], heard.shape[-1])
        rows = named.transpose(1, 2).flatten(0, 1), heard.transpose(1, 2).flatten(0, 1)
        loss = tag_loss(logits=rows[0], target=rows[1], settings=self.recipe.loss)
        self.precision.update(rows[0].sigmoid(), rows[1].int())
        self.log("val/loss_nats", loss, batch_size=len(heard), sync_dist=True)
        self.log(MONITOR, self.precision, prog_bar=True, on_step=False, on_epoch=True)

"""A classifier being trained: what Lightning calls at each step."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from soundsieve import models
from soundsieve.errors import SettingsError
from soundsieve.features import LogMel
from soundsieve.losses import tag_loss
from soundsieve.mixing.generators import Purpose, generator_for
from soundsieve.mixing.mixup import mixup
from soundsieve.mixing.spec_augment import SpecAugmentSettings, spec_augment
from soundsieve.models._classifier import channels_last
from soundsieve.models._imagenet import StartsFromImageNet
from soundsieve.training.clips import ClipBatch
from soundsieve.training.tag_recipe import TagRecipe
from soundsieve.training.task import TrainedTask

MONITOR = "val/choice"
_TIE = 1e-3  # what a nat of loss weighs against accuracy: with 80 clips many epochs are equally accurate


class TaggingTask(TrainedTask):
    """Optimises one classifier, front end and network; the best epoch is the most accurate, then the most certain."""

    def __init__(self, recipe: TagRecipe, classes: Sequence[str]) -> None:
        super().__init__(recipe.training)
        self.recipe = recipe
        self.classes = tuple(classes)
        wanted = getattr(models.settings(recipe.model.name, recipe.model.hyper), "mels", None)
        if wanted != recipe.front_end.mels:
            raise SettingsError(f"front_end.mels = {recipe.front_end.mels}: {recipe.model.name} takes {wanted}")
        self.front_end = LogMel(recipe.front_end)
        model = models.build(recipe.model.name, recipe.model.hyper, len(classes))
        channels_last(model)
        self.model = model
        if recipe.imagenet:
            self._start_from_imagenet(None if recipe.imagenet is True else recipe.imagenet)

    def _start_from_imagenet(self, file: Path | None) -> None:
        if not isinstance(self.model, StartsFromImageNet):
            raise SettingsError(f"imagenet: a {self.recipe.model.name} has no such weights to start from")
        self.model.load_imagenet(file)

    def logits(self, batch: ClipBatch) -> Tensor:
        """Name clips as they are: (b, class)."""
        logits: Tensor = self.model(*self.front_end(batch["waveform"], batch["length"]))
        return logits.float()

    def training_step(self, batch: ClipBatch, index: int) -> Tensor:
        """Mix, hide, name and compare."""
        r = self.recipe
        waveform, target, length = batch["waveform"], batch["target"], batch["length"]
        if r.mixup.alpha:
            rng = generator_for(r.training.seed, self.current_epoch, index, Purpose.BATCH)
            waveform, target, length = mixup(
                waveform, target, length, r.mixup.alpha, rng, between_class=r.mixup.between_class
            )
        features, frames = self.front_end(waveform, length)
        if r.spec_augment is not None:
            features = self._hidden(features, frames, batch["draw"], r.spec_augment)
        loss = tag_loss(logits=self.model(features, frames).float(), target=target, settings=r.loss)
        self.log("train/loss_nats", loss, prog_bar=True, batch_size=len(target))
        return loss

    def _hidden(self, features: Tensor, frames: Tensor, draws: Tensor, settings: SpecAugmentSettings) -> Tensor:
        seed, epoch = self.recipe.training.seed, self.current_epoch
        rows = zip(features, frames.tolist(), draws.tolist(), strict=True)
        return torch.stack(
            [
                spec_augment(row, count, settings, generator_for(seed, epoch, draw, Purpose.MASKS))
                for row, count, draw in rows
            ]
        )

    def validation_step(self, batch: ClipBatch, index: int) -> None:
        """Accuracy and loss, of the clips that are of a class."""
        logits, target = self.logits(batch), batch["target"]
        size = len(target)
        loss = tag_loss(logits=logits, target=target, settings=self.recipe.loss)
        known = target.sum(1) > 0
        right = (logits.argmax(1) == target.argmax(1))[known].float()
        accuracy = right.mean() if len(right) else loss.new_zeros(())
        self.log("val/loss_nats", loss, batch_size=size, sync_dist=True)
        self.log("val/accuracy", accuracy, batch_size=len(right), prog_bar=True, sync_dist=True)
        self.log(MONITOR, accuracy - _TIE * loss, batch_size=len(right), sync_dist=True)

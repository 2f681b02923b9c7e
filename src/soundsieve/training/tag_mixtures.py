"""Mixtures with known times as training examples for classifiers: what can be heard, in which stretch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypedDict

import numpy as np
import torch
from lightning import LightningDataModule
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from soundsieve.corpus import Corpus
from soundsieve.errors import SettingsError
from soundsieve.mixing import Bank, Draw, MixtureSettings, Rendered
from soundsieve.training.mixtures import Planned
from soundsieve.training.tag_recipe import TagRecipe

AUDIBLE_DB = -20.0  # against all that sounds in the same stretch
FADED_DB = -35.0  # against the class's own loudest stretch


class HeardExample(TypedDict):
    """One mixture (a batch has one axis more in front).

    Keys:
        waveform: Shape (time,).
        heard: Whether each class is heard in each stretch, zeros and ones of shape (class, stretch).
    """

    waveform: Tensor
    heard: Tensor


class HeardMixtures(Dataset[HeardExample]):
    """Rendered mixtures; number k depends on (seed, draw, epoch, k) and nothing else.

    Args:
        banks: Events and backgrounds.
        settings: The mixtures.
        count: How many.
        classes: In the order of the targets.
        stretch: Samples that are answered together.
        key: Of the mixtures.
    """

    def __init__(
        self,
        banks: tuple[Bank, Bank],
        settings: MixtureSettings,
        count: int,
        classes: Sequence[str],
        stretch: int,
        key: Sequence[int],
    ) -> None:
        self.mixtures = Planned(banks, settings, key)
        self.count = count
        self.classes = tuple(classes)
        self.stretch = stretch

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> HeardExample:
        if not 0 <= index < self.count:
            raise IndexError(index)
        sound = self.mixtures(index)
        return HeardExample(
            waveform=torch.from_numpy(sound.mixture),
            heard=torch.from_numpy(heard_in(sound, self.classes, self.stretch)),
        )


def heard_in(sound: Rendered, classes: Sequence[str], stretch: int) -> NDArray[np.float32]:
    """Say which class is heard in which stretch of a mixture.

    A class is heard where its events are no more than 20 dB below the whole mixture, and no more than 35 dB below
    their own loudest stretch: recordings go on with the noise of the place after the sound itself.

    Returns:
        Zeros and ones, shape (class, stretch).

    >>> bark = np.zeros(400, np.float32)
    >>> bark[:100] = 0.5
    >>> hiss = np.full(400, 0.01, np.float32)
    >>> heard_in(Rendered(bark + hiss, {"dog": bark}, hiss), ["cat", "dog"], 100)
    array([[0., 0., 0., 0.],
           [1., 0., 0., 0.]], dtype=float32)
    """
    whole = _power(sound.mixture, stretch)
    heard = np.zeros((len(classes), len(whole)), np.float32)
    for row, label in enumerate(classes):
        if label in sound.references:
            own = _power(sound.references[label], stretch)
            audible = own > 10 ** (AUDIBLE_DB / 10) * whole
            heard[row] = (own > 0) & audible & (own > 10 ** (FADED_DB / 10) * own.max())
    return heard


def _power(waveform: NDArray[np.float32], stretch: int) -> NDArray[np.float64]:
    padded = np.pad(waveform.astype(np.float64), (0, -len(waveform) % stretch))
    return np.asarray((padded.reshape(-1, stretch) ** 2).mean(1))


class TagMixtureData(LightningDataModule):
    """Training mixtures from the training recordings, validation mixtures from recordings that training never hears."""

    def __init__(self, recipe: TagRecipe, corpus: Corpus, classes: Sequence[str], stretch: int) -> None:
        super().__init__()
        if recipe.mixture is None:
            raise SettingsError("mixture: the recipe trains on whole clips")
        self.recipe = recipe
        self.corpus = corpus
        self.classes = tuple(classes)
        self.stretch = stretch
        self.mixture = recipe.mixture
        self._banks: dict[str, tuple[Bank, Bank]] = {}

    def setup(self, stage: str) -> None:
        """Decode the recordings once; workers share the memory."""
        for subset in ("train", "validation"):
            if subset not in self._banks:
                self._banks[subset] = self.corpus.banks(subset, self.recipe.front_end.sample_rate)

    def train_dataloader(self) -> DataLoader[HeardExample]:
        """New mixtures every epoch."""
        epoch = self.trainer.current_epoch if self.trainer is not None else 0
        key = (self.recipe.training.seed, Draw.TRAIN, epoch)
        return self._loader("train", self.mixture, self.recipe.training.mixtures_per_epoch, key)

    def val_dataloader(self) -> DataLoader[HeardExample]:
        """The same validation mixtures every time."""
        key = (self.recipe.training.seed, Draw.VALIDATION, 0)
        return self._loader("validation", self.recipe.protocol, self.recipe.training.validation_mixtures, key)

    def _loader(
        self, subset: str, settings: MixtureSettings, count: int, key: Sequence[int]
    ) -> DataLoader[HeardExample]:
        training = self.recipe.training
        mixtures = HeardMixtures(self._banks[subset], settings, count, self.classes, self.stretch, key)
        more: dict[str, Any] = {"prefetch_factor": 4} if training.workers else {}
        return DataLoader(
            mixtures,
            batch_size=training.batch,
            num_workers=training.workers,
            drop_last=key[1] == Draw.TRAIN,
            **more,
        )

"""Bags as examples to learn from, varied anew every epoch.

Axes: n bag, f bin, m base, l label.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypedDict

import numpy as np
import torch
from lightning import LightningDataModule
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from soundsieve.errors import DatasetError, SettingsError
from soundsieve.metrics.base_maps import mean_average_precision, pair_accuracy
from soundsieve.mixing.bases import BaseVariation, vary
from soundsieve.mixing.generators import Purpose, generator_for
from soundsieve.training.bag_corpus import BagCorpus, LabelledBag, Targets, table
from soundsieve.training.bags import Bag, read_bag
from soundsieve.training.watch_recipe import WatchRecipe


class BagExample(TypedDict):
    """One bag, or a batch of them with a first axis more."""

    bases: Tensor  # f, m
    present: Tensor  # l, the labels that it has
    absent: Tensor  # l, those that it has not; some may be neither
    truth: Tensor  # l, m: share of each base's energy that is of each label; NaN where nobody knows
    row: Tensor  # of the bag in its subset


class LabelledBags(Dataset[BagExample]):
    """Bags as examples, in some order.

    Args:
        bags: Of one subset.
        targets: What each is said to hold.
        rows: Rows of the truth of a bag that are the recipe's labels, in its order.
        shape: Of all bases, (f, m).
        held: Bags that are in memory already, or None.
    """

    def __init__(
        self,
        bags: Sequence[LabelledBag],
        targets: Targets,
        rows: Sequence[int],
        shape: tuple[int, int],
        held: Sequence[Bag] | None = None,
    ) -> None:
        self.bags, self.targets, self.rows, self.shape, self.held = bags, targets, list(rows), shape, held
        self.order: Sequence[int] = range(len(bags))
        self.variation: BaseVariation | None = None
        self.key = (0, 0)

    def varied(self, variation: BaseVariation, key: tuple[int, int]) -> LabelledBags:
        """The same bags in a new order, varied as (seed, epoch) decide."""
        other = LabelledBags(self.bags, self.targets, self.rows, self.shape, self.held)
        other.order = generator_for(*key, 0, Purpose.ORDER).permutation(len(self.bags)).tolist()
        other.variation, other.key = variation, key
        return other

    def __len__(self) -> int:
        return len(self.order)

    def __getitem__(self, number: int) -> BagExample:
        row = int(self.order[number])
        bag = self.held[row] if self.held is not None else read_bag(self.bags[row].file)
        if tuple(bag.bases.shape) != self.shape:
            found = " × ".join(map(str, bag.bases.shape))
            raise DatasetError(f"{self.bags[row].file}: bases are {found}, those of others {self.shape}")
        truth = torch.full((len(self.rows), self.shape[1]), torch.nan)
        if bag.truth is not None:
            truth = bag.truth[self.rows]
        bases = bag.bases.float()
        if self.variation is not None:
            varied = vary(bases.numpy(), self.variation, generator_for(*self.key, row))
            bases, truth = torch.from_numpy(varied.bases), truth[:, torch.from_numpy(varied.origin)]
        return BagExample(
            bases=bases,
            present=torch.from_numpy(self.targets.present[row]),
            absent=torch.from_numpy(self.targets.absent[row]),
            truth=truth,
            row=torch.tensor(row),
        )


class BagData(LightningDataModule):
    """The bags to train on and those to choose the epoch by.

    Args:
        recipe: What to do with them.
        corpus: All of them.
        targets: What those to train on are said to hold; what pictures say when not given.

    Raises:
        DatasetError: when a bag is damaged.
        SettingsError: when there are too few for a batch, or none that could choose the epoch as the recipe asks.
    """

    def __init__(self, recipe: WatchRecipe, corpus: BagCorpus, targets: Targets | None = None) -> None:
        super().__init__()
        self.recipe, self.corpus = recipe, corpus
        self.targets = {name: corpus.targets(name) for name in corpus.bags}
        if targets is not None:
            self.targets["train"] = targets
        count, batch = len(corpus.bags["train"]), recipe.training.batch
        if count < batch:
            raise SettingsError(f"training.batch = {batch}: there are {count} bags to train on")
        first = read_bag(corpus.bags["train"][0].file)
        self.shape = (int(first.bases.shape[0]), int(first.bases.shape[1]))
        self._held: dict[str, list[Bag]] = {}
        _check_choice(recipe.training.monitor, corpus)

    @property
    def examples(self) -> int:
        """How many an epoch has."""
        return len(self.corpus.bags["train"])

    def train_dataloader(self) -> DataLoader[BagExample]:
        """A new order and new variations every epoch."""
        epoch = self.trainer.current_epoch if self.trainer is not None else 0
        bags = self._bags("train").varied(self.recipe.variation, (self.recipe.training.seed, epoch))
        return self._loader(bags, drop_last=True)

    def val_dataloader(self) -> DataLoader[BagExample]:
        """The bags that the epoch is chosen by."""
        return self.as_they_are("validation")

    def as_they_are(self, subset: str) -> DataLoader[BagExample]:
        """Bags of a subset in order, unvaried."""
        return self._loader(self._bags(subset), drop_last=False)

    def known(self, subset: str) -> NDArray[np.bool_] | None:
        """What is known to be in the bags of a subset, (n, l), or None where that is not known of each."""
        rows = [bag.known for bag in self.corpus.bags[subset]]
        return None if None in rows else table([row or () for row in rows], self.corpus.labels)

    def _bags(self, subset: str) -> LabelledBags:
        bags = self.corpus.bags[subset]
        if self.recipe.corpus.hold and subset not in self._held:
            self._held[subset] = [_halved(read_bag(bag.file)) for bag in bags]
        rows = [self.corpus.index.labels.index(label) for label in self.corpus.labels]
        return LabelledBags(bags, self.targets[subset], rows, self.shape, self._held.get(subset))

    def _loader(self, bags: LabelledBags, *, drop_last: bool) -> DataLoader[BagExample]:
        training = self.recipe.training
        more: dict[str, Any] = {"prefetch_factor": 4} if training.workers else {}
        return DataLoader(bags, training.batch, num_workers=training.workers, drop_last=drop_last, **more)


def _halved(bag: Bag) -> Bag:
    """The same bag in the precision it was read from, half the memory."""
    return replace(bag, bases=bag.bases.half())


def _check_choice(monitor: str, corpus: BagCorpus) -> None:
    """Refuse, before anything is trained, to choose the epoch by what cannot be measured."""
    seen = corpus.targets("validation").present
    if monitor == "map":
        several = [bag.file for bag in corpus.bags["validation"] if len(bag.labels) > 1]
        if not any(read_bag(file).truth is not None for file in several):
            raise SettingsError(
                "training.monitor = map: no validation video with several visible objects has known truth; "
                "expected pairs, labels or loss"
            )
    if monitor == "pairs" and np.isnan(pair_accuracy(maps=np.zeros((*seen.shape, 1)), visible=seen)):
        raise SettingsError(
            "training.monitor = pairs: no two validation videos next to each other are without a common object; "
            "expected map, labels or loss"
        )
    if monitor == "labels" and np.isnan(mean_average_precision(scores=np.zeros(seen.shape), labels=seen)):
        raise SettingsError(
            "training.monitor = labels: every object is in all of the validation videos or in none; "
            "expected map, pairs or loss"
        )

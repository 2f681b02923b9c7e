"""Mixtures as training examples: planned and rendered on the fly, or read from disk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
import torch
from lightning import LightningDataModule
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from soundsieve.corpus import Corpus
from soundsieve.errors import SettingsError
from soundsieve.mixing import Bank, Draw, MixtureSettings, Rendered, plan_mixture, render
from soundsieve.mixing.stored import StoredMixtures
from soundsieve.training.recipe import QuerySettings, SelectRecipe


class Example(TypedDict):
    """One training example (a batch has one axis more in front).

    Keys:
        mixture: Shape (1, time).
        references: Shape (query, time); zeros where nothing wanted is in the mixture.
        wanted: Shape (query, class).
        weight: Shape (query,); 0 for padding.
    """

    mixture: Tensor
    references: Tensor
    wanted: Tensor
    weight: Tensor


class SelectionExamples(Dataset[Example]):
    """Rendered mixtures with the queries asked of them; example k depends on (seed, epoch, k) and nothing else."""

    def __init__(
        self,
        mixtures: Callable[[int], Rendered],
        count: int,
        *,
        classes: Sequence[str],
        queries: QuerySettings,
        most_classes: int,
        key: Sequence[int],
        crop: int | None = None,
    ) -> None:
        self.mixtures = mixtures
        self.count = count
        self.classes = tuple(classes)
        self.queries = queries
        self.most_classes = most_classes
        self.key = tuple(key)
        self.crop = crop

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Example:
        if not 0 <= index < self.count:
            raise IndexError(index)
        rng = np.random.default_rng([*self.key, index, 7])  # apart from the plan's own generator
        sound = self.mixtures(index)
        start = 0
        length = len(sound.mixture)
        if self.crop is not None and self.crop < length:
            start, length = int(rng.integers(0, length - self.crop + 1)), self.crop
        references = {label: wave[start : start + length] for label, wave in sound.references.items()}
        wanted, weight = draw_queries(tuple(references), self.classes, self.queries, self.most_classes, rng)
        # Added up, not multiplied: BLAS would start threads of its own in every worker.
        sums = np.zeros((len(wanted), length), np.float32)
        for label, wave in references.items():
            if label in self.classes:
                for query in np.flatnonzero(wanted[:, self.classes.index(label)]):
                    sums[query] += wave
        return Example(
            mixture=torch.from_numpy(sound.mixture[None, start : start + length].copy()),
            references=torch.from_numpy(sums),
            wanted=torch.from_numpy(wanted),
            weight=torch.from_numpy(weight),
        )


def draw_queries(
    present: Sequence[str],
    classes: Sequence[str],
    settings: QuerySettings,
    most_classes: int,
    rng: np.random.Generator,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Decide what to ask of a mixture.

    Returns:
        wanted of shape (query, class) and weight of shape (query,). The number of queries is the same for every mixture
        (most_classes + several + others + absent), padded with empty queries of weight 0.

    >>> rng = np.random.default_rng(0)
    >>> wanted, weight = draw_queries(["b"], ["a", "b"], QuerySettings(absent=1), 2, rng)
    >>> wanted.tolist(), weight.tolist()
    ([[0.0, 1.0], [0.0, 0.0], [1.0, 0.0]], [1.0, 0.0, 1.0])
    """
    rows = [classes.index(label) for label in present if label in classes]
    absent = [row for row in range(len(classes)) if row not in rows]
    single = most_classes if settings.each else 0
    others = single + settings.several
    wanted = np.zeros((others + settings.others + settings.absent, len(classes)), np.float32)
    weight = np.zeros(len(wanted), np.float32)
    for position, row in enumerate(rows[:single]):
        wanted[position, row] = weight[position] = 1
    for position in range(single, others):
        if len(rows) > 1:
            chosen = rng.permutation(rows)[: rng.integers(2, len(rows) + 1)]
            wanted[position, chosen] = weight[position] = 1
    for position in range(others, others + settings.others):
        if len(rows) > 1:
            wanted[position] = weight[position] = 1
            wanted[position, rng.permutation(rows)[: rng.integers(1, len(rows))]] = 0
    for position in range(others + settings.others, len(wanted)):
        if absent:
            wanted[position, rng.choice(absent)] = weight[position] = 1
    return wanted, weight


class Planned:
    """Mixture k of an epoch, planned and rendered when it is asked for."""

    def __init__(self, banks: tuple[Bank, Bank], settings: MixtureSettings, key: Sequence[int]) -> None:
        self.events, self.backgrounds = banks
        self.settings = settings
        self.key = tuple(key)

    def __call__(self, index: int) -> Rendered:
        """Decide and sound mixture number `index`."""
        plan = plan_mixture(self.events, self.backgrounds, self.settings, (*self.key, index))
        return render(plan, self.events, self.backgrounds)


class FromDisk:
    """Mixture k of an epoch, read from a folder that `soundsieve mix` wrote; epochs go through the folder in turn.

    Raises:
        SettingsError: when its mixtures are not such as the recipe trains on.
    """

    def __init__(self, folder: Path, sample_rate: int, first: int, *, most_classes: int) -> None:
        self.stored = StoredMixtures(folder)
        self.first = first
        if self.stored.sample_rate != sample_rate:
            found = f"mixtures at {self.stored.sample_rate} Hz"
            raise SettingsError(f"{folder}: holds {found}; the recipe trains at {sample_rate} Hz")
        if not self.stored.is_train:
            raise SettingsError(f"{folder}: was mixed from other than training recordings; train on those alone")
        if self.stored.most_classes > most_classes:
            found = f"mixtures of up to {self.stored.most_classes} classes"
            raise SettingsError(f"{folder}: holds {found}; mixture.classes allows {most_classes} at most")

    def __call__(self, index: int) -> Rendered:
        """Read mixture number `index` of the epoch."""
        return self.stored((self.first + index) % len(self.stored))


class SelectionData(LightningDataModule):
    """Training mixtures from the training recordings, validation mixtures from recordings that training never hears."""

    def __init__(self, recipe: SelectRecipe, corpus: Corpus, classes: Sequence[str]) -> None:
        super().__init__()
        self.recipe = recipe
        self.corpus = corpus
        self.classes = tuple(classes)
        self._banks: dict[str, tuple[Bank, Bank]] = {}

    def setup(self, stage: str) -> None:
        """Decode the recordings once; workers share the memory.

        Raises:
            SettingsError: when the recordings are of fewer classes than a mixture may need.
        """
        self.check_classes()
        for subset in ("train", "validation"):
            if subset not in self._banks:
                self._banks[subset] = self.corpus.banks(subset, self.recipe.sample_rate)

    def check_classes(self) -> None:
        """Refuse here, in one sentence, what would fail inside a worker, far from where it can be put right.

        Raises:
            SettingsError: when the recordings are of fewer classes than a mixture may need.
        """
        faults, remedies = [], []
        for subset, name, settings in (
            ("train", "mixture", self.recipe.mixture),
            ("validation", "protocol", self.recipe.protocol),
        ):
            (least, most), count = settings.classes, len(self.corpus.classes(subset))
            if count < most:
                faults.append(
                    f"{name}.classes = [{least}, {most}]: the {subset} recordings are of {count} classes only"
                )
                remedies.append(f"--set {name}.classes=[{min(least, count)},{count}]")
                if count == 0:
                    raise SettingsError(faults[-1])
        if faults:
            raise SettingsError(f"{'; '.join(faults)}; try {' '.join(remedies)}")

    def train_dataloader(self) -> DataLoader[Example]:
        """New mixtures every epoch, or the same ones again where the recipe says so."""
        r = self.recipe
        epoch = self.trainer.current_epoch if self.trainer is not None and r.training.fresh_mixtures else 0
        key = (r.training.seed, Draw.TRAIN, epoch)
        crop = None if r.training.crop_s is None else round(r.training.crop_s * r.sample_rate)
        count = r.training.mixtures_per_epoch
        mixtures: Callable[[int], Rendered] = Planned(self._banks["train"], r.mixture, key)
        if r.training.stored is not None:
            mixtures = FromDisk(r.training.stored, r.sample_rate, epoch * count, most_classes=r.mixture.classes[1])
        return self._loader(mixtures, count, r.mixture, r.queries, key, crop)

    def val_dataloader(self) -> DataLoader[Example]:
        """The same validation mixtures every time."""
        r = self.recipe
        key = (r.training.seed, Draw.VALIDATION, 0)
        mixtures = Planned(self._banks["validation"], r.protocol, key)
        return self._loader(mixtures, r.training.validation_mixtures, r.protocol, QuerySettings(), key, None)

    def _loader(
        self,
        mixtures: Callable[[int], Rendered],
        count: int,
        settings: MixtureSettings,
        queries: QuerySettings,
        key: Sequence[int],
        crop: int | None,
    ) -> DataLoader[Example]:
        training = self.recipe.training
        examples = SelectionExamples(
            mixtures,
            count,
            classes=self.classes,
            queries=queries,
            most_classes=settings.classes[1],
            key=key,
            crop=crop,
        )
        loader: dict[str, Any] = {"prefetch_factor": 4} if training.workers else {}
        return DataLoader(
            examples, batch_size=training.batch, num_workers=training.workers, drop_last=key[1] == Draw.TRAIN, **loader
        )

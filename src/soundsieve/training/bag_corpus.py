"""The bags of an experiment: divided, with the labels that pictures give them.

Axes: n bag, l label.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from soundsieve.datasets.object_groups import NAMES
from soundsieve.datasets.splits import split_by_fraction, split_by_part
from soundsieve.errors import DatasetError, SettingsError, unknown_name
from soundsieve.inference.seen import look
from soundsieve.training.bags import BagEntry, BagIndex, read_bags, read_logits
from soundsieve.training.watch_recipe import WatchRecipe

PARTS = ("train", "validation", "test")


@dataclass(frozen=True)
class LabelledBag:
    """A bag, its bases still on the disk.

    Attributes:
        name: Of the video.
        file: With the bases.
        part: Of the division that the table tells.
        group: Videos of one group are never on two sides.
        labels: What it is trained with, in the recipe's order.
        visual: Share that the pictures give each of the recipe's labels.
        known: What is known to be in it; None where nobody knows.
    """

    name: str
    file: Path
    part: str
    group: str
    labels: tuple[str, ...]
    visual: tuple[float, ...]
    known: tuple[str, ...] | None

    @property
    def order(self) -> tuple[str, ...]:
        """What bags are sorted by."""
        return (self.name,)


@dataclass(frozen=True, eq=False)
class Targets:
    """What bags are said to hold, (n, l); a label may be neither present nor absent."""

    present: NDArray[np.bool_]
    absent: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class BagCorpus:
    """The bags of an experiment.

    Attributes:
        index: The table they come from.
        labels: The recipe's.
        bags: Subset → bags, by name.
        unlabelled: How many bags are left out because nothing of the recipe's labels is seen.
    """

    index: BagIndex
    labels: tuple[str, ...]
    bags: dict[str, tuple[LabelledBag, ...]]
    unlabelled: int

    def digest(self) -> dict[str, str]:
        """Return what tells these bags from others: subset → their number and a hash of their names and labels."""
        found = {}
        for subset, rows in self.bags.items():
            text = "\n".join(f"{bag.name}: {','.join(bag.labels)}" for bag in rows)
            found[subset] = f"{len(rows)} bags, {hashlib.sha256(text.encode()).hexdigest()[:16]}"
        return found

    def counts(self) -> dict[str, dict[str, int]]:
        """How many bags of each label each subset has."""
        return {s: {name: sum(name in b.labels for b in rows) for name in self.labels} for s, rows in self.bags.items()}

    def targets(self, subset: str) -> Targets:
        """What pictures say of the bags of a subset."""
        present = table([bag.labels for bag in self.bags[subset]], self.labels)
        return Targets(present, ~present)

    def visual(self, subset: str) -> NDArray[np.float64]:
        """Share that the pictures give each label, shape (n, l)."""
        return np.array([bag.visual for bag in self.bags[subset]], np.float64).reshape(-1, len(self.labels))


def table(rows: Sequence[Sequence[str]], labels: Sequence[str]) -> NDArray[np.bool_]:
    """Turn the labels of bags into an array, shape (n, l).

    >>> table([["cat"], []], ["dog", "cat"]).tolist()
    [[False, True], [False, False]]
    """
    return np.array([[name in row for name in labels] for row in rows], bool).reshape(len(rows), len(labels))


def open_bags(recipe: WatchRecipe, folder: Path) -> BagCorpus:
    """Find and divide bags, and name what is seen in each; no bases are read yet.

    Where no bags are of the part `validation`, some groups of those to train on choose the epoch. Bags of the part
    `all` are to train on.

    Args:
        recipe: Labels, and what counts as one.
        folder: With `bags.json`.

    Raises:
        DatasetError: when bags are missing or damaged, or nothing is left to train on or to choose by.
        SettingsError: when labels are to be known and are not.
        UnknownNameError: when the recipe has a label that the bags are not about.
    """
    index = read_bags(folder)
    for name in recipe.labels:
        if name not in index.labels:
            raise unknown_name("label", name, index.labels)
    found = [_labelled(video, folder, recipe) for video in index.videos]
    known = [bag for bag in found if bag.labels]
    train = [replace(bag, part="train" if bag.part == "all" else bag.part) for bag in known]
    parts = {part: [part] for part in PARTS if any(bag.part == part for bag in train)}
    if "train" not in parts:
        raise DatasetError(f"{folder}: expected bags of the part train with labels of the recipe, found none")
    subsets = split_by_part(train, parts)
    if not subsets.get("validation"):
        share = recipe.corpus.validation
        divided = split_by_fraction(
            subsets["train"], {"train": 1 - share, "validation": share}, seed=recipe.corpus.seed
        )
        subsets = {**subsets, **divided}
    bags = {part: tuple(subsets[part]) for part in PARTS if subsets.get(part)}
    return BagCorpus(index, recipe.labels, bags, len(found) - len(known))


def _labelled(video: BagEntry, folder: Path, recipe: WatchRecipe) -> LabelledBag:
    seen = look(read_logits(folder / video.bag).numpy(), recipe.seen)
    names = seen.labels
    if recipe.seen.known:
        if video.labels_true is None:
            raise SettingsError(f"seen.known = true: nobody knows what is in {video.name}; it has no labels_true")
        names = video.labels_true
    return LabelledBag(
        name=video.name,
        file=folder / video.bag,
        part=video.part,
        group=video.group or video.name,
        labels=tuple(label for label in recipe.labels if label in names),
        visual=tuple(float(seen.scores[NAMES.index(label)]) for label in recipe.labels),
        known=video.labels_true,
    )

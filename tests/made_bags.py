"""Bags whose bases are known: each label has two spectra of its own, and every bag has some of nothing visible."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from soundsieve.datasets.object_groups import GROUPS, NAMES
from soundsieve.training.bags import Bag, BagEntry, BagIndex, write_bag, write_index

BINS, BASES = 48, 9
LABELS = ("dog", "violin", "piano", "car")
SEEN, UNSEEN = 20.0, -10.0  # logits


def spectra(label: str) -> np.ndarray:
    """Two spectra of a label, (2, f): a few bins that no other label has."""
    rng = np.random.default_rng(LABELS.index(label))
    own = np.arange(LABELS.index(label), BINS, len(LABELS) + 1)
    return np.stack([np.where(np.isin(np.arange(BINS), rng.permutation(own)[:5]), 1.0, 0.0) for _ in range(2)])


def logits(labels: tuple[str, ...]) -> torch.Tensor:
    """What a classifier says of pictures of these objects."""
    values = torch.full((2, 1000), UNSEEN)
    values[0, 999] = SEEN  # a picture of something else
    for label in labels:
        values[1, list(GROUPS[label])] = SEEN - float(np.log(len(GROUPS[label])))  # equally probable, whatever the size
    return values


def bag(audible: tuple[str, ...], rng: np.random.Generator, visible: tuple[str, ...] | None = None) -> Bag:
    """A bag with three bases of each audible label, the rest noise in bins that are no label's."""
    bases = np.zeros((BINS, BASES))
    truth = np.zeros((len(NAMES), BASES))
    places = rng.permutation(BASES)
    bases[len(LABELS) :: len(LABELS) + 1] = rng.random((len(bases[len(LABELS) :: len(LABELS) + 1]), BASES))
    for number, label in enumerate(audible):
        for place in places[3 * number : 3 * number + 3]:
            bases[:, place] = spectra(label)[rng.integers(2)] * rng.uniform(0.7, 1, BINS)
            truth[NAMES.index(label), place] = 1
    bases = bases * (1 - 0.02) + 0.02 * rng.random(bases.shape)
    return Bag(
        torch.from_numpy(bases / bases.max(0)).float(),
        logits(audible if visible is None else visible),
        torch.from_numpy(truth).float(),
    )


def write_bags(folder: Path, counts: dict[str, int], *, truth: bool = True, blind: float = 0.0) -> Path:
    """Write a folder of bags with one or two audible labels each; some of the second ones are not quite seen."""
    rng = np.random.default_rng(7)
    videos = []
    for part, count in counts.items():
        for number in range(count):
            audible = tuple(str(name) for name in rng.choice(LABELS, 1 + number % 2, replace=False))
            made = bag(audible, rng)
            if part == "train" and len(audible) > 1 and rng.random() < blind:
                made.logits[1, list(GROUPS[audible[1]])] -= 2.5  # 7 % for it
            name = f"{part}-{number:03}"
            write_bag(folder / f"{name}.safetensors", made if truth else Bag(made.bases, made.logits))
            videos.append(
                BagEntry(
                    name=name,
                    path=f"{name}.mp4",
                    part=part,
                    group=name,
                    bag=f"{name}.safetensors",
                    duration_s=10,
                    labels_true=audible,
                )
            )
    front_end = {"sample_rate": 48_000, "window": 2 * (BINS - 1)}
    write_index(folder, BagIndex(front_end=front_end, viewer="made", labels=NAMES, videos=tuple(videos)))
    return folder

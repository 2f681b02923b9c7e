"""The videos of an experiment, divided, with what is seen in each: all that the network is told of them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from soundsieve import audio
from soundsieve.datasets.splits import split_by_fraction, split_by_part
from soundsieve.errors import DatasetError, unknown_name
from soundsieve.inference.seen import look
from soundsieve.training.bags import BagEntry, read_bags, read_logits
from soundsieve.training.object_recipe import ObjectRecipe

PARTS = ("train", "validation", "test")
_FULL = 32_767 / 2  # of 16-bit numbers, with room above full scale


@dataclass(frozen=True)
class SeenVideo:
    """A video and what is seen in it; its sound is still on the disk.

    Attributes:
        name: Of the video.
        path: Of the video.
        part: Of the division that the table tells.
        group: Videos of one group are never on two sides.
        labels: What is seen, in the recipe's order; may be nothing.
        start_s: Where what is meant of it begins.
        duration_s: How much of it is meant; 0 is all.
    """

    name: str
    path: Path
    part: str
    group: str
    labels: tuple[str, ...]
    start_s: float
    duration_s: float

    @property
    def order(self) -> tuple[str, ...]:
        """What videos are sorted by."""
        return (self.name,)

    def read(self, longest_s: float) -> tuple[NDArray[np.float32], int]:
        """Decode its sound in one channel, (1, t), at most so much of it; the second value is its rate.

        Raises:
            AudioError: when it cannot be read.
        """
        wanted_s = min(longest_s, self.duration_s or longest_s)
        waveform, rate = audio.read(self.path, start_s=self.start_s, duration_s=wanted_s)
        return waveform.mean(0, keepdims=True), rate


@dataclass(frozen=True, eq=False)
class HeldVideo:
    """A video in memory.

    Attributes:
        labels: Positions of what is seen among the recipe's labels.
        numbers: Its sound in one channel, (t,), as 16-bit numbers.
    """

    labels: tuple[int, ...]
    numbers: NDArray[np.int16]

    def read(self, start: int, frames: int) -> NDArray[np.float32]:
        """Return a part, silent where it lies beyond the ends."""
        begin, end = max(0, start), min(len(self.numbers), start + frames)
        part = np.zeros(frames, np.float32)
        part[begin - start : max(begin, end) - start] = self.numbers[begin:end] / np.float32(_FULL)
        return part


def as_numbers(mono: NDArray[np.float32]) -> NDArray[np.int16]:
    """Make a sound (t,) half as large as it is read back."""
    return np.asarray(np.rint(mono * _FULL).clip(-32_767, 32_767), np.int16)


@dataclass(frozen=True, eq=False)
class ObjectCorpus:
    """The videos of an experiment.

    Attributes:
        videos: Subset → videos, by name.
        labels: The recipe's.
        viewer: What looked at the pictures.
        left_out: How many videos the folder lacks.
    """

    videos: dict[str, tuple[SeenVideo, ...]]
    labels: tuple[str, ...]
    viewer: str
    left_out: int

    def digest(self) -> dict[str, str]:
        """Return what tells these videos from others: subset → their number and a hash of their names and labels."""
        found = {}
        for subset, rows in self.videos.items():
            text = "\n".join(f"{video.name}: {','.join(video.labels)}" for video in rows)
            found[subset] = f"{len(rows)} videos, {hashlib.sha256(text.encode()).hexdigest()[:16]}"
        return found

    def counts(self) -> dict[str, dict[str, int]]:
        """How many videos of each label each subset has."""
        return {
            s: {name: sum(name in v.labels for v in rows) for name in self.labels} for s, rows in self.videos.items()
        }

    def unlabelled(self, subset: str) -> int:
        """How many videos of a subset show nothing of the recipe's labels."""
        return sum(not video.labels for video in self.videos[subset])

    def hold(self, video: SeenVideo, sample_rate: int, longest_s: float) -> HeldVideo:
        """Decode a video's sound in one channel.

        Raises:
            AudioError: when it cannot be read.
        """
        waveform, rate = video.read(longest_s)
        mono = audio.resample(waveform, rate, sample_rate)[0]
        return HeldVideo(tuple(self.labels.index(label) for label in video.labels), as_numbers(mono))


def open_objects(recipe: ObjectRecipe, folder: Path) -> ObjectCorpus:
    """Find and divide the videos of a folder of bags, and name what is seen in each; no sound is read yet.

    What is known to be in a video is never looked at. Where no videos are of the part `validation`, some groups of
    those to train on choose the epoch. Videos of the part `all` are to train on.

    Args:
        recipe: Labels, and what counts as one.
        folder: With `bags.json`.

    Raises:
        DatasetError: when bags are missing or damaged, or there are no two objects to tell apart.
        UnknownNameError: when the recipe has a label that the bags are not about.
    """
    index = read_bags(folder)
    for name in recipe.labels:
        if name not in index.labels:
            raise unknown_name("label", name, index.labels)
    found = [_seen(video, folder, recipe) for video in index.videos]
    parts = {part: [part] for part in PARTS if any(video.part == part for video in found)}
    if "train" not in parts:
        raise DatasetError(f"{folder}: expected videos of the part train, found none")
    subsets = split_by_part(found, parts)
    if not subsets.get("validation"):
        shares = {"train": 1 - recipe.corpus.validation, "validation": recipe.corpus.validation}
        subsets = {**subsets, **split_by_fraction(subsets["train"], shares, seed=recipe.corpus.seed)}
    for part in ("train", "validation"):
        _refuse_one_object(folder, part, subsets[part])
    videos = {part: tuple(subsets[part]) for part in PARTS if subsets.get(part)}
    return ObjectCorpus(videos, recipe.labels, index.viewer, len(index.left_out))


def _seen(video: BagEntry, folder: Path, recipe: ObjectRecipe) -> SeenVideo:
    names = look(read_logits(folder / video.bag).numpy(), recipe.seen).labels
    beside = folder / video.path  # an absolute path stays what it is
    return SeenVideo(
        name=video.name,
        path=beside if beside.is_file() else Path(video.path),
        part="train" if video.part == "all" else video.part,
        group=video.group or video.name,
        labels=tuple(label for label in recipe.labels if label in names),
        start_s=video.start_s,
        duration_s=video.duration_s,
    )


def _refuse_one_object(folder: Path, part: str, videos: Sequence[SeenVideo]) -> None:
    seen = sorted({label for video in videos for label in video.labels})
    if len(seen) < 2:
        raise DatasetError(
            f"{folder}: expected videos of two labels of the recipe or more to {part}, found {seen or 'none'}"
        )

"""Whole clips as training examples: drawn in balance, cut, varied, and put in batches with their lengths."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias, TypedDict

import numpy as np
import torch
from lightning import LightningDataModule
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from soundsieve import audio
from soundsieve.corpus import Corpus
from soundsieve.errors import SettingsError
from soundsieve.features import trim
from soundsieve.mixing import Bank, Source
from soundsieve.mixing.bank import Recording, load
from soundsieve.mixing.generators import Purpose, generator_for
from soundsieve.mixing.transforms import apply_transform, draw_transform
from soundsieve.training.tag_recipe import TagRecipe

_LOOP_FADE_S = 0.05

Library: TypeAlias = Mapping[tuple[Path, int | None], Recording]
"""Every recording of an experiment, decoded: (file, channel) → recording."""


class ClipExample(TypedDict):
    """One clip as the network is shown it.

    Keys:
        waveform: Shape (time,).
        target: Shape (class,); all zeros for a sound of no class.
        draw: Its place among what an epoch may draw; decides what is hidden of it.
    """

    waveform: Tensor
    target: Tensor
    draw: int


class ClipBatch(TypedDict):
    """Clips, padded at the end to the longest.

    Keys:
        waveform: Shape (b, time).
        length: True lengths in samples, shape (b,).
        target: Shape (b, class).
        draw: Shape (b,).
    """

    waveform: Tensor
    length: Tensor
    target: Tensor
    draw: Tensor


class Clips(Dataset[Any]):
    """Clips in a given order; what is varied of each depends on (seed, epoch, draw) and nothing else.

    Args:
        recordings: What there is.
        order: Which of them to give, one after the other.
        classes: In the order of the targets.
        recipe: How they are cut and varied.
        epoch: None leaves them as they are, for validation and testing.
        backgrounds: For the variation that adds one.
    """

    def __init__(
        self,
        recordings: Sequence[Recording],
        order: Sequence[int],
        classes: Sequence[str],
        recipe: TagRecipe,
        *,
        epoch: int | None = None,
        backgrounds: Bank | None = None,
    ) -> None:
        self.recordings = recordings
        self.order = order
        self.draws = numbered(order, len(recordings))
        self.rows = {label: row for row, label in enumerate(classes)}
        self.recipe = recipe
        self.epoch = epoch
        self.backgrounds = backgrounds

    def __len__(self) -> int:
        return len(self.order)

    def __getitem__(self, index: int) -> ClipExample:
        item, draw = self.recordings[self.order[index]], self.draws[index]
        waveform = trim(item.waveform(), self.recipe.front_end)
        if self.epoch is not None:
            waveform = self._varied(waveform, draw)
        target = np.zeros(len(self.rows), np.float32)
        if item.label in self.rows:
            target[self.rows[item.label]] = 1
        return ClipExample(waveform=torch.from_numpy(waveform), target=torch.from_numpy(target), draw=draw)

    def _varied(self, waveform: NDArray[np.float32], draw: int) -> NDArray[np.float32]:
        r = self.recipe
        rng = generator_for(r.training.seed, self.epoch or 0, draw)
        if r.training.crop_s is not None:
            length = round(r.training.crop_s * r.front_end.sample_rate)
            start = int(rng.integers(max(1, len(waveform) - length + 1)))
            cut = waveform[start : start + length]
            waveform = audio.loop_to(cut, length, round(_LOOP_FADE_S * r.front_end.sample_rate))
        if r.transforms is None:
            return waveform
        return apply_transform(
            waveform, r.front_end.sample_rate, draw_transform(r.transforms, rng), backgrounds=self.backgrounds
        )


def numbered(order: Sequence[int], count: int) -> list[int]:
    """Number the draws of an epoch so that a clip drawn again is varied anew: clip + count · times drawn before.

    >>> numbered([2, 0, 2], 10)
    [2, 0, 12]
    """
    times: Counter[int] = Counter()
    draws = []
    for clip in order:
        draws.append(clip + count * times[clip])
        times[clip] += 1
    return draws


def balanced_order(labels: Sequence[str], rng: np.random.Generator, *, repeats: int = 1) -> list[int]:
    """Order clips so that every label comes up as often, `repeats` times as many draws as there are clips.

    Each label's clips are gone through in a new random order before one of them comes again: weights by inverse
    frequency, without the chance that a clip is never drawn.

    >>> order = balanced_order(["dog", "dog", "dog", "rain"], np.random.default_rng(0))
    >>> sorted(order).count(3), len(order)
    (2, 4)
    """
    names = sorted(set(labels))
    rows = {name: np.flatnonzero([label == name for label in labels]) for name in names}
    total = repeats * len(labels)
    share, extra = divmod(total, len(names))
    lucky = set(rng.permutation(len(names))[:extra].tolist())
    drawn = []
    for place, name in enumerate(names):
        wanted = share + (place in lucky)
        rounds = [rng.permutation(rows[name]) for _ in range(-(-wanted // len(rows[name])))]
        drawn.append(np.concatenate([*rounds, np.empty(0, int)])[:wanted])
    order: list[int] = rng.permutation(np.concatenate(drawn)).astype(int).tolist()
    return order


def collate(examples: Sequence[ClipExample]) -> ClipBatch:
    """Pad clips to the longest and keep their lengths."""
    waveforms = [example["waveform"] for example in examples]
    return ClipBatch(
        waveform=torch.nn.utils.rnn.pad_sequence(waveforms, batch_first=True),
        length=torch.tensor([len(waveform) for waveform in waveforms]),
        target=torch.stack([example["target"] for example in examples]),
        draw=torch.tensor([example["draw"] for example in examples]),
    )


def read_library(corpora: Sequence[Corpus], sample_rate: int) -> Library:
    """Decode every event of some divisions of the same recordings, each once."""
    sources = {(s.path, s.channel): s for corpus in corpora for rows in corpus.events.values() for s in rows}
    return {
        key: item for key, source in sources.items() for item in load([source], sample_rate).recordings
    }  # digital silence is left out


def members(sources: Sequence[Source], library: Library) -> list[Recording]:
    """Look up recordings, in order, under the labels that the sources give them."""
    found = [library.get((source.path, source.channel)) for source in sources]
    return [item for item in found if item is not None]


class ClipData(LightningDataModule):
    """The clips of one division: those to train on, varied, and those to choose the epoch by, as they are.

    Where the division has no validation subset (the published protocol), the epoch is chosen on the test clips.
    """

    def __init__(self, recipe: TagRecipe, corpus: Corpus, classes: Sequence[str], library: Library) -> None:
        super().__init__()
        self.recipe = recipe
        self.corpus = corpus
        self.classes = tuple(classes)
        self.train = self._known("train", library)
        self.choose = self._known("validation" if "validation" in corpus.events else "test", library)
        self.backgrounds: Bank | None = None
        if len(self.train) < recipe.training.batch:
            raise SettingsError(f"training.batch = {recipe.training.batch}: there are {len(self.train)} clips to train")
        if not self.choose:
            raise SettingsError("corpus: no clip of the model's classes is set aside to choose the epoch by")

    @property
    def examples(self) -> int:
        """How many an epoch has."""
        return self.recipe.training.repeats * len(self.train)

    def setup(self, stage: str) -> None:
        """Decode the backgrounds, where a variation needs them."""
        sources = self.corpus.backgrounds.get("train", ())
        transforms = self.recipe.transforms
        if self.backgrounds is None and transforms is not None and "background" in transforms.choices:
            self.backgrounds = load(sources, self.recipe.front_end.sample_rate)

    def train_dataloader(self) -> DataLoader[ClipBatch]:
        """A new order and new variations every epoch."""
        training = self.recipe.training
        epoch = self.trainer.current_epoch if self.trainer is not None else 0
        rng = generator_for(training.seed, epoch, 0, Purpose.ORDER)
        if training.balanced:
            order = balanced_order([item.label for item in self.train], rng, repeats=training.repeats)
        else:
            order = [int(row) for _ in range(training.repeats) for row in rng.permutation(len(self.train))]
        clips = Clips(self.train, order, self.classes, self.recipe, epoch=epoch, backgrounds=self.backgrounds)
        return self._loader(clips, drop_last=True)

    def val_dataloader(self) -> DataLoader[ClipBatch]:
        """The clips that the epoch is chosen by."""
        return self.as_they_are(self.choose)

    def as_they_are(self, recordings: Sequence[Recording]) -> DataLoader[ClipBatch]:
        """Clips in order, uncut and unvaried."""
        clips = Clips(recordings, range(len(recordings)), self.classes, self.recipe)
        return self._loader(clips, drop_last=False)

    def _loader(self, clips: Clips, *, drop_last: bool) -> DataLoader[ClipBatch]:
        training = self.recipe.training
        more: dict[str, Any] = {"prefetch_factor": 4} if training.workers else {}
        return DataLoader(
            clips,
            batch_size=training.batch,
            num_workers=training.workers,
            collate_fn=collate,
            drop_last=drop_last,
            **more,
        )

    def _known(self, subset: str, library: Library) -> list[Recording]:
        found = members(self.corpus.events.get(subset, ()), library)
        kind = self.recipe.loss.kind
        return [item for item in found if item.label in self.classes or kind == "each"]

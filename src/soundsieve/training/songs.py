"""Segments of songs as training examples: cut at random, varied, mixed anew.

Axes: s stem, c channel, t time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, TypedDict

import numpy as np
import torch
from lightning import LightningDataModule
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from soundsieve import datasets
from soundsieve.audio import Multitrack
from soundsieve.datasets import ACCOMPANIMENT, STEMS, VOCALS, Song
from soundsieve.errors import DatasetError, SettingsError
from soundsieve.mixing import augment
from soundsieve.mixing.generators import Purpose, generator_for
from soundsieve.training.unmix_recipe import SegmentSettings, SongCorpusSettings, SongSource, UnmixRecipe

_FULL = 32_767  # of 16-bit numbers
_SPARE = 8  # samples, for what a resampler rounds off
_HEADROOM = 2.0  # full scale of songs that are held: stems may be louder than 1


class StemExample(TypedDict):
    """One segment (a batch has one axis more in front).

    Keys:
        mixture: Shape (c, t), with what the network sees on both sides.
        references: Shape (s, c, t'), the middle of it.
    """

    mixture: Tensor
    references: Tensor


class Stems(Protocol):
    """The stems of one song, in the order of `STEMS`, of which parts can be read."""

    @property
    def frames(self) -> int: ...  # noqa: D102 - its length

    def read(self, start: int, frames: int) -> NDArray[np.float32]: ...  # noqa: D102 - (s, c, t)


@dataclass(frozen=True)
class HeldStems:
    """The stems of one song in memory, as 16-bit numbers (s, c, t)."""

    numbers: NDArray[np.int16]

    @classmethod
    def of(cls, song: Multitrack) -> HeldStems:
        """Decode all of a song."""
        parts = [_as_numbers(block) for block in song.blocks(1 << 18)]
        return cls(np.concatenate(parts, axis=-1))

    @property
    def frames(self) -> int:
        """Its length."""
        return int(self.numbers.shape[-1])

    def read(self, start: int, frames: int) -> NDArray[np.float32]:
        """Return a part."""
        part = self.numbers[..., start : start + frames].astype(np.float32)
        return np.asarray(part * np.float32(_HEADROOM / _FULL))


def _as_numbers(block: NDArray[np.float32]) -> NDArray[np.int16]:
    return np.asarray(np.rint(block * (_FULL / _HEADROOM)).clip(-_FULL, _FULL), np.int16)


@dataclass(frozen=True)
class SongCorpus:
    """Divided songs: subset → songs, each with how often it is drawn for each second of it."""

    songs: Mapping[str, tuple[tuple[Song, float], ...]]

    def digest(self) -> dict[str, str]:
        """Return what tells these songs from others: subset → their number and a hash of their names."""
        found = {}
        for subset, rows in self.songs.items():
            names = sorted(song.name for song, _ in rows)
            found[subset] = f"{len(names)} songs, {hashlib.sha256(chr(10).join(names).encode()).hexdigest()[:16]}"
        return found

    def counts(self) -> dict[str, int]:
        """How many songs each subset has."""
        return {subset: len(rows) for subset, rows in self.songs.items()}


def open_songs(settings: SongCorpusSettings, data: Path) -> SongCorpus:
    """Find and divide the songs; nothing is decoded yet.

    Songs of one artist are never divided: where artists of the test part have songs in the others, these are left out.

    Args:
        settings: Which data sets, and how they are divided.
        data: The folder their `root` settings are relative to.

    Raises:
        DatasetError: when a data set is missing or damaged, or nothing is left to train on or to validate with.
    """
    subsets: dict[str, list[tuple[Song, float]]] = {"train": [], "validation": [], "test": []}
    for source in settings.sources:
        for subset, songs in _divided(source, data, settings.seed).items():
            subsets[subset] += [(song, source.weight) for song in songs]
    taken: set[str] = set()
    for subset in ("test", "validation", "train"):
        subsets[subset] = [row for row in subsets[subset] if row[0].group not in taken]
        taken |= {song.group for song, _ in subsets[subset]}
    for subset in ("train", "validation"):
        if not subsets[subset]:
            roots = ", ".join(str(data / source.root) for source in settings.sources)
            raise DatasetError(f"{roots}: no song is left for {subset}; set corpus.sources.validation to a share")
    return SongCorpus({subset: tuple(rows) for subset, rows in subsets.items()})


def _divided(source: SongSource, data: Path, seed: int) -> dict[str, list[Song]]:
    songs = datasets.get_songs(source.dataset).songs(data / source.root)
    parts: dict[str, list[Song]] = {"train": [], "validation": [], "test": []}
    for song in songs:
        parts["train" if song.part == "all" else song.part].append(song)
    if source.validation is not None:
        pool = sorted(parts["train"] + parts["validation"], key=lambda song: song.order)
        groups = sorted({song.group for song in pool})
        count = max(1, round(source.validation * len(groups)))
        aside = set(np.random.default_rng(seed).permutation(np.array(groups, dtype=object))[:count])
        parts["train"] = [song for song in pool if song.group not in aside]
        parts["validation"] = [song for song in pool if song.group in aside]
    return parts


class Segments(Dataset[StemExample]):
    """Segments of songs; segment k depends on (seed, epoch, k) and nothing else.

    Args:
        songs: What is cut, each with its weight.
        count: How many.
        order: The stems in the order of the examples; see `arrange`.
        window: Samples of mixture, and of them how many in the middle have references.
        key: Seed and epoch.
        settings: How they are varied; None leaves them as they are.
        sample_rate: In Hz.
    """

    def __init__(
        self,
        songs: Sequence[tuple[Stems, float]],
        count: int,
        *,
        order: tuple[str, ...],
        window: tuple[int, int],
        key: tuple[int, int],
        settings: SegmentSettings | None,
        sample_rate: int,
    ) -> None:
        self.songs = [song for song, _ in songs]
        weights = np.array([song.frames * weight for song, weight in songs], np.float64)
        self.shares = weights / weights.sum()
        self.count, self.order, self.key = count, order, key
        self.settings, self.sample_rate = settings, sample_rate
        self.seen, self.said = window

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> StemExample:
        if not 0 <= index < self.count:
            raise IndexError(index)
        s = self.settings
        rng = generator_for(*self.key, index, Purpose.CHOICE if s is None else Purpose.SEGMENT)
        if s is None:
            stems = self._cut(rng, self.seen)
        else:
            rows = range(len(STEMS))
            drawn = [(row,) for row in rows] if rng.random() < s.remix else [tuple(rows)]  # together, of one song
            stems = _levelled(np.concatenate([self._varied(each, s, rng) for each in drawn]), s, rng)
        start = (self.seen - self.said) // 2
        return StemExample(
            mixture=torch.from_numpy(stems.sum(0)),
            references=torch.from_numpy(arrange(stems, self.order)[..., start : start + self.said].copy()),
        )

    def _varied(self, rows: Sequence[int], s: SegmentSettings, rng: np.random.Generator) -> NDArray[np.float32]:
        """Cut a segment of some stems of a song; vary each by itself, but for the speed, which is one for all."""
        changes = [augment.draw(s.augment, rng) for _ in rows]
        speed = changes[0].speed
        stems = self._cut(rng, self.seen if speed == 1 else int(np.ceil(self.seen * speed)) + _SPARE)[list(rows)]
        varied = [
            [augment.apply(channel, self.sample_rate, replace(change, speed=speed))[: self.seen] for channel in stem]
            for stem, change in zip(stems, changes, strict=True)
        ]
        return np.array(varied, np.float32)

    def _cut(self, rng: np.random.Generator, frames: int) -> NDArray[np.float32]:
        """Read a random part of a song, with silence where it lies beyond its ends."""
        song = self.songs[int(rng.choice(len(self.songs), p=self.shares))]
        aside = (self.seen - self.said) // 2  # what is estimated lies within the song, as far as it can
        least, most = -aside, max(-aside, song.frames - aside - self.said)
        start = int(rng.integers(least, most + 1))
        begin, end = max(0, start), min(song.frames, start + frames)
        if end <= begin:
            raise DatasetError(f"a song of {song.frames} samples is too short to train on")
        part = song.read(begin, end - begin)
        return np.pad(part, ((0, 0), (0, 0), (begin - start, start + frames - end)))


def arrange(stems: NDArray[np.float32], order: Sequence[str]) -> NDArray[np.float32]:
    """Put stems (s, c, t), given in the order of `STEMS`, in another; the accompaniment is all but the vocals.

    >>> stems = np.arange(4, dtype=np.float32).reshape(4, 1, 1)  # bass, drums, other, vocals
    >>> arrange(stems, ("vocals", "accompaniment")).ravel().tolist()
    [3.0, 3.0]
    >>> arrange(stems, ("vocals", "drums", "bass", "other")).ravel().tolist()
    [3.0, 1.0, 0.0, 2.0]
    """
    rows = {name: row for row, name in enumerate(STEMS)}
    others = [row for name, row in rows.items() if name != VOCALS]
    return np.stack([stems[others].sum(0) if name == ACCOMPANIMENT else stems[rows[name]] for name in order])


def _levelled(stems: NDArray[np.float32], s: SegmentSettings, rng: np.random.Generator) -> NDArray[np.float32]:
    """Give each stem its gain, leave some out, change left and right."""
    gains = rng.uniform(*s.gains, len(stems)) * 10 ** (s.gains_db * rng.standard_normal(len(stems)) / 20)
    gains *= rng.random(len(stems)) >= s.silence
    stems = stems * gains.astype(np.float32)[:, None, None]
    return stems[:, ::-1] if rng.random() < s.swap_channels else stems


class SongData(LightningDataModule):
    """Segments of the training songs, new ones every epoch, and of songs that training never hears."""

    def __init__(self, recipe: UnmixRecipe, corpus: SongCorpus, model: Any, epoch_offset: int = 0) -> None:
        super().__init__()
        self.recipe, self.corpus = recipe, corpus
        self.channels, self.context = int(model.channels), int(model.context)
        self._input_length = model.input_length
        self._epoch_offset = epoch_offset
        self._songs: dict[str, list[tuple[Stems, float]]] = {}

    def setup(self, stage: str) -> None:
        """Open the songs, or decode them, once; workers share the memory.

        Raises:
            AudioError: when a song cannot be read.
            SettingsError: when songs have no such channels as the network.
        """
        for subset in ("train", "validation"):
            if subset not in self._songs:
                self._songs[subset] = [(self._open(song), weight) for song, weight in self.corpus.songs[subset]]

    def _open(self, song: Song) -> Stems:
        tracks = song.open(sample_rate=self.recipe.sample_rate, channels=self.channels)
        if tracks.frames < 1:
            raise SettingsError(f"{song.path}: has no sample")
        return HeldStems.of(tracks) if self.recipe.corpus.hold else tracks

    def train_dataloader(self) -> DataLoader[StemExample]:
        """New segments every epoch."""
        training = self.recipe.training
        epoch = self._epoch_offset + (self.trainer.current_epoch if self.trainer is not None else 0)
        devices = self.trainer.world_size if self.trainer is not None else 1
        count = training.segments_per_epoch * devices
        return self._loader("train", count, self.recipe.segments.length, (training.seed, epoch), self.recipe.segments)

    def val_dataloader(self) -> DataLoader[StemExample]:
        """The same segments every time."""
        training = self.recipe.training
        length = training.validation_length or self.recipe.segments.length
        return self._loader("validation", training.validation_segments, length, (training.seed, 0), None)

    def _loader(
        self, subset: str, count: int, length: int, key: tuple[int, int], settings: SegmentSettings | None
    ) -> DataLoader[StemExample]:
        training = self.recipe.training
        seen = int(self._input_length(length))
        segments = Segments(
            self._songs[subset],
            count,
            order=self.recipe.stems,
            window=(seen, seen - 2 * self.context),
            key=key,
            settings=settings,
            sample_rate=self.recipe.sample_rate,
        )
        more: dict[str, Any] = {"prefetch_factor": 4} if training.workers else {}
        return DataLoader(
            segments, training.batch, num_workers=training.workers, drop_last=settings is not None, **more
        )

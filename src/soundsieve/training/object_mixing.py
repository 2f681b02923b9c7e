"""Mixtures of videos to learn separating what is seen from, without a true track: mix, and ask for the videos back.

Each mixture is of videos in which different objects are seen. Which of a video's sounds is of which of its objects
nobody knows; that the tracks of all its objects are its sound, everybody does. Videos that share a label cannot be told
apart by labels, so their sounds are asked for together: they are one group. What is heard of videos in which nothing is
seen, and noise, is the rest; a label that is seen in none of the videos is silent.

Zhao et al., "The Sound of Pixels", ECCV 2018, section 3.2, for the mixing; Gao and Grauman, "Co-Separating Sounds of
Visual Objects", ICCV 2019, section 3.3, for the sums of tracks.

Axes: g group, s label and, last, the rest, t time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypedDict

import numpy as np
import torch
from lightning import LightningDataModule
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from soundsieve.mixing.generators import Purpose, generator_for
from soundsieve.training.object_corpus import HeldVideo, ObjectCorpus
from soundsieve.training.object_parts import Teacher
from soundsieve.training.object_recipe import ObjectMixtureSettings, ObjectRecipe

_STEEPEST = 2.0  # power of frequency that a noise's power falls with


class ObjectExample(TypedDict):
    """One mixture (a batch has one axis more in front); the last group is the rest, the one before it is silent.

    Keys:
        mixture: Shape (1, t).
        references: Sound of each group, shape (g, t); they add up to the mixture.
        owner: 1 where a track is of a group, shape (g, s).
        seen: 1 for each label that is seen, shape (s − 1,).
    """

    mixture: Tensor
    references: Tensor
    owner: Tensor
    seen: Tensor


def merged(labels: Sequence[Sequence[int]]) -> list[list[int]]:
    """Gather videos that share a label, also by way of others, into groups of their positions.

    >>> merged([(1, 2), (3,), (2, 4), (4,)])
    [[0, 2, 3], [1]]
    """
    groups: list[tuple[set[int], list[int]]] = []
    for position, own in enumerate(labels):
        alike = [group for group in groups if group[0] & set(own)]
        names = set(own).union(*(group[0] for group in alike))
        members = [position, *(member for group in alike for member in group[1])]
        groups = [*(group for group in groups if group not in alike), (names, members)]
    return sorted(sorted(members) for _, members in groups)


class ObjectMixtures(Dataset[ObjectExample]):
    """Mixtures of videos; mixture k depends on (seed, epoch, k) and nothing else.

    Args:
        videos: Held in memory.
        count: How many mixtures.
        labels: How many labels there are.
        key: Seed and epoch.
        purpose: Keeps mixtures to train on and to validate with apart.
        settings: How they are made.
        sample_rate: Of the videos, in Hz.
    """

    def __init__(
        self,
        videos: Sequence[HeldVideo],
        count: int,
        *,
        labels: int,
        key: tuple[int, int],
        purpose: Purpose,
        settings: ObjectMixtureSettings,
        sample_rate: int,
    ) -> None:
        self.videos, self.count, self.labels = videos, count, labels
        self.key, self.purpose, self.settings = key, purpose, settings
        self.frames = max(1, round(settings.crop_s * sample_rate))
        self.of_label = {
            label: [row for row, video in enumerate(videos) if label in video.labels] for label in range(labels)
        }
        self.unlabelled = [row for row, video in enumerate(videos) if not video.labels]

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> ObjectExample:
        if not 0 <= index < self.count:
            raise IndexError(index)
        s, rng = self.settings, generator_for(*self.key, index, self.purpose)
        videos = [self.videos[row] for row in self._drawn(rng)]
        sounds = [self._cut(video, rng) for video in videos]
        references = np.zeros((s.most_videos + 2, self.frames), np.float32)
        owner = np.zeros((len(references), self.labels + 1), np.float32)
        for row, members in enumerate(merged([video.labels for video in videos])):
            for member in members:
                references[row] += sounds[member]
                owner[row, list(videos[member].labels)] = 1
        owner[-1, -1] = 1
        if rng.random() < s.unlabelled and self.unlabelled:
            references[-1] += self._cut(self.videos[self.unlabelled[int(rng.integers(len(self.unlabelled)))]], rng)
        if rng.random() < s.noise:
            level_db = rng.uniform(*s.noise_db) + _level_db(references.sum(0))
            references[-1] += 10 ** (level_db / 20) * coloured(self.frames, rng.uniform(0, _STEEPEST), rng)
        silent = np.flatnonzero(~owner[:, :-1].any(0))
        if rng.random() < s.silent and len(silent):
            owner[-2, rng.choice(silent)] = 1
        return ObjectExample(
            mixture=torch.from_numpy(references.sum(0, keepdims=True)),
            references=torch.from_numpy(references),
            owner=torch.from_numpy(owner),
            seen=torch.from_numpy(owner[:, :-1].any(0)),
        )

    def _drawn(self, rng: np.random.Generator) -> list[int]:
        """Draw videos, each by a label that none before it has, so that rare labels are as frequent as others."""
        rows: list[int] = []
        taken: set[int] = set()
        for _ in range(int(rng.integers(self.settings.least_videos, self.settings.most_videos + 1))):
            free = [label for label, having in self.of_label.items() if having and label not in taken]
            if not free:
                break
            having = self.of_label[int(rng.choice(free))]
            rows.append(having[int(rng.integers(len(having)))])
            taken.update(self.videos[rows[-1]].labels)
        return rows

    def _cut(self, video: HeldVideo, rng: np.random.Generator) -> NDArray[np.float32]:
        """Cut a random part at a random level; a shorter video lies somewhere in it."""
        spare = len(video.numbers) - self.frames
        start = int(rng.integers(min(0, spare), max(0, spare) + 1))
        gain_db = rng.uniform(-self.settings.gain_db, self.settings.gain_db)
        return np.asarray(video.read(start, self.frames) * np.float32(10 ** (gain_db / 20)))


def coloured(frames: int, slope: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Make Gaussian noise whose power falls with a power of frequency; its root mean square is 1.

    Args:
        frames: Samples.
        slope: 0 is white, 1 pink, 2 brown.
        rng: Draws it.

    >>> noise = coloured(4000, 2.0, np.random.default_rng(0))
    >>> round(float(np.square(noise).mean()), 3), bool(np.abs(np.diff(noise)).mean() < 0.1)
    (1.0, True)
    """
    spectrum = np.fft.rfft(rng.standard_normal(frames))
    spectrum /= np.maximum(1, np.arange(len(spectrum))) ** (slope / 2)
    noise = np.fft.irfft(spectrum, frames)
    return np.asarray(noise / max(1e-12, np.sqrt(np.square(noise).mean())), np.float32)


def _level_db(waveform: NDArray[np.float32]) -> float:
    return float(10 * np.log10(np.square(waveform, dtype=np.float64).mean() + 1e-12))


class ObjectData(LightningDataModule):
    """Mixtures of the training videos, new ones every epoch, and of videos that training never hears.

    Args:
        recipe: What to do with them.
        corpus: All of them.
        teacher: Takes those to train on apart that show several objects; None: they stay whole.
    """

    def __init__(self, recipe: ObjectRecipe, corpus: ObjectCorpus, teacher: Teacher | None = None) -> None:
        super().__init__()
        self.recipe, self.corpus, self.teacher = recipe, corpus, teacher
        self._held: dict[str, list[HeldVideo]] = {}

    def setup(self, stage: str) -> None:
        """Decode the videos once; workers share the memory.

        Raises:
            AudioError: when a video cannot be read.
        """
        rate, longest_s = self.recipe.sample_rate, self.recipe.corpus.longest_s
        for subset in ("train", "validation"):
            if subset not in self._held:
                teacher = self.teacher if subset == "train" else None
                held = self._held[subset] = []
                for video in self.corpus.videos[subset]:
                    if teacher is not None and teacher.takes(video):
                        held += teacher.hold(video, rate, longest_s)
                    else:
                        held.append(self.corpus.hold(video, rate, longest_s))

    def train_dataloader(self) -> DataLoader[ObjectExample]:
        """New mixtures every epoch."""
        epoch = self.trainer.current_epoch if self.trainer is not None else 0
        devices = self.trainer.world_size if self.trainer is not None else 1
        return self._loader("train", self.recipe.training.mixtures_per_epoch * devices, epoch, Purpose.SEGMENT)

    def val_dataloader(self) -> DataLoader[ObjectExample]:
        """The same mixtures every time."""
        return self._loader("validation", self.recipe.training.validation_mixtures, 0, Purpose.CHOICE)

    def _loader(self, subset: str, count: int, epoch: int, purpose: Purpose) -> DataLoader[ObjectExample]:
        training = self.recipe.training
        mixtures = ObjectMixtures(
            self._held[subset],
            count,
            labels=len(self.recipe.labels),
            key=(training.seed, epoch),
            purpose=purpose,
            settings=self.recipe.mixture,
            sample_rate=self.recipe.sample_rate,
        )
        more: dict[str, Any] = {"prefetch_factor": 4} if training.workers else {}
        return DataLoader(
            mixtures, training.batch, num_workers=training.workers, drop_last=purpose is Purpose.SEGMENT, **more
        )

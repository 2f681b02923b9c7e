"""What each made video shows and sounds like, decided from the seed and its number before anything is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import Field, field_validator

from soundsieve.datasets.made_videos import UNSEEN
from soundsieve.datasets.object_groups import NAMES
from soundsieve.datasets.video import PARTS
from soundsieve.errors import DatasetError
from soundsieve.recipes.watch.pictures import Picture
from soundsieve.recipes.watch.sounds import Source
from soundsieve.settings import Settings, Span

PART_OF = (*("train",) * 4, "test", "train", "train", "train", "validation", "test")  # of ten videos, one after another
VERSION = 1  # of how videos look and sound: those of two versions do not mix


class MadeSettings(Settings):
    """What made videos are like."""

    duration_s: float = Field(10.0, ge=3, le=60, description="length of a video in seconds")
    width: int = Field(384, ge=64, le=1920, multiple_of=2, description="of a frame in pixels")
    height: int = Field(288, ge=64, le=1080, multiple_of=2, description="of a frame in pixels")
    frame_rate: int = Field(5, ge=1, le=30, description="frames a second")
    objects: tuple[float, ...] = Field(
        (0.25, 0.55, 0.2), min_length=1, max_length=3, description="share of videos with one, two, three objects"
    )
    silent: float = Field(0.1, ge=0, lt=1, description="how likely an object is seen and not heard")
    unseen: float = Field(0.1, ge=0, le=1, description="how likely something is heard that is not seen")
    side_by_side: float = Field(0.3, ge=0, le=1, description="how likely several objects share the frame")
    level_db: float = Field(-23.0, le=-15, description="active level of an object on average, dB of full scale")
    spread_db: Span = Field((-5.0, 5.0), description="how much softer or louder an object may be")

    @field_validator("objects")
    @classmethod
    def _shares(cls, values: tuple[float, ...]) -> tuple[float, ...]:
        if min(values) < 0 or abs(sum(values) - 1) > 1e-6:
            raise ValueError("expected shares of at least 0 that add up to 1")
        return values


@dataclass(frozen=True)
class Thing:
    """One object of a video.

    Attributes:
        label: the object.
        picture: what is seen of it, or None.
        source: what is heard of it, or None.
        level_db: its active level before the whole is set.
    """

    label: str
    picture: Picture | None
    source: Source | None
    level_db: float

    @property
    def track(self) -> str:
        """The name of its track."""
        return self.label if self.picture else UNSEEN


@dataclass(frozen=True)
class Plan:
    """One video."""

    number: int
    part: str
    things: tuple[Thing, ...]
    side_by_side: bool

    @property
    def name(self) -> str:
        """The name of its files."""
        return f"{self.number:05d}"

    @property
    def heard(self) -> tuple[Thing, ...]:
        """What has a track."""
        return tuple(thing for thing in self.things if thing.source)


@dataclass(frozen=True)
class Material:
    """What one part is made from: the pictures and the sounds of each object that has both."""

    pictures: Mapping[str, Sequence[Picture]]
    sources: Mapping[str, Sequence[Source]]

    @property
    def labels(self) -> tuple[str, ...]:
        """The objects."""
        return tuple(self.pictures)


def materials(pictures: Sequence[Picture], sources: Sequence[Source]) -> dict[str, Material]:
    """Return what each part is made from; an object without a picture or a sound in a part is not in that part.

    Raises:
        DatasetError: a part would have fewer than two objects.
    """
    found = {}
    for part in PARTS:
        seen = {label: [p for p in pictures if (p.label, p.part) == (label, part)] for label in NAMES}
        heard = {label: [s for s in sources if (s.label, s.part) == (label, part)] for label in NAMES}
        labels = [label for label in NAMES if seen[label] and heard[label]]
        if len(labels) < 2:
            raise DatasetError(
                f"the {part} videos have pictures and sounds of {len(labels)} of the objects; expected at least 2: give"
                " --pictures, --packages and --sounds with more"
            )
        found[part] = Material({label: seen[label] for label in labels}, {label: heard[label] for label in labels})
    return found


def decide(number: int, seed: int, settings: MadeSettings, found: Mapping[str, Material]) -> Plan:
    """Decide what a video shows and sounds like; the same for the same seed, number, settings and material."""
    rng = np.random.default_rng([seed, number, 0])
    part = PART_OF[number % len(PART_OF)]
    here = found[part]
    count = min(1 + int(rng.choice(len(settings.objects), p=settings.objects)), len(here.labels))
    labels = [str(label) for label in rng.permutation(here.labels)]
    heard = rng.random(count) >= settings.silent
    heard[0] = True  # a video without any sound is no use
    things = [
        Thing(
            label,
            here.pictures[label][int(rng.integers(len(here.pictures[label])))],
            _source(here.sources[label], rng) if sounds else None,
            settings.level_db + float(rng.uniform(*settings.spread_db)),
        )
        for label, sounds in zip(labels[:count], heard, strict=True)
    ]
    if len(labels) > count and rng.random() < settings.unseen:
        label = labels[count]
        level_db = settings.level_db + float(rng.uniform(*settings.spread_db))
        things.append(Thing(label, None, _source(here.sources[label], rng), level_db))
    return Plan(number, part, tuple(things), count > 1 and bool(rng.random() < settings.side_by_side))


def _source(sources: Sequence[Source], rng: np.random.Generator) -> Source:
    """Draw a source: played and recorded ones equally often, as there are many of the one and few of the other."""
    kinds = [kind for kind in ([s for s in sources if s.rendered], [s for s in sources if not s.rendered]) if kind]
    kind = kinds[int(rng.integers(len(kinds)))]
    return kind[int(rng.integers(len(kind)))]

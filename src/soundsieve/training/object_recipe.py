"""What a recipe file for the network that separates what is seen holds."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from soundsieve import models
from soundsieve.datasets.object_groups import NAMES
from soundsieve.inference.seen import SeenSettings
from soundsieve.settings import Settings, Span
from soundsieve.training.recipe import ModelChoice, RunSettings


class ObjectCorpusSettings(Settings):
    """Which videos are trained on; they are decoded once and held in memory, as 16-bit numbers."""

    validation: float = Field(
        0.1, gt=0, lt=1, description="share of the training groups that choose the epoch, where no part is for that"
    )
    seed: int = Field(0, ge=0, description="decides which")
    longest_s: float = Field(30.0, gt=0, allow_inf_nan=False, description="how much of each video is held, at most")


class ObjectMixtureSettings(Settings):
    """How videos become mixtures."""

    least_videos: int = Field(2, ge=1, description="videos with something to be seen in a mixture, at least")
    most_videos: int = Field(3, ge=1, validate_default=True, description="and at most")
    crop_s: float = Field(5.0, ge=0.01, allow_inf_nan=False, description="length of a mixture, a random cut of each")
    gain_db: float = Field(6.0, ge=0, allow_inf_nan=False, description="each video's level varies so much, up or down")
    unlabelled: float = Field(0.3, ge=0, le=1, description="how often a video in which nothing is seen joins the rest")
    noise: float = Field(0.2, ge=0, le=1, description="how often noise joins the rest")
    noise_db: Span = Field((-30.0, -5.0), description="its level against that of everything else")
    silent: float = Field(0.3, ge=0, le=1, description="how often a label is seen that is in none of the videos")

    @field_validator("most_videos")
    @classmethod
    def _not_fewer(cls, value: int, info: object) -> int:
        least = getattr(info, "data", {}).get("least_videos", value)
        if value < least:
            raise ValueError(f"expected least_videos ({least}) or more")
        return value


class ObjectLossSettings(Settings):
    """What the network is trained to: each video's sound back from the tracks of what is seen in it."""

    shares: float = Field(0.3, ge=0, allow_inf_nan=False, description="weight of naming each video's share of a cell")


class ObjectTraining(RunSettings):
    """A run on mixtures of videos."""

    batch: int = Field(6, ge=1)
    workers: int = Field(0, ge=0)
    steps_per_epoch: int = Field(500, ge=1, description="optimiser steps, on one device")
    validation_mixtures: int = Field(120, ge=1)

    @property
    def mixtures_per_epoch(self) -> int:
        """How many mixtures an epoch has on one device."""
        return self.steps_per_epoch * self.batch


class ObjectRecipe(Settings):
    """An experiment with networks that separate what is seen: everything that decides its outcome."""

    task: Literal["watch"] = "watch"
    engine: Literal["network"] = Field(description="what separates; the recipes without it are for maps of bases")
    reproduces: str = ""
    sample_rate: int = Field(16_000, ge=4000)
    labels: tuple[str, ...] = Field(NAMES, min_length=2, description="the objects the network knows, in order")
    model: ModelChoice = ModelChoice(name="object_unet")
    corpus: ObjectCorpusSettings = ObjectCorpusSettings()
    seen: SeenSettings = Field(SeenSettings(), description="what counts as an object of a video")
    teacher: str = Field(
        "", description="a released name, a checkpoint or a run folder that takes videos of several objects apart first"
    )
    mixture: ObjectMixtureSettings = ObjectMixtureSettings()
    loss: ObjectLossSettings = ObjectLossSettings()
    training: ObjectTraining = ObjectTraining()

    @field_validator("labels")
    @classmethod
    def _different(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        twice = sorted({name for name in value if value.count(name) > 1})
        if twice:
            raise ValueError(f"named twice: {', '.join(twice)}")
        return value

    @field_validator("model")
    @classmethod
    def _separates_objects(cls, value: ModelChoice) -> ModelChoice:
        if value.name not in models.names("objects"):
            raise ValueError(f"expected {', '.join(models.names('objects'))}")
        return value

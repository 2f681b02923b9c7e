"""What a recipe file for separating songs holds."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator, model_validator

from soundsieve.datasets import ACCOMPANIMENT, STEMS, VOCALS
from soundsieve.losses import StemLossSettings
from soundsieve.mixing import AugmentSettings
from soundsieve.settings import Settings, Span
from soundsieve.training.recipe import ModelChoice, RunSettings


class SongSource(Settings):
    """One data set of songs; its published test part is never trained on."""

    dataset: str = Field(description="name of the data set")
    root: Path = Field(description="its folder, relative to the data folder")
    validation: float | None = Field(
        None, gt=0, lt=1, description="share of the training artists set aside to validate; None: as published"
    )
    weight: float = Field(1.0, gt=0, description="how often its songs are drawn, for each second of them")


class SongCorpusSettings(Settings):
    """The songs of an experiment."""

    sources: tuple[SongSource, ...] = Field(min_length=1)
    seed: int = Field(0, ge=0, description="decides the drawn splits")
    hold: bool = Field(False, description="decode every song once and hold it in memory, as 16-bit numbers")


class SegmentSettings(Settings):
    """What is cut of songs, and how it is varied; the default is the paper's."""

    length: int = Field(16_389, ge=1, description="samples of output of a segment, at least")
    gains: Span = Field((0.7, 1.0), description="each stem's gain is drawn from this range")
    gains_db: float = Field(0.0, ge=0, allow_inf_nan=False, description="and its level varies so much besides (normal)")
    swap_channels: float = Field(0.0, ge=0, le=1, description="how often left and right change places, for all stems")
    remix: float = Field(0.0, ge=0, le=1, description="how often each stem comes from a song of its own")
    silence: float = Field(0.0, ge=0, le=1, description="how often a stem is left out")
    augment: AugmentSettings = AugmentSettings()

    @field_validator("gains")
    @classmethod
    def _positive(cls, value: Span) -> Span:
        if value[0] < 0:
            raise ValueError("expected 0 or more")
        return value


class FineTuning(Settings):
    """A second phase that begins with the best weights of the first."""

    learning_rate: float = Field(1e-5, gt=0)
    batch: int = Field(16, ge=1)


class UnmixTraining(RunSettings):
    """A run on segments of songs."""

    steps_per_epoch: int = Field(2000, ge=1, description="optimiser steps, on one device")
    validation_segments: int = Field(200, ge=1)
    validation_length: int | None = Field(None, ge=1, description="samples of output of one; None: as in training")
    monitor: Literal["mse", "sdr"] = Field("mse", description="what the best epoch is best in")
    fine_tune: FineTuning | None = None

    @property
    def segments_per_epoch(self) -> int:
        """How many segments an epoch has."""
        return self.steps_per_epoch * self.batch


class UnmixRecipe(Settings):
    """An experiment with separators of songs: everything that decides its outcome."""

    task: Literal["unmix"] = "unmix"
    reproduces: str = ""
    sample_rate: int = Field(22_050, ge=4000)
    stems: tuple[str, ...] = Field(("vocals", "drums", "bass", "other"), description="in order; the last is the rest")
    model: ModelChoice
    corpus: SongCorpusSettings
    segments: SegmentSettings = SegmentSettings()
    loss: StemLossSettings = StemLossSettings()
    training: UnmixTraining = UnmixTraining()

    @field_validator("stems")
    @classmethod
    def _make_a_song(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if sorted(value) not in (sorted(STEMS), sorted((ACCOMPANIMENT, VOCALS))):
            raise ValueError(f"expected {', '.join(STEMS)} in any order, or {ACCOMPANIMENT} and {VOCALS}")
        return value

    @model_validator(mode="after")
    def _loss_fits(self) -> UnmixRecipe:
        if self.loss.kind == "cells" and self.loss.resolutions:
            raise ValueError("loss.resolutions: is for the losses mse and l1; expected 0 with cells")
        if self.loss.kind != "cells" and self.loss.shares:
            raise ValueError("loss.shares: is for the loss cells; expected 0")
        return self

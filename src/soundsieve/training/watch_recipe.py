"""What a recipe file for learning which bases sound like which object holds."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from soundsieve import models
from soundsieve.datasets.object_groups import NAMES
from soundsieve.inference.basis_choice import BasisChoice
from soundsieve.inference.seen import SeenSettings
from soundsieve.mixing.bases import BaseVariation
from soundsieve.settings import Settings
from soundsieve.training.recipe import ModelChoice, RunSettings


class VisibleSettings(SeenSettings):
    """What counts as an object of a video of the training data."""

    known: bool = Field(False, description="what is known to be in the videos instead, for a bound; see labels_true")


class BagCorpusSettings(Settings):
    """Which bags are trained on."""

    validation: float = Field(
        0.1, gt=0, lt=1, description="share of the training groups that choose the epoch, where no part is for that"
    )
    seed: int = Field(0, ge=0, description="decides which")
    hold: bool = Field(False, description="read each bag once and hold it in memory")


class BagLossSettings(Settings):
    """What the network is trained to; the default is the paper's."""

    margin: float = Field(1.0, gt=0, allow_inf_nan=False, description="between present and absent labels of a bag")
    each_base: float = Field(
        0.0, ge=0, allow_inf_nan=False, description="weight of a second loss: each base is of one of its bag's labels"
    )


class EvidenceSettings(Settings):
    """Objects that were hardly seen and are clearly heard join the labels of training, and a network begins anew."""

    rounds: int = Field(1, ge=1, description="how often")
    precision: float = Field(
        0.9,
        gt=0,
        le=1,
        description="clearly heard: so loud that, of the validation videos where it is, this share show it",
    )
    fewest: int = Field(5, ge=1, description="validation videos that must be among those, or nothing is clear")
    seen: float = Field(
        0.03,
        ge=0,
        le=1,
        description="share that the pictures must give what joins; heard but less seen, it is neither there nor not",
    )


class WatchTraining(RunSettings):
    """A run on bags of bases."""

    mix: float = Field(0.0, ge=0, le=1, description="how often a bag is joined with another, labels and all")
    monitor: Literal["map", "pairs", "labels", "loss"] = Field(
        "pairs",
        description="what the best epoch is best in: map, bases sent to the right one of the visible objects (where "
        "truth is known); pairs, bases of two videos sent back to their own; labels, mean average precision; loss",
    )


class WatchRecipe(Settings):
    """An experiment with maps of bases and objects: everything that decides its outcome."""

    task: Literal["watch"] = "watch"
    reproduces: str = ""
    labels: tuple[str, ...] = Field(NAMES, min_length=2, description="the objects the network knows, in order")
    model: ModelChoice = ModelChoice(name="miml")
    corpus: BagCorpusSettings = BagCorpusSettings()
    seen: VisibleSettings = VisibleSettings()
    variation: BaseVariation = BaseVariation()
    loss: BagLossSettings = BagLossSettings()
    evidence: EvidenceSettings | None = Field(None, description="None: visual labels alone, as published")
    choice: BasisChoice = Field(BasisChoice(), description="how the trained network's map is read")
    training: WatchTraining = WatchTraining()

    @field_validator("labels")
    @classmethod
    def _different(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        twice = sorted({name for name in value if value.count(name) > 1})
        if twice:
            raise ValueError(f"named twice: {', '.join(twice)}")
        return value

    @field_validator("model")
    @classmethod
    def _maps_bases(cls, value: ModelChoice) -> ModelChoice:
        if value.name not in models.names("bases"):
            raise ValueError(f"expected {', '.join(models.names('bases'))}")
        return value

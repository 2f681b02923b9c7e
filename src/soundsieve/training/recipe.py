"""What a recipe file holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationInfo, field_validator

from soundsieve import models
from soundsieve.corpus import CorpusSettings
from soundsieve.errors import SettingsError
from soundsieve.losses import SelectionLossSettings
from soundsieve.mixing import MixtureSettings
from soundsieve.settings import Settings


class ModelChoice(Settings):
    """An architecture and its hyper-parameters."""

    name: str
    hyper: dict[str, Any] = Field(default_factory=dict)

    @field_validator("hyper")
    @classmethod
    def _known(cls, value: dict[str, Any], info: Any) -> dict[str, Any]:
        if "name" in info.data:
            models.settings(info.data["name"], value)
        return value


class QuerySettings(Settings):
    """What is asked of each training mixture."""

    each: bool = Field(True, description="every class in the mixture, in turn")
    several: int = Field(0, ge=0, description="queries for two or more of its classes at once")
    others: int = Field(0, ge=0, description="queries for all the model's classes but some of those in it")
    absent: int = Field(0, ge=0, description="queries for a class that is not in it")


class OptimiserSettings(Settings):
    """Adam and its learning rate."""

    learning_rate: float = Field(5e-4, gt=0)
    weight_decay: float = Field(0.0, ge=0)
    decoupled: bool = Field(True, description="weights decay beside the gradient (AdamW), not as part of it (Adam)")
    clip_norm: float | None = Field(5.0, gt=0, description="largest norm of the whole gradient")
    schedule: Literal["constant", "step", "cosine"] = "step"
    step_epochs: int = Field(20, ge=1, description="step: epochs between two falls of the learning rate")
    step_factor: float = Field(0.2, gt=0, le=1)
    warmup_steps: int = Field(0, ge=0, description="cosine: steps of linear rise")
    average: float | None = Field(None, gt=0, lt=1, description="decay of an exponential average of the weights")


class RunSettings(Settings):
    """How long and how carefully, whatever is trained."""

    seed: int = Field(0, ge=0)
    epochs: int = Field(200, ge=1)
    batch: int = Field(8, ge=1)
    workers: int = Field(2, ge=0)
    precision: Literal["32-true", "bf16-mixed", "16-mixed"] = "32-true"
    patience_epochs: int | None = Field(None, ge=1, description="stop after so many epochs without improvement")
    optimiser: OptimiserSettings = OptimiserSettings()


class TrainingSettings(RunSettings):
    """A run on mixtures."""

    mixtures_per_epoch: int = Field(50_000, ge=1, validate_default=True)
    validation_mixtures: int = Field(500, ge=1)
    crop_s: float | None = Field(
        None, ge=0.01, allow_inf_nan=False, description="train on a random cut this long; None: whole mixtures"
    )
    fresh_mixtures: bool = Field(True, description="new mixtures every epoch; False: the same ones again")
    stored: Path | None = Field(None, description="train on the mixtures in this folder (`soundsieve mix`)")

    @field_validator("mixtures_per_epoch")
    @classmethod
    def _fills_a_step(cls, value: int, info: ValidationInfo) -> int:
        # A last batch that is not full is left out, so an epoch of fewer mixtures would have no step at all.
        batch = info.data.get("batch", value)
        if value < batch:
            raise ValueError(f"expected at least as many as the batch ({batch}), so that an epoch has a step")
        return value


class SelectRecipe(Settings):
    """An experiment with selectors: everything that decides its outcome."""

    task: Literal["select"] = "select"
    reproduces: str = ""
    sample_rate: int = Field(16_000, ge=4000)
    classes: tuple[str, ...] | None = Field(None, description="None: every label of the training recordings")
    model: ModelChoice
    corpus: CorpusSettings
    mixture: MixtureSettings = Field(MixtureSettings(), description="training mixtures")
    protocol: MixtureSettings = Field(MixtureSettings(), description="validation and test mixtures")
    queries: QuerySettings = QuerySettings()
    loss: SelectionLossSettings = SelectionLossSettings()
    training: TrainingSettings = TrainingSettings()

    def class_names(self, available: tuple[str, ...]) -> tuple[str, ...]:
        """The classes the model answers to, in the order of its inputs.

        Raises:
            SettingsError: when a class is asked for of which there is no recording.
        """
        names = self.classes or available
        missing = sorted(set(names) - set(available))
        if missing:
            raise SettingsError(f"classes: no recording of {', '.join(missing)} to train on")
        return tuple(names)

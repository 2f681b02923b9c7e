"""What a recipe file for a classifier holds."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from soundsieve.corpus import FoldedCorpusSettings
from soundsieve.errors import SettingsError
from soundsieve.features import LogMelSettings
from soundsieve.losses import TagLossSettings
from soundsieve.mixing import MixtureSettings
from soundsieve.mixing.spec_augment import SpecAugmentSettings
from soundsieve.mixing.transforms import TransformSettings
from soundsieve.settings import Settings
from soundsieve.training.recipe import ModelChoice, RunSettings


class MixupSettings(Settings):
    """How the clips of a batch are mixed in pairs."""

    alpha: float = Field(0.0, ge=0, allow_inf_nan=False, description="of Beta(α, α); 0 mixes nothing")
    between_class: bool = Field(False, description="by level, so that the share is what is heard (Tokozume et al.)")


class TagTrainingSettings(RunSettings):
    """A run on whole clips, or on mixtures of them."""

    balanced: bool = Field(True, description="draw every class as often, clips again and again where it takes that")
    crop_s: float | None = Field(
        None, ge=0.05, allow_inf_nan=False, description="train on random cuts this long; shorter clips are repeated"
    )
    repeats: int = Field(1, ge=1, description="how often an epoch goes through the clips")
    mixtures_per_epoch: int = Field(4000, ge=1, description="where training is on mixtures")
    validation_mixtures: int = Field(200, ge=1, description="likewise")


class TagRecipe(Settings):
    """An experiment with classifiers: everything that decides its outcome."""

    task: Literal["tag", "genre"] = "tag"
    reproduces: str = ""
    classes: tuple[str, ...] | None = Field(None, description="None: every label of the training recordings")
    front_end: LogMelSettings = LogMelSettings()
    model: ModelChoice
    imagenet: bool | Path = Field(
        False, description="start from weights that name photographs: those of an installed package, or of a file"
    )
    corpus: FoldedCorpusSettings
    mixture: MixtureSettings | None = Field(
        None, description="train on mixtures of the recordings, whose times are known; None: on whole clips"
    )
    protocol: MixtureSettings = Field(MixtureSettings(), description="validation and test mixtures")
    transforms: TransformSettings | None = Field(None, description="of each clip; None: none")
    spec_augment: SpecAugmentSettings | None = Field(None, description="of its features; None: none")
    mixup: MixupSettings = MixupSettings()
    loss: TagLossSettings = TagLossSettings()
    training: TagTrainingSettings = TagTrainingSettings()

    def class_names(self, available: tuple[str, ...]) -> tuple[str, ...]:
        """The classes the model tells apart, in the order of its outputs.

        Raises:
            SettingsError: when a class is asked for of which there is no recording, or there are fewer than two.
        """
        names = self.classes or available
        missing = sorted(set(names) - set(available))
        if missing:
            raise SettingsError(f"classes: no recording of {', '.join(missing)} to train on")
        if len(names) < 2:
            raise SettingsError(f"classes: a classifier needs at least two, found {', '.join(names) or 'none'}")
        return tuple(names)

"""Writing the mixtures of a recipe to disk, for training from disk, for listening, or for somebody else's network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import Field

from soundsieve.corpus import open_corpus
from soundsieve.mixing import Draw, plan_mixture
from soundsieve.mixing.stored import manifest_rows, prepare, render_missing, write_text
from soundsieve.settings import Settings
from soundsieve.training.recipe import SelectRecipe

RECIPE_FILE = "recipe.yaml"


class MixSettings(Settings):
    """Which mixtures of a recipe are written."""

    count: int = Field(100, ge=1, description="how many mixtures")
    subset: str = Field("train", description="which recordings; the recipe's subsets are train, validation and test")
    seed: int = Field(0, ge=0, description="decides every mixture")


@dataclass(frozen=True)
class MixtureFolder:
    """A set on disk: its folder, how many mixtures it holds, and how many of them were written just now."""

    folder: Path
    mixtures: int
    written: int


def write_mixtures(
    recipe: SelectRecipe,
    data: Path,
    folder: Path,
    settings: MixSettings | None = None,
    *,
    resume: bool = False,
    force: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> MixtureFolder:
    """Decide mixtures, write their manifest, then their sound; what is already there is left alone.

    Training recordings are mixed by the recipe's training mixtures, others by its protocol.

    Args:
        recipe: The experiment.
        data: The folder that its data sets lie in.
        folder: Where to.
        settings: Which mixtures.
        resume: Go on with the set in `folder`.
        force: Replace the set in `folder`.
        progress: Called after each mixture with how many are done, and of how many.

    Raises:
        DatasetError: when recordings are missing.
        SettingsError: when the recordings do not suffice for the mixtures.
        OutputError: when `folder` holds another set or other files, or cannot be written.
    """
    settings = settings or MixSettings()
    corpus = open_corpus(recipe.corpus, data)
    banks = corpus.banks(settings.subset, recipe.sample_rate)
    is_train = settings.subset == "train"
    mixture = recipe.mixture if is_train else recipe.protocol
    key = (settings.seed, Draw.STORED)
    plans = [plan_mixture(*banks, mixture, (*key, index)) for index in range(settings.count)]
    rows = manifest_rows(plans, banks, is_train=is_train, root=data)
    prepare(folder, rows, resume=resume, force=force)
    text = yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
    write_text(folder / RECIPE_FILE, text)
    return MixtureFolder(folder, len(rows), render_missing(folder, rows, banks, progress=progress))

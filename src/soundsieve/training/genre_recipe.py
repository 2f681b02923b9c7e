"""What a recipe file for naming genres from a table of descriptors holds."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from soundsieve.features.descriptors import Edges
from soundsieve.settings import Settings
from soundsieve.training.genre_table import TableTraining
from soundsieve.training.recipe import ModelChoice

SplitKind = Literal["random", "grouped", "folds", "fault-filtered"]
RANDOM_SPLITS = 20


class TableSettings(Settings):
    """Where the rows come from."""

    root: Path = Field(Path("gtzan"), description="folder in the folder of all data sets")
    file: str = Field("features_30_sec.csv", min_length=1)
    window_s: float = Field(30.0, gt=0, allow_inf_nan=False, description="how much music a row describes")
    edges: Edges = Field("mirror", description="with which the rows were made; see `features.descriptors`")


class SplitSettings(Settings):
    """How the rows are divided."""

    kind: SplitKind = "random"
    count: int = Field(
        RANDOM_SPLITS, ge=1, description="splits drawn, or folds; a fixed split is trained on from so many seeds"
    )
    seed: int = Field(0, ge=0)


class GenreRecipe(Settings):
    """An experiment on a table of descriptors: everything that decides its outcome."""

    task: Literal["genre"] = "genre"
    reproduces: str = ""
    table: TableSettings = TableSettings()
    model: ModelChoice
    training: TableTraining = TableTraining()
    split: SplitSettings = SplitSettings()

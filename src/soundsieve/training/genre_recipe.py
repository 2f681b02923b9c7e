"""What a recipe file for naming genres from a table of descriptors holds."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from soundsieve.features.descriptor_front_end import DescriberName
from soundsieve.features.descriptors import Edges
from soundsieve.settings import Settings
from soundsieve.training.genre_table import TableTraining
from soundsieve.training.recipe import ModelChoice

SplitKind = Literal["random", "grouped", "folds", "fault-filtered"]
RANDOM_SPLITS = 20


class TableSettings(Settings):
    """Where the rows come from: a table, or recordings that are described when training begins."""

    root: Path = Field(Path("gtzan"), description="folder in the folder of all data sets")
    file: str | None = Field("features_30_sec.csv", min_length=1, description="the table; None: the recordings")
    dataset: Literal["gtzan", "folder"] = Field("gtzan", description="how the folder of recordings is laid out")
    describer: DescriberName = Field("descriptors", description="see `soundsieve.inference.describers`")
    weights: Path | None = Field(None, description="of a network that describes; None: the published ones")
    window_s: float = Field(30.0, gt=0, allow_inf_nan=False, description="how much music a row describes")
    edges: Edges = Field("mirror", description="with which descriptors are made; see `features.descriptors`")

    @property
    def described(self) -> dict[str, object]:
        """How rows are made of music: what a front end has to know."""
        return self.model_dump(include={"describer", "weights", "window_s", "edges"})

    @model_validator(mode="after")
    def _tables_have_descriptors(self) -> TableSettings:
        if self.file is not None and self.describer != "descriptors":
            raise ValueError(f"describer = {self.describer}: made of recordings; expected file: null")
        return self


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
    classes: tuple[str, ...] | None = Field(None, description="rows of others are left out; None: all there are")
    table: TableSettings = TableSettings()
    model: ModelChoice
    training: TableTraining = TableTraining()
    split: SplitSettings = SplitSettings()

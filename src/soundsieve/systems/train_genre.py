"""Training models that name genres from a table of descriptors: one for each split, and what it says of its test."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from soundsieve import checkpoint
from soundsieve.checkpoint import FRONT_END, RUN_FILE, Checkpoint
from soundsieve.datasets.genre_table import GenreTable
from soundsieve.errors import OutputError
from soundsieve.evaluation import predictions
from soundsieve.evaluation.genre_protocol import Rows, Split
from soundsieve.evaluation.predictions import Predictions
from soundsieve.features.descriptors import SAMPLE_RATE
from soundsieve.inference.progress import Progress
from soundsieve.metrics.calibration import fit_temperature, table_of
from soundsieve.systems.evaluate_tag import CHOICE_FILE, TEST_FILE
from soundsieve.systems.genre_rows import LEFT_OUT_FILE, draw_splits, read_rows
from soundsieve.training import curves, genre_table
from soundsieve.training.genre_recipe import GenreRecipe
from soundsieve.training.genre_table import TableRun
from soundsieve.training.run import RECIPE_FILE, keep_recipe, prepare

_UNFAMILIAR = 0.99  # share of the validation rows that are nearer than what is called unlike all of them
_COLUMNS = {
    "train loss": "train/loss_nats",
    "validation loss": "val/loss_nats",
    "validation accuracy": "val/accuracy",
}


@dataclass(frozen=True)
class TrainedGenre:
    """Where a finished run left what it made.

    Attributes:
        folder: The run folder; with several splits, each has a folder of its own in it.
        runs: The run folders of the splits, or `folder` alone.
        accuracy: Of the rows tested, the mean over splits.
        left_out: What is wrong with recordings that could not be described.
    """

    folder: Path
    runs: tuple[Path, ...]
    accuracy: float
    left_out: tuple[str, ...] = ()


def train(
    recipe: GenreRecipe, data: Path, folder: Path, *, resume: bool = False, progress: Progress | None = None
) -> TrainedGenre:
    """Train a model for each split, or go on with a run that was stopped; finished splits are kept.

    Args:
        recipe: What to do.
        data: The folder that the recipe's table lies in, or the table itself.
        folder: The run folder; made when missing.
        resume: Go on with the run in `folder`.
        progress: Called after each split with how many are done, and of how many; before, likewise after each
            recording, where these are described first.

    Raises:
        DatasetError: when the table cannot be read, or does not fit the split.
        OutputError: when `folder` holds a run and `resume` is not set.
        SettingsError: when the recipe does not fit the table, or a resumed run has another recipe.
    """
    if not resume and (folder / RECIPE_FILE).exists():
        raise OutputError(f"{folder}: holds a training run already; go on with --resume {folder} or choose another")
    table = read_rows(recipe, data, folder, progress)
    lists = data.parent if data.is_file() else data / recipe.table.root
    partial = recipe.table.file is None or recipe.classes is not None
    splits = draw_splits(table, recipe.split, lists, partial=partial)
    digits = max(2, len(str(len(splits))))  # so that their names are in order
    several = [folder / f"split{number:0{digits}d}" for number in range(1, len(splits) + 1)]
    runs = several if len(splits) > 1 else [folder]
    for done, (run, split) in enumerate(zip(runs, splits, strict=True)):
        if not (run / RUN_FILE).is_file():
            seed = recipe.split.seed + done
            heard = {part: table.digest(getattr(split, part)) for part in ("train", "validation", "test")}
            prepare(run, recipe, heard, resume=(run / RECIPE_FILE).is_file())
            if run != folder and not (folder / RECIPE_FILE).exists():
                keep_recipe(folder, recipe)
            _train_one(recipe, table, split, run, seed)
        if progress is not None:
            progress(done + 1, len(splits))
    right = [predictions.load(run / TEST_FILE).correct.mean() for run in runs]
    broken = folder / LEFT_OUT_FILE
    left_out = tuple(broken.read_text(encoding="utf-8").splitlines()) if broken.is_file() else ()
    return TrainedGenre(folder, tuple(runs), float(np.mean(right)), left_out)


def _train_one(recipe: GenreRecipe, table: GenreTable, split: Split, run: Path, seed: int) -> None:
    def fitted(rows: Rows) -> TableRun:
        return genre_table.train(
            recipe.model.name,
            recipe.model.hyper,
            table.examples(rows),
            table.examples(split.validation),
            recipe.training,
            seed=seed,
            described=recipe.table.described,
        )

    trained = fitted(split.train)
    _keep_curves(trained, run)
    choice = _say(trained, table, split.validation)
    card = _card(recipe, table, split, trained, choice, seed)
    if recipe.training.refit:
        trained = fitted(np.concatenate([split.train, split.validation]))
    choice.save(run / CHOICE_FILE)
    _say(trained, table, split.test).save(run / TEST_FILE)
    checkpoint.save(run / RUN_FILE, _checkpoint(recipe, table, trained, card))


def _say(trained: TableRun, table: GenreTable, rows: Rows) -> Predictions:
    picked = rows.tolist()
    return Predictions(
        classes=table.classes,
        files=tuple(table.names[row] for row in picked),
        sources=tuple(table.groups[row] for row in picked),
        labels=tuple(table.labels[row] for row in picked),
        logits=trained(table.values[rows]).astype(np.float32),
    )


def _card(
    recipe: GenreRecipe, table: GenreTable, split: Split, trained: TableRun, choice: Predictions, seed: int
) -> dict[str, Any]:
    """What is known about a model before it is tested, calibrated on the rows that it did not learn from."""
    temperature = fit_temperature(choice.logits, table_of(choice.truth, len(table.classes)), "one")
    with torch.inference_mode():
        _, distances = trained.front_end(torch.from_numpy(table.values[split.validation]))
    return {
        "data": [recipe.table.file or recipe.table.dataset],
        "split": recipe.split.kind,
        "rows": {part: len(getattr(split, part)) for part in ("train", "validation", "test")},
        "seed": seed,
        "scores": "one",
        "temperature": round(temperature, 4),
        "familiar_within": round(float(np.quantile(distances.numpy(), _UNFAMILIAR)), 4),
        "results": {"choice_accuracy": round(float(choice.correct.mean()), 4)},
    }


def _checkpoint(recipe: GenreRecipe, table: GenreTable, trained: TableRun, card: dict[str, Any]) -> Checkpoint:
    own = {f"{FRONT_END}{name}": tensor for name, tensor in trained.front_end.state_dict().items()}
    return Checkpoint(
        task="genre",
        model=recipe.model.name,
        hyper=trained.hyper,
        classes=table.classes,
        sample_rate=SAMPLE_RATE,
        card=card,
        recipe=recipe.model_dump(mode="json"),
        front_end=trained.front_end.settings.model_dump(mode="json"),
        weights={**own, **trained.model.state_dict()},
    )


def _keep_curves(trained: TableRun, run: Path) -> None:
    """Write loss and accuracy of each epoch as other runs do, so that the same figures show them."""
    if not trained.curves:
        return
    log = run / "log-01"
    try:
        log.mkdir(exist_ok=True)
        with (log / "metrics.csv").open("w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["step", *_COLUMNS.values()])
            kept = [trained.curves[name] for name in _COLUMNS]
            rows.writerows([epoch, *values] for epoch, values in enumerate(zip(*kept, strict=True), 1))
    except OSError as error:
        raise OutputError(f"{log}: cannot be written ({error.strerror})") from None
    curves.draw(run, run / "curves.png")

"""Training models that name genres from a table of descriptors: one for each split, and what it says of its test."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml

from soundsieve import checkpoint
from soundsieve.checkpoint import FRONT_END, RUN_FILE, Checkpoint
from soundsieve.datasets import gtzan
from soundsieve.datasets.genre_table import GenreTable, read_table
from soundsieve.errors import OutputError
from soundsieve.evaluation import genre_protocol, predictions
from soundsieve.evaluation.genre_protocol import Rows, Split
from soundsieve.evaluation.predictions import Predictions
from soundsieve.features.descriptors import SAMPLE_RATE
from soundsieve.inference.progress import Progress
from soundsieve.metrics.calibration import fit_temperature, table_of
from soundsieve.systems.evaluate_tag import CHOICE_FILE, TEST_FILE
from soundsieve.training import curves, genre_table
from soundsieve.training.genre_recipe import GenreRecipe, SplitSettings, TableSettings
from soundsieve.training.genre_table import TableRun
from soundsieve.training.run import RECIPE_FILE, prepare

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
    """

    folder: Path
    runs: tuple[Path, ...]
    accuracy: float


def train(
    recipe: GenreRecipe, data: Path, folder: Path, *, resume: bool = False, progress: Progress | None = None
) -> TrainedGenre:
    """Train a model for each split, or go on with a run that was stopped; finished splits are kept.

    Args:
        recipe: What to do.
        data: The folder that the recipe's table lies in, or the table itself.
        folder: The run folder; made when missing.
        resume: Go on with the run in `folder`.
        progress: Called after each split with how many are done, and of how many.

    Raises:
        DatasetError: when the table cannot be read, or does not fit the split.
        OutputError: when `folder` holds a run and `resume` is not set.
        SettingsError: when the recipe does not fit the table, or a resumed run has another recipe.
    """
    path = find_table(recipe.table, data)
    table = read_table(path)
    splits = draw_splits(table, recipe.split, path.parent)
    if not resume and (folder / RECIPE_FILE).exists():
        raise OutputError(f"{folder}: holds a training run already; go on with --resume {folder} or choose another")
    runs = [folder] if len(splits) == 1 else [folder / f"split{number:02d}" for number in range(1, len(splits) + 1)]
    for done, (run, split) in enumerate(zip(runs, splits, strict=True)):
        if not (run / RUN_FILE).is_file():
            seed = recipe.split.seed + done
            heard = {part: table.digest(getattr(split, part)) for part in ("train", "validation", "test")}
            prepare(run, recipe, heard, resume=(run / RECIPE_FILE).is_file())
            if run != folder and not (folder / RECIPE_FILE).exists():
                text = yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
                (folder / RECIPE_FILE).write_text(text, encoding="utf-8")
            _train_one(recipe, table, split, run, seed)
        if progress is not None:
            progress(done + 1, len(splits))
    right = [predictions.load(run / TEST_FILE).correct.mean() for run in runs]
    return TrainedGenre(folder, tuple(runs), float(np.mean(right)))


def find_table(settings: TableSettings, data: Path) -> Path:
    """Find a table: `data` itself where it is a file, else a file in a folder in it."""
    return data if data.is_file() else data / settings.root / settings.file


def draw_splits(table: GenreTable, settings: SplitSettings, folder: Path) -> tuple[Split, ...]:
    """Divide a table as a recipe says.

    Args:
        table: What to divide.
        settings: How.
        folder: Holds the fault-filtered lists, where these are asked for.

    Raises:
        DatasetError: when the lists are missing or name tracks that the table lacks, or there are too few rows.
    """
    seeds = range(settings.seed, settings.seed + settings.count)
    match settings.kind:
        case "random":
            return genre_protocol.random_splits(table, seeds).splits
        case "grouped":
            return genre_protocol.by_track(table, seeds).splits
        case "folds":
            return genre_protocol.folds(table, settings.seed, count=settings.count, by_track=True).splits
        case "fault-filtered":
            lists = gtzan.filtered_tracks(folder)
            return genre_protocol.fault_filtered(table, lists).splits * settings.count


def _train_one(recipe: GenreRecipe, table: GenreTable, split: Split, run: Path, seed: int) -> None:
    def fitted(rows: Rows) -> TableRun:
        return genre_table.train(
            recipe.model.name,
            recipe.model.hyper,
            table.examples(rows),
            table.examples(split.validation),
            recipe.training,
            seed=seed,
            window_s=recipe.table.window_s,
            edges=recipe.table.edges,
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
        "data": [recipe.table.file],
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

"""Evaluating models that name genres: what those of a run said of their test rows, and the ladder of all divisions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import nn

from soundsieve import checkpoint, models, recipes
from soundsieve.checkpoint import RUN_FILE, Checkpoint
from soundsieve.datasets import gtzan
from soundsieve.datasets.genre_table import read_table
from soundsieve.errors import CheckpointError
from soundsieve.evaluation import genre_figures, genre_protocol, predictions, tag_figures
from soundsieve.evaluation.genre_ladder import LadderRow, Learner, ladder
from soundsieve.evaluation.tag_report import Outcome, TagReport, summarise
from soundsieve.inference.progress import Progress
from soundsieve.settings import read_yaml
from soundsieve.systems import evaluate_tag
from soundsieve.systems.evaluate_tag import TEST_FILE, fold_runs
from soundsieve.systems.genre_rows import ROWS_FILE, find_table, of_classes
from soundsieve.training import curves, genre_baselines, genre_table
from soundsieve.training.genre_recipe import RANDOM_SPLITS, GenreRecipe, TableSettings
from soundsieve.training.run import RECIPE_FILE

_CURVES = {"training loss (nats)": "train/loss_nats", "validation accuracy": "val/accuracy"}


def report_run(folder: Path) -> TagReport:
    """Summarise a run: the rows that each model was tested on, as it named them.

    Raises:
        CheckpointError: when no model of the run is finished, or it names no genres.
        SettingsError: when its predictions are missing.
    """
    runs = fold_runs(folder)
    headers = [checkpoint.load(run / RUN_FILE, weights=False) for run in runs.values()]
    if headers[0].task != "genre":
        raise CheckpointError(f"{folder}: a model for the task {headers[0].task!r} names no genres")
    values = read_yaml(folder / RECIPE_FILE)
    if "corpus" in values:  # it was trained on recordings, as taggers are
        return evaluate_tag.report_run(folder)
    recipe = GenreRecipe.parse(values)
    outcomes = [
        Outcome(predictions.load(run / TEST_FILE), None, float(header.card["temperature"]), {})
        for run, header in zip(runs.values(), headers, strict=True)
    ]
    return summarise(outcomes, "one", _protocol(folder.name, headers[0], recipe, list(runs)))


def pictures(folder: Path, report: TagReport, data: Path) -> dict[str, bytes]:
    """Draw a report: confusion, reliability, learning curves where the model learns by steps, and its table.

    Args:
        folder: The run folder.
        report: What was found.
        data: The folder that the recipe's table lies in, or the table itself; where it is not there, nor rows that
            the run made of recordings, it is not drawn.
    """
    runs = fold_runs(folder)
    drawn = tag_figures.draw(report, None)
    values = read_yaml(folder / RECIPE_FILE)
    if "corpus" not in values:
        recipe = GenreRecipe.parse(values)
        rows = folder / ROWS_FILE if recipe.table.file is None else find_table(recipe.table, data)
        if rows.is_file():
            drawn |= genre_figures.draw_table(of_classes(read_table(rows), recipe.classes))
    series = {
        title: {name: curves.series(run, column) for name, run in runs.items()} for title, column in _CURVES.items()
    }
    if not any(points for lines in series.values() for points in lines.values()):
        return drawn
    return {**drawn, "curves.png": tag_figures.overlay(series)}


def climb(
    names: Sequence[str],
    data: Path,
    *,
    seed: int = 0,
    splits: int = RANDOM_SPLITS,
    baselines: Sequence[str] = (),
    progress: Progress | None = None,
) -> tuple[tuple[LadderRow, ...], dict[str, bytes]]:
    """Train recipes and plain classifiers under every division of one table, from the most optimistic to the honest.

    Args:
        names: Recipes, by name or as YAML files; the first one's table is used, or GTZAN's.
        data: The folder that the table lies in, or the table itself.
        seed: Of the first random split, and of the first training.
        splits: How many random splits.
        baselines: Of `soundsieve.training.genre_baselines`.
        progress: Called after each training with how many are done, and of how many.

    Returns:
        A row for each division and model, and figures of them and of the table: name → PNG.

    Raises:
        DatasetError: when the table or the fault-filtered lists cannot be read, or do not fit each other.
        MissingExtraError: when a baseline is asked for and scikit-learn is not installed.
    """
    chosen = {Path(name).stem: GenreRecipe.parse(read_yaml(recipes.locate("genre", name))) for name in names}
    path = find_table(next((recipe.table for recipe in chosen.values()), TableSettings()), data)
    table = read_table(path)
    seeds = range(seed, seed + splits)
    divisions = [
        genre_protocol.random_splits(table, seeds),
        genre_protocol.folds(table, seed),
        genre_protocol.by_track(table, seeds),
        genre_protocol.fault_filtered(table, gtzan.filtered_tracks(path.parent)),
    ]
    learners: dict[str, Learner] = {
        name: genre_table.learner(recipe.model.name, recipe.model.hyper, recipe.training)
        for name, recipe in chosen.items()
    }
    learners |= {name: genre_baselines.learner(name) for name in baselines}
    rows = ladder(table, learners, divisions, seed=seed, progress=progress)
    return rows, {**genre_figures.draw_ladder(rows), **genre_figures.draw_table(table)}


def ladder_markdown(rows: Sequence[LadderRow]) -> str:
    """Return a ladder as a table for a page."""
    lines = [
        "| division | model | trainings | tested | leaked % | validation % | test % | 95 % interval | of |",
        "|---|---|---:|---:|---:|---:|---:|---|---|",
    ]
    lines += [
        f"| {row.division} | {row.model} | {row.splits} | {row.tested:.0f} | {100 * row.leaked:.0f} | "
        f"{100 * row.validation:.1f} | {100 * row.mean:.1f} | {100 * row.low:.1f} … {100 * row.high:.1f} | "
        f"{row.interval} |"
        for row in rows
    ]
    return "\n".join(lines)


def _protocol(name: str, header: Checkpoint, recipe: GenreRecipe, runs: list[str]) -> Mapping[str, Any]:
    network = models.build(header.model, header.hyper, len(header.classes))
    return {
        "model": name,
        "architecture": header.model,
        "parameters": _stored(network),
        "classes": list(header.classes),
        "data": [recipe.table.file or recipe.table.dataset],
        "protocol": recipe.split.kind,
        "folds": len(runs),
        "runs": runs,
        "epochs": recipe.training.epochs,
        "seed": recipe.split.seed,
        "reproduces": recipe.reproduces,
    }


def _stored(network: nn.Module) -> int:
    """Parameters, or the numbers that a model keeps which learns without steps."""
    learnt = sum(weight.numel() for weight in network.parameters())
    return learnt or sum(buffer.numel() for buffer in network.buffers())

"""Training classifiers: one model, or one for each fold with what it said of its test clips."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml

from soundsieve import checkpoint
from soundsieve.checkpoint import RUN_FILE, Checkpoint
from soundsieve.corpus import Corpus, open_folds
from soundsieve.errors import OutputError, SettingsError
from soundsieve.evaluation import predictions
from soundsieve.evaluation.predictions import Predictions
from soundsieve.metrics.calibration import fit_temperature, fit_thresholds, probabilities, table_of
from soundsieve.mixing.bank import Recording
from soundsieve.systems.evaluate_tag import CHOICE_FILE, LAST_FILE, TEST_FILE
from soundsieve.systems.train_tag_on_mixtures import train_on_mixtures
from soundsieve.training import curves
from soundsieve.training.clips import ClipData, Library, members, read_library
from soundsieve.training.run import (
    RECIPE_FILE,
    Hardware,
    best_weights,
    check_hardware,
    fit,
    is_first_process,
    last_weights,
    prepare,
)
from soundsieve.training.tag_recipe import TagRecipe
from soundsieve.training.tagging import MONITOR, TaggingTask


@dataclass(frozen=True)
class TrainedTagger:
    """Where a finished run left what it made.

    Attributes:
        folder: The run folder; with folds, each has a folder of its own in it.
        folds: The run folders of the folds, or `folder` alone.
        accuracy: Of the clips tested, all folds together; trained on mixtures, the average precision on validation.
    """

    folder: Path
    folds: tuple[Path, ...]
    accuracy: float


def train(
    recipe: TagRecipe,
    data: Path,
    folder: Path,
    *,
    folds: Iterable[int] | None = None,
    resume: bool = False,
    hardware: Hardware | None = None,
) -> TrainedTagger:
    """Train a classifier for each fold, or one, or go on with a run that was stopped; finished folds are kept.

    Args:
        recipe: What to do.
        data: The folder that the recipe's data sets lie in.
        folder: The run folder; made when missing.
        folds: Which to test, from 1; all when not given.
        resume: Go on with the run in `folder`.
        hardware: Devices; one of the best kind there is when not given.

    Raises:
        DatasetError: when recordings are missing.
        OutputError: when `folder` holds a run and `resume` is not set.
        SettingsError: when the recipe does not fit the recordings, or a resumed run has another recipe.
    """
    if recipe.mixture is not None:
        precision = train_on_mixtures(recipe, data, folder, resume=resume, hardware=hardware)
        return TrainedTagger(folder, (folder,), precision)
    corpora = _chosen(open_folds(recipe.corpus, data), folds)
    classes = recipe.class_names(tuple(sorted({name for c in corpora.values() for name in c.classes("train")})))
    if not resume and (folder / RECIPE_FILE).exists():
        raise OutputError(f"{folder}: holds a training run already; go on with --resume {folder} or choose another")
    library = read_library(list(corpora.values()), recipe.front_end.sample_rate)
    runs = {fold: folder / f"fold{fold}" if fold else folder for fold in corpora}
    for fold, corpus in corpora.items():
        if (runs[fold] / RUN_FILE).is_file():
            continue
        going_on = resume and (runs[fold] / RECIPE_FILE).is_file()
        clips = ClipData(recipe, corpus, classes, library)
        task = TaggingTask(recipe, classes)
        check_hardware(hardware or Hardware(), recipe.training.batch, clips.examples)
        if is_first_process():  # with several devices the other processes find it prepared
            prepare(runs[fold], recipe, corpus.digest(), resume=going_on)
            _keep_recipe(folder, recipe)
        _train_one(task, clips, library, runs[fold], hardware)
    tested = predictions.joined([predictions.load(run / TEST_FILE) for run in runs.values()])
    return TrainedTagger(folder, tuple(runs.values()), float(tested.known().correct.mean()))


def _chosen(corpora: dict[int, Corpus], folds: Iterable[int] | None) -> dict[int, Corpus]:
    wanted = list(corpora) if folds is None else sorted(set(folds))
    unknown = [fold for fold in wanted if fold not in corpora]
    if unknown:
        there = "the recipe has no folds" if 0 in corpora else f"there are 1 to {len(corpora)}"
        raise SettingsError(f"--folds {','.join(map(str, unknown))}: {there}")
    return {fold: corpora[fold] for fold in wanted}


def _keep_recipe(folder: Path, recipe: TagRecipe) -> None:
    """Beside the folds: what `--resume` reads, and `compare`."""
    if not (folder / RECIPE_FILE).exists():
        text = yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
        (folder / RECIPE_FILE).write_text(text, encoding="utf-8")


def _train_one(task: TaggingTask, clips: ClipData, library: Library, run: Path, hardware: Hardware | None) -> None:
    recipe = task.recipe
    if recipe.front_end.normalise == "band":
        task.front_end.fit((batch["waveform"], batch["length"]) for batch in clips.as_they_are(clips.train))
    trainer = fit(task, clips, recipe.training, run, monitor=MONITOR, examples=clips.examples, hardware=hardware)
    if not trainer.is_global_zero:
        return
    curves.draw(run, run / "curves.png")
    test = members(clips.corpus.events.get("test", ()), library)
    predict(task, last_weights(run, prefix=""), clips, test).save(run / LAST_FILE)
    best = best_weights(run, prefix="")
    choice, tested = (predict(task, best, clips, rows) for rows in (clips.choose, test))
    choice.save(run / CHOICE_FILE)
    tested.save(run / TEST_FILE)
    checkpoint.save(run / RUN_FILE, _checkpoint(task, clips, best, choice))


def predict(
    task: TaggingTask, weights: dict[str, torch.Tensor], data: ClipData, recordings: Sequence[Recording]
) -> Predictions:
    """Name clips with some weights of the task, all of its state."""
    task.load_state_dict(weights)
    task.eval()
    with torch.inference_mode():
        rows = [task.logits(batch).cpu().numpy() for batch in data.as_they_are(recordings)]
    return Predictions(
        classes=task.classes,
        files=tuple(item.path.as_posix() for item in recordings),
        sources=tuple(item.group for item in recordings),
        labels=tuple(item.label for item in recordings),
        logits=np.concatenate([*rows, np.zeros((0, len(task.classes)), np.float32)]),
    )


def _checkpoint(
    task: TaggingTask, clips: ClipData, weights: dict[str, torch.Tensor], choice: Predictions
) -> Checkpoint:
    """The best weights of a run, calibrated on the clips that chose them, with what is known about them."""
    recipe, corpus, classes = task.recipe, clips.corpus, task.classes
    right = table_of(choice.truth, len(classes))
    temperature = fit_temperature(choice.logits, right, recipe.loss.kind)
    scores = probabilities(choice.logits, recipe.loss.kind, temperature)
    card: dict[str, Any] = {
        "data": [source.dataset for source in recipe.corpus.events],
        "recordings": {subset: corpus.counts(subset) for subset in corpus.events},
        "seed": recipe.training.seed,
        "scores": recipe.loss.kind,
        "temperature": round(temperature, 4),
        "thresholds": fit_thresholds(scores, right, classes),
        "clip_s": round(_typical_s(clips.train, recipe), 2),
        "results": {"choice_accuracy": round(float(choice.known().correct.mean()), 4)},
    }
    return Checkpoint(
        task=recipe.task,
        model=recipe.model.name,
        hyper=recipe.model.hyper,
        classes=classes,
        sample_rate=recipe.front_end.sample_rate,
        card=card,
        recipe=recipe.model_dump(mode="json"),
        front_end=recipe.front_end.model_dump(mode="json"),
        weights={name.removeprefix("model."): tensor for name, tensor in weights.items()},
    )


def _typical_s(recordings: Sequence[Recording], recipe: TagRecipe) -> float:
    """How long the clips are that the network is shown: in use, it is shown windows as long."""
    if recipe.training.crop_s is not None:
        return recipe.training.crop_s
    return float(np.median([len(item.samples) for item in recordings])) / recipe.front_end.sample_rate

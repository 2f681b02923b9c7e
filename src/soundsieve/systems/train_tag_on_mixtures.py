"""Training a classifier that says when, on mixtures with known times."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from soundsieve import checkpoint
from soundsieve.checkpoint import RUN_FILE, Checkpoint
from soundsieve.corpus import Corpus, open_corpus
from soundsieve.errors import SettingsError
from soundsieve.metrics.calibration import fit_scale, fit_temperature, fit_thresholds, probabilities
from soundsieve.training import curves
from soundsieve.training.hearing import MONITOR as HEARD
from soundsieve.training.hearing import HearingTask
from soundsieve.training.run import (
    Hardware,
    best_score,
    best_weights,
    check_hardware,
    fit,
    is_first_process,
    prepare,
)
from soundsieve.training.tag_mixtures import HeardExample, TagMixtureData
from soundsieve.training.tag_recipe import TagRecipe


def train_on_mixtures(recipe: TagRecipe, data: Path, folder: Path, *, resume: bool, hardware: Hardware | None) -> float:
    """Train one classifier that says when, and calibrate it on mixtures of recordings that it was not trained on.

    Returns:
        Its average precision on these mixtures. Arguments and errors are those of `train_tag.train`.
    """
    if recipe.corpus.folds:
        raise SettingsError("mixture: needs recordings divided by parts or fractions; leave out corpus.folds")
    corpus = open_corpus(recipe.corpus, data)
    classes = recipe.class_names(corpus.classes("train"))
    task = HearingTask(recipe, classes)
    mixtures = TagMixtureData(recipe, corpus, classes, task.stretch)
    check_hardware(hardware or Hardware(), recipe.training.batch, recipe.training.mixtures_per_epoch)
    if is_first_process():
        prepare(folder, recipe, corpus.digest(), resume=resume)
    trainer = fit(
        task,
        mixtures,
        recipe.training,
        folder,
        monitor=HEARD,
        examples=recipe.training.mixtures_per_epoch,
        hardware=hardware,
    )
    if trainer.is_global_zero:
        curves.draw(folder, folder / "curves.png")
        best = best_weights(folder, prefix="")
        task.load_state_dict(best)
        said, heard = _said_of_stretches(task.eval(), mixtures.val_dataloader())
        checkpoint.save(folder / RUN_FILE, _hearing_checkpoint(task, corpus, best, said, heard, best_score(trainer)))
    return best_score(trainer)


def _said_of_stretches(
    task: HearingTask, mixtures: Iterable[HeardExample]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Logits of every stretch and whether each class is heard in it, two of (mixture, stretch, class)."""
    said, heard = [], []
    with torch.inference_mode():
        for batch in mixtures:
            target = batch["heard"]
            said.append(task.logits(batch["waveform"], target.shape[-1]).transpose(1, 2).numpy())
            heard.append(target.transpose(1, 2).numpy() > 0)
    return np.concatenate(said), np.concatenate(heard)


def _hearing_checkpoint(
    task: HearingTask,
    corpus: Corpus,
    weights: dict[str, torch.Tensor],
    said: NDArray[np.float32],
    heard: NDArray[np.bool_],
    precision: float,
) -> Checkpoint:
    recipe = task.recipe
    count = len(task.classes)
    stretches, there = said.reshape(-1, count), heard.reshape(-1, count)
    temperature = fit_temperature(stretches, there, "each")
    scores = probabilities(stretches, "each", temperature)
    # Of a mixture as a whole the clearest stretch speaks, and that one is surer of itself than it is right.
    clip_temperature, clip_offset = fit_scale(said.max(1), np.asarray(heard.any(1)))
    card = {
        "data": [source.dataset for source in recipe.corpus.events],
        "recordings": {subset: corpus.counts(subset) for subset in corpus.events},
        "seed": recipe.training.seed,
        "scores": "each",
        "temperature": round(temperature, 4),
        "thresholds": fit_thresholds(scores, there, task.classes),
        "clip": {"temperature": round(clip_temperature, 4), "offset": round(clip_offset, 4)},
        "stretch": task.stretch,
        "clip_s": recipe.protocol.duration_s,
        "timeline": {"window_s": recipe.protocol.duration_s, "hop_s": recipe.protocol.duration_s / 2, "gap_s": 0.5},
        "results": {"validation_average_precision": round(precision, 4)},
    }
    return Checkpoint(
        task="tag",
        model=recipe.model.name,
        hyper=recipe.model.hyper,
        classes=task.classes,
        sample_rate=recipe.front_end.sample_rate,
        card=card,
        recipe=recipe.model_dump(mode="json"),
        front_end=recipe.front_end.model_dump(mode="json"),
        weights={
            name.removeprefix("model."): tensor
            for name, tensor in weights.items()
            if name.startswith(("model.", "front_end."))
        },
    )

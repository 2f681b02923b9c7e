"""Training a network that separates what is seen: from a recipe and a folder of bags to a checkpoint with its card."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from soundsieve import checkpoint
from soundsieve.checkpoint import RUN_FILE, Checkpoint
from soundsieve.errors import CheckpointError
from soundsieve.inference.object_engines import make_objects
from soundsieve.training import curves
from soundsieve.training.object_corpus import ObjectCorpus, open_objects
from soundsieve.training.object_mixing import ObjectData
from soundsieve.training.object_parts import Teacher
from soundsieve.training.object_recipe import ObjectRecipe
from soundsieve.training.object_separating import MONITOR, ObjectTask
from soundsieve.training.run import Hardware, best_score, best_weights, check_hardware, fit, is_first_process, prepare


@dataclass(frozen=True)
class TrainedObjects:
    """Where a finished run left what it made.

    Attributes:
        folder: The run folder.
        model: The checkpoint, with the weights of the best validation.
        curves: The figure of loss, validation, gradient norm, learning rate and time.
        validation_db: The best mean SDR improvement of the groups of the validation mixtures.
        unlabelled: How many videos to train on show nothing of the recipe's labels.
    """

    folder: Path
    model: Path
    curves: Path
    validation_db: float
    unlabelled: int


def train(
    recipe: ObjectRecipe, data: Path, folder: Path, *, resume: bool = False, hardware: Hardware | None = None
) -> TrainedObjects:
    """Train a network, or go on with a run that was stopped.

    Args:
        recipe: What to do.
        data: The folder of bags; the videos themselves are where it says.
        folder: The run folder; made when missing.
        resume: Go on with the run in `folder`.
        hardware: Devices; one of the best kind there is when not given.

    Raises:
        AudioError: when a video cannot be read.
        CheckpointError, UnknownNameError: when there is no such teacher.
        DatasetError: when bags are missing or damaged.
        OutputError: when `folder` holds a run and `resume` is not set.
        SettingsError: when the recipe does not fit the bags, or a resumed run has another recipe.
    """
    hardware = hardware or Hardware()
    corpus = open_objects(recipe, data)
    examples = recipe.training.mixtures_per_epoch * hardware.devices * hardware.nodes
    check_hardware(hardware, recipe.training.batch, examples)
    teacher, told = _teacher(recipe)
    task, videos = ObjectTask(recipe), ObjectData(recipe, corpus, teacher)
    videos.setup("fit")  # what cannot be read is said before a folder is made
    if is_first_process():  # with several devices the other processes find it prepared
        prepare(folder, recipe, {**corpus.digest(), **told}, resume=resume)
    trainer = fit(task, videos, recipe.training, folder, monitor=MONITOR, examples=examples, hardware=hardware)
    best = best_score(trainer)
    if trainer.is_global_zero:
        curves.draw(folder, folder / "curves.png")
        _export(recipe, corpus, folder, best_weights(folder), best)
    return TrainedObjects(folder, folder / RUN_FILE, folder / "curves.png", best, corpus.unlabelled("train"))


def _teacher(recipe: ObjectRecipe) -> tuple[Teacher | None, dict[str, str]]:
    """Make what takes videos apart ready, and say which weights it has, so that a run goes on with the same.

    Raises:
        CheckpointError, UnknownNameError: when there is no such checkpoint, or it is for something else.
    """
    if not recipe.teacher:
        return None, {}
    found = checkpoint.load(checkpoint.locate(recipe.teacher))
    if found.task != "watch":
        raise CheckpointError(f"{recipe.teacher}: is for {found.task}, and takes no videos apart")
    weights = hashlib.sha256()
    for name in sorted(found.weights):  # the card may be written anew
        weights.update(name.encode())
        weights.update(found.weights[name].numpy().tobytes())
    teacher = Teacher(make_objects(found, "cpu"), found.classes, recipe.labels)
    return teacher, {"teacher": weights.hexdigest()[:16]}


def _export(recipe: ObjectRecipe, corpus: ObjectCorpus, folder: Path, weights: dict[str, Tensor], best: float) -> None:
    """Write weights as a checkpoint with what is known about them."""
    card = {
        "data": ["bags"],
        "viewer": corpus.viewer,
        "videos": {subset: len(rows) for subset, rows in corpus.videos.items()},
        "recordings": corpus.counts(),
        "unlabelled": {subset: corpus.unlabelled(subset) for subset in corpus.videos},
        "left_out": corpus.left_out,
        "seed": recipe.training.seed,
        "seen": recipe.seen.model_dump(mode="json"),
        "results": {"validation_db": round(best, 4), "validation": MONITOR},
    }
    checkpoint.save(
        folder / RUN_FILE,
        Checkpoint(
            task="watch",
            model=recipe.model.name,
            hyper=recipe.model.hyper,
            classes=recipe.labels,
            sample_rate=recipe.sample_rate,
            card=card,
            recipe=recipe.model_dump(mode="json"),
            weights=weights,
        ),
    )

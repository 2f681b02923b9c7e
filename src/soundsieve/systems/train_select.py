"""Training a selector: from a recipe and a folder of recordings to a checkpoint with its card."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from soundsieve import checkpoint
from soundsieve.checkpoint import RUN_FILE, Checkpoint
from soundsieve.corpus import Corpus, open_corpus
from soundsieve.training import curves
from soundsieve.training.mixtures import SelectionData
from soundsieve.training.recipe import SelectRecipe
from soundsieve.training.run import Hardware, best_score, best_weights, check_hardware, fit, is_first_process, prepare
from soundsieve.training.selection import MONITOR, SelectionTask


@dataclass(frozen=True)
class TrainedSelector:
    """Where a finished run left what it made.

    Attributes:
        folder: The run folder.
        model: The checkpoint, with the weights of the best validation.
        curves: The figure of loss, improvement, gradient norm, learning rate and time.
        validation_db: The best mean SDR improvement on validation recordings.
    """

    folder: Path
    model: Path
    curves: Path
    validation_db: float


def train(
    recipe: SelectRecipe, data: Path, folder: Path, *, resume: bool = False, hardware: Hardware | None = None
) -> TrainedSelector:
    """Train a selector, or go on with a run that was stopped.

    Args:
        recipe: What to do.
        data: The folder that the recipe's data sets lie in.
        folder: The run folder; made when missing.
        resume: Go on with the run in `folder`.
        hardware: Devices; one of the best kind there is when not given.

    Raises:
        DatasetError: when recordings are missing.
        OutputError: when `folder` holds a run and `resume` is not set.
        SettingsError: when the recipe does not fit the recordings, or a resumed run has another recipe.
    """
    corpus = open_corpus(recipe.corpus, data)
    classes = recipe.class_names(corpus.classes("train"))
    task, mixtures = SelectionTask(recipe, classes), SelectionData(recipe, corpus, classes)
    mixtures.check_classes()
    check_hardware(hardware or Hardware(), recipe.training.batch, recipe.training.mixtures_per_epoch)
    if is_first_process():  # with several devices the other processes find it prepared
        prepare(folder, recipe, corpus.digest(), resume=resume)
    trainer = fit(
        task,
        mixtures,
        recipe.training,
        folder,
        monitor=MONITOR,
        examples=recipe.training.mixtures_per_epoch,
        hardware=hardware,
    )
    best = best_score(trainer)
    if trainer.is_global_zero:
        export(recipe, classes, corpus, folder, {"validation_sdr_improvement_db": round(best, 3)})
        curves.draw(folder, folder / "curves.png")
    return TrainedSelector(folder, folder / RUN_FILE, folder / "curves.png", best)


def export(
    recipe: SelectRecipe, classes: tuple[str, ...], corpus: Corpus, folder: Path, results: Mapping[str, Any]
) -> None:
    """Write the best weights of a run as a checkpoint with what is known about them."""
    card = {
        "data": [source.dataset for source in recipe.corpus.events],
        "recordings": {subset: corpus.counts(subset) for subset in corpus.events},
        "seed": recipe.training.seed,
        "results": dict(results),
    }
    checkpoint.save(
        folder / RUN_FILE,
        Checkpoint(
            task="select",
            model=recipe.model.name,
            hyper=recipe.model.hyper,
            classes=classes,
            sample_rate=recipe.sample_rate,
            card=card,
            recipe=recipe.model_dump(mode="json"),
            weights=best_weights(folder),
        ),
    )

"""Training a separator of songs: from a recipe and folders of stems to a checkpoint with its card."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from soundsieve import checkpoint
from soundsieve.checkpoint import RUN_FILE, Checkpoint
from soundsieve.training import curves
from soundsieve.training.run import Hardware, best_score, best_weights, check_hardware, fit, is_first_process, prepare
from soundsieve.training.songs import SongCorpus, SongData, open_songs
from soundsieve.training.unmix_recipe import UnmixRecipe
from soundsieve.training.unmixing import MONITORS, UnmixTask

FINE_TUNING = "fine-tuning"  # folder of the second phase, in the run folder
_PHASE_EPOCHS = 1_000_000  # between the first numbers of the epochs of two phases: no segment is drawn in both


@dataclass(frozen=True)
class TrainedUnmixer:
    """Where a finished run left what it made.

    Attributes:
        folder: The run folder.
        model: The checkpoint, with the weights of the best validation.
        curves: The figure of loss, validation, gradient norm, learning rate and time.
        validation: The best value of what the recipe monitors, in dB.
    """

    folder: Path
    model: Path
    curves: Path
    validation: float


def train(
    recipe: UnmixRecipe, data: Path, folder: Path, *, resume: bool = False, hardware: Hardware | None = None
) -> TrainedUnmixer:
    """Train a separator, or go on with a run that was stopped.

    With `training.fine_tune` a second phase begins with the best weights of the first, in a folder of its own.

    Args:
        recipe: What to do.
        data: The folder that the recipe's data sets lie in.
        folder: The run folder; made when missing.
        resume: Go on with the run in `folder`.
        hardware: Devices; one of the best kind there is when not given.

    Raises:
        DatasetError: when songs are missing.
        OutputError: when `folder` holds a run and `resume` is not set.
        SettingsError: when the recipe cannot be trained here, or a resumed run has another recipe.
    """
    hardware = hardware or Hardware()
    corpus = open_songs(recipe.corpus, data)
    devices = hardware.devices * hardware.nodes
    check_hardware(hardware, recipe.training.batch, recipe.training.segments_per_epoch * devices)
    UnmixTask(recipe)  # what does not fit is said before a folder is made
    if is_first_process():  # with several devices the other processes find it prepared
        prepare(folder, recipe, corpus.digest(), resume=resume)
    best = _phase(recipe, corpus, folder, hardware)
    tuning = recipe.training.fine_tune
    if tuning is not None:
        optimiser = recipe.training.optimiser.model_copy(update={"learning_rate": tuning.learning_rate})
        training = recipe.training.model_copy(update={"optimiser": optimiser, "batch": tuning.batch})
        second = recipe.model_copy(update={"training": training})
        try:
            finer = _phase(second, corpus, folder / FINE_TUNING, hardware, start=best_weights(folder), phase=1)
        except KeyboardInterrupt:  # the run is the outer folder, and that is what can be gone on with
            raise KeyboardInterrupt(f"stopped; go on with --resume {folder}") from None
        if finer > best:  # else the first phase was better, and its weights are kept
            best = finer
            weights = best_weights(folder / FINE_TUNING)
            if is_first_process():
                _export(recipe, corpus, folder, weights, best)
    return TrainedUnmixer(folder, folder / RUN_FILE, folder / "curves.png", best)


def _phase(
    recipe: UnmixRecipe,
    corpus: SongCorpus,
    folder: Path,
    hardware: Hardware,
    *,
    start: Mapping[str, Tensor] | None = None,
    phase: int = 0,
) -> float:
    """Train once, unless that has been done; return the best value of what is monitored."""
    if (folder / RUN_FILE).is_file():
        return float(checkpoint.load(folder / RUN_FILE, weights=False).card["results"]["validation_db"])
    task = UnmixTask(recipe)
    if start is not None:
        task.model.load_state_dict(start)
    songs = SongData(recipe, corpus, task.model, epoch_offset=phase * _PHASE_EPOCHS)
    examples = recipe.training.segments_per_epoch * hardware.devices * hardware.nodes
    monitor = MONITORS[recipe.training.monitor]
    trainer = fit(task, songs, recipe.training, folder, monitor=monitor, examples=examples, hardware=hardware)
    best = best_score(trainer)
    if trainer.is_global_zero:
        curves.draw(folder, folder / "curves.png")
        _export(recipe, corpus, folder, best_weights(folder), best)
    return best


def _export(recipe: UnmixRecipe, corpus: SongCorpus, folder: Path, weights: dict[str, Tensor], best: float) -> None:
    """Write weights as a checkpoint with what is known about them."""
    results: dict[str, Any] = {"validation_db": round(best, 4), "validation": MONITORS[recipe.training.monitor]}
    card = {
        "data": [source.dataset for source in recipe.corpus.sources],
        "songs": corpus.counts(),
        "seed": recipe.training.seed,
        "results": results,
    }
    checkpoint.save(
        folder / RUN_FILE,
        Checkpoint(
            task="unmix",
            model=recipe.model.name,
            hyper=recipe.model.hyper,
            classes=recipe.stems,
            sample_rate=recipe.sample_rate,
            card=card,
            recipe=recipe.model_dump(mode="json"),
            weights=weights,
        ),
    )

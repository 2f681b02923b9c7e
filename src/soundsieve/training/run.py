"""One training run in one folder: recipe, logs, checkpoints, curves, and at the end the model."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import yaml
from lightning import Callback, LightningDataModule, LightningModule, Trainer
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.callbacks import EarlyStopping, EMAWeightAveraging, ModelCheckpoint, RichProgressBar
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger
from lightning.pytorch.utilities import rank_zero_only

from soundsieve.errors import OutputError, SettingsError
from soundsieve.settings import Settings, read_yaml
from soundsieve.training.interrupt import StopBetweenBatches
from soundsieve.training.recipe import RunSettings
from soundsieve.training.timing import StepTimer

RECIPE_FILE = "recipe.yaml"
RECORDINGS_FILE = "recordings.yaml"
CHECKPOINTS = "checkpoints"
RESUMABLE = ("epochs", "patience_epochs", "workers")  # what may change when a run is resumed


@dataclass(frozen=True)
class Hardware:
    """Where a run runs.

    Attributes:
        device: auto, cpu, gpu, …: Lightning's accelerator.
        devices: Devices (processes on a CPU) on each node.
        nodes: Machines.
        quiet: No progress bar.
    """

    device: str = "auto"
    devices: int = 1
    nodes: int = 1
    quiet: bool = False


def is_first_process() -> bool:
    """Whether this is the process that writes and speaks: with several devices each has one."""
    return int(getattr(rank_zero_only, "rank", 0)) == 0


def check_hardware(hardware: Hardware, batch: int, examples: int) -> None:
    """Refuse, before a run folder is made, devices that this machine lacks and more of them than an epoch can feed.

    Args:
        hardware: Devices.
        batch: Examples a step on each device.
        examples: How many there are in an epoch.

    Raises:
        SettingsError: in one sentence.
    """
    least = batch * hardware.devices * hardware.nodes
    if examples < least:
        raise SettingsError(
            f"{examples} examples in an epoch: expected at least training.batch for each device, {least} in all"
        )
    _quieten()
    with _as_sentence(hardware):
        Trainer(
            accelerator=hardware.device,
            devices=hardware.devices,
            num_nodes=hardware.nodes,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )


@contextmanager
def _as_sentence(hardware: Hardware) -> Iterator[None]:
    try:
        yield
    except (ValueError, MisconfigurationException) as error:
        asked = f"--device {hardware.device} --devices {hardware.devices} --nodes {hardware.nodes}"
        raise SettingsError(f"{asked}: this machine cannot do that ({str(error).splitlines()[0]})") from None


def prepare(folder: Path, recipe: Settings, recordings: Mapping[str, str], *, resume: bool) -> None:
    """Make the run folder and keep in it the resolved recipe, and what tells its recordings from others.

    A resumed run may be made longer or shorter and use other hardware; everything else stays as it began.

    Raises:
        OutputError: when the folder holds a run already and `resume` was not asked for.
        SettingsError: when a resumed run's recipe or recordings differ from those it began with.
    """
    file, heard = folder / RECIPE_FILE, folder / RECORDINGS_FILE
    if file.exists():
        if not resume:
            raise OutputError(f"{folder}: holds a training run already; go on with --resume {folder} or choose another")
        began = type(recipe).parse(read_yaml(file)).model_dump(mode="json")
        if _fixed(began) != _fixed(recipe.model_dump(mode="json")):
            free = ", ".join(f"training.{name}" for name in RESUMABLE)
            raise SettingsError(f"{file}: a resumed run keeps its recipe; only {free} may change")
        _refuse_others(heard, recordings)
    elif resume:
        raise SettingsError(f"{folder}: holds no training run to resume")
    keep_recipe(folder, recipe)
    _write(heard, yaml.safe_dump(dict(recordings), sort_keys=False))


def keep_recipe(folder: Path, recipe: Settings) -> None:
    """Make the run folder and keep in it the resolved recipe, so that it can be gone on with.

    Raises:
        OutputError: when it cannot be written.
    """
    values = recipe.model_dump(mode="json")
    _write(folder / RECIPE_FILE, yaml.safe_dump(values, sort_keys=False, allow_unicode=True))


def _write(file: Path, text: str) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise OutputError(f"{file.parent}: a run cannot be kept there ({error.strerror})") from None


def _refuse_others(heard: Path, recordings: Mapping[str, str]) -> None:
    began = read_yaml(heard) if heard.exists() else recordings
    for subset in {**began, **recordings}:
        before, now = began.get(subset, "none"), recordings.get(subset, "none")
        if before != now:
            raise SettingsError(f"{heard}: a resumed run keeps its recordings; {subset} had {before}, now has {now}")


def _fixed(values: Mapping[str, Any]) -> dict[str, Any]:
    training = {name: value for name, value in values.get("training", {}).items() if name not in RESUMABLE}
    return {**values, "training": training}


def fit(
    task: LightningModule,
    data: LightningDataModule,
    training: RunSettings,
    folder: Path,
    *,
    monitor: str,
    examples: int,
    hardware: Hardware | None = None,
    callbacks: Sequence[Callback] = (),
) -> Trainer:
    """Train, going on from the last checkpoint in the folder where there is one.

    Checkpoints are written at the end of an epoch, and every draw depends on (seed, epoch, index): a run that was
    killed repeats the epoch it was in and ends with the weights of a run that was not.

    Args:
        task: What is trained.
        data: What on.
        training: For how long and how.
        folder: The run folder.
        monitor: What the best checkpoint is best in; the more the better.
        examples: How many there are in an epoch.
        hardware: Devices; one of the best kind there is when not given.
        callbacks: Further ones.
    """
    hardware = hardware or Hardware()
    _quieten()
    steps = examples // (training.batch * hardware.devices * hardware.nodes)
    interrupt = StopBetweenBatches()
    keep = [*_callbacks(training, folder, monitor, quiet=hardware.quiet), *callbacks, interrupt]
    trainer = _trainer(training, folder, hardware, keep, log_every=max(1, min(10, steps)))
    last = folder / CHECKPOINTS / "last.ckpt"
    try:
        with interrupt.listening():
            trainer.fit(task, data, ckpt_path=str(last) if last.exists() else None, weights_only=False)
    except SystemExit as stop:
        if trainer.interrupted and stop.code == 1:  # Lightning turns Ctrl-C into this exit
            raise KeyboardInterrupt(f"stopped; go on with --resume {folder}") from None
        raise
    return trainer


def _trainer(
    training: RunSettings, folder: Path, hardware: Hardware, callbacks: list[Callback], *, log_every: int
) -> Trainer:
    with _as_sentence(hardware):
        return Trainer(
            accelerator=hardware.device,
            devices=hardware.devices,
            num_nodes=hardware.nodes,
            strategy="ddp" if hardware.devices * hardware.nodes > 1 else "auto",
            max_epochs=training.epochs,
            precision=training.precision,
            gradient_clip_val=training.optimiser.clip_norm,
            reload_dataloaders_every_n_epochs=1,
            num_sanity_val_steps=0,
            log_every_n_steps=log_every,
            enable_progress_bar=not hardware.quiet,
            enable_model_summary=False,
            logger=[
                CSVLogger(folder, name="", version=_next_log(folder)),
                TensorBoardLogger(folder, name="", version="tensorboard"),
            ],
            callbacks=callbacks,
        )


class RunCheckpoint(ModelCheckpoint):
    """Keeps weights of a run, also where the run folder has been moved since it was stopped.

    Lightning's own forgets the best score when the folder's path differs, and then takes the next epoch for the best.
    """

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on with what was best, its files looked for in the folder as it is now."""

        def moved(path: str) -> str:
            return str(Path(str(self.dirpath)) / Path(path).name) if path else path

        paths = {
            name: moved(state_dict[name]) for name in ("best_model_path", "kth_best_model_path", "last_model_path")
        }
        models = {moved(path): score for path, score in state_dict["best_k_models"].items()}
        super().load_state_dict({**state_dict, **paths, "best_k_models": models, "dirpath": self.dirpath})


def best_score(trainer: Trainer) -> float:
    """The monitored value of the weights that `best_weights` gives, NaN where there was no validation."""
    callbacks = (callback for callback in trainer.checkpoint_callbacks if isinstance(callback, RunCheckpoint))
    score = next((callback.best_model_score for callback in callbacks if callback.monitor), None)
    return float("nan") if score is None else float(score)


def best_weights(folder: Path, prefix: str = "model.") -> dict[str, torch.Tensor]:
    """Weights from the best checkpoint of a run, those whose names begin with a prefix, under their names without it.

    Raises:
        OutputError: when training ended before its first validation.
    """
    return _weights(folder, "best*.ckpt", prefix)


def last_weights(folder: Path, prefix: str = "model.") -> dict[str, torch.Tensor]:
    """Weights from the last checkpoint of a run; as `best_weights`."""
    return _weights(folder, "last.ckpt", prefix)


def _weights(folder: Path, pattern: str, prefix: str) -> dict[str, torch.Tensor]:
    files = sorted((folder / CHECKPOINTS).glob(pattern), key=lambda path: path.stat().st_mtime)
    if not files:
        raise OutputError(f"{folder}: training ended before its first validation, so there is no model to keep")
    # The file was written by this very run; it also holds optimiser state that a tensors-only reader refuses.
    state = torch.load(files[-1], map_location="cpu", weights_only=False)["state_dict"]
    return {name.removeprefix(prefix): tensor for name, tensor in state.items() if name.startswith(prefix)}


def _next_log(folder: Path) -> str:
    """A log folder of its own for each start of a run: Lightning deletes what it finds in the one it is given."""
    return f"log-{len(list(folder.glob('log-*'))) + 1:02d}"


def _callbacks(training: RunSettings, folder: Path, monitor: str, *, quiet: bool) -> list[Callback]:
    checkpoints = folder / CHECKPOINTS
    keep: list[Callback] = [
        RunCheckpoint(checkpoints, filename="best", monitor=monitor, mode="max", enable_version_counter=False),
        RunCheckpoint(checkpoints, filename="last", enable_version_counter=False, save_on_train_epoch_end=True),
        StepTimer(),
    ]
    if training.patience_epochs is not None:
        keep.append(EarlyStopping(monitor, mode="max", patience=training.patience_epochs, verbose=not quiet))
    if training.optimiser.average is not None:
        keep.append(EMAWeightAveraging(decay=training.optimiser.average))
    if not quiet:
        keep.append(RichProgressBar())
    return keep


def _quieten() -> None:
    """Keep Lightning's start-up advice off the screen; its errors and the progress stay."""
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", message=".*does not have many workers.*")
    warnings.filterwarnings("ignore", message=r".*isinstance\(treespec, LeafSpec\).*")
    warnings.filterwarnings("ignore", message=".*Checkpoint directory .* exists and is not empty.*")

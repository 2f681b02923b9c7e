"""The engines that separate the objects of a video: which there are, and what turns a trained network into one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import torch
from torch import nn

from soundsieve import checkpoint, models
from soundsieve.checkpoint import Checkpoint
from soundsieve.errors import CheckpointError, unknown_name
from soundsieve.features.object_stft import ObjectSTFT
from soundsieve.inference.basis_choice import BasisChoice, calibrated
from soundsieve.inference.device import pick_device
from soundsieve.inference.map_bases import BaseMap, MapDescriber, SeenAt
from soundsieve.inference.object_network import NetworkSeparator
from soundsieve.inference.object_pieces import ObjectEngine, ObjectPieces
from soundsieve.inference.object_tracks import BasesSeparator

_TASKS: Final = {"nmf": "bases", "network": "objects"}  # of the models of an engine
ENGINES: Final = {"network": "watch-network", "nmf": "watch"}
"""Engine → its released checkpoint, the better one last."""


def locate(engine: str | None, model: str | Path | None) -> Path:
    """Find the checkpoint of an engine, or the one that is named.

    Raises:
        UnknownNameError: when there is no such engine or model.
        CheckpointError: when a path leads to no checkpoint.
    """
    if engine is not None and engine not in ENGINES:
        raise unknown_name("engine", engine, ENGINES)
    if model is not None:
        return checkpoint.locate(model)
    there = [name for name in ([engine] if engine else ENGINES) if ENGINES[name] in checkpoint.released()]
    if not there:
        raise CheckpointError(
            f"no network for {engine or 'watch'} comes with this copy yet: train one (docs/train-watch.md) and name it "
            "as the model"
        )
    return checkpoint.locate(ENGINES[there[-1]])


def engine_of(found: Checkpoint) -> str:
    """Say which engine a checkpoint is for: one that scores bases, or one that makes tracks.

    Raises:
        CheckpointError: when it is for neither.
    """
    for engine, task in _TASKS.items():
        if found.model in models.names(task):
            return engine
    allowed = ", ".join(name for task in _TASKS.values() for name in models.names(task))
    raise CheckpointError(f"a {found.model} cannot tell objects apart; expected one of {allowed}")


@dataclass(frozen=True)
class VideoEngine:
    """An engine for one video, and what it has found out on the way.

    Attributes:
        engine: Separates the sound.
        describer: Keeps the maps of an engine with bases; None for one without.
    """

    engine: ObjectEngine
    describer: MapDescriber | None = None

    def bases_used(self) -> Mapping[str, int] | None:
        """Return how many bases went to each object so far; None for an engine without bases."""
        return None if self.describer is None else self.describer.used

    def base_map(self) -> BaseMap | None:
        """Return the map of the loudest piece so far, if there is one."""
        return None if self.describer is None else self.describer.shown


@dataclass(frozen=True)
class ObjectMaker:
    """Makes engines.

    Attributes:
        make: From the labels that get a track, and what is seen when, to an engine.
        piece_s: Seconds that are decided about at once.
    """

    make: Callable[[tuple[str, ...], SeenAt], VideoEngine] = field(repr=False)
    piece_s: float

    def __call__(self, labels: tuple[str, ...], seen_at: SeenAt) -> VideoEngine:
        """Make an engine for one video."""
        return self.make(labels, seen_at)


def make_objects(found: Checkpoint, device: str = "auto") -> ObjectMaker:
    """Make a checkpoint for `watch` ready for use.

    Raises:
        CheckpointError: when it is of another model, its weights do not fit, or its bases are of other spectrograms.
        SettingsError: when this machine has no such device, or the checkpoint's settings are impossible.
    """
    make = _of_bases if engine_of(found) == "nmf" else _of_network
    place = pick_device(device)
    return make(found, found.build().to(place), place)


def _of_network(found: Checkpoint, network: nn.Module, place: torch.device) -> ObjectMaker:
    pieces = ObjectPieces(sample_rate=found.sample_rate)

    def make(labels: tuple[str, ...], seen_at: SeenAt) -> VideoEngine:
        def seen_from(start_s: float) -> Sequence[str]:
            there = seen_at(start_s, start_s + pieces.piece_s)
            return [label for label in there if label in found.classes]

        separator = NetworkSeparator(network, found.classes, labels, seen_from, place)
        return VideoEngine(ObjectEngine(labels, separator, pieces, found.card))

    return ObjectMaker(make, pieces.piece_s)


def _of_bases(found: Checkpoint, network: nn.Module, place: torch.device) -> ObjectMaker:
    front_end = ObjectSTFT.parse(found.front_end)
    choice = BasisChoice.parse(found.card.get("choice", {}))
    _check(network, front_end, choice, len(found.classes))
    pieces = ObjectPieces(sample_rate=front_end.sample_rate, piece_s=front_end.piece_s)

    def make(labels: tuple[str, ...], seen_at: SeenAt) -> VideoEngine:
        describer = MapDescriber(network, found.classes, choice, front_end, _of(labels, seen_at))
        return VideoEngine(
            ObjectEngine(labels, BasesSeparator(labels, describer, front_end, place), pieces, found.card),
            describer,
        )

    return ObjectMaker(make, front_end.piece_s)


def _check(network: nn.Module, front_end: ObjectSTFT, choice: BasisChoice, classes: int) -> None:
    """Refuse, before any video, what would fail for each of them."""
    try:
        with torch.inference_mode():
            place = next(network.parameters()).device
            calibrated(network(torch.zeros(1, front_end.bins, 1, device=place))[0].cpu(), choice)
    except ValueError as error:
        raise CheckpointError(
            f"the checkpoint's network of {classes} objects does not fit its settings: {error}"
        ) from None


def _of(labels: Sequence[str], seen_at: SeenAt) -> SeenAt:
    """Leave out, of what is seen, what has no track."""
    return lambda start_s, end_s: [label for label in seen_at(start_s, end_s) if label in labels]

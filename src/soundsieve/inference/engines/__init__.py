"""What takes songs apart: one file an engine, found by file name.

An engine knows its stems and its sample rate, and separates a stream at that rate. Everything else is the same for all
of them and done by `soundsieve.inference.unmixing`: files of any rate, length and number of channels, stems that add up
to the song. An engine's file holds a function `load(weights, device)`; what it needs beyond this package is imported
inside, so that engines which are not installed can be listed, and `MissingExtraError` says what to install. One with
weights in files also holds a function `weight_files(weights)`, which names them.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from soundsieve.errors import SettingsError, unknown_name
from soundsieve.inference.segments import LONGEST_SEGMENT_S

if TYPE_CHECKING:
    from soundsieve.inference.progress import CancelToken
    from soundsieve.inference.stems import Separated


class StemStream(Protocol):
    """A recording on its way through an engine, in memory that does not depend on how long it is."""

    def push(self, mixture: NDArray[np.float32], last: bool = False) -> Separated:
        """Put in a block (channel, time) and take out what is finished; the caller consumes the iterator to its end.

        What comes out, mixtures and their stems (stem, channel, time), is in step and, after the last block, as long
        as what went in.
        """
        ...


class Engine(Protocol):
    """Separates songs.

    Attributes:
        stems: What it finds, in order; the last one is what to do with all that the others leave.
        sample_rate: Of what it takes and gives, in Hz.
        card: Where its weights are from, their licence, what they were trained on.
    """

    @property
    def stems(self) -> tuple[str, ...]: ...  # noqa: D102 - see the class

    @property
    def sample_rate(self) -> int: ...  # noqa: D102

    @property
    def card(self) -> Mapping[str, Any]: ...  # noqa: D102

    def stream(self, channels: int, cancel: CancelToken | None = None) -> StemStream:
        """Begin a recording of so many channels; `cancel` is looked at again and again."""
        ...


@runtime_checkable
class Segmented(Protocol):
    """An engine that can be told how much to work on at once; its stems do not depend on it."""

    def in_segments(self, segment_s: float) -> Engine:
        """Return the same engine, working on so many seconds at once."""
        ...


def in_segments(engine: Engine, segment_s: float) -> Engine:
    """Let an engine work on so many seconds at once.

    Raises:
        SettingsError: when there cannot be so many, or the engine decides by itself.
    """
    if not 0 < segment_s <= LONGEST_SEGMENT_S:
        raise SettingsError(f"segment {segment_s:g}: must be more than 0 s and at most {LONGEST_SEGMENT_S} s")
    if not isinstance(engine, Segmented):
        raise SettingsError(
            f"segment {segment_s:g}: the engine for {', '.join(engine.stems)} decides by itself how much it works on"
        )
    return engine.in_segments(segment_s)


def names() -> list[str]:
    """Every engine, by file name, installed or not.

    >>> {"checkpoint", "spleeter", "stacked"} <= set(names())
    True
    """
    return sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_"))


def load(name: str, weights: str | Path | None = None, device: str = "auto") -> Engine:
    """Load an engine.

    Args:
        name: See `names`.
        weights: What it should use; None is what it has by itself, where it has something.
        device: auto, cpu, cuda, …

    Raises:
        UnknownNameError: when there is no such engine.
        MissingExtraError: when it needs a package that is not installed.
        CheckpointError: when its weights cannot be used.
        SettingsError: when this machine has no such device.
    """
    if name not in names():
        raise unknown_name("engine", name, names())
    engine: Engine = import_module(f"{__name__}.{name}").load(weights, device)
    return engine


def weight_files(name: str, weights: str | Path | None = None) -> tuple[Path, ...]:
    """Return the files that an engine has its weights from, none for an engine without weights; nothing is read.

    Raises:
        UnknownNameError: when there is no such engine.
        MissingExtraError: when it needs a package that is not installed.
        CheckpointError: when there are no such weights.
    """
    if name not in names():
        raise unknown_name("engine", name, names())
    find = getattr(import_module(f"{__name__}.{name}"), "weight_files", None)
    return () if find is None else tuple(find(weights))

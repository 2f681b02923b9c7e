"""Which engine is meant by a name: one of `engines.names()`, a released checkpoint, a file or a run folder."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from soundsieve import checkpoint
from soundsieve.errors import unknown_name
from soundsieve.inference import engines
from soundsieve.inference.engines import Engine

TASK = "unmix"
OWN = "checkpoint"  # the engine that runs networks of this package
FALLBACK = "spleeter"  # what is used where no network of this package is released


@dataclass(frozen=True)
class EngineName:
    """What an engine is loaded by, in any process.

    Attributes:
        name: Of the engine.
        weights: What it uses; None is what it has by itself.
        device: Where it runs: auto, cpu, cuda, …
    """

    name: str
    weights: Path | None = None
    device: str = "auto"

    def load(self) -> Engine:
        """Load the engine, or return it where it was the last to be loaded in this process.

        Raises:
            CheckpointError, MissingExtraError, SettingsError: as for `engines.load`.
        """
        return _load(self)

    def digest(self) -> str | None:
        """Return the SHA-256 of its weights, None where it has them by itself."""
        return None if self.weights is None else hashlib.sha256(self.weights.read_bytes()).hexdigest()


def find_engine(model: str | Path | None, device: str = "auto") -> EngineName:
    """Find an engine.

    Args:
        model: An engine, a released name, a checkpoint or a run folder; None is the released model for `unmix` or,
            where there is none, Spleeter.
        device: Where to run it.

    Raises:
        CheckpointError: when a path leads to no checkpoint.
        UnknownNameError: when there is no such name; lists the nearest ones.

    >>> find_engine("spleeter")
    EngineName(name='spleeter', weights=None, device='auto')
    >>> find_engine("spleter")
    Traceback (most recent call last):
    ...
    soundsieve.errors.UnknownNameError: unknown model 'spleter': did you mean 'spleeter'?
    """
    if model is None:
        model = TASK if TASK in checkpoint.released() else FALLBACK
    others = [name for name in engines.names() if name != OWN]
    if model in others:
        return EngineName(str(model), None, device)
    path = Path(model)
    if not (path.exists() or path.suffix or len(path.parts) > 1 or str(model) in checkpoint.released()):
        raise unknown_name("model", str(model), [*others, *_released()])
    return EngineName(OWN, checkpoint.locate(model), device)


@lru_cache(maxsize=1)
def _load(name: EngineName) -> Engine:
    return engines.load(name.name, name.weights, name.device)


def _released() -> list[str]:
    headers = {name: checkpoint.load(path, weights=False) for name, path in checkpoint.released().items()}
    return [name for name, header in headers.items() if header.task == TASK]

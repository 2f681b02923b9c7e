"""Which engine takes a song apart: the one that is named, or the best for what is asked among those that are there."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TypeAlias

from soundsieve import checkpoint
from soundsieve.datasets import ACCOMPANIMENT
from soundsieve.errors import CheckpointError, MissingExtraError, UnknownNameError, unknown_name
from soundsieve.inference import engines
from soundsieve.inference.engines import Engine, spleeter
from soundsieve.inference.engines.checkpoint import RELEASED
from soundsieve.inference.stem_parts import FOUR, TWO

Choice: TypeAlias = tuple[str, Path | None]
"""An engine's name, and what it should use; None is what it has by itself."""

CHECKPOINT, SPLEETER, STACKED = "checkpoint", "spleeter", "stacked"


def choose(model: str | Path | None, needed: Iterable[str]) -> Choice:
    """Choose an engine.

    Args:
        model: An engine, with `:` and its weights where it should not use its own; else a released model, a checkpoint
            or a run folder. None chooses by what is needed.
        needed: The stems that are asked for, as `soundsieve.inference.stem_parts.stem_names` has them.

    Raises:
        UnknownNameError: when a model is neither an engine nor a released model, or, without a model, what is asked for
            is no stem.
        CheckpointError: when a path leads to no checkpoint, or nothing that is there finds four stems.
        MissingExtraError: when nothing that is there finds two.
    """
    if model is not None:
        return named(model)
    return best(needed, with_spleeter=spleeter.is_installed(), with_own=RELEASED in checkpoint.released())


def named(model: str | Path) -> Choice:
    """Read the name of an engine, with or without weights, or of a checkpoint for the engine of that name.

    Raises:
        UnknownNameError, CheckpointError: As for `choose`.

    >>> named("stacked:runs/songs")[0], named("spleeter")
    ('stacked', ('spleeter', None))
    """
    name, _, weights = str(model).partition(":")
    if name in engines.names():
        return name, Path(weights) if weights else None
    try:
        return CHECKPOINT, checkpoint.locate(model)
    except UnknownNameError:
        raise unknown_name("model", str(model), {*checkpoint.released(), *engines.names()}) from None


def best(needed: Iterable[str], *, with_spleeter: bool, with_own: bool) -> Choice:
    """Choose the best of what is there.

    Args:
        needed: As for `choose`.
        with_spleeter: Its weights are installed.
        with_own: Our own network comes with the package.

    Raises:
        UnknownNameError: when something is asked for that is no stem.
        CheckpointError, MissingExtraError: As for `choose`.

    >>> [best([stem], with_spleeter=True, with_own=True) for stem in ("vocals", "drums")]
    [('spleeter', None), ('stacked', None)]
    """
    asked = tuple(needed)
    for name in asked:
        if name not in (*FOUR, ACCOMPANIMENT):
            raise unknown_name("stem", name, (*FOUR, ACCOMPANIMENT))
    if set(asked) <= set(TWO):
        if with_spleeter or with_own:
            return SPLEETER if with_spleeter else CHECKPOINT, None
        raise MissingExtraError(
            "nothing that takes songs apart is installed: pip install 'soundsieve[spleeter]' for vocals and "
            "accompaniment, or train a network (docs/unmix.md) and name it as the model"
        )
    if with_own:
        return STACKED if with_spleeter else CHECKPOINT, None
    two = "or ask for 2 stems" if with_spleeter else "or pip install 'soundsieve[spleeter]' and ask for 2 stems"
    raise CheckpointError(
        "no network for drums, bass and the rest comes with this copy yet: "
        f"train one (docs/unmix.md) and name it as the model, {two}"
    )


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
            CheckpointError, MissingExtraError, SettingsError: As for `engines.load`.
        """
        return _load(self)

    def digest(self) -> str | None:
        """Return the SHA-256 of the weights, those it has by itself or is given; None for an engine without any.

        Raises:
            CheckpointError: when a file of them is missing.
            MissingExtraError: when they are not installed.
        """
        digest, files = hashlib.sha256(), engines.weight_files(self.name, self.weights)
        for path in files:
            try:
                digest.update(hashlib.sha256(path.read_bytes()).digest())
            except OSError as error:
                raise CheckpointError(f"{path}: cannot be read ({error.strerror})") from None
        return digest.hexdigest() if files else None


def find_engine(model: str | Path | None, device: str = "auto") -> EngineName:
    """Find the engine to evaluate: what is named, or the one that takes songs apart by default.

    Raises:
        UnknownNameError, CheckpointError, MissingExtraError: As for `choose`.

    >>> find_engine("spleeter")
    EngineName(name='spleeter', weights=None, device='auto')
    """
    needed = FOUR if RELEASED in checkpoint.released() else TWO
    return EngineName(*choose(model, needed), device)


@lru_cache(maxsize=1)
def _load(name: EngineName) -> Engine:
    return engines.load(name.name, name.weights, name.device)

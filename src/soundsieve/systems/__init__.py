"""The abilities, one file each: they choose and connect the parts; found by file name, which is the name of the task.

The module of a task offers `open_checkpoint(checkpoint, device)`, which gives an object ready to be used. What else is
done with the models of a task has a file of its own with a longer name: `train_select.py`.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module
from pathlib import Path
from typing import Any

from soundsieve import checkpoint
from soundsieve.errors import CheckpointError


def names() -> list[str]:
    """Every task there is a system for.

    >>> "select" in names()
    True
    """
    found = (module.name for module in pkgutil.iter_modules(__path__))
    return sorted(name for name in found if "_" not in name)


def load(name: str | Path, device: str = "auto") -> Any:
    """Load a checkpoint and make it ready for use; see `soundsieve.load`."""
    path = checkpoint.locate(name)
    task = checkpoint.load(path, weights=False).task
    if task not in names():
        raise CheckpointError(f"{path}: made for the task {task!r}; this version knows {', '.join(names())}")
    return import_module(f"{__name__}.{task}").open_checkpoint(checkpoint.load(path), device)

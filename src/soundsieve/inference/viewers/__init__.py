"""What names pictures by ImageNet's 1000 classes: one file a viewer, found by file name.

A viewer's file holds a function `load(weights, device)`. What it needs beyond this package is imported inside, so that
viewers which are not installed can be listed, and `MissingExtraError` says what to install.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from soundsieve.errors import unknown_name

CLASSES = 1000
DEFAULT = "efficientnet-lite0"


class Viewer(Protocol):
    """Names pictures.

    Attributes:
        name: What to call it by in `open_viewer`.
        card: Where its weights are from, their licence, what they were trained on.
    """

    @property
    def name(self) -> str: ...  # noqa: D102 - see the class

    @property
    def card(self) -> Mapping[str, Any]: ...  # noqa: D102

    def logits(self, images: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Name each picture: (height, width, 3) in red, green and blue, of any size → (picture, 1000)."""
        ...


def names() -> list[str]:
    """Every viewer, by file name, installed or not.

    >>> names()
    ['efficientnet_lite0', 'onnx_file', 'resnet152']
    """
    return sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_"))


def load(name: str, weights: str | Path | None = None, device: str = "auto") -> Viewer:
    """Load a viewer.

    Args:
        name: See `names`.
        weights: What it should use; None is what it has by itself, where it has something.
        device: auto, cpu, cuda, …

    Raises:
        UnknownNameError: when there is no such viewer.
        MissingExtraError: when it needs a package that is not installed.
        CheckpointError: when its weights cannot be used.
        DownloadError: when they cannot be fetched.
        SettingsError: when this machine has no such device, or its own settings are wrong.
    """
    if name not in names():
        raise unknown_name("viewer", name, names())
    viewer: Viewer = import_module(f"{__name__}.{name}").load(weights, device)
    return viewer


def open_viewer(choice: str = DEFAULT, device: str = "auto") -> Viewer:
    """Load the viewer that a user's word stands for.

    Args:
        choice: A viewer's name, such as efficientnet-lite0; an .onnx file; or a folder of a classifier that
            transformers has saved, or its name on Hugging Face (OWNER/NAME).
        device: auto, cpu, cuda, …

    Raises:
        SoundsieveError: as `load` does.

    >>> open_viewer("resnet-18")
    Traceback (most recent call last):
    ...
    soundsieve.errors.UnknownNameError: unknown viewer 'resnet-18': did you mean 'resnet152'?
    """
    name = choice.lower().replace("-", "_")
    if name in names():
        return load(name, device=device)
    if Path(choice).suffix.lower() == ".onnx":
        return load("onnx_file", choice, device)
    if "/" in choice or Path(choice).is_dir():
        return load("resnet152", choice, device)
    raise unknown_name("viewer", choice, [name.replace("_", "-") for name in names() if name != "onnx_file"])

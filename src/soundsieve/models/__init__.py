"""Architectures: one file each, tensors in, tensors out; found by file name.

A model file holds one settings class and one `torch.nn.Module`, announced as `SETTINGS` and `MODEL`. Selectors share
one signature: `model(mixture, wanted)` with mixture (batch, 1, time) and wanted (batch, query, class) of zeros and ones
gives (batch, query, time), and carry `stride` (the output follows a shift of the input by multiples of it) and
`context_frames` (samples on each side that can influence one output sample).
"""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from soundsieve.errors import unknown_name

if TYPE_CHECKING:
    from torch import nn

    from soundsieve.settings import Settings


def names() -> list[str]:
    """Every architecture, by file name."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_"))


def settings(name: str, values: Mapping[str, Any]) -> Settings:
    """Parse the hyper-parameters of one architecture.

    Raises:
        UnknownNameError: when there is no such architecture.
        SettingsError: when a hyper-parameter is unknown or out of range.
    """
    parsed: Settings = _module(name).SETTINGS.parse(values)
    return parsed


def build(name: str, values: Mapping[str, Any], classes: int) -> nn.Module:
    """Build one architecture with untrained weights for a number of classes."""
    model: nn.Module = _module(name).MODEL(settings(name, values), classes)
    return model


def _module(name: str) -> Any:
    if name not in names():
        raise unknown_name("model", name, names())
    return import_module(f"{__name__}.{name}")

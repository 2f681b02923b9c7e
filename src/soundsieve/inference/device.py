"""Where a network runs."""

from __future__ import annotations

import torch

from soundsieve.errors import SettingsError


def pick_device(name: str = "auto") -> torch.device:
    """Choose a device; `auto` is the first of cuda, mps and cpu that this machine has.

    Raises:
        SettingsError: when the name means nothing to torch, or the device is not there.

    >>> pick_device("cpu")
    device(type='cpu')
    """
    present = _present()
    if name == "auto":
        return torch.device(present[0])
    try:
        device = torch.device(name)
    except RuntimeError:
        device = None
    if device is None or device.type not in present or (device.index or 0) >= _count(device.type):
        raise SettingsError(f"device {name!r}: this machine has {', '.join(present)} (or say auto)")
    return device


def _present() -> list[str]:
    found = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    return [name for name, available in found.items() if available]


def _count(kind: str) -> int:
    return torch.cuda.device_count() if kind == "cuda" else 1

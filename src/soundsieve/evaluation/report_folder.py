"""The folder of a report: report.json and pictures, not written over another one by accident."""

from __future__ import annotations

import importlib.util
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from soundsieve.errors import MissingExtraError, OutputError

REPORT_FILE = "report.json"


def write_report(folder: Path, values: Mapping[str, Any], pictures: Mapping[str, bytes]) -> list[Path]:
    """Write report.json and pictures (name → PNG), each whole or not at all.

    Raises:
        OutputError: when the folder cannot be written.
    """
    text = json.dumps(values, indent=1, ensure_ascii=False, allow_nan=False)
    files = {REPORT_FILE: text.encode(), **pictures}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            temporary = folder / f".{name}.part"
            temporary.write_bytes(content)
            temporary.replace(folder / name)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be written ({error.strerror})") from None
    return [folder / name for name in files]


def check_folder(folder: Path, *, force: bool) -> None:
    """Refuse a report folder before an hour is spent on the report.

    Raises:
        OutputError: when it is no folder, cannot be written, or holds a report already and `force` is not set.
        MissingExtraError: when matplotlib, which draws the figures, is not installed.
    """
    if importlib.util.find_spec("matplotlib") is None:
        raise MissingExtraError("figures need matplotlib: pip install 'soundsieve[train]'")
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder}: is a file; name a folder for the report")
    nearest = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    if not (nearest.is_dir() and os.access(nearest, os.W_OK)):
        raise OutputError(f"{folder}: a report cannot be written there, {nearest} is not a folder that can be written")
    if (folder / REPORT_FILE).exists() and not force:
        raise OutputError(f"{folder}: holds a report already; choose another folder or --force")

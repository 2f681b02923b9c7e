"""How the two results of a selection are called."""

from __future__ import annotations

from pathlib import Path


def output_paths(recording: str | Path, folder: str | Path, suffix: str = "wav") -> tuple[Path, Path]:
    """Name the two results of a recording: what was asked for and the rest.

    Args:
        recording: Its name is used, its folder is not.
        folder: Where the results go.
        suffix: Type of the results, with or without its dot.

    >>> [path.name for path in output_paths("field/street.mp4", "out")]
    ['street.selected.wav', 'street.rest.wav']
    """
    stem, suffix = Path(recording).stem, suffix.removeprefix(".")
    return Path(folder) / f"{stem}.selected.{suffix}", Path(folder) / f"{stem}.rest.{suffix}"

"""Your own background noises: every recording in a folder and its sub-folders.

Provenance and licence are yours.
Layout::

    my_noises/street.wav            a recording on its own
    my_noises/market__1.wav         belongs to the group `market`: the part of the name before `__`
    my_noises/market/1.wav          belongs to the group `market`: the folder it is in

All have the label `noise` and the part `all`; suffixes and hidden files are treated as in `folder`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

from soundsieve.datasets.check import Check, examine
from soundsieve.datasets.clip import Clip
from soundsieve.datasets.folder import group_of
from soundsieve.datasets.layout import AUDIO_SUFFIXES, audio_below, require_folder
from soundsieve.errors import DatasetError

NAME: Final = "noise_folder"
ROLE: Literal["events", "noise"] = "noise"
LICENCE = "yours"
CITATION = "Your own recordings."
URL = ""
CHECKSUMS: dict[str, str] = {}


def clips(root: Path) -> list[Clip]:
    """List the recordings in `root` and below; see `datasets.Dataset.clips`.

    Raises:
        DatasetError: the folder is missing or has no recordings.
    """
    found = audio_below(require_folder(root, "noises"))
    if not found:
        raise DatasetError(f"{root}: no recordings here; expected files {', '.join(sorted(AUDIO_SUFFIXES))}")
    return [Clip(path, ("noise",), group_of(path, root, root), part="all") for path in found]


def check(root: Path) -> Check:
    """Say which recordings in `root` cannot be read; see `datasets.Dataset.check`."""
    found = clips(root)
    return examine(NAME, root, [clip.path for clip in found], expected=len(found))

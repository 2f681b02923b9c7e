"""Your own sounds: one sub-folder a class, the folder's name is the label.

Provenance and licence are yours. For background noises without classes see `noise_folder`.
Layout::

    my_sounds/dog/bark.wav              a recording on its own
    my_sounds/dog/kitchen__bark.wav     belongs to the group `kitchen`: the part of the name before `__`
    my_sounds/dog/kitchen/bark.wav      belongs to the group `kitchen`: the folder inside the class
    my_sounds/groups.csv                file,group: if it is there, it says for the recordings it names

Recordings of one group (one take, one place, one evening) are never divided between training and testing; a group
may span several classes. Suffixes count whatever their case, hidden files and folders are skipped. The part is `all`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

from soundsieve.datasets.check import Check, examine
from soundsieve.datasets.clip import Clip, label_name
from soundsieve.datasets.layout import AUDIO_SUFFIXES, audio_below, is_audio, read_rows, require_folder
from soundsieve.errors import DatasetError

NAME: Final = "folder"
ROLE: Literal["events", "noise"] = "events"
LICENCE = "yours"
CITATION = "Your own recordings."
URL = ""
GROUPS_FILE = "groups.csv"
CHECKSUMS: dict[str, str] = {}


def clips(root: Path) -> list[Clip]:
    """List the recordings in the sub-folders of `root`; see `datasets.Dataset.clips`.

    Raises:
        DatasetError: the folder is missing, has no sub-folder with recordings, two sub-folders have one label, or
            groups.csv cannot be read or names a recording that is not there.
    """
    require_folder(root, "sounds")
    named = _named_groups(root)
    found: list[Clip] = []
    folder_of: dict[str, str] = {}
    for folder in sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith(".")):
        label = label_name(folder.name)
        recordings = audio_below(folder)
        if not recordings:
            continue
        if not label:
            raise DatasetError(f"{folder}: the folder's name has no letter or digit; expected the name of a class")
        if label in folder_of:
            raise DatasetError(f"{root}: folders {folder_of[label]!r} and {folder.name!r} are both the class {label!r}")
        folder_of[label] = folder.name
        for path in recordings:
            group = named.pop(path.relative_to(root).as_posix(), "") or group_of(path, folder, root)
            found.append(Clip(path, (label,), group, part="all"))
    if not found:
        suffixes = ", ".join(sorted(AUDIO_SUFFIXES))
        raise DatasetError(f"{root}: no sub-folder with recordings; expected one a class with files {suffixes}")
    if named:
        raise DatasetError(f"{root / GROUPS_FILE}: {next(iter(named))!r} is no recording in a class folder here")
    return sorted(found, key=lambda clip: clip.path)


def _named_groups(root: Path) -> dict[str, str]:
    """Recording → group, as the table says, if there is one."""
    table = root / GROUPS_FILE
    if not table.is_file():
        return {}
    return {Path(row["file"]).as_posix(): row["group"] for row in read_rows(table, ("file", "group"))}


def check(root: Path) -> Check:
    """Say which recordings in `root` cannot be read; see `datasets.Dataset.check`."""
    found = clips(root)
    loose = [path.name for path in sorted(root.iterdir()) if path.is_file() and is_audio(path)]
    notes = [f"{len(loose)} outside a class folder, left out ({loose[0]} first)"] if loose else []
    return examine(NAME, root, [clip.path for clip in found], expected=len(found), notes=notes)


def group_of(path: Path, folder: Path, root: Path) -> str:
    """Return the group of a recording: a folder between it and `folder`, its name before `__`, or itself.

    >>> group_of(Path("my/dog/kitchen/1.wav"), Path("my/dog"), Path("my"))
    'kitchen'
    >>> group_of(Path("my/dog/kitchen__1.wav"), Path("my/dog"), Path("my"))
    'kitchen'
    >>> group_of(Path("my/dog/1.wav"), Path("my/dog"), Path("my"))
    'dog/1.wav'
    """
    inside = path.relative_to(folder)
    if len(inside.parts) > 1:
        return inside.parts[0]
    prefix, separator, _ = path.stem.partition("__")
    return prefix if separator and prefix else path.relative_to(root).as_posix()

"""Your own videos: any folder of them, with or without the objects that are in them.

Provenance and licence are yours.
Layout::

    my_videos/holiday.mp4               nothing is known about what is in it
    my_videos/garden/evening.mp4        belongs to the group `garden`: the first folder on the way to it
    my_videos/violin/concert.mp4        in a folder named after one of the 23 objects that object is known to be in it
    my_videos/violin+piano/duo.mp4      or several

Learning `watch` takes no labels, so most folders will have none. Pieces of one recording or one place belong into a
folder of their own, as the leakage group is the folder inside `my_videos`, and otherwise the file itself; inside a
folder that is named after objects, it is the next folder or the file. The part is drawn from the group's name: `train`
for 80 %, `validation` and `test` for 10 % each; the folders train/, validation/ and test/ say it themselves. Hidden
files and folders are skipped.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

from soundsieve.datasets.check import Check
from soundsieve.datasets.clip import label_name
from soundsieve.datasets.layout import require_folder
from soundsieve.datasets.object_groups import NAMES
from soundsieve.datasets.video import PARTS, VIDEO_SUFFIXES, Video, VideoListing, examine_videos, part_of, videos_below
from soundsieve.errors import DatasetError

NAME: Final = "video_folder"
ROLE: Literal["videos"] = "videos"
LICENCE = "yours"
CITATION = "Your own videos."
URL = ""
CHECKSUMS: dict[str, str] = {}
SHARES = {"train": 0.8, "validation": 0.1, "test": 0.1}


def videos(root: Path) -> VideoListing:
    """List the videos below `root`; see `datasets.VideoDataset.videos`. None is ever missing.

    Raises:
        DatasetError: the folder is missing or has no video.
    """
    paths = videos_below(require_folder(root, "videos"))
    if not paths:
        raise DatasetError(f"{root}: no videos here; expected files {', '.join(sorted(VIDEO_SUFFIXES))}")
    found: list[Video] = []
    taken: set[str] = set()
    for path in paths:
        part, labels, group = _read_path(path.relative_to(root))
        found.append(Video(path, _free_name(path, root, taken), labels, group, part or part_of(group, SHARES)))
    return VideoListing(found, [])


def check(root: Path) -> Check:
    """Say which videos in `root` cannot be read or have no sound; see `datasets.VideoDataset.check`."""
    return examine_videos(NAME, root, videos(root))


def objects_in(folder: str) -> tuple[str, ...]:
    """Return the objects that a folder is named after, sorted, or none where it has another name.

    >>> objects_in("Violin+Piano"), objects_in("French horn"), objects_in("my violin")
    (('piano', 'violin'), ('french_horn',), ())
    """
    names = {label_name(name) for name in folder.split("+")}
    return tuple(sorted(names)) if names <= set(NAMES) else ()


def _read_path(inside: Path) -> tuple[str, tuple[str, ...], str]:
    """Return the part that the folders say, or nothing; the objects; and the group."""
    folders = list(inside.parts[:-1])
    part = folders.pop(0) if folders and folders[0] in PARTS else ""
    labels = objects_in(folders[0]) if folders else ()
    group = folders[1:2] if labels else folders[:1]
    return part, labels, group[0] if group else inside.as_posix()


def _free_name(path: Path, root: Path, taken: set[str]) -> str:
    """Return the file's name without suffix, with its folders before it or a number behind it if that is taken."""
    flat = "__".join(path.relative_to(root).with_suffix("").parts)
    numbered = (f"{flat}-{number}" for number in range(2, len(taken) + 3))
    name = next(name for name in (path.stem, flat, *numbered) if name.casefold() not in taken)
    taken.add(name.casefold())
    return name

"""Finding songs with stems by a folder or by the name of a data set, whichever is given."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from soundsieve.datasets import get_songs, musdb18, musdb18hq, song_names, stems
from soundsieve.datasets.musdb18 import FOLDERS, SUFFIX, published
from soundsieve.datasets.song import Song
from soundsieve.errors import DatasetError, SettingsError

HOME = Path("data")
"""Where a data set that is given by its name is looked for."""

ALL = "all"


@dataclass(frozen=True)
class FoundSongs:
    """A copy of a data set of songs.

    Attributes:
        name: Of the data set.
        root: Its folder.
        songs: What is in it.
    """

    name: str
    root: Path
    songs: tuple[Song, ...]

    def of_part(self, part: str) -> tuple[Song, ...]:
        """Return the songs of a part; `all` is every one, and songs that belong to no part are of any.

        Raises:
            SettingsError: there is none; the message names the parts there are.
        """
        chosen = tuple(song for song in self.songs if part == ALL or song.part in {part, ALL})
        if not chosen:
            parts = ", ".join(dict.fromkeys(song.part for song in self.songs))
            raise SettingsError(f"part {part!r}: {self.root} has no such songs, only {parts}; {ALL} takes every one")
        return chosen


def find_songs(data: Path) -> FoundSongs:
    """List the songs in a folder, whatever their layout, or in the copy of a data set.

    Args:
        data: A folder: of MUSDB18, of MUSDB18-HQ, of your own songs (see `datasets.stems`), or one that holds one of
            them under its name; or, if there is no such folder, the name of a data set which lies in `data/`.

    Raises:
        DatasetError: there is no such folder, or no songs are in it.
    """
    if not data.is_dir() and str(data) in song_names():
        if not (HOME / data).is_dir():
            raise DatasetError(f"{data}: there is no folder {data} or {HOME / data}; name the one that holds the songs")
        return _listed(str(data), HOME / data)
    if data.is_dir():
        inside = [name for name in song_names() if (data / name).is_dir()]
        if len(inside) == 1 and not any((data / folder).is_dir() for folder in FOLDERS):
            return _listed(inside[0], data / inside[0])
    return _listed(_layout(data), data)


def _listed(name: str, root: Path) -> FoundSongs:
    return FoundSongs(name, root, tuple(get_songs(name).songs(root)))


def _layout(root: Path) -> str:
    """Say which data set a folder is laid out as."""
    for folder in FOLDERS:
        there = list((root / folder).iterdir()) if (root / folder).is_dir() else []
        if any(path.name.lower().endswith(SUFFIX) for path in there):
            return musdb18.NAME
        if any(path.name in published() for path in there):
            return musdb18hq.NAME
    return stems.NAME

"""Data sets, one file each: file name = name of the data set, found by looking into this folder.

A data set is a module with the attributes of `Dataset`, of `SongDataset` where it holds songs with their stems, or of
`VideoDataset` where it holds videos.
Adding one is adding a file; nothing else is edited.
"""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path
from types import ModuleType
from typing import Literal, Protocol, cast

from soundsieve.datasets.check import Check
from soundsieve.datasets.clip import Clip, label_name
from soundsieve.datasets.song import ACCOMPANIMENT, STEMS, VOCALS, Place, Song
from soundsieve.datasets.splits import leaks, split_by_fraction, split_by_part
from soundsieve.datasets.video import Video, VideoListing
from soundsieve.errors import DatasetError, unknown_name

__all__ = [
    "ACCOMPANIMENT",
    "STEMS",
    "VOCALS",
    "Check",
    "Clip",
    "Dataset",
    "Place",
    "Song",
    "SongDataset",
    "Video",
    "VideoDataset",
    "VideoListing",
    "check_copy",
    "get",
    "get_songs",
    "get_videos",
    "label_name",
    "leaks",
    "listed",
    "names",
    "song_names",
    "split_by_fraction",
    "split_by_part",
    "video_names",
]


class Dataset(Protocol):
    """What the module of a data set offers.

    Attributes:
        NAME: the name of the module.
        ROLE: `events` are sounds to be found or separated, `noise` is what they are heard against.
        LICENCE: the licence of the whole set, or where to find that of each recording.
        CITATION: the publication to cite.
        URL: where the set is published.
        CHECKSUMS: the published MD5 of each archive by its file name, empty where none is known.

    A module whose groups are those of other data sets too, Freesound's numbers for example, says so in an attribute
    `GROUPS`: data sets with the same one are divided together.
    """

    NAME: str
    ROLE: Literal["events", "noise"]
    LICENCE: str
    CITATION: str
    URL: str
    CHECKSUMS: dict[str, str]

    def clips(self, root: Path) -> list[Clip]:
        """List the recordings of the copy in the folder `root`, ordered by path, without opening any.

        Raises:
            DatasetError: the folder is missing, not laid out as published, or lacks files that its table names.
        """
        ...

    def check(self, root: Path) -> Check:
        """Say what the copy in the folder `root` lacks and which recordings cannot be read.

        Raises:
            DatasetError: the folder is missing or not laid out as published.
        """
        ...


class SongDataset(Protocol):
    """What the module of a data set of songs offers; its attributes are those of `Dataset`."""

    NAME: str
    ROLE: Literal["songs"]
    LICENCE: str
    CITATION: str
    URL: str
    CHECKSUMS: dict[str, str]

    def songs(self, root: Path) -> list[Song]:
        """List the songs of the copy in the folder `root`, ordered by path, without opening any.

        Raises:
            DatasetError: the folder is missing or not laid out as published, or a song in it is not complete.
        """
        ...

    def check(self, root: Path) -> Check:
        """Say which songs and stems the copy in the folder `root` lacks and which cannot be read.

        Raises:
            DatasetError: the folder is missing or not laid out as published.
        """
        ...


class VideoDataset(Protocol):
    """What the module of a data set of videos offers; its attributes are those of `Dataset`."""

    NAME: str
    ROLE: Literal["videos"]
    LICENCE: str
    CITATION: str
    URL: str
    CHECKSUMS: dict[str, str]

    def videos(self, root: Path) -> VideoListing:
        """List the videos of the copy in the folder `root`, ordered by path, without opening any, and what is missing.

        Raises:
            DatasetError: the folder is missing or not laid out as published.
        """
        ...

    def check(self, root: Path) -> Check:
        """Say which videos the copy in the folder `root` lacks and which cannot be read.

        Raises:
            DatasetError: the folder is missing or not laid out as published.
        """
        ...


def names() -> list[str]:
    """Return the names of all data sets of clips in alphabetical order.

    >>> "esc50" in names(), "musdb18" in names()
    (True, False)
    """
    return _offering("clips")


def song_names() -> list[str]:
    """Return the names of all data sets of songs in alphabetical order.

    >>> "musdb18" in song_names()
    True
    """
    return _offering("songs")


def video_names() -> list[str]:
    """Return the names of all data sets of videos in alphabetical order.

    >>> video_names()
    ['audioset', 'made_videos', 'video_folder']
    """
    return _offering("videos")


def get(name: str) -> Dataset:
    """Return the data set of clips of that name.

    Raises:
        UnknownNameError: there is none; the message lists the nearest names.
        DatasetError: that data set holds songs or videos.

    >>> get("esc50").ROLE
    'events'
    >>> get("esc5")
    Traceback (most recent call last):
    ...
    soundsieve.errors.UnknownNameError: unknown data set 'esc5': did you mean 'esc50' or 'esc10'?
    """
    if name in song_names():
        raise DatasetError(f"{name}: holds songs with their stems; expected a data set of single sounds")
    if name in video_names():
        raise DatasetError(f"{name}: holds videos; expected a data set of single sounds")
    return cast(Dataset, _module(name, names()))


def get_songs(name: str) -> SongDataset:
    """Return the data set of songs of that name.

    Raises:
        UnknownNameError: there is none; the message lists the nearest names.
        DatasetError: that data set holds single sounds or videos.

    >>> get_songs("musdb18").ROLE
    'songs'
    """
    if name in names():
        raise DatasetError(f"{name}: holds single sounds; expected a data set of songs with their stems")
    if name in video_names():
        raise DatasetError(f"{name}: holds videos; expected a data set of songs with their stems")
    return cast(SongDataset, _module(name, song_names()))


def get_videos(name: str) -> VideoDataset:
    """Return the data set of videos of that name.

    Raises:
        UnknownNameError: there is none; the message lists the nearest names.
        DatasetError: that data set holds single sounds or songs.

    >>> get_videos("audioset").ROLE
    'videos'
    """
    if name in (*names(), *song_names()):
        raise DatasetError(f"{name}: holds sounds without pictures; expected a data set of videos")
    return cast(VideoDataset, _module(name, video_names()))


def check_copy(name: str, root: Path) -> Check:
    """Say what a copy of a data set of any kind lacks and what in it cannot be read.

    Raises:
        UnknownNameError: there is no such data set; the message lists the nearest names.
        DatasetError: the folder is missing or not laid out as published.
    """
    module = cast(Dataset | SongDataset | VideoDataset, _module(name, [*names(), *song_names(), *video_names()]))
    return module.check(root)


def _offering(function: str) -> list[str]:
    found = (module.name for module in pkgutil.iter_modules(__path__))
    modules = ((name, importlib.import_module(f"{__name__}.{name}")) for name in found)
    return sorted(name for name, module in modules if hasattr(module, "ROLE") and hasattr(module, function))


def _module(name: str, known: list[str]) -> ModuleType:
    if name not in known:
        raise unknown_name("data set", name, known)
    return importlib.import_module(f"{__name__}.{name}")


def listed(name: str, root: Path) -> list[Clip]:
    """List what the table of a copy names, its recordings there or not; without a table, the recordings there are.

    A data set with a table offers this as an optional function `listed(root)`, beside those of `Dataset`.

    Raises:
        UnknownNameError: there is no such data set.
        DatasetError: as for `Dataset.clips`, except for recordings that are missing.
    """
    module = get(name)
    found: list[Clip] = getattr(module, "listed", module.clips)(root)
    return found

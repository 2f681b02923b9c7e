"""One video of a data set: where its piece lies, which objects are known to be in it, and what must stay with it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from soundsieve.datasets.check import Check, examine

PARTS: Final = ("train", "validation", "test")
VIDEO_SUFFIXES: Final = frozenset({
    ".3gp", ".avi", ".flv", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".ogv", ".ts", ".webm", ".wmv",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Video:
    """A video, or a piece of one, known by its file; listing a data set never opens it.

    Attributes:
        path: the file.
        name: of the piece, different from that of every other one of the data set; may be used as a file's name.
        labels: the objects known to be in it, sorted, of `object_groups.NAMES` where the data set is about those;
            empty where nothing is known.
        group: the leakage group: pieces of one group come from one video, place or recording, so they may never be
            divided between training and testing.
        part: `train`, `validation` or `test`.
        start_s: where the piece begins in the file.
        duration_s: how long it is; None is up to the end of the file.

    >>> Video(Path("clips/abc_30.mp4"), "abc_30", ("dog",), group="abc", part="train").labels
    ('dog',)
    """

    path: Path
    name: str
    labels: tuple[str, ...]
    group: str
    part: str
    start_s: float = 0.0
    duration_s: float | None = None

    @property
    def order(self) -> tuple[str, ...]:
        """What videos are sorted by."""
        return (self.path.as_posix(), f"{self.start_s:012.3f}", self.name)


@dataclass(frozen=True, slots=True)
class VideoListing:
    """The videos of a copy, ordered by path, and the names of those that should be there and are not."""

    videos: list[Video]
    missing: list[str]


def part_of(group: str, shares: Mapping[str, float]) -> str:
    """Return the part of a leakage group, drawn from its name alone, so that it stays when other videos come or go.

    Args:
        group: the leakage group.
        shares: the share of each part; they add up to 1.

    >>> [part_of(name, {"train": 0.8, "validation": 0.1, "test": 0.1}) for name in ("kitchen", "garden", "barn")]
    ['train', 'train', 'validation']
    """
    drawn = int.from_bytes(hashlib.sha256(group.encode()).digest()[:8], "big") / 2**64
    reached = 0.0
    for part, share in shares.items():
        reached += share
        if drawn < reached:
            return part
    return list(shares)[-1]  # the sum of the shares may fall short of 1 by a rounding


def is_video(path: Path) -> bool:
    """Say whether a name is that of a video file that is not hidden; the file is not opened.

    >>> is_video(Path("a/Dog.MP4")), is_video(Path("a/._Dog.mp4")), is_video(Path("dog.wav"))
    (True, False, False)
    """
    return path.suffix.lower() in VIDEO_SUFFIXES and not path.name.startswith(".")


def videos_below(folder: Path) -> list[Path]:
    """Return the video files in `folder` and its sub-folders, sorted, without hidden files and folders."""
    return sorted(
        path
        for path in folder.rglob("*")
        if is_video(path)
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        and path.is_file()
    )


def without_copies(paths: Sequence[Path], labels: Iterable[str]) -> list[Path]:
    """Leave out copies with the sound of one object that `watch --remux` has written beside their videos.

    Args:
        paths: Videos.
        labels: What stands in a copy's name between the video's and its suffix.

    >>> paths = [Path("duo.mov"), Path("duo.violin.mov"), Path("solo.violin.mp4"), Path("duo.second take.mov")]
    >>> [path.name for path in without_copies(paths, ["violin", "dog"])]
    ['duo.mov', 'solo.violin.mp4', 'duo.second take.mov']
    """
    endings, videos = {f".{label}" for label in labels}, {*paths, *(path.with_suffix("") for path in paths)}
    named = [(path, path.with_suffix("")) for path in paths]
    return [path for path, name in named if name.suffix not in endings or name.with_suffix("") not in videos]


def examine_videos(name: str, root: Path, listing: VideoListing, *, notes: Iterable[str] = ()) -> Check:
    """Decode the sound of every video: one that is broken, or has no sound, is damaged.

    Args:
        name: the data set.
        root: its folder; files are named relative to it.
        listing: what is there and what is not.
        notes: passed on.
    """
    paths = {video.path for video in listing.videos}
    found = examine(name, root, paths, expected=len(paths) + len(listing.missing), missing=listing.missing, notes=notes)
    return replace(found, unit="videos")

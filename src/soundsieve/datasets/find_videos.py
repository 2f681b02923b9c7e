"""Finding videos by files, folders, or copies of data sets, whichever are given."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from soundsieve.datasets import get_videos, made_videos, video_folder, video_names
from soundsieve.datasets.object_groups import NAMES
from soundsieve.datasets.video import Video, part_of, without_copies
from soundsieve.errors import DatasetError, SettingsError


@dataclass(frozen=True)
class FoundVideos:
    """Videos of one or several places.

    Attributes:
        videos: In the order of the places, each piece of a file once; all have names of their own.
        missing: Videos that a data set's tables name and that are not there.
        tracks: Of made videos: video → label → its true track.
    """

    videos: tuple[Video, ...]
    missing: tuple[str, ...]
    tracks: Mapping[Path, Mapping[str, Path]]


def find_videos(places: Sequence[str | Path]) -> FoundVideos:
    """List the videos at some places.

    Args:
        places: Each a video; a folder of videos, whatever it is called (made videos are known by their `made.json`); or
            the name of a data set, a colon and the folder of its copy, such as `audioset:/data/audioset`. In a folder
            of your own, copies that `watch --remux` has written beside their videos do not count.

    Raises:
        DatasetError: there is no such file or folder, no video is in it, the copy is not as it should be, or all of
            its videos are missing.
        SettingsError: no place is given.
        UnknownNameError: there is no such data set.
    """
    videos: list[Video] = []
    missing: list[str] = []
    tracks: dict[Path, Mapping[str, Path]] = {}
    for place in places:
        kind, root = _read(str(place))
        if kind is None:
            if not root.is_file():
                raise DatasetError(f"{root}: there is no such file or folder")
            group = root.resolve().as_posix()
            videos.append(Video(root, root.stem, (), group, part_of(group, video_folder.SHARES)))
            continue
        listing = get_videos(kind).videos(root)
        own = {video.path for video in listing.videos}
        if kind == video_folder.NAME:
            own = set(without_copies(sorted(own), NAMES))
        videos += [video for video in listing.videos if video.path in own]
        missing += listing.missing
        if kind == made_videos.NAME:
            tracks |= {made.video.path: made.tracks for made in made_videos.truths(root)}
    if missing and not videos:
        raise DatasetError(
            f"{', '.join(map(str, places))}: all {len(missing)} videos are missing, {missing[0]} for one"
        )
    if not videos:
        raise SettingsError("no video is given")
    return FoundVideos(tuple(_named_apart(_once(videos))), tuple(missing), tracks)


def _read(place: str) -> tuple[str | None, Path]:
    """Return the data set and the folder of a place; no data set for a file."""
    kind, colon, rest = place.partition(":")
    if colon and kind in video_names():
        return kind, Path(rest)
    root = Path(place)
    if not root.is_dir():
        return None, root
    return (made_videos.NAME if (root / made_videos.MANIFEST).is_file() else video_folder.NAME), root


def _once(videos: Iterable[Video]) -> Iterable[Video]:
    """Leave out what was found before: in two groups, a video could be learned from and tested on."""
    found: set[tuple[Path, float]] = set()
    for video in videos:
        piece = video.path.resolve(), video.start_s
        if piece not in found:
            found.add(piece)
            yield video


def _named_apart(videos: Iterable[Video]) -> Iterable[Video]:
    """Number videos of several places that share a name."""
    taken: set[str] = set()
    for video in videos:
        name, number = video.name, 2
        while name.casefold() in taken:
            name, number = f"{video.name}-{number}", number + 1
        taken.add(name.casefold())
        yield replace(video, name=name)

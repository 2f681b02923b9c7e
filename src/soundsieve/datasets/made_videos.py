"""Made videos: pictures and sounds of the 23 objects put together, each with the true track of every object.

Provenance: made by `python -m soundsieve.recipes.watch.made` out of public packages and data sets; `LICENCES.md` in the
folder names them.
Layout::

    made.json                           settings, and for each video what is seen and heard and where it is from
    train/0007.mkv                      10 s, the picture and a mono sound of 48 kHz, lossless
    train/0007.violin.flac              the true track of an object, as long as the sound
    train/0007.unseen.flac              what is heard and not seen, if there is such a thing
    validation/…  test/…

The tracks add up to the sound of the video, sample by sample. The labels are what is seen, whether it sounds or not.
The leakage group is the video: the parts share neither pictures nor sounds, and within a part the same ones come again
and again. The part is the folder. A video that made.json names and that is not there yet is missing.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from soundsieve.datasets.check import Check
from soundsieve.datasets.layout import require_folder
from soundsieve.datasets.video import PARTS, Video, VideoListing, examine_videos
from soundsieve.errors import DatasetError

NAME: Final = "made_videos"
ROLE: Literal["videos"] = "videos"
LICENCE = "see LICENCES.md in the folder"
CITATION = "Videos put together by the recipe watch/made."
URL = ""
CHECKSUMS: dict[str, str] = {}
MANIFEST: Final = "made.json"
FORMAT: Final = "soundsieve-made-1"
UNSEEN: Final = "unseen"
SUFFIX: Final = ".mkv"


@dataclass(frozen=True, slots=True)
class Made:
    """A made video with its truth.

    Attributes:
        video: the video.
        sounding: the objects that are heard, sorted; each has a track. May lack some of the video's labels.
        tracks: object → its track; `unseen` is what is heard and not seen.
    """

    video: Video
    sounding: tuple[str, ...]
    tracks: dict[str, Path]


def videos(root: Path) -> VideoListing:
    """List the made videos in `root`; see `datasets.VideoDataset.videos`.

    Raises:
        DatasetError: the folder is missing, or made.json is or cannot be read.
    """
    found, missing = _listing(root)
    return VideoListing([made.video for made in found], missing)


def truths(root: Path) -> list[Made]:
    """List the made videos in `root` with their true tracks, ordered by path.

    Raises:
        DatasetError: as for `videos`, or a track is missing.
    """
    found, _ = _listing(root)
    for made in found:
        for path in made.tracks.values():
            if not path.is_file():
                raise DatasetError(f"{path}: this track of a made video is missing")
    return found


def check(root: Path) -> Check:
    """Say which videos `root` lacks and which cannot be read; see `datasets.VideoDataset.check`."""
    found, missing = _listing(root)
    lost = [
        track.relative_to(root).as_posix() for made in found for track in made.tracks.values() if not track.is_file()
    ]
    return examine_videos(NAME, root, VideoListing([made.video for made in found], [*missing, *sorted(lost)]))


def _listing(root: Path) -> tuple[list[Made], list[str]]:
    manifest = require_folder(root, "made videos") / MANIFEST
    found, missing = [], []
    for row in _rows(manifest):
        made = _made(root, manifest, row)
        if made.video.path.is_file():
            found.append(made)
        else:
            missing.append(made.video.path.relative_to(root).as_posix())
    return sorted(found, key=lambda made: made.video.order), sorted(missing)


def _made(root: Path, manifest: Path, row: dict[str, Any]) -> Made:
    try:
        name, part = str(row["name"]), str(row["part"])
        seen = tuple(sorted(str(label) for label in row["seen"]))
        heard = tuple(str(label) for label in row["heard"])
        duration_s = float(row["duration_s"])
    except (KeyError, TypeError, ValueError) as error:
        raise DatasetError(f"{manifest}: a video in it cannot be understood ({error!r})") from None
    if part not in PARTS or Path(name).name != name:
        raise DatasetError(
            f"{manifest}: {name!r} in {part!r} is no video; expected a name in one of {', '.join(PARTS)}"
        )
    video = Video(root / part / f"{name}{SUFFIX}", name, seen, name, part, 0.0, duration_s)
    tracks = {label: root / part / f"{name}.{label}.flac" for label in heard}
    return Made(video, tuple(sorted(label for label in heard if label != UNSEEN)), tracks)


def _rows(manifest: Path) -> list[dict[str, Any]]:
    try:
        content = json.loads(manifest.read_text(encoding="utf-8"))
    except OSError as error:
        raise DatasetError(f"{manifest}: {error.strerror or error}; expected the folder of made videos") from None
    except ValueError as error:
        raise DatasetError(f"{manifest}: not valid JSON ({error})") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT or not isinstance(content.get("videos"), list):
        raise DatasetError(f"{manifest}: not a list of made videos; expected the format {FORMAT!r}")
    rows: list[dict[str, Any]] = content["videos"]
    return rows

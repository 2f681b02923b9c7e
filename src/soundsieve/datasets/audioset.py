r"""AudioSet: pieces of 10 s of YouTube videos, with the objects to be seen and heard in them.

Provenance: 2,084,320 pieces labelled by listeners at Google; published as YouTube ids and times in three tables, the
videos themselves are for everyone to fetch. Only the pieces with one of the 23 objects of `object_groups` are listed.
Layout, in the folder itself or in one inside it::

    balanced_train_segments.csv     # comments, then rows of YTID, start_seconds, end_seconds, "mid,mid"
    unbalanced_train_segments.csv
    eval_segments.csv               any of the three
    anything/below/*.mp4            the pieces, already cut, in any folders (of a split, of a label), any video format

A piece is named as one of the programs that fetch AudioSet does: YTID, then nothing, or `_` or `-` and the start, or
start and end, in seconds (30, 30.000, 30.0) or milliseconds (30000); before the id there may be a Y, or `video_`. Of
two files of one piece the first path counts. Much of AudioSet is no longer on YouTube, so pieces that are not there
are counted as missing and nothing else.

The leakage group is the YouTube id. The part is `test` for the table eval, whatever else holds the id; of the other
two `validation` for 4 % of the ids, drawn from the id alone, and `train` for the rest. Gao, Feris and Grauman's
division is not published as a list; the one known to have been used, of 180,477, 7,520 and 2,329 pieces, has the same
share of validation.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from soundsieve.datasets.check import Check
from soundsieve.datasets.layout import require_folder
from soundsieve.datasets.object_groups import AUDIOSET_MIDS
from soundsieve.datasets.video import Video, VideoListing, examine_videos, part_of, videos_below
from soundsieve.errors import DatasetError

NAME: Final = "audioset"
ROLE: Literal["videos"] = "videos"
LICENCE = "CC BY 4.0 for the tables; each video has its own"
CITATION = """@inproceedings{gemmeke2017audioset,
  author = {Gemmeke, Jort F. and Ellis, Daniel P. W. and Freedman, Dylan and Jansen, Aren and Lawrence, Wade and
            Moore, R. Channing and Plakal, Manoj and Ritter, Marvin},
  title = {Audio Set: An ontology and human-labeled dataset for audio events},
  booktitle = {IEEE International Conference on Acoustics, Speech and Signal Processing (ICASSP)},
  year = {2017}, pages = {776--780}, doi = {10.1109/ICASSP.2017.7952261}
}"""
URL = "https://research.google.com/audioset/"
CHECKSUMS: dict[str, str] = {}
TABLES = ("balanced_train_segments.csv", "unbalanced_train_segments.csv", "eval_segments.csv")
TEST_TABLE = "eval_segments.csv"
SHARES = {"train": 0.96, "validation": 0.04}
_ID_LENGTH = 11
_PREFIX = re.compile(r"(?:Y|video_|audio_|wav_)?")
_TIMES = re.compile(r"(?:[_-](\d+(?:\.\d+)?)(?:[_-](\d+(?:\.\d+)?))?)?")
_SAME_S = 0.05  # programs round the times differently


@dataclass(frozen=True, slots=True)
class Segment:
    """One row of a table that has one of the 23 objects."""

    youtube_id: str
    start_s: float
    end_s: float
    labels: tuple[str, ...]
    part: str

    @property
    def name(self) -> str:
        """Id and start, in whole milliseconds where it is no whole second."""
        return f"{self.youtube_id}_{self.start_s:g}"


def videos(root: Path) -> VideoListing:
    """List the pieces in `root` with one of the 23 objects; see `datasets.VideoDataset.videos`.

    Raises:
        DatasetError: the folder is missing, has none of the tables, or a table cannot be read.
    """
    tables = _tables(require_folder(root, "AudioSet"))
    segments = read_segments(tables)
    paths = find_pieces(root, segments)
    found = [
        Video(paths[segment], segment.name, segment.labels, segment.youtube_id, segment.part, 0.0, length)
        for segment in segments
        if segment in paths
        for length in [round(segment.end_s - segment.start_s, 3)]
    ]
    absent = sorted(segment.name for segment in segments if segment not in paths)
    return VideoListing(sorted(found, key=lambda video: video.order), absent)


def check(root: Path) -> Check:
    """Say which pieces `root` lacks and which cannot be read; see `datasets.VideoDataset.check`."""
    listing = videos(root)
    return examine_videos(NAME, root, listing)


def read_segments(tables: list[Path]) -> list[Segment]:
    """Return the pieces with one of the 23 objects, ordered by id and start; one that is in two tables is given once.

    Raises:
        DatasetError: a table cannot be read, or a row has no times.
    """
    label_of = {mid: label for label, mids in AUDIOSET_MIDS.items() for mid in mids}
    rows = [(table.name, *row) for table in tables for row in _rows(table)]
    tested = {youtube_id for name, youtube_id, *_ in rows if name == TEST_TABLE}
    found: dict[tuple[str, float], Segment] = {}
    for _, youtube_id, start_s, end_s, mids in rows:
        labels = tuple(sorted({label_of[mid] for mid in mids if mid in label_of}))
        if labels:
            part = "test" if youtube_id in tested else part_of(youtube_id, SHARES)
            found[youtube_id, start_s] = Segment(youtube_id, start_s, end_s, labels, part)
    return [found[key] for key in sorted(found)]


def find_pieces(root: Path, segments: list[Segment]) -> dict[Segment, Path]:
    """Return the file of each piece that is below `root`, by its name; no file is opened."""
    by_id: dict[str, list[Segment]] = {}
    for segment in segments:
        by_id.setdefault(segment.youtube_id, []).append(segment)
    found: dict[Segment, Path] = {}
    for path in videos_below(root):
        named = _segment_of(path.stem, by_id)
        if named is not None:
            found.setdefault(named, path)
    return found


def _segment_of(stem: str, by_id: dict[str, list[Segment]]) -> Segment | None:
    longest = _PREFIX.match(stem)
    # an id may itself begin with Y: the name is tried as it is first
    for begin in sorted({0, longest.end() if longest else 0}):
        candidates = by_id.get(stem[begin : begin + _ID_LENGTH], [])
        times = _TIMES.fullmatch(stem[begin + _ID_LENGTH :])
        if not candidates or times is None:
            continue
        if times[1] is None:
            return candidates[0] if len(candidates) == 1 else None
        start = float(times[1])
        for segment in candidates:
            if min(abs(start - segment.start_s), abs(start - 1000 * segment.start_s)) <= _SAME_S:
                return segment
    return None


def _tables(root: Path) -> list[Path]:
    for home in (root, *sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))):
        tables = [home / name for name in TABLES if (home / name).is_file()]
        if tables:
            return tables
    raise DatasetError(f"{root}: none of {', '.join(TABLES)} here; expected AudioSet's tables beside the videos")


def _rows(table: Path) -> Iterator[tuple[str, float, float, list[str]]]:
    """Yield id, start, end and classes of each row; the lines that begin with # are comments."""
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            for row in csv.reader((line for line in file if not line.startswith("#")), skipinitialspace=True):
                if not row:
                    continue
                if len(row) != 4:
                    raise DatasetError(f"{table}: the row of {row[0]!r} has {len(row)} values; expected 4")
                yield row[0], float(row[1]), float(row[2]), row[3].split(",")
    except ValueError as error:
        raise DatasetError(f"{table}: cannot read this table ({error})") from None
    except (OSError, csv.Error) as error:
        raise DatasetError(f"{table}: cannot read this table ({getattr(error, 'strerror', None) or error})") from None

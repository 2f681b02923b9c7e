"""GTZAN: 1,000 excerpts of 30 s of music, 10 genres of 100, 22,050 Hz, mono.

Provenance: collected by George Tzanetakis in 2000 and 2001 from his own CDs, radio and microphone recordings.
Layout (`root` holds `genres/`, as first published, or `genres_original/`, or is that folder itself)::

    genres/blues/blues.00000.wav    {genre}.{number}; .au, .ogg or any other audio suffix is accepted
    blues.00000.wav                 or all of them straight in one folder
    split/train_filtered.txt        the fault-filtered lists, and valid_filtered.txt, test_filtered.txt; may be absent

Sturm, "The GTZAN dataset: Its contents, its faults, their effects on evaluation, and its future use" (2013), names
repeated, mislabelled and distorted excerpts, and many of one artist. The fault-filtered lists of Kereliuk, Sturm and
Larsen, "Deep Learning and Music Adversaries" (IEEE Trans. Multimedia, 2015) leave the faults out and keep each artist
in one part: 443, 197 and 290 tracks.

The leakage group is the track: pieces cut from it carry its name. Where the lists are there, the part is `train`,
`validation`, `test`, or `left_out` for what they do not name; otherwise `all`. A copy with only some of the tracks can
be listed; `check` names the others, and those that cannot be read: some copies have a corrupt jazz.00054.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final, Literal

from soundsieve.datasets.check import Check, examine
from soundsieve.datasets.clip import Clip
from soundsieve.datasets.layout import audio_by_stem, first_folder, require_folder
from soundsieve.errors import DatasetError

NAME: Final = "gtzan"
ROLE: Literal["events", "noise"] = "events"
LICENCE = "none stated; used for research, the recordings are not to be passed on"
CITATION = """@article{tzanetakis2002musical,
  author = {Tzanetakis, George and Cook, Perry},
  title = {Musical Genre Classification of Audio Signals},
  journal = {IEEE Transactions on Speech and Audio Processing},
  volume = {10}, number = {5}, pages = {293--302}, year = {2002}, doi = {10.1109/TSA.2002.800560}
}"""
URL = "http://marsyas.info/downloads/datasets.html"
CHECKSUMS: dict[str, str] = {}  # None is published.
GENRES = ("blues", "classical", "country", "disco", "hiphop", "jazz", "metal", "pop", "reggae", "rock")
TRACKS_PER_GENRE = 100
LISTS = {"train": "train_filtered.txt", "validation": "valid_filtered.txt", "test": "test_filtered.txt"}
LEFT_OUT = "left_out"

_HOMES = ("genres", "genres_original", "Data/genres_original", "gtzan/genres")
_TRACK = re.compile(r"([a-z]+)\.(\d{5})")


def clips(root: Path) -> list[Clip]:
    """List the tracks of the copy in `root`; see `datasets.Dataset.clips`.

    Raises:
        DatasetError: the folder is missing, has no track, one is not named after its genre and number or lies in
            another genre's folder, or the fault-filtered lists contradict each other.
    """
    part_of = {track: part for part, tracks in (_lists(root) or {}).items() for track in tracks}
    other = LEFT_OUT if part_of else "all"
    return sorted(
        (
            Clip(path, (genre_of(track),), group=track, part=part_of.get(track, other))
            for track, path in _recordings(root).items()
        ),
        key=lambda clip: clip.path,
    )


def check(root: Path) -> Check:
    """Say what the copy in `root` lacks; see `datasets.Dataset.check`."""
    found = _recordings(root)
    missing = [track for track in tracks() if track not in found]
    notes = [] if _lists(root) else ["no fault-filtered lists (split/train_filtered.txt …)"]
    expected = TRACKS_PER_GENRE * len(GENRES)
    return examine(NAME, root, found.values(), expected=expected, missing=missing, notes=notes)


def tracks() -> list[str]:
    """Return the names of all published tracks.

    >>> tracks()[0], len(tracks())
    ('blues.00000', 1000)
    """
    return [f"{genre}.{number:05d}" for genre in GENRES for number in range(TRACKS_PER_GENRE)]


def find_track(name: str) -> str | None:
    """Return the track that a file or a piece of one is of, from its name; None where it is not named as in GTZAN.

    >>> find_track("jazz/jazz.00054.wav"), find_track("jazz.00054.7.wav"), find_track("my song.wav")
    ('jazz.00054', 'jazz.00054', None)
    """
    match = _TRACK.match(name.rsplit("/", 1)[-1])
    return match[0] if match is not None and match[1] in GENRES else None


def genre_of(track: str) -> str:
    """Return the genre in the name of a track.

    >>> genre_of("jazz.00054")
    'jazz'
    """
    return track.partition(".")[0]


def filtered_tracks(root: Path) -> dict[str, tuple[str, ...]]:
    """Read the fault-filtered lists of the copy in `root`, or in `root` itself: part → tracks.

    Raises:
        DatasetError: a list is missing or empty, names what is no track, or a track is in two of them.
    """
    found = _lists(root)
    if found is None:
        raise DatasetError(f"{root}: no split/{LISTS['train']} here; expected the fault-filtered lists of GTZAN")
    return found


def _lists(root: Path) -> dict[str, tuple[str, ...]] | None:
    """Read the lists, or return None where there is none of them."""
    folder = first_folder(require_folder(root, "GTZAN"), ("split", "."), holding=LISTS["train"])
    if folder is None:
        return None
    found = {part: _list(folder / name) for part, name in LISTS.items()}
    part_of: dict[str, str] = {}
    for part, members in found.items():
        for track in members:
            if part_of.setdefault(track, part) != part:
                raise DatasetError(f"{folder}: {track} is in both {LISTS[part_of[track]]} and {LISTS[part]}")
    return found


def _list(path: Path) -> tuple[str, ...]:
    try:
        lines = path.read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise DatasetError(f"{path}: cannot read this list ({reason})") from None
    if not lines:
        raise DatasetError(f"{path}: the list is empty; expected one track a line, such as blues/blues.00029.wav")
    return tuple(_track(path, line) for line in lines)


def _track(where: Path, name: str) -> str:
    track = find_track(name)
    if track is None:
        raise DatasetError(
            f"{where}: {name!r} is not of the form genre.number, such as blues.00000.wav; genres are "
            f"{', '.join(GENRES)}"
        )
    return track


def _recordings(root: Path) -> dict[str, Path]:
    """Return the file of each track that is there, whichever of the layouts it is in."""
    home = first_folder(require_folder(root, "GTZAN"), _HOMES) or root
    found: dict[str, Path] = {}
    for folder in (home, *(home / genre for genre in GENRES)):
        for path in audio_by_stem(folder).values() if folder.is_dir() else ():
            track = _track(path.parent, path.stem)
            if path.stem != track:
                raise DatasetError(f"{path}: a piece of {track}, it seems; expected whole tracks such as {track}.wav")
            if folder != home and folder.name != genre_of(track):
                raise DatasetError(f"{path}: lies in the folder of {folder.name}; expected {genre_of(track)}/")
            found[track] = path
    if not found:
        raise DatasetError(f"{home}: no tracks here; expected GTZAN's, such as genres/blues/blues.00000.wav")
    return found

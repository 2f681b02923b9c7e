"""MUSDB18: 150 songs with their stems, 10 h of Western popular music, 44.1 kHz, stereo, AAC of 256 kbit/s.

Provenance: 100 songs of DSD100 (the "Mixing Secrets" library), 46 of MedleyDB, 2 of Native Instruments and 2 of The
Easton Ellises, collected by Rafii, Liutkus, Stöter, Mimilakis and Bittner for SiSEC 2018.
Layout (`root` holds these two folders, or `musdb18/` with them)::

    train/A Classic Education - NightOwl.stem.mp4   {artist} - {title}; tracks: mixture, drums, bass, other, vocals
    test/Zeno - Signs.stem.mp4

The leakage group is the artist, guests and brackets left out. The part is `test` for the 50 songs of that folder,
`validation` for the 14 songs of the training set that the `musdb` package sets aside, `train` for the other 86. These
parts share 16 artists, so dividing by part with `datasets.split_by_part` leaves 62, 12 and 50 of the 86, 14 and 50.

The mixture is encoded on its own, so the stems add up to it only nearly, and in `PR - Oh No` not on the left channel.
The data set's page lists songs whose stems leak into each other. A copy with only some of the songs can be listed, also
the published excerpts of 7 s, which have 144; `check` names the others.
"""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path
from typing import Final, Literal

from soundsieve.datasets.check import Check
from soundsieve.datasets.layout import first_folder, require_folder
from soundsieve.datasets.song import MIXTURE, STEMS, Place, Song, artist_of, song_name
from soundsieve.datasets.song_folders import examine_songs
from soundsieve.errors import DatasetError

NAME: Final = "musdb18"
ROLE: Literal["songs"] = "songs"
LICENCE = "for research and education; 46 songs CC BY-NC-SA 4.0, 2 CC BY-NC-SA 3.0, 102 restricted"
CITATION = """@misc{musdb18,
  author = {Rafii, Zafar and Liutkus, Antoine and St{\\"o}ter, Fabian-Robert and Mimilakis, Stylianos Ioannis and
    Bittner, Rachel},
  title = {The {MUSDB18} corpus for music separation},
  year = {2017}, doi = {10.5281/zenodo.1117372}
}"""
URL = "https://zenodo.org/records/1117372"
CHECKSUMS: dict[str, str] = {"musdb18.zip": "af06762477334799bfc5abf237648207"}
SUFFIX = ".stem.mp4"
TRACKS = (MIXTURE, "drums", "bass", "other", "vocals")
FOLDERS = {"train": ("train", "validation"), "test": ("test",)}
"""The folders of a copy, and the parts that lie in them."""


def songs(root: Path) -> list[Song]:
    """List the songs of the copy in `root`; see `datasets.SongDataset.songs`.

    Raises:
        DatasetError: the folder is missing, has no song, or one lies in the wrong folder.
    """
    home = find_home(root, "MUSDB18", ("musdb18",))
    found = [_song(path) for folder in FOLDERS for path in _files(home / folder)]
    if not found:
        raise DatasetError(f"{home}: no songs here; expected those of MUSDB18, such as train/Artist - Title{SUFFIX}")
    return sorted(found, key=lambda song: song.order)


def check(root: Path) -> Check:
    """Say what the copy in `root` lacks; see `datasets.SongDataset.check`."""
    found = songs(root)
    return examine_songs(
        NAME,
        root,
        found,
        expected=len(published()),
        missing=missing_songs(found, SUFFIX),
        notes=unknown_songs(found),
        checksums=CHECKSUMS,
    )


@cache
def published() -> dict[str, str]:
    """Return the part of each published song.

    >>> from collections import Counter
    >>> sorted(Counter(published().values()).items())
    [('test', 50), ('train', 86), ('validation', 14)]
    """
    with Path(__file__).with_name("musdb18_songs.csv").open(encoding="utf-8", newline="") as file:
        return {row["song"]: row["part"] for row in csv.DictReader(file)}


def find_home(root: Path, data_set: str, names: tuple[str, ...]) -> Path:
    """Return `root`, or the first of the folders in it called `names`, which holds `train/` or `test/`.

    Raises:
        DatasetError: none does.
    """
    require_folder(root, data_set)
    for folder in FOLDERS:
        home = first_folder(root, (".", *names), holding=folder)
        if home is not None:
            return root if home == root / "." else home
    raise DatasetError(f"{root}: no folder train/ or test/ here; expected the folder of {data_set}")


def part_of(path: Path) -> str:
    """Return the part of the song that is called `path` in one of the two folders.

    Raises:
        DatasetError: a published song lies in the folder of another part.
    """
    folder, name = path.parent.name, song_name(path)
    part = published().get(name, folder)
    if part not in FOLDERS[folder]:
        raise DatasetError(f"{path}: lies in the folder {folder}/; expected {'test' if part == 'test' else 'train'}/")
    return part


def missing_songs(found: list[Song], suffix: str = "") -> list[str]:
    """Return the published songs that are not among those found, as they are called in a copy."""
    there = {song.name for song in found}
    absent = [(part, name) for name, part in published().items() if name not in there]
    return sorted(f"{'test' if part == 'test' else 'train'}/{name}{suffix}" for part, name in absent)


def unknown_songs(found: list[Song]) -> list[str]:
    """Return a note on songs that are not published ones, if there are any."""
    others = [song.name for song in found if song.name not in published()]
    plural = "s" if len(others) > 1 else ""
    return [f"{len(others)} song{plural} not in the published list ({others[0]!r} first)"] if others else []


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return [path for path in folder.iterdir() if path.name.lower().endswith(SUFFIX) and not path.name.startswith(".")]


def _song(path: Path) -> Song:
    stems = tuple(Place(path, TRACKS.index(stem)) for stem in STEMS)
    group = artist_of(song_name(path))
    return Song(path, stems, Place(path, TRACKS.index(MIXTURE)), group=group, part=part_of(path))

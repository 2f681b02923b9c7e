"""MUSDB18-HQ: the 150 songs of MUSDB18 without compression, 44.1 kHz, stereo, with all of the treble.

Provenance: as of `musdb18`; the stems as they were before they were encoded.
Layout (`root` holds these two folders, or `musdb18hq/` with them)::

    train/A Classic Education - NightOwl/mixture.wav    and bass.wav, drums.wav, other.wav, vocals.wav
    test/Zeno - Signs/mixture.wav                       any other audio suffix is accepted

Leakage group, parts, and what is known to be wrong are those of `musdb18`. Figures for comparison with published ones
are measured on MUSDB18 itself. A copy with only some of the songs can be listed; `check` names the others.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

from soundsieve.datasets import musdb18
from soundsieve.datasets.check import Check
from soundsieve.datasets.musdb18 import FOLDERS, find_home, missing_songs, part_of, published, unknown_songs
from soundsieve.datasets.song import MIXTURE, STEMS, Song, artist_of
from soundsieve.datasets.song_folders import examine_songs, song_in, stem_files
from soundsieve.errors import DatasetError

NAME: Final = "musdb18hq"
ROLE: Literal["songs"] = "songs"
LICENCE = musdb18.LICENCE
CITATION = """@misc{musdb18-hq,
  author = {Rafii, Zafar and Liutkus, Antoine and St{\\"o}ter, Fabian-Robert and Mimilakis, Stylianos Ioannis and
    Bittner, Rachel},
  title = {{MUSDB18-HQ} - an uncompressed version of {MUSDB18}},
  year = {2019}, doi = {10.5281/zenodo.3338373}
}"""
URL = "https://zenodo.org/records/3338373"
CHECKSUMS: dict[str, str] = {}


def songs(root: Path) -> list[Song]:
    """List the songs of the copy in `root`; see `datasets.SongDataset.songs`.

    Raises:
        DatasetError: the folder is missing, has no song, or one lacks a stem or lies in the wrong folder.
    """
    found, lacking = _listing(root)
    if lacking:
        raise DatasetError(f"{NAME}: songs lack {len(lacking):,} of their files, the first is {lacking[0]}")
    return found


def check(root: Path) -> Check:
    """Say what the copy in `root` lacks; see `datasets.SongDataset.check`."""
    found, lacking = _listing(root)
    begun = {Path(name).parent.as_posix() for name in lacking}
    absent = [name for name in missing_songs(found) if name not in begun]
    missing = sorted([*absent, *lacking])
    notes = unknown_songs(found)
    return examine_songs(NAME, root, found, expected=len(published()), missing=missing, notes=notes)


def _listing(root: Path) -> tuple[list[Song], list[str]]:
    """Return the songs with all of their files, and the files that others lack."""
    home = find_home(root, "MUSDB18-HQ", ("musdb18hq", "musdb18-hq"))
    found, lacking = [], []
    for folder in sorted(path for name in FOLDERS for path in _folders(home / name)):
        there = stem_files(folder)
        absent = [name for name in (MIXTURE, *STEMS) if name not in there]
        if absent:
            lacking += [f"{folder.parent.name}/{folder.name}/{name}.wav" for name in absent]
        else:
            found.append(song_in(folder, group=artist_of(folder.name), part=part_of(folder)))
    if not found and not lacking:
        raise DatasetError(f"{home}: no songs here; expected those of MUSDB18-HQ, such as train/Artist - Title/")
    return found, lacking


def _folders(home: Path) -> list[Path]:
    if not home.is_dir():
        return []
    return [path for path in home.iterdir() if path.is_dir() and not path.name.startswith(".")]

"""Your own songs with stems: one folder a song, one file a stem.

Provenance and licence are yours.
Layout::

    my_songs/Artist - Title/vocals.wav      and any of bass.wav, drums.wav, other.wav; one that is absent is silent
    my_songs/Artist - Title/mixture.wav     if it is there; else the mixture is the sum of the stems
    my_songs/train/Artist - Title/…         the folders train/, validation/ and test/ say the part

Any audio suffix will do, whatever its case; hidden folders are skipped. The stems of a song have one sample rate and
one length. The leakage group is the artist: the part of the folder's name before ` - `, or the whole of it. The part is
`all` outside of folders that say another one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

from soundsieve.datasets.check import Check
from soundsieve.datasets.layout import audio_by_stem, require_folder
from soundsieve.datasets.song import MIXTURE, STEMS, Song, artist_of
from soundsieve.datasets.song_folders import examine_songs, song_in, stem_files
from soundsieve.errors import DatasetError

NAME: Final = "stems"
ROLE: Literal["songs"] = "songs"
LICENCE = "yours"
CITATION = "Your own songs."
URL = ""
CHECKSUMS: dict[str, str] = {}
PARTS = ("train", "validation", "test")


def songs(root: Path) -> list[Song]:
    """List the songs in `root`; see `datasets.SongDataset.songs`.

    Raises:
        DatasetError: the folder is missing, has no song, or is one itself.
    """
    require_folder(root, "songs")
    if set(stem_files(root)) & set(STEMS):
        raise DatasetError(f"{root}: stems lie straight in this folder; expected one folder a song")
    found = [
        song_in(folder, group=artist_of(folder.name), part=part)
        for folder, part in _folders(root)
        if set(stem_files(folder)) & set(STEMS)
    ]
    if not found:
        names = ", ".join(f"{name}.wav" for name in STEMS)
        raise DatasetError(f"{root}: no songs here; expected one folder each with some of {names}")
    return sorted(found, key=lambda song: song.order)


def check(root: Path) -> Check:
    """Say which songs in `root` cannot be used; see `datasets.SongDataset.check`."""
    found = songs(root)
    others = [
        path.relative_to(root).as_posix()
        for folder, _ in _folders(root)
        for name, path in sorted(audio_by_stem(folder).items())
        if name.lower() not in {*STEMS, MIXTURE}
    ]
    notes = [f"{len(others)} not named after a stem, left out ({others[0]} first)"] if others else []
    return examine_songs(NAME, root, found, expected=len(found), notes=notes)


def _folders(root: Path) -> list[tuple[Path, str]]:
    """Return every folder that may be a song, with its part."""
    homes = [(root, "all"), *((root / part, part) for part in PARTS if (root / part).is_dir())]
    return [
        (folder, part)
        for home, part in homes
        for folder in sorted(home.iterdir())
        if folder.is_dir() and not folder.name.startswith(".") and folder not in {root / name for name in PARTS}
    ]

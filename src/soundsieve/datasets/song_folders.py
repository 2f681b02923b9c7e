"""Finding songs whose stems are files in a folder, and saying what a copy of songs lacks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from soundsieve.datasets.check import Check, altered_archives
from soundsieve.datasets.layout import audio_by_stem
from soundsieve.datasets.song import MIXTURE, STEMS, Place, Song
from soundsieve.errors import AudioError

_BLOCK = 1 << 18  # samples decoded at a time


def stem_files(folder: Path) -> dict[str, Path]:
    """Map the names of stems, and `mixture`, to the files straight inside `folder`; other files are left out."""
    found = {name.lower(): path for name, path in audio_by_stem(folder).items()}
    return {name: found[name] for name in (*STEMS, MIXTURE) if name in found}


def song_in(folder: Path, *, group: str, part: str) -> Song:
    """Return the song whose stems lie in `folder`; stems that are not there are silent."""
    files = stem_files(folder)
    places = [Place(files[name]) if name in files else None for name in (*STEMS, MIXTURE)]
    return Song(folder, tuple(places[:-1]), places[-1], group=group, part=part)


def examine_songs(
    name: str,
    root: Path,
    songs: Sequence[Song],
    *,
    expected: int,
    missing: Iterable[str] = (),
    notes: Iterable[str] = (),
    checksums: Mapping[str, str] | None = None,
) -> Check:
    """Decode every track of every song, compare their rates and lengths, and published archives with their checksums.

    Args:
        name: the data set.
        root: its folder; songs are named relative to it.
        songs: the songs that are there.
        expected: how many there should be.
        missing: what is known not to be there, songs and single stems.
        notes: passed on.
        checksums: MD5 of each published archive by its name; only archives that are present are compared.
    """
    damaged = []
    for song in songs:
        reason = _damage(song)
        if reason is not None:
            damaged.append(f"{song.path.relative_to(root).as_posix()}: {reason}")
    damaged += altered_archives(root, checksums or {})
    return Check(name, expected, len(songs), tuple(missing), tuple(damaged), tuple(notes), unit="songs")


def _damage(song: Song) -> str | None:
    """Return why a song cannot be used, naming the file; None where each track can be decoded to its end."""
    from soundsieve.audio import blocks  # Here, so that listing a data set does not load the audio libraries.

    try:
        song.open_all()
        for place in (*song.stems, song.mixture):
            for _ in () if place is None else blocks(place.path, _BLOCK, track=place.track):
                pass  # A header promises more than a truncated file holds.
    except AudioError as error:
        return str(error).removeprefix(f"{song.path}: ").replace(f"{song.path.as_posix()}/", "")
    return None

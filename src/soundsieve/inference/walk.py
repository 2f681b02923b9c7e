"""Finding recordings: the files named, and those in the folders named, however deep."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from soundsieve.datasets.layout import audio_below
from soundsieve.errors import AudioError


def find_recordings(places: Iterable[Path]) -> list[tuple[Path, Path]]:
    """List recordings, each with its place below the folder it was found in (its name alone where it was named).

    Folders are walked in order of name; suffixes count whatever their case. A file that was named is listed whatever
    it is: what is wrong with it is said when it is opened. A file found twice is listed once.

    Raises:
        AudioError: when a folder holds no recording.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Path(folder, "night").mkdir()
    ...     Path(folder, "night", "OWL.WAV").touch()
    ...     [inside.as_posix() for _, inside in find_recordings([Path(folder)])]
    ['night/OWL.WAV']
    """
    found: dict[Path, tuple[Path, Path]] = {}
    for place in places:
        if place.is_dir():
            files = [(path, path.relative_to(place)) for path in audio_below(place)]
            if not files:
                raise AudioError(f"{place}: no recording in this folder or below it")
        else:
            files = [(place, Path(place.name))]
        for path, inside in files:
            found.setdefault(path.resolve(), (path, inside))
    return list(found.values())


def without_results(
    found: Iterable[tuple[Path, Path]], named: Iterable[Path], output: Path, kinds: Iterable[str]
) -> list[tuple[Path, Path]]:
    """Leave out, of recordings found in folders, what an earlier run has made of others among them.

    Args:
        found: See `find_recordings`.
        named: Files and folders that were asked for; a file that was named itself stays.
        output: The folder for results.
        kinds: What stands in a result's name between the recording's and its suffix.

    >>> paths = [Path("songs/a.mp3"), Path("songs/a.vocals.wav"), Path("songs/b.vocals.wav")]
    >>> found = [(path, Path(path.name)) for path in paths]
    >>> [path.name for path, _ in without_results(found, [Path("songs")], Path("songs"), ["vocals", "drums"])]
    ['a.mp3', 'b.vocals.wav']
    """
    recordings, endings = list(found), tuple(f".{kind}" for kind in kinds)
    asked = {place.resolve() for place in named}
    bases = {
        (output / inside.parent / name).resolve() for _, inside in recordings for name in (inside.stem, inside.name)
    }
    kept = []
    for path, inside in recordings:
        place = path.resolve()
        ending = next((ending for ending in endings if place.stem.endswith(ending)), None)
        if place in asked or ending is None or place.with_name(place.stem.removesuffix(ending)) not in bases:
            kept.append((path, inside))
    return kept


def name_results(inside: Iterable[Path], suffix: str) -> list[Path]:
    """Name the result of each recording after it; where two would share a name, the recordings' suffixes stay in.

    >>> [path.as_posix() for path in name_results([Path("a.wav"), Path("n/a.wav"), Path("n/a.mp3")], "tags.json")]
    ['a.tags.json', 'n/a.wav.tags.json', 'n/a.mp3.tags.json']
    """
    places = list(inside)
    stems = [place.with_suffix("") for place in places]
    return [
        place.with_name(f"{place.stem if stems.count(stem) == 1 else place.name}.{suffix}")
        for place, stem in zip(places, stems, strict=True)
    ]

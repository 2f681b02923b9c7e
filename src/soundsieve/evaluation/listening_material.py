"""What is heard in a listening test: the stems in a folder, put side by side.

Layout::

    test/spleeter/Song.vocals.wav         a system's stems, as `unmix` writes them; any audio suffix will do
    test/htdemucs/Song/vocals.wav         or one folder a song, as other separators write them
    test/reference/Song.vocals.wav        the true stems, if there are any
    test/mixture/Song.wav                 the songs themselves, if they are to be heard; or reference/Song/mixture.wav

The stems of a single system may also lie straight in the folder, which then gives the system its name.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from soundsieve.datasets.layout import audio_below, is_audio
from soundsieve.errors import DatasetError

REFERENCE: Final = "reference"
"""The folder of the true stems, and what they are called among the systems."""

MIXTURE: Final = "mixture"
"""The folder of the songs as they are, and what they are called among the systems."""

_Stems: TypeAlias = dict[tuple[str, str], Path]
"""(song, stem) → its file."""


@dataclass(frozen=True)
class Item:
    """What a system makes of a stem of a song."""

    system: str
    path: Path


@dataclass(frozen=True)
class Question:
    """A stem of a song, as every system has it.

    Attributes:
        song: Its name.
        stem: For example "vocals".
        items: One for each system that has this stem, in order of name.
        reference: The true stem, if it is there.
        mixture: The song itself, if it is there.
    """

    song: str
    stem: str
    items: tuple[Item, ...]
    reference: Path | None = None
    mixture: Path | None = None


@dataclass(frozen=True)
class Material:
    """All that a folder has to be listened to.

    Attributes:
        systems: In order of name, without the reference and the mixture.
        questions: In order of song and stem.
        notes: A sentence for each thing that is not as one would expect, for the person who runs the test.
    """

    systems: tuple[str, ...]
    questions: tuple[Question, ...]
    notes: tuple[str, ...] = ()


def find_material(folder: Path) -> Material:
    """Find the stems to be rated; no file is opened.

    Raises:
        DatasetError: the folder is missing, holds no stems of a system, or holds stems both straight inside and in
            folders of systems.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as name:
    ...     for place in ("a/Song.vocals.wav", "b/Song/vocals.flac", "reference/Song.vocals.wav", "mixture/Song.mp3"):
    ...         Path(name, place).parent.mkdir(parents=True)
    ...         Path(name, place).touch()
    ...     found = find_material(Path(name))
    >>> found.systems
    ('a', 'b')
    >>> [(question.song, question.stem, question.mixture.name) for question in found.questions]
    [('Song', 'vocals', 'Song.mp3')]
    """
    if not folder.is_dir():
        found = "it is a file" if folder.exists() else "there is no such folder"
        raise DatasetError(f"{folder}: {found}; expected a folder with the stems of one or more systems")
    homes = [path for path in sorted(folder.iterdir()) if path.is_dir() and not path.name.startswith(".")]
    systems = {home.name: stems for home in homes if home.name not in {REFERENCE, MIXTURE} and (stems := _stems(home))}
    flat = _flat(folder)
    if flat and systems:
        raise DatasetError(
            f"{folder}: stems lie both straight in it ({next(iter(flat.values())).name}) and in folders of systems "
            f"({', '.join(systems)}); expected one or the other"
        )
    if flat:
        systems = {folder.resolve().name or "system": flat}
    if not systems:
        raise DatasetError(
            f"{folder}: no stems of a system here; expected files such as SYSTEM/SONG.vocals.wav in folders named "
            "after the systems"
        )
    return _side_by_side(folder, systems)


def _side_by_side(folder: Path, systems: dict[str, _Stems]) -> Material:
    references = _stems(folder / REFERENCE) if (folder / REFERENCE).is_dir() else {}
    mixtures = _mixtures(folder)
    keys = sorted({key for stems in systems.values() for key in stems})
    questions = tuple(
        Question(
            song,
            stem,
            tuple(Item(name, stems[song, stem]) for name, stems in systems.items() if (song, stem) in stems),
            references.get((song, stem)),
            mixtures.get(song),
        )
        for song, stem in keys
    )
    notes = [
        f"{name} has {len(stems)} of {len(keys)} stems; it is absent where the others are rated"
        for name, stems in systems.items()
        if len(stems) < len(keys)
    ]
    if references and (lacking := [q for q in questions if q.reference is None]):
        notes.append(
            f"{len(lacking)} of {len(keys)} stems have no reference ({lacking[0].song}.{lacking[0].stem} first)"
        )
    if unused := sorted(set(references) - set(keys)):
        notes.append(f"{len(unused)} of the references match no system's stem ({'.'.join(unused[0])} first)")
    return Material(tuple(systems), questions, tuple(notes))


def _flat(folder: Path) -> _Stems:
    files = [path for path in sorted(folder.iterdir()) if path.is_file() and is_audio(path)]
    return {key: path for path in files if (key := _dotted(path))}


def _stems(home: Path) -> _Stems:
    """Find `Song.stem.wav` and `Song/stem.wav` below a system's folder."""
    found: _Stems = {}
    for path in audio_below(home):
        inside = path.relative_to(home).parts
        key = _dotted(path) if len(inside) == 1 else (inside[0], path.stem.lower()) if len(inside) == 2 else None
        if key is None or key[1] == MIXTURE:
            continue
        if key in found:
            raise DatasetError(f"{path}: is {key[1]} of {key[0]}, and so is {found[key]}; expected one of them")
        found[key] = path
    return found


def _dotted(path: Path) -> tuple[str, str] | None:
    song, dot, stem = path.stem.rpartition(".")
    return (song, stem.lower()) if song and dot and stem.replace("_", "").replace("-", "").isalnum() else None


def _mixtures(folder: Path) -> dict[str, Path]:
    beside = {path.parent.name: path for path in sorted((folder / REFERENCE).glob("*/*")) if _is_mixture(path)}
    own = [path for path in sorted((folder / MIXTURE).glob("*")) if path.is_file() and is_audio(path)]
    return beside | {path.stem.removesuffix(f".{MIXTURE}"): path for path in own}


def _is_mixture(path: Path) -> bool:
    return path.is_file() and is_audio(path) and path.stem.lower() == MIXTURE

"""What is heard in a listening test: the stems in a folder, put side by side.

Layout::

    test/spleeter/Song.vocals.wav         a system's stems, as `unmix` writes them; any audio suffix will do
    test/htdemucs/Song/vocals.wav         or one folder a song, as other separators write them
    test/reference/Song.vocals.wav        the true stems, if there are any
    test/mixture/Song.wav                 the songs themselves, if they are to be heard; or reference/Song/mixture.wav

The stems of a single system may also lie straight in the folder, which then gives the system its name. Names are
compared without regard to case; they are shown as they are first spelled.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

from soundsieve.datasets.layout import audio_below, is_audio
from soundsieve.errors import DatasetError

REFERENCE: Final = "reference"
"""The folder of the true stems, and what they are called among the systems."""

MIXTURE: Final = "mixture"
"""The folder of the songs as they are, and what they are called among the systems."""


class _File(NamedTuple):
    song: str  # as it is spelled here
    path: Path


_Stems: TypeAlias = dict[tuple[str, str], _File]
"""(song, stem), both without case → its file."""


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
        DatasetError: the folder is missing, holds no stems of a system, holds stems both straight inside and in folders
            of systems, or holds two things whose names differ in case alone.

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
    given = {name: home for home in homes if (name := home.name.casefold()) in {REFERENCE, MIXTURE}}
    systems = {home.name: stems for home in homes if home.name.casefold() not in given and (stems := _stems(home))}
    _require_distinct([home for home in homes if home.name in systems or home.name.casefold() in given])
    flat = _flat(folder)
    if flat and systems:
        raise DatasetError(
            f"{folder}: stems lie both straight in it ({next(iter(flat.values())).path.name}) and in folders of "
            f"systems ({', '.join(systems)}); expected one or the other"
        )
    if flat:
        name = folder.resolve().name
        systems = {"system" if name.casefold() in {"", REFERENCE, MIXTURE} else name: flat}
    if not systems:
        raise DatasetError(
            f"{folder}: no stems of a system here; expected files such as SYSTEM/SONG.vocals.wav in folders named "
            "after the systems"
        )
    references = _stems(given[REFERENCE]) if REFERENCE in given else {}
    return _side_by_side(systems, references, _mixtures(given))


def _require_distinct(paths: Iterable[Path]) -> None:
    """Refuse names that are the same but for their case; some file systems and most people cannot tell them apart."""
    seen: dict[str, Path] = {}
    for path in paths:
        if (other := seen.setdefault(path.name.casefold(), path)) != path:
            raise DatasetError(f"{path}: differs from {other.name} in case alone; expected one of them")


def _side_by_side(systems: dict[str, _Stems], references: _Stems, mixtures: dict[str, Path]) -> Material:
    spelled: dict[str, str] = {}
    for stems in systems.values():
        for (folded, _), file in stems.items():
            spelled.setdefault(folded, file.song)
    keys = sorted({key for stems in systems.values() for key in stems}, key=lambda key: (spelled[key[0]], *key))
    questions = tuple(
        Question(
            spelled[key[0]],
            key[1],
            tuple(Item(name, stems[key].path) for name, stems in systems.items() if key in stems),
            references[key].path if key in references else None,
            mixtures.get(key[0]),
        )
        for key in keys
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
        first = f"{references[unused[0]].song}.{unused[0][1]}"
        notes.append(f"{len(unused)} of the references match no system's stem ({first} first)")
    return Material(tuple(systems), questions, tuple(notes))


def _flat(folder: Path) -> _Stems:
    files = [path for path in sorted(folder.iterdir()) if path.is_file() and is_audio(path)]
    return _by_key((path, _dotted(path)) for path in files)


def _stems(home: Path) -> _Stems:
    """Find `Song.stem.wav` and `Song/stem.wav` below a system's folder."""
    named: list[tuple[Path, tuple[str, str] | None]] = []
    for path in audio_below(home):
        inside = path.relative_to(home).parts
        name = _dotted(path) if len(inside) == 1 else (inside[0], path.stem.lower()) if len(inside) == 2 else None
        named.append((path, name))
    return _by_key(named)


def _by_key(named: Iterable[tuple[Path, tuple[str, str] | None]]) -> _Stems:
    """Put files under their song and stem; mixtures and what has no such name are left out."""
    found: _Stems = {}
    for path, name in named:
        if name is None or name[1] == MIXTURE:
            continue
        song, stem = name
        other = found.setdefault((song.casefold(), stem), _File(song, path))
        if other.path != path:
            raise DatasetError(f"{path}: is {stem} of {song}, and so is {other.path}; expected one of them")
    return found


def _dotted(path: Path) -> tuple[str, str] | None:
    song, dot, stem = path.stem.rpartition(".")
    return (song, stem.lower()) if song and dot and stem.replace("_", "").replace("-", "").isalnum() else None


def _mixtures(given: dict[str, Path]) -> dict[str, Path]:
    """Find the songs themselves, by name without case; those of their own folder come first."""
    beside, own = sorted(given[REFERENCE].glob("*/*")) if REFERENCE in given else [], list[Path]()
    if MIXTURE in given:
        own = [path for path in sorted(given[MIXTURE].iterdir()) if path.is_file() and is_audio(path)]
    return _one_each((path.parent.name, path) for path in beside if _is_mixture(path)) | _one_each(
        (path.stem[: -len(MIXTURE) - 1] if path.stem.lower().endswith(f".{MIXTURE}") else path.stem, path)
        for path in own
    )


def _one_each(named: Iterable[tuple[str, Path]]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for song, path in named:
        if (other := found.setdefault(song.casefold(), path)) != path:
            raise DatasetError(f"{path}: is the mixture of {song}, and so is {other}; expected one of them")
    return found


def _is_mixture(path: Path) -> bool:
    return path.is_file() and is_audio(path) and path.stem.lower() == MIXTURE

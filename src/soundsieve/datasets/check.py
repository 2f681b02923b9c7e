"""What a copy of a data set lacks: files that are not there and files that cannot be read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from soundsieve.errors import AudioError

_BLOCK = 1 << 18  # samples decoded at a time


@dataclass(frozen=True, slots=True)
class Check:
    """The state of one copy of a data set.

    Attributes:
        name: the data set.
        expected: how many recordings this copy should hold: the rows of its own table, or the published number
            where the data set has no table.
        found: how many of these are there, readable or not.
        missing: files that should be there and are not.
        damaged: files that are empty, not audio, or differ from the published checksum, each with the reason.
        notes: anything else worth knowing, such as a copy that is a part of the published set.
        unit: what is counted.

    >>> Check("esc50", 3, 2, missing=("audio/a.wav",), damaged=(), notes=()).sentence()
    'esc50: 2 of 3 recordings found; 1 missing (audio/a.wav)'
    """

    name: str
    expected: int
    found: int
    missing: tuple[str, ...]
    damaged: tuple[str, ...]
    notes: tuple[str, ...]
    unit: str = "recordings"

    @property
    def ok(self) -> bool:
        """Whether every recording that should be there is there and can be read."""
        return not self.missing and not self.damaged and self.found >= self.expected

    def sentence(self) -> str:
        """Return the whole report in one line, at most three file names of each kind."""
        parts = [f"{self.name}: {self.found:,} of {self.expected:,} {self.unit} found"]
        parts += [_some("missing", self.missing)] if self.missing else []
        parts += [_some("damaged", self.damaged)] if self.damaged else []
        return "; ".join([*parts, *self.notes])


def _some(kind: str, names: Sequence[str]) -> str:
    rest = f" and {len(names) - 3:,} more" if len(names) > 3 else ""
    return f"{len(names):,} {kind} ({', '.join(names[:3])}{rest})"


def damage(path: Path, *, channels: int = 1) -> str | None:
    """Return why a recording cannot be used, or None where it can be decoded from its first sample to its last.

    Args:
        path: the recording.
        channels: how many channels it must have at least.
    """
    from soundsieve.audio.files import (
        blocks,
        probe,
    )  # Here, so that listing a data set does not load the audio libraries.

    try:
        info = probe(path)
        if info.frames == 0:
            return "it holds no sound"
        if info.channels < channels:
            return f"it has {info.channels} channel{'s' if info.channels > 1 else ''}, expected {channels}"
        for _ in blocks(path, _BLOCK):  # A header promises more than a truncated file holds.
            pass
    except AudioError as error:
        return str(error).removeprefix(f"{path}: ")
    return None


def examine(
    name: str,
    root: Path,
    paths: Iterable[Path],
    *,
    expected: int,
    missing: Iterable[str] = (),
    notes: Iterable[str] = (),
    checksums: Mapping[str, str] | None = None,
    channels: int = 1,
) -> Check:
    """Decode every recording, and compare the published archives that lie in `root` with their checksums.

    Args:
        name: the data set.
        root: its folder; files are named relative to it.
        paths: the recordings that are there.
        expected: how many there should be.
        missing: what the data set already knows is not there.
        notes: passed on.
        checksums: MD5 of each published archive by its name; only archives that are present are compared.
        channels: how many channels each recording must have at least.
    """
    found = sorted(set(paths))
    damaged = [
        f"{_relative(path, root)}: {reason}"
        for path in found
        if (reason := damage(path, channels=channels)) is not None
    ]
    damaged += altered_archives(root, checksums or {})
    return Check(name, expected, len(found), tuple(missing), tuple(damaged), tuple(notes))


def altered_archives(root: Path, checksums: Mapping[str, str]) -> list[str]:
    """Name the archives in `root` whose MD5 is not the published one; those that are not there do not matter."""
    return [
        f"{archive}: its MD5 is not the published {published}"
        for archive, published in checksums.items()
        if (root / archive).is_file() and _md5(root / archive) != published
    ]


def _relative(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()

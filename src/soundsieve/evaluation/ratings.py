"""The ratings of a listening test: a table that only ever grows."""

from __future__ import annotations

import csv
import io
import os
import threading
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any, Final

from soundsieve.errors import DatasetError, OutputError

LOWEST: Final = 1
HIGHEST: Final = 10


@dataclass(frozen=True)
class Rating:
    """One line of the table.

    Attributes:
        listener: Name or pseudonym.
        time_utc: When the page was sent in, ISO 8601.
        trial: Its number in this listener's order.
        song: What was heard.
        stem: For example "vocals".
        system: Whose version, "reference" and "mixture" for the hidden ones.
        rating: From 1, bad, to 10, excellent.
        position: Place on the page, counted from 1.
        listened_s: How long this version was heard, repeats included.
        seed: Of the test.
        start_s: Where the excerpt starts.
        excerpt_s: How long it is.
        gain_db: That it was played with.
    """

    listener: str
    time_utc: str
    trial: int
    song: str
    stem: str
    system: str
    rating: int
    position: int
    listened_s: float
    seed: int
    start_s: float
    excerpt_s: float
    gain_db: float


COLUMNS: Final = tuple(field.name for field in fields(Rating))
_MOST_HEADER_BYTES = 1 << 16
_KINDS = {"int": int, "float": float, "str": str}  # annotations are strings in this module


class RatingsFile:
    """A CSV table of ratings, to which whole trials are appended; what is there is never changed.

    A trial is written with a single call and flushed to the disk, or not at all. Threads may share one object.

    Args:
        path: The table; it is made when the first trial is appended.

    >>> import tempfile
    >>> one = Rating("ear", "2026-01-01T12:00:00Z", 1, "Song", "bass", "a", 7, 1, 15.0, 0, 0.0, 15.0, 0.0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     table = RatingsFile(Path(folder, "ratings.csv"))
    ...     table.append([one])
    ...     table.read() == [one]
    True
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()

    def check(self) -> None:
        """Refuse, before anybody has listened, a place that cannot be written or a table that is another one.

        Raises:
            OutputError: the folder is missing, or the file cannot be written.
            DatasetError: there is a table that is none of ratings, or has other columns.
        """
        if self.path.is_dir() or not self.path.parent.is_dir():
            what = "is a folder" if self.path.is_dir() else "its folder does not exist"
            raise OutputError(f"{self.path}: ratings cannot be written ({what})")
        if not os.access(self.path if self.path.exists() else self.path.parent, os.W_OK):
            raise OutputError(f"{self.path}: ratings cannot be written (permission denied)")
        self.read()
        if self.path.exists():
            with self._lock, self.path.open("rb") as file:
                self._require_columns(file.readline(_MOST_HEADER_BYTES))

    def read(self) -> list[Rating]:
        """Read every rating, in the order of writing; none where there is no table yet.

        Raises:
            DatasetError: it is no table of ratings; the sentence names the line.
        """
        with self._lock:
            if not self.path.exists() or not self.path.stat().st_size:
                return []
            return [_rating(self.path, line, row) for line, row in enumerate(_rows(self.path), start=2)]

    def append(self, ratings: Sequence[Rating]) -> None:
        """Append the ratings of a trial, on a line of their own even where the last line lacks its end.

        Raises:
            OutputError: they cannot be written; then none of them is.
            DatasetError: the table has other columns; it is left as it was.
        """
        text = io.StringIO()
        table = csv.writer(text, lineterminator="\n")
        with self._lock:
            try:
                handle = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)
                try:
                    size = os.fstat(handle).st_size
                    if size:
                        self._require_columns(os.read(handle, _MOST_HEADER_BYTES))
                        os.lseek(handle, -1, os.SEEK_END)
                        text.write("" if os.read(handle, 1) in b"\r\n" else "\n")
                    else:
                        table.writerow(COLUMNS)
                    table.writerows(astuple(rating) for rating in ratings)
                    _write_whole(handle, text.getvalue().encode(), size)
                finally:
                    os.close(handle)
            except OSError as error:
                raise OutputError(f"{self.path}: ratings cannot be written ({error.strerror or error})") from None

    def _require_columns(self, beginning: bytes) -> None:
        """Refuse to add to a table whose columns are others, or the same in another order."""
        first = beginning.splitlines()[0] if beginning else b""
        header = next(csv.reader([first.decode("utf-8-sig", "replace")]), [])
        if beginning and header != list(COLUMNS):
            raise DatasetError(
                f"{self.path}: ratings cannot be added to columns {', '.join(header)}; expected {', '.join(COLUMNS)}"
            )


def _write_whole(handle: int, data: bytes, size: int) -> None:
    """Append all of `data` to a file of `size` bytes, or leave it as it was."""
    whole = False
    try:
        whole = os.write(handle, data) == len(data)
        os.fsync(handle)
    finally:
        if not whole:
            os.ftruncate(handle, size)
    if not whole:
        raise OSError("the disk is full")


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        try:
            table = csv.DictReader(file)
            header = list(table.fieldnames or ())
            if missing := [name for name in COLUMNS if name not in header]:
                raise DatasetError(f"{path}: is no table of ratings; it has no column {missing[0]!r}")
            return list(table)
        except (csv.Error, UnicodeDecodeError) as error:
            raise DatasetError(f"{path}: is no table of ratings ({error})") from None


def _rating(path: Path, line: int, row: dict[str, str]) -> Rating:
    values: dict[str, Any] = {}
    for field in fields(Rating):
        text = row[field.name]
        try:
            values[field.name] = _KINDS[str(field.type)](text or "" if field.type == "str" else text)
        except (TypeError, ValueError):
            raise DatasetError(f"{path}: row {line}: {field.name} = {text!r} is not a number") from None
    if not LOWEST <= values["rating"] <= HIGHEST:
        raise DatasetError(f"{path}: row {line}: rating = {values['rating']}: must be {LOWEST} to {HIGHEST}")
    return Rating(**values)

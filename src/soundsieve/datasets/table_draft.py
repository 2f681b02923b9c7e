"""A table of descriptors in the making: its rows are kept in a hidden file, and it appears when it is complete.

The hidden file has a line of JSON that says how the rows are made, and then a line for some rows of a recording. Lines
are only ever added; one that was being written when the process was killed is cut off when the table is gone on with.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

from soundsieve.datasets import table_formats
from soundsieve.datasets.genre_table import LABEL_COLUMN, LENGTH_COLUMN, NAME_COLUMN
from soundsieve.datasets.table_formats import Row
from soundsieve.errors import OutputError

try:
    import fcntl
except ImportError:  # on Windows
    fcntl = None  # type: ignore[assignment]

_NO_LOCKS = {errno.ENOSYS, errno.ENOTSUP, errno.ENOLCK}  # a file system that has none


@dataclass
class _Kept:
    """Where the rows of a recording are: the offsets of their lines, how many rows, and whether they are all."""

    offsets: list[int] = field(default_factory=list)
    rows: int = 0
    whole: bool = False


class TableDraft:
    r"""Keeps rows until the table is complete, then writes it at once.

    Args:
        table: The table, CSV or Parquet by its suffix.
        columns: The descriptors.
        made: How the rows are made, as JSON can say it; rows made otherwise are not mixed with them.

    Raises:
        OutputError: the suffix is neither `.csv` nor `.parquet`.
        MissingExtraError: it is `.parquet` and pyarrow is not installed.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with TableDraft(Path(folder, "a.csv"), ["tempo"], {}) as draft:
    ...         draft.begin()
    ...         draft.add("b.wav", [("b.wav", 22050, 120.5, "pop")])
    ...         draft.finish("b.wav")
    ...         draft.write(["b.wav"])
    ...     Path(folder, "a.csv").read_text()
    'filename,length,tempo,label\nb.wav,22050,120.5,pop\n'
    """

    def __init__(self, table: Path, columns: Sequence[str], made: Mapping[str, Any]) -> None:
        table_formats.check_suffix(table)
        self.table = table
        self.hidden = table.with_name(f".{table.name}.part")
        self.columns = (NAME_COLUMN, LENGTH_COLUMN, *columns, LABEL_COLUMN)
        self._made = json.loads(json.dumps({"columns": list(columns), **made}))
        self._file: BinaryIO | None = None
        self._kept: dict[str, _Kept] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            with _reported(self.table):  # a full disk is noticed again
                self._leave()
                if not self.recordings:  # nothing that is worth going on with
                    self.hidden.unlink(missing_ok=True)

    @property
    def recordings(self) -> list[str]:
        """The recordings of which all rows are kept, in the order in which they came."""
        return [name for name, kept in self._kept.items() if kept.whole]

    @property
    def rows(self) -> int:
        """How many rows they have."""
        return sum(kept.rows for kept in self._kept.values() if kept.whole)

    def begin(self) -> None:
        """Begin anew, with no row.

        Raises:
            OutputError: the hidden file cannot be written, or another process is writing it.
        """
        with _reported(self.table):
            self._file = self._opened()
            self._file.truncate(0)
            self._append(self._made)

    def go_on(self) -> None:
        """Go on with the rows in the hidden file; begin where there is none.

        Raises:
            OutputError: they are made otherwise, or the file is damaged, cannot be written or is being written.
        """
        with _reported(self.table), contextlib.ExitStack() as unless_it_can_be_used:
            file = unless_it_can_be_used.enter_context(self._opened())
            first = file.readline()
            if first.endswith(b"\n"):
                self._refuse_other(first)
                self._find_rows(file)
                self._file = file
                unless_it_can_be_used.pop_all()
        if self._file is None:  # it was killed before it had begun
            self.begin()

    def take_over(self, recording_of: Callable[[str], str]) -> None:
        """Begin with the rows of the finished table.

        Args:
            recording_of: From the name of a row to that of its recording.

        Raises:
            OutputError: it is not a table of these columns.
            DatasetError: it cannot be read.
        """
        batches = table_formats.read(self.table, self.columns)
        first = next(batches, [])  # what is wrong with the table is said before anything is written
        self.begin()
        for batch in itertools.chain([first], batches):
            for recording, rows in itertools.groupby(batch, lambda row: recording_of(row[0])):
                self.add(recording, rows)
        for recording in self._kept:
            self.finish(recording)

    def add(self, recording: str, rows: Iterable[Row]) -> None:
        """Keep some more rows of a recording.

        Raises:
            OutputError: they cannot be written.
        """
        kept = self._kept.setdefault(recording, _Kept())
        whole = [list(row) for row in rows]
        with _reported(self.table):
            kept.offsets.append(self._append([recording, kept.rows, whole]))
        kept.rows += len(whole)

    def finish(self, recording: str) -> None:
        """Say that there are no more rows of a recording.

        Raises:
            OutputError: it cannot be written.
        """
        with _reported(self.table):
            self._append([recording, self._kept[recording].rows, None])
        self._kept[recording].whole = True

    def forget(self, recording: str) -> None:
        """Forget the rows of a recording that could not be finished, if there are any."""
        self._kept.pop(recording, None)

    def discard(self) -> None:
        """Remove the hidden file; a table that is there stays as it is."""
        self._leave()
        with _reported(self.table):
            self.hidden.unlink(missing_ok=True)

    def write(self, order: Sequence[str]) -> None:
        """Write the table, all or nothing, and remove the hidden file.

        Args:
            order: The recordings, as they are to come; those that are kept and not in it come before them.

        Raises:
            OutputError: it cannot be written.
        """
        wanted = set(order)
        names = [name for name in self.recordings if name not in wanted]
        names += [name for name in order if name in self._kept and self._kept[name].whole]
        complete = self.hidden.with_suffix(".new")
        with _reported(self.table):
            try:
                table_formats.write(complete, self.columns, self._batches(names), suffix=self.table.suffix)
                complete.replace(self.table)
            finally:
                complete.unlink(missing_ok=True)
        self.discard()

    def _batches(self, names: Iterable[str]) -> Iterator[list[list[Any]]]:
        file = self._in_use()
        for name in names:
            for offset in self._kept[name].offsets:
                file.seek(offset)
                yield json.loads(file.readline())[2]

    def _append(self, content: object) -> int:
        file = self._in_use()
        offset = file.seek(0, 2)
        file.write(json.dumps(content).encode() + b"\n")
        file.flush()
        return offset

    def _in_use(self) -> BinaryIO:
        if self._file is None:
            raise ValueError(f"{self.table}: the draft is not open; begin it or go on with it")
        return self._file

    def _opened(self) -> BinaryIO:
        self.table.parent.mkdir(parents=True, exist_ok=True)
        file = self.hidden.open("a+b")
        if not _lock(file):
            file.close()
            raise OutputError(f"{self.table}: another run is at work on it; wait for its end")
        file.seek(0)
        return file

    def _leave(self) -> None:
        if self._file is not None:
            file, self._file = self._file, None
            file.close()

    def _refuse_other(self, line: bytes) -> None:
        try:
            found = json.loads(line)
        except ValueError:
            found = None
        if found != self._made:
            raise OutputError(f"{self.table}: was begun {_difference(found, self._made)}; begin anew with --force")

    def _find_rows(self, file: BinaryIO) -> None:
        offset = file.tell()
        for line in file:
            if not line.endswith(b"\n"):  # it was killed here
                break
            try:
                recording, before, rows = json.loads(line)
                if before == 0 and rows is not None:  # begun, or begun again
                    self._kept[recording] = _Kept()
                kept = self._kept[recording]
            except (ValueError, TypeError, KeyError):
                raise self._damaged(offset) from None
            if kept.rows != before:
                raise self._damaged(offset)
            if rows is None:
                kept.whole = True
            else:
                kept.offsets.append(offset)
                kept.rows += len(rows)
            offset += len(line)
        file.truncate(offset)
        self._kept = {name: kept for name, kept in self._kept.items() if kept.whole}

    def _damaged(self, offset: int) -> OutputError:
        return OutputError(f"{self.hidden}: is damaged at byte {offset:,}; begin anew with --force")


def _lock(file: BinaryIO) -> bool:
    """Keep other processes from writing a file until it is closed; False where one of them is writing it."""
    if fcntl is not None:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
    return True


def _difference(found: object, wanted: Mapping[str, Any]) -> str:
    if not isinstance(found, dict):
        return "by something else"
    for name, value in wanted.items():
        if found.get(name) != value:
            return "with other columns" if name == "columns" else f"with {name} = {found.get(name)}, not {value}"
    return "by another version"


@contextlib.contextmanager
def _reported(table: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(f"{table}: cannot be written ({error.strerror or error})") from None

"""Tables of descriptors as files, CSV or Parquet: read and written some rows at a time, in bounded memory."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from soundsieve.datasets import parquet
from soundsieve.datasets.genre_table import LABEL_COLUMN, LENGTH_COLUMN, NAME_COLUMN
from soundsieve.datasets.parquet import PARQUET_SUFFIX
from soundsieve.errors import DatasetError, OutputError

Row = Sequence[Any]
"""Name, length, descriptors, label."""

CSV_SUFFIX = ".csv"

_BATCH = 1024  # rows held at once


def check_suffix(table: Path) -> None:
    """Refuse a table of another format.

    Raises:
        OutputError: its suffix is neither `.csv` nor `.parquet`.
        MissingExtraError: it is `.parquet` and pyarrow is not installed.
    """
    suffix = table.suffix.lower()
    if suffix not in (CSV_SUFFIX, PARQUET_SUFFIX):
        raise OutputError(f"{table}: a table is written as {CSV_SUFFIX} or {PARQUET_SUFFIX}; found {suffix!r}")
    if suffix == PARQUET_SUFFIX:
        parquet.require()


def write(path: Path, columns: Sequence[str], batches: Iterable[Sequence[Row]], *, suffix: str) -> None:
    """Write a table.

    Args:
        path: the file; replaced if it is there.
        columns: `filename`, `length`, the descriptors, `label`.
        batches: some rows at a time.
        suffix: of the format, whatever the file is called.

    Raises:
        OSError: it cannot be written.
    """
    (_write_parquet if suffix.lower() == PARQUET_SUFFIX else _write_csv)(path, columns, batches)


def read(table: Path, columns: Sequence[str]) -> Iterator[list[Row]]:
    """Read a table some rows at a time, numbers as numbers.

    Args:
        table: the file.
        columns: those that it must have, in this order.

    Raises:
        OutputError: it has others.
        DatasetError: it cannot be read, or holds what is no number.
    """
    raw = _read_parquet(table) if table.suffix.lower() == PARQUET_SUFFIX else _read_csv(table)
    if tuple(*next(raw)) != tuple(columns):
        raise OutputError(f"{table}: its columns are not those of this table; begin anew with --force")
    for batch in raw:
        yield [_typed(table, row, len(columns)) for row in batch]


def _typed(table: Path, row: Row, cells: int) -> Row:
    if len(row) != cells:
        raise DatasetError(f"{table}: {row[0]} has {len(row)} values; expected {cells}")
    try:
        return [row[0], int(row[1]), *map(float, row[2:-1]), row[-1] or ""]
    except (TypeError, ValueError):
        raise DatasetError(f"{table}: {row[0]} has what is no number where one is expected") from None


def _write_csv(path: Path, columns: Sequence[str], batches: Iterable[Sequence[Row]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        # Floating-point numbers are written by their repr, so that they read back exactly.
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        for batch in batches:
            writer.writerows(batch)


def _write_parquet(path: Path, columns: Sequence[str], batches: Iterable[Sequence[Row]]) -> None:
    special = {NAME_COLUMN: "string", LENGTH_COLUMN: "int64", LABEL_COLUMN: "string"}
    parquet.write(path, [(name, special.get(name, "double")) for name in columns], batches)


def _read_csv(table: Path) -> Iterator[list[Sequence[Any]]]:
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            yield [next(reader, [])]
            while batch := list(itertools.islice(reader, _BATCH)):
                yield [row for row in batch if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise DatasetError(f"{table}: cannot read this table ({reason})") from None


def _read_parquet(table: Path) -> Iterator[list[Sequence[Any]]]:
    yield [parquet.columns(table)]
    for batch in parquet.batches(table):
        yield [*batch]

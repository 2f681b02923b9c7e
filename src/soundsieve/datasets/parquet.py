"""Tables in Parquet, read and written in batches of rows; needs pyarrow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from soundsieve.errors import DatasetError, MissingExtraError

PARQUET_SUFFIX = ".parquet"

_BATCH = 1024  # rows held at once


def require() -> tuple[ModuleType, ModuleType]:
    """Return `pyarrow` and `pyarrow.parquet`.

    Raises:
        MissingExtraError: they are not installed.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise MissingExtraError(
            "Parquet needs pyarrow, which is not installed: pip install 'soundsieve[parquet]', or use a .csv table"
        ) from None
    return pyarrow, pyarrow.parquet


def columns(path: Path) -> list[str]:
    """Return the names of the columns of a table.

    Raises:
        DatasetError: it cannot be read.
        MissingExtraError: pyarrow is not installed.
    """
    with _opened(path) as table:
        return list(table.schema_arrow.names)


def batches(path: Path) -> Iterator[list[tuple[Any, ...]]]:
    """Yield the rows of a table, some at a time, as tuples in the order of its columns.

    Raises:
        DatasetError: it cannot be read.
        MissingExtraError: pyarrow is not installed.
    """
    with _opened(path) as table:
        for batch in table.iter_batches(batch_size=_BATCH):
            yield list(zip(*(column.to_pylist() for column in batch.columns), strict=True))


def write(path: Path, types: Sequence[tuple[str, str]], rows: Iterable[Sequence[Sequence[object]]]) -> None:
    """Write batches of rows.

    Args:
        path: the file; replaced if it is there.
        types: each column and its type in Arrow's words: string, int64, double.
        rows: the batches.

    Raises:
        OSError: it cannot be written.
        MissingExtraError: pyarrow is not installed.
    """
    arrow, parquet = require()
    schema = arrow.schema([(name, arrow.type_for_alias(kind)) for name, kind in types])
    with path.open("wb") as file, parquet.ParquetWriter(file, schema) as writer:
        for batch in rows:
            if batch:
                cells = list(map(arrow.array, zip(*batch, strict=True), schema.types))
                writer.write_batch(arrow.record_batch(cells, schema=schema))


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    arrow, parquet = require()
    try:
        with path.open("rb") as file, parquet.ParquetFile(file) as table:
            yield table
    except (OSError, arrow.ArrowException) as error:
        reason = getattr(error, "strerror", None) or str(error).partition("\n")[0]
        raise DatasetError(f"{path}: cannot read this table ({reason})") from None

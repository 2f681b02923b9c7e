"""Reading what every data set folder has: audio files and tables. Nothing here opens the audio."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

from soundsieve.datasets import parquet
from soundsieve.datasets.parquet import PARQUET_SUFFIX
from soundsieve.errors import DatasetError

# Sound files, and videos for their sound tracks; what is in them is only found out when they are opened.
AUDIO_SUFFIXES = frozenset(
    ".wav .flac .ogg .oga .opus .mp3 .m4a .aac .aif .aiff .au .wma .caf .amr .3gp .mp4 .mov .mkv .webm".split()  # noqa: SIM905
)


def is_audio(path: Path) -> bool:
    """Say whether a name is that of an audio file that is not hidden; the file is not opened.

    >>> is_audio(Path("dog/Bark.WAV")), is_audio(Path("dog/._Bark.wav")), is_audio(Path("notes.txt"))
    (True, False, False)
    """
    return path.suffix.lower() in AUDIO_SUFFIXES and not path.name.startswith(".")


def require_folder(root: Path, data_set: str) -> Path:
    """Return `root` if it is a folder.

    Raises:
        DatasetError: there is no folder of that name.
    """
    if not root.is_dir():
        found = "it is a file" if root.exists() else "there is no such folder"
        raise DatasetError(f"{root}: {found}; expected the folder of the {data_set} data set")
    return root


def first_folder(root: Path, names: Iterable[str], *, holding: str = ".") -> Path | None:
    """Return the first of `names` that is a folder under `root` with `holding` in it, or None."""
    return next((root / name for name in names if (root / name).is_dir() and (root / name / holding).exists()), None)


def first_file(root: Path, names: Iterable[str]) -> Path | None:
    """Return the first of `names` that is a file under `root`, or None."""
    return next((root / name for name in names if (root / name).is_file()), None)


def audio_by_stem(folder: Path) -> dict[str, Path]:
    """Map the stem of each audio file straight inside `folder` to its path.

    The stem, because copies of a data set are often re-encoded: a table says `a.wav` and the folder has `a.ogg`.
    A `.wav` wins where a stem is there twice.
    """
    paths = sorted(
        (path for path in folder.iterdir() if is_audio(path) and path.is_file()),
        key=lambda p: (p.suffix.lower() == ".wav", p),
    )
    return {path.stem: path for path in paths}


def audio_below(folder: Path) -> list[Path]:
    """Return the audio files in `folder` and its sub-folders, sorted, without hidden files and folders."""
    return sorted(
        path
        for path in folder.rglob("*")
        if is_audio(path)
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        and path.is_file()
    )


def read_rows(path: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    """Read a CSV table with a header line, or a Parquet table, into one mapping a row.

    Args:
        path: the table; Parquet if its name ends with `.parquet`.
        columns: the columns that must be there and hold a value in every row; the first is different in each row.

    Raises:
        DatasetError: the table cannot be read, has no row, lacks a column, a row has too few or too many values, or
            two rows have the same first column.
        MissingExtraError: it is a Parquet table and pyarrow is not installed.
    """
    header, rows = _parquet_rows(path) if path.suffix.lower() == PARQUET_SUFFIX else _csv_rows(path)
    for column in columns:
        if column not in header:
            raise DatasetError(f"{path}: column {column!r} is missing; found {', '.join(header) or 'an empty file'}")
    if not rows:
        raise DatasetError(f"{path}: the table has a header and no rows")
    _check_rows(path, rows, columns)
    return [{key: value.strip() for key, value in row.items()} for _, row in rows]


def _csv_rows(path: Path) -> tuple[Sequence[str], list[tuple[int, dict[str, str]]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, restkey="", restval="")
            return reader.fieldnames or [], [(reader.line_num, row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise DatasetError(f"{path}: cannot read this table ({reason})") from None


def _parquet_rows(path: Path) -> tuple[Sequence[str], list[tuple[int, dict[str, str]]]]:
    """Read a Parquet table as the CSV table it would be, with the same number for each line."""
    header = parquet.columns(path)
    rows = (row for batch in parquet.batches(path) for row in batch)
    texts = [["" if value is None else str(value) for value in row] for row in rows]
    return header, [(line, dict(zip(header, row, strict=True))) for line, row in enumerate(texts, start=2)]


def _check_rows(path: Path, rows: Iterable[tuple[int, dict[str, str]]], columns: Sequence[str]) -> None:
    line_of: dict[str, int] = {}
    for line, row in rows:
        if "" in row:  # Where the reader puts what is left over: such a row cannot be trusted to be aligned.
            raise DatasetError(f"{path}: line {line} has more values than the header has columns")
        for column in columns:
            if not row[column].strip():
                raise DatasetError(f"{path}: line {line} has no value in column {column!r}")
        first = line_of.setdefault(row[columns[0]], line)
        if first != line:
            raise DatasetError(f"{path}: {row[columns[0]]} is in lines {first} and {line}; expected it once")


def require_present(data_set: str, missing: Sequence[str]) -> None:
    """Refuse a copy that lacks files its table names.

    Raises:
        DatasetError: `missing` is not empty; the sentence gives how many and the first.
    """
    if missing:
        count = f"{len(missing):,} audio file{'s' if len(missing) > 1 else ''}"
        raise DatasetError(f"{data_set}: {count} named by the table cannot be found, the first is {missing[0]}")

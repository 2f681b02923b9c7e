"""Tables of descriptors, one row a track or a piece of one: the public tables of GTZAN, and your own in their layout.

`features_30_sec.csv` has a row a track, `features_3_sec.csv` ten a track; both begin `filename,length,` and end
`,label`. `length` is how many samples were read: it says nothing of music and much of where a recording comes from, so
it is never a descriptor.

Rows are named after their recording. One named as in GTZAN gives `blues.00000.wav`, its pieces `blues.00000.0.wav` and
so on, as in the public tables; any other gives its path below the folder that was walked, `night/song.mp3`, its pieces
`night/song__0.mp3`.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from soundsieve.datasets.clip import label_name
from soundsieve.datasets.gtzan import find_track, genre_of
from soundsieve.datasets.layout import read_rows
from soundsieve.errors import DatasetError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NAME_COLUMN, LENGTH_COLUMN, LABEL_COLUMN = "filename", "length", "label"

_PIECE = re.compile(r"__\d+$")


@dataclass(frozen=True)
class GenreTable:
    """Descriptors of music, with what is needed to divide them honestly.

    Attributes:
        names: the file of each row, as the table gives it; n of them.
        columns: what the columns of `values` are.
        values: shape (n, column).
        labels: the genre of each row.
        groups: the track that each row is cut from; rows of one track may not be divided.
    """

    names: tuple[str, ...]
    columns: tuple[str, ...]
    values: NDArray[np.float64]
    labels: tuple[str, ...]
    groups: tuple[str, ...]

    @property
    def classes(self) -> tuple[str, ...]:
        """The genres that occur, in alphabetical order."""
        return tuple(sorted(set(self.labels)))

    @property
    def targets(self) -> NDArray[np.int64]:
        """The place of each row's genre among `classes`, shape (n,)."""
        import numpy as np

        place = {label: index for index, label in enumerate(self.classes)}
        return np.array([place[label] for label in self.labels], np.int64)

    def __len__(self) -> int:
        return len(self.names)

    def digest(self, rows: NDArray[np.int64]) -> str:
        """Return what tells some of the rows from others: how many they are, and a hash of their names and labels."""
        names = sorted(f"{self.names[row]} {self.labels[row]}" for row in rows.tolist())
        return f"{len(names)} rows, {hashlib.sha256(chr(10).join(names).encode()).hexdigest()[:16]}"

    def examples(self, rows: NDArray[np.int64]) -> Examples:
        """Return some of the rows as examples."""
        return Examples(self.values[rows], self.targets[rows], len(self.classes), self.columns)


@dataclass(frozen=True)
class Examples:
    """Rows to learn from or to choose by.

    Attributes:
        values: descriptors, shape (n, column).
        targets: the place of each row's genre among the classes, shape (n,).
        classes: how many classes there are, in these rows or not.
        columns: what the columns are.
    """

    values: NDArray[np.float64]
    targets: NDArray[np.int64]
    classes: int
    columns: tuple[str, ...]


def read_table(path: Path, columns: Sequence[str] | None = None) -> GenreTable:
    r"""Read a table of descriptors.

    Args:
        path: the CSV file, or a Parquet file if its name ends with `.parquet`.
        columns: the descriptors wanted, in this order; None for all that the table has.

    Returns:
        The table, rows in its order. Files named as in GTZAN have their track as group, others their path without
        suffix and without a piece's `__0`.

    Raises:
        DatasetError: the table cannot be read, lacks a column, has no descriptor, or a value is no finite number.
        MissingExtraError: it is a Parquet file and pyarrow is not installed.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "features_3_sec.csv")
    ...     _ = path.write_text("filename,length,tempo,label\nblues.00000.0.wav,66149,120.5,blues\n")
    ...     table = read_table(path)
    >>> table.columns, table.values.tolist(), table.labels, table.groups
    (('tempo',), [[120.5]], ('blues',), ('blues.00000',))
    """
    import numpy as np  # here, so that listing the data sets does not load it

    rows = read_rows(path, (NAME_COLUMN, LABEL_COLUMN, *(columns or ())))
    chosen = tuple(columns or (name for name in rows[0] if name not in {NAME_COLUMN, LENGTH_COLUMN, LABEL_COLUMN}))
    if not chosen:
        raise DatasetError(f"{path}: no column but {', '.join(rows[0])}; expected descriptors")
    labels = tuple(label_name(row[LABEL_COLUMN]) for row in rows)
    if "" in labels:
        raise DatasetError(f"{path}: a label has no letter or digit; expected names of genres")
    return GenreTable(
        names=tuple(row[NAME_COLUMN] for row in rows),
        columns=chosen,
        values=np.array([[_number(path, row, column) for column in chosen] for row in rows]),
        labels=labels,
        groups=tuple(_group(row[NAME_COLUMN]) for row in rows),
    )


def _number(path: Path, row: dict[str, str], column: str) -> float:
    try:
        value = float(row[column])
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise DatasetError(f"{path}: {row[NAME_COLUMN]} has {column} = {row[column]!r}; expected a finite number")
    return value


def row_name(inside: Path) -> str:
    """Name the row of a recording after its path below the folder that was walked.

    >>> row_name(Path("genres/blues/blues.00000.au")), row_name(Path("night/song.mp3"))
    ('blues.00000.wav', 'night/song.mp3')
    """
    track = find_track(inside.name)
    return f"{track}.wav" if track is not None and track == inside.stem else inside.as_posix()


def piece_name(name: str, number: int) -> str:
    """Name the row of a piece of the recording that has the row `name`.

    >>> piece_name("blues.00000.wav", 3), piece_name("night/song.mp3", 3), piece_name("take.2/song", 3)
    ('blues.00000.3.wav', 'night/song__3.mp3', 'take.2/song__3')
    """
    path = PurePosixPath(name)
    between = "." if find_track(name) == path.stem else "__"
    return str(path.with_name(f"{path.stem}{between}{number}{path.suffix}"))


def recording_of(name: str) -> str:
    """Name the row that the recording of a piece would have: what `piece_name` was given.

    >>> recording_of("blues.00000.3.wav"), recording_of("night/song__3.mp3"), recording_of("song.mp3")
    ('blues.00000.wav', 'night/song.mp3', 'song.mp3')
    """
    path, track = PurePosixPath(name), find_track(name)
    stem = _PIECE.sub("", path.stem)
    if stem == path.stem and track is not None and re.fullmatch(r"\.\d+", stem.removeprefix(track)):
        stem = track
    return str(path.with_name(f"{stem}{path.suffix}")) if stem else name


def label_of(inside: Path) -> str:
    """Find the label of a recording: GTZAN's genre in its name, the first folder it is in, or none.

    >>> label_of(Path("blues.00000.wav")), label_of(Path("Hip-Hop/live/song.mp3")), label_of(Path("song.mp3"))
    ('blues', 'Hip-Hop', '')
    """
    track = find_track(inside.name)
    if track is not None:
        return genre_of(track)
    return inside.parts[0] if len(inside.parts) > 1 else ""


def _group(name: str) -> str:
    path = PurePosixPath(name)
    stem = _PIECE.sub("", path.stem) or path.stem
    return find_track(name) or (str(path.with_name(stem)) if stem else name)

"""What a classifier said of clips, kept beside what they are."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from soundsieve.errors import OutputError, SettingsError

Logits = NDArray[np.float32]

_COLUMNS = ("classes", "files", "sources", "labels")


@dataclass(frozen=True)
class Predictions:
    """One clip a row.

    Attributes:
        classes: In the order of the logits.
        files: Each clip's file.
        sources: Its leakage group.
        labels: What it is; a label that is no class for a sound that should be answered "unknown".
        logits: Shape (n, c).
    """

    classes: tuple[str, ...]
    files: tuple[str, ...]
    sources: tuple[str, ...]
    labels: tuple[str, ...]
    logits: Logits

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def truth(self) -> NDArray[np.int64]:
        """Row of each clip's class, -1 where it is of none; shape (n,)."""
        rows = {label: row for row, label in enumerate(self.classes)}
        return np.array([rows.get(label, -1) for label in self.labels], np.int64)

    @property
    def correct(self) -> NDArray[np.bool_]:
        """Whether the class with the highest logit is the right one; shape (n,)."""
        if not len(self):
            return np.zeros(0, np.bool_)
        return np.asarray(self.logits.argmax(1) == self.truth)

    def known(self) -> Predictions:
        """Only the clips that are of a class."""
        return self._kept(self.truth >= 0)

    def unknown(self) -> Predictions:
        """Only the clips that are of none."""
        return self._kept(self.truth < 0)

    def _kept(self, kept: NDArray[np.bool_]) -> Predictions:
        rows = np.flatnonzero(kept)
        own = {name: tuple(getattr(self, name)[row] for row in rows) for name in ("files", "sources", "labels")}
        return replace(self, **own, logits=self.logits[rows])

    def save(self, path: Path) -> None:
        """Write them as .npz, all or nothing.

        Raises:
            OutputError: when it cannot be written.
        """
        classes, files, sources, labels = (np.array(getattr(self, name), np.str_) for name in _COLUMNS)
        temporary = path.with_name(f".{path.name}")  # numpy adds a suffix to names without .npz
        try:
            np.savez_compressed(
                temporary, logits=self.logits, classes=classes, files=files, sources=sources, labels=labels
            )
            temporary.replace(path)
        except OSError as error:
            raise OutputError(f"{path}: cannot be written ({error.strerror})") from None


def load(path: Path) -> Predictions:
    """Read what `Predictions.save` wrote.

    Raises:
        SettingsError: when it is missing or damaged.
    """
    try:
        with np.load(path) as file:
            columns = {name: tuple(file[name].tolist()) for name in _COLUMNS}
            return Predictions(**columns, logits=file["logits"])
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise SettingsError(f"{path}: holds no predictions ({error})") from None


def joined(parts: list[Predictions]) -> Predictions:
    """Put predictions of the same classes one after the other.

    Raises:
        ValueError: when there are none, or their classes differ.
    """
    if not parts or any(part.classes != parts[0].classes for part in parts):
        raise ValueError("expected predictions of the same classes, one or more")
    columns = {name: sum((getattr(part, name) for part in parts), ()) for name in ("files", "sources", "labels")}
    return Predictions(parts[0].classes, **columns, logits=np.concatenate([part.logits for part in parts]))

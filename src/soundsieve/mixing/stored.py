"""Mixtures on disk: a manifest of what was decided, and a folder of recordings for each mixture.

    OUT/manifest.jsonl          one JSON object a mixture: the plan, with the paths of its recordings
    OUT/000000/mixture.wav      float WAV, so that what is read is what was rendered
    OUT/000000/<class>.wav      the sum of the events of one class
    OUT/000000/background.wav   what belongs to no class

The manifest is written first and whole; a mixture's folder appears when it is complete. A set that was stopped is
therefore known by its manifest, and what it lacks by the folders that are not there.
"""

from __future__ import annotations

import json
import re
import secrets
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from soundsieve import audio
from soundsieve.errors import DatasetError, OutputError
from soundsieve.mixing.augment import Augmentation
from soundsieve.mixing.bank import Bank
from soundsieve.mixing.plan import Event, Mixture
from soundsieve.mixing.render import Rendered, render

MANIFEST = "manifest.jsonl"
_MIXTURE, _BACKGROUND = "mixture", "background"
_PART = ".part"  # prefix of a folder that is being written


@dataclass(frozen=True)
class Row:
    """One line of a manifest.

    Attributes:
        index: Number of the mixture.
        is_train: Whether it is made of training recordings.
        plan: What was decided.
        paths: The recording of each event, in the order of the plan.
        background: The recording of the background, None where there is none.
    """

    index: int
    is_train: bool
    plan: Mixture
    paths: tuple[str, ...]
    background: str | None

    def to_line(self) -> str:
        """Write the row as one line of JSON."""
        values = self.plan.to_json()
        for event, path in zip(values["events"], self.paths, strict=True):
            event["path"] = path
        head = {"index": self.index, "is_train": self.is_train}
        return json.dumps({**head, **values, "background_path": self.background}, ensure_ascii=False)

    @classmethod
    def from_line(cls, line: str) -> Row:
        """Read what `to_line` wrote.

        Raises:
            ValueError, KeyError, TypeError: when the line is anything else.
        """
        values = json.loads(line)
        head = {name: values.pop(name) for name in ("index", "is_train")}
        background = values.pop("background_path")
        paths = tuple(event.pop("path") for event in values["events"])
        events = tuple(_event(event) for event in values.pop("events"))
        plan = Mixture(**{**values, "labels": tuple(values["labels"]), "events": events})
        return cls(**head, plan=plan, paths=paths, background=background)


def manifest_rows(
    plans: Sequence[Mixture], banks: tuple[Bank, Bank | None], *, is_train: bool, root: Path | None = None
) -> list[Row]:
    """Name the recordings of decided mixtures.

    Args:
        plans: The mixtures.
        banks: Events and backgrounds that they refer to.
        is_train: Whether these are training recordings.
        root: Paths below this folder are written relative to it, so that a set does not depend on where the data lies.
    """
    events, backgrounds = banks

    def name(bank: Bank, position: int) -> str:
        path = bank.recordings[position].path
        return (path.relative_to(root) if root is not None and path.is_relative_to(root) else path).as_posix()

    rows = []
    for index, plan in enumerate(plans):
        paths = tuple(name(events, event.recording) for event in plan.events)
        background = name(backgrounds, plan.background) if backgrounds and plan.background is not None else None
        rows.append(Row(index, is_train, plan, paths, background))
    return rows


def prepare(folder: Path, rows: Sequence[Row], *, resume: bool = False, force: bool = False) -> None:
    """Make the folder of a set and write its manifest.

    Args:
        folder: The set's folder.
        rows: What it will hold.
        resume: Go on with the set in the folder, which may be extended by more mixtures of the same kind.
        force: Delete the set that is in the folder.

    Raises:
        OutputError: when the folder holds another set, other files, or this very set and `resume` is not given, or when
            it cannot be written.
    """
    lines = [row.to_line() for row in rows]
    manifest = folder / MANIFEST
    try:
        if manifest.exists() and force:
            for place in _mixtures(folder):  # not by the manifest, which may be damaged
                shutil.rmtree(place)
        elif manifest.exists():
            _refuse_other_set(folder, manifest.read_text(encoding="utf-8").splitlines(), lines, resume=resume)
        elif folder.exists() and any(folder.iterdir()):
            raise OutputError(f"{folder}: holds other files; choose an empty folder for the mixtures")
        folder.mkdir(parents=True, exist_ok=True)
        write_text(manifest, "\n".join(lines) + "\n")
    except OSError as error:
        raise OutputError(f"{folder}: cannot be written ({error.strerror})") from None


def _mixtures(folder: Path) -> list[Path]:
    return [place for place in folder.iterdir() if place.is_dir() and re.fullmatch(r"\d{6,}", place.name)]


def _refuse_other_set(folder: Path, present: Sequence[str], wanted: Sequence[str], *, resume: bool) -> None:
    if not resume:
        raise OutputError(f"{folder}: holds mixtures already; go on with --resume or replace them with --force")
    if len(wanted) < len(present):
        raise OutputError(
            f"{folder}: holds a set of {len(present)} mixtures; it can be extended, not cut to {len(wanted)}"
        )
    if list(present) != list(wanted[: len(present)]):
        raise OutputError(f"{folder}: holds another set of mixtures; choose another folder or replace it with --force")


def write_text(path: Path, text: str) -> None:
    """Write a text file that is there whole or not at all."""
    temporary = path.with_name(f".{secrets.token_hex(8)}.part")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def render_missing(
    folder: Path,
    rows: Sequence[Row],
    banks: tuple[Bank, Bank | None],
    *,
    progress: Callable[[int, int], None] | None = None,
) -> int:
    """Write every mixture that is not there yet, each complete or not at all; returns how many were written.

    Args:
        folder: A folder made by `prepare`.
        rows: The set.
        banks: Events and backgrounds.
        progress: Called with how many are done, and of how many.

    Raises:
        OutputError: when one cannot be written.
    """
    written = 0
    for left_over in folder.glob(f"{_PART}*"):
        shutil.rmtree(left_over, ignore_errors=True)
    for done, row in enumerate(rows, start=1):
        place = folder / _name(row.index)
        if not place.is_dir():
            _write_mixture(place, render(row.plan, *banks), row.plan.sample_rate)
            written += 1
        if progress is not None:
            progress(done, len(rows))
    return written


def _write_mixture(place: Path, sound: Rendered, sample_rate: int) -> None:
    names = file_names(tuple(sound.references))
    waves = {_MIXTURE: sound.mixture, **{names[label]: wave for label, wave in sound.references.items()}}
    temporary = place.with_name(f"{_PART}{place.name}")
    try:
        temporary.mkdir()
        for name, wave in {**waves, _BACKGROUND: sound.residual}.items():
            audio.write(temporary / f"{name}.wav", wave[None], sample_rate)
        temporary.replace(place)
    except OSError as error:
        raise OutputError(f"{place}: cannot be written ({error.strerror})") from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def file_names(labels: Sequence[str]) -> dict[str, str]:
    """Give each class a file name of its own, beside `mixture` and `background`.

    >>> file_names(["dog", "mixture", "hi/hat", "hi hat"])
    {'dog': 'dog', 'mixture': 'mixture_', 'hi/hat': 'hi_hat', 'hi hat': 'hi_hat_'}
    """
    taken = {_MIXTURE, _BACKGROUND}
    names = {}
    for label in labels:
        name = "".join(letter if letter.isalnum() or letter in "-_" else "_" for letter in label)
        while name.lower() in taken:
            name += "_"
        taken.add(name.lower())
        names[label] = name
    return names


def read_manifest(folder: Path) -> list[Row]:
    """Read the manifest of a set.

    Raises:
        DatasetError: when there is none, or a line is not what it should be.
    """
    manifest = folder / MANIFEST
    try:
        lines = manifest.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise DatasetError(f"{manifest}: {error.strerror}; expected a folder written by soundsieve mix") from None
    rows = []
    for number, line in enumerate(lines, start=1):
        try:
            rows.append(Row.from_line(line))
        except (ValueError, KeyError, TypeError) as error:
            raise DatasetError(f"{manifest}: line {number} is not a mixture ({error!r})") from None
    return rows


class StoredMixtures:
    """Mixtures read from disk, equal to those rendered on the fly from the same plans and recordings.

    Args:
        folder: What `soundsieve mix` wrote.

    Attributes:
        folder: The same.
        sample_rate: In Hz.
        is_train: Whether every mixture is made of training recordings.
        most_classes: Classes in the mixture that has the most.

    Raises:
        DatasetError: when the folder is not a complete set.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        rows = read_manifest(self.folder)
        if not rows:
            raise DatasetError(f"{self.folder / MANIFEST}: names no mixture")
        missing = [row.index for row in rows if not (self.folder / _name(row.index)).is_dir()]
        if missing:
            raise DatasetError(
                f"{self.folder}: {len(missing)} of {len(rows)} mixtures are missing, the first is {_name(missing[0])};"
                " finish the set with soundsieve mix --resume"
            )
        self.sample_rate = rows[0].plan.sample_rate
        self.is_train = all(row.is_train for row in rows)
        self._labels = [row.plan.labels for row in rows]
        self.most_classes = max(map(len, self._labels))

    def __len__(self) -> int:
        return len(self._labels)

    def __call__(self, index: int) -> Rendered:
        """Read mixture number `index`.

        Raises:
            AudioError: when one of its recordings is missing or damaged.
        """
        place = self.folder / _name(index)

        def wave(name: str) -> Any:
            return audio.read(place / f"{name}.wav")[0][0]

        names = file_names(self._labels[index])
        return Rendered(wave(_MIXTURE), {label: wave(name) for label, name in names.items()}, wave(_BACKGROUND))


def _name(index: int) -> str:
    return f"{index:06d}"


def _event(values: Mapping[str, Any]) -> Event:
    change = values["augmentation"]
    colour_db = tuple(change["colour_db"])
    return Event(**{**values, "augmentation": Augmentation(**{**change, "colour_db": colour_db})})

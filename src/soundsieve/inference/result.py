"""What was made of a recording: the sounds, and in plain values what was done."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from soundsieve.inference.group_writer import GroupWriter, make_folder
from soundsieve.inference.pair import output_paths
from soundsieve.inference.presence import Presence
from soundsieve.inference.separate import Mode


@dataclass(frozen=True, slots=True)
class Report:
    """What was done to one recording.

    Attributes:
        mode: Whether the classes were kept or removed.
        sample_rate: In Hz.
        channels: How many.
        duration_s: How long it is.
        presence: Asked class → how much of it was found.
        seconds_taken: Wall-clock time.
        file: The recording, where it was a file.
        outputs: The files of what was asked for and of the rest, where they were written.
        clipped: Samples in them that were beyond full scale and that an integer encoding cut off.
    """

    mode: Mode
    sample_rate: int
    channels: int
    duration_s: float
    presence: Mapping[str, Presence]
    seconds_taken: float
    file: Path | None = None
    outputs: tuple[Path, Path] | None = None
    clipped: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON; no NaN, no infinity."""
        written = {}
        if self.outputs is not None:
            selected, rest = map(str, self.outputs)
            written = {"outputs": {"selected": selected, "rest": rest}, "clipped": self.clipped}
        return {
            **({} if self.file is None else {"file": str(self.file)}),
            **written,
            "mode": self.mode,
            "duration_s": self.duration_s,
            "sample_rate": self.sample_rate,
            "channels": self.channels,
            "classes": {name: found.to_dict() for name, found in self.presence.items()},
            "seconds_taken": round(self.seconds_taken, 3),
        }


@dataclass(frozen=True, slots=True)
class Selection:
    """A recording in two parts that add up to it.

    Attributes:
        selected: What was asked for, shaped like the input: the kept classes, or everything but the removed ones.
        rest: The input minus that.
        sample_rate: The input's, in Hz.
        presence: Asked class → how much of it was found.
        report: The same and more, for `to_json`.
    """

    selected: NDArray[np.float32]
    rest: NDArray[np.float32]
    sample_rate: int
    presence: Mapping[str, Presence]
    report: Report

    def save(
        self, folder: str | Path, *, suffix: str = "wav", subtype: str | None = None, force: bool = False
    ) -> tuple[Path, Path]:
        """Write `<stem>.selected.<suffix>` and `<stem>.rest.<suffix>`, both or neither, and return their paths.

        The stem is that of the input, or `audio` where it was no file.

        Raises:
            OutputError: when one exists already and `force` is not given, or the place cannot be written.
        """
        make_folder(Path(folder))
        paths = output_paths(self.report.file or "audio", folder, suffix)
        selected, rest = np.atleast_2d(self.selected, self.rest)
        with GroupWriter(paths, self.sample_rate, len(selected), subtype=subtype, force=force) as pair:
            pair.write(selected, rest)
        return paths

    def to_json(self) -> str:
        """Say in JSON what was done and how much of each class was found; no NaN, no infinity."""
        return json.dumps(self.report.to_dict(), allow_nan=False)

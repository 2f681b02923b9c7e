"""What was made of a song: its stems, and in plain values what was done."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from soundsieve.inference.group_writer import GroupWriter, make_folder


def output_paths(
    recording: str | Path, folder: str | Path, parts: Iterable[str], suffix: str = "wav"
) -> dict[str, Path]:
    """Name the file of each part of a song.

    Args:
        recording: Its name is used, its folder is not.
        folder: Where the results go.
        parts: Stems and mixdowns.
        suffix: Type of the results, with or without its dot.

    >>> paths = output_paths("albums/song.mp3", "out", ["vocals", "minus-vocals"], "flac")
    >>> [path.name for path in paths.values()]
    ['song.vocals.flac', 'song.minus-vocals.flac']
    """
    return {name: Path(folder) / f"{Path(recording).stem}.{name}.{suffix.removeprefix('.')}" for name in parts}


@dataclass(frozen=True, slots=True)
class UnmixReport:
    """What was done to one song.

    Attributes:
        sample_rate: In Hz.
        channels: How many.
        duration_s: How long it is.
        levels_db: Stem → its level over the whole song, against full scale; None for silence.
        seconds_taken: Wall-clock time.
        file: The song, where it was a file.
        outputs: Stem or mixdown → the file it was written to, if it was.
        figure: The picture of the stems, if one was drawn.
        clipped: Samples in the files that were beyond full scale and that an integer encoding cut off.
    """

    sample_rate: int
    channels: int
    duration_s: float
    levels_db: Mapping[str, float | None]
    seconds_taken: float
    file: Path | None = None
    outputs: Mapping[str, Path] = field(default_factory=dict)
    figure: Path | None = None
    clipped: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON; no NaN, no infinity."""
        outputs = {name: str(path) for name, path in self.outputs.items()}
        return {
            **({} if self.file is None else {"file": str(self.file)}),
            **({"outputs": outputs, "clipped": self.clipped} if outputs else {}),
            **({} if self.figure is None else {"figure": str(self.figure)}),
            "duration_s": self.duration_s,
            "sample_rate": self.sample_rate,
            "channels": self.channels,
            "levels_db": dict(self.levels_db),
            "seconds_taken": round(self.seconds_taken, 3),
        }


@dataclass(frozen=True, slots=True)
class Unmixed:
    """A song in parts.

    Attributes:
        stems: Name → samples, shaped like the input; all of an engine's stems add up to it.
        mixdowns: `minus-` and a stem → the input minus that stem.
        sample_rate: The input's, in Hz.
        report: What was done, for `to_json`.
    """

    stems: Mapping[str, NDArray[np.float32]]
    mixdowns: Mapping[str, NDArray[np.float32]]
    sample_rate: int
    report: UnmixReport

    def save(
        self, folder: str | Path, *, suffix: str = "wav", subtype: str | None = None, force: bool = False
    ) -> dict[str, Path]:
        """Write `<name>.vocals.<suffix>` and so on, all or none, and return their paths.

        The name is that of the input, or `audio` where it was no file.

        Raises:
            OutputError: when one exists already and `force` is not given, or the place cannot be written.
        """
        parts = {name: np.atleast_2d(samples) for name, samples in {**self.stems, **self.mixdowns}.items()}
        paths = output_paths(self.report.file or "audio", folder, parts, suffix)
        make_folder(Path(folder))
        channels = self.report.channels
        with GroupWriter([*paths.values()], self.sample_rate, channels, subtype=subtype, force=force) as group:
            group.write(*parts.values())
        return paths

    def to_json(self) -> str:
        """Say in JSON what was done and how loud each stem is; no NaN, no infinity."""
        return json.dumps(self.report.to_dict(), allow_nan=False)

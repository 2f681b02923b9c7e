"""What was made of a video: the objects seen in it, with their tracks, and in plain values what was done."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from soundsieve.inference.group_writer import GroupWriter, make_folder
from soundsieve.inference.object_pieces import REST
from soundsieve.inference.unmixed import output_paths


@dataclass(frozen=True, slots=True)
class WatchedObject:
    """An object of a video.

    Attributes:
        label: What it is.
        visual: How clearly it is seen, from 0 to 1, where it is clearest.
        audible: The share of the video's energy that its track has, from 0 to 1.
        silent: Whether that is too little to be anything.
        bases: How many bases went to it by half or more, of all pieces; None where the engine has none.
    """

    label: str
    visual: float
    audible: float
    silent: bool
    bases: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "label": self.label,
            "visual": round(self.visual, 4),
            "audible": round(self.audible, 6),
            "silent": self.silent,
            **({} if self.bases is None else {"bases": self.bases}),
        }


@dataclass(frozen=True, slots=True)
class WatchReport:
    """What was done to one video.

    Attributes:
        objects: Those with a track, in the order of the tracks.
        sample_rate: Of the sound, in Hz.
        channels: Of the sound.
        duration_s: How long the sound is.
        seconds_taken: Wall-clock time, that of looking at the pictures included.
        file: The video.
        outputs: Label or `rest` → the file it was written to.
        videos: Label → the copy of the video with only its sound.
        figure: The picture, if one was drawn.
        clipped: Samples in the files beyond full scale that an integer encoding cut off.
        note: A sentence about what of the pictures is damaged or missing, or None.
    """

    objects: tuple[WatchedObject, ...]
    sample_rate: int
    channels: int
    duration_s: float
    seconds_taken: float
    file: Path
    outputs: Mapping[str, Path] = field(default_factory=dict)
    videos: Mapping[str, Path] = field(default_factory=dict)
    figure: Path | None = None
    clipped: int = 0
    note: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON; no NaN, no infinity."""
        return {
            "file": str(self.file),
            "objects": [found.to_dict() for found in self.objects],
            "outputs": {name: str(path) for name, path in self.outputs.items()},
            **({"videos": {name: str(path) for name, path in self.videos.items()}} if self.videos else {}),
            **({} if self.figure is None else {"figure": str(self.figure)}),
            **({} if self.note is None else {"note": self.note}),
            "clipped": self.clipped,
            "duration_s": self.duration_s,
            "sample_rate": self.sample_rate,
            "channels": self.channels,
            "seconds_taken": round(self.seconds_taken, 3),
        }


@dataclass(frozen=True, slots=True)
class Watched:
    """The sound of a video in tracks.

    Attributes:
        tracks: Label → samples (channel, time); `rest` is what they leave, and all add up to the sound.
        sample_rate: In Hz.
        report: What was done, for `to_json`.
    """

    tracks: Mapping[str, NDArray[np.float32]]
    sample_rate: int
    report: WatchReport

    def save(
        self, folder: str | Path, *, suffix: str = "wav", subtype: str | None = None, force: bool = False
    ) -> dict[str, Path]:
        """Write `<name>.violin.<suffix>` and so on and `<name>.rest.<suffix>`, all or none, and return their paths.

        Raises:
            OutputError: when one exists already and `force` is not given, or the place cannot be written.
        """
        paths = output_paths(self.report.file, folder, self.tracks, suffix)
        make_folder(Path(folder))
        channels = self.report.channels
        with GroupWriter([*paths.values()], self.sample_rate, channels, subtype=subtype, force=force) as group:
            group.write(*self.tracks.values())
        return paths

    def to_json(self) -> str:
        """Say in JSON what was done and what is seen and heard; no NaN, no infinity."""
        return json.dumps(self.report.to_dict(), allow_nan=False)


__all__ = ["REST", "WatchReport", "Watched", "WatchedObject"]

"""An evaluation of `watch`, summarised."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from soundsieve.evaluation.plain_values import plain_values
from soundsieve.evaluation.report_folder import check_folder, write_report
from soundsieve.evaluation.watch_scores import VideoScores

DEFINITIONS: Final = {
    "SDR": "10·log10(‖x‖² / ‖x − x̂‖²) of an object's whole sound",
    "SI-SDR": "the same after the best scaling",
    "BSS SDR, SIR, SAR": "BSS Eval version 3 (as mir_eval): filters of the true sounds are allowed; everything that "
    "sounds and is not the object is interference",
    "gain": "the figure minus the mixture's, object by object",
    "mixture": "the mixture handed back as the track of every object: the floor",
    "true choice": "the mixture's own bases, each given to the sound it is most of: the ceiling for naming bases",
    "oracle bases": "bases learnt from each true sound alone: the ceiling for finding and naming bases",
    "ideal mask": "the ratio of the true magnitudes, in the same windows: a ceiling for masks",
    "missed": "an object that sounds and that the engine was not told of, because it was not seen or is not known to "
    "it; its track is silence, whose SDR is 0 dB",
    "found, all": "tables of found objects leave the missed ones out, those of all objects count them as silence",
    "95 %": "bootstrap interval of the mean, videos resampled",
}


@dataclass(frozen=True)
class Over:
    """A figure over objects; NaN where there is none.

    Attributes:
        median: Of all objects.
        mean: Of all objects.
        low: Of the mean's 95 % interval, videos resampled.
        high: Of the same.
        objects: How many have the figure.
    """

    median: float
    mean: float
    low: float
    high: float
    objects: int


@dataclass(frozen=True)
class ObjectRow:
    """Some of the objects of all videos.

    Attributes:
        name: Which ones: an object, a pair, or all.
        videos: In how many videos they sound.
        objects: How many there are.
        missed: How many of these have no track.
        levels: System → measure → over the found ones.
        gains: The same, minus the mixture's.
        below_oracle: Engine's SDR minus that of the oracle bases, over the found ones.
        all_levels: System → SDR over all, missed ones as silence.
        all_gains: The same, minus the mixture's.
    """

    name: str
    videos: int
    objects: int
    missed: int
    levels: Mapping[str, Mapping[str, Over]]
    gains: Mapping[str, Mapping[str, Over]]
    below_oracle: Over
    all_levels: Mapping[str, Over]
    all_gains: Mapping[str, Over]


@dataclass(frozen=True)
class LabelRow:
    """What a rule sees against what is visible.

    Attributes:
        rule: `evidence` or `published`.
        videos: How many were looked at.
        right: Labels seen that are visible.
        wrong: Labels seen that are not.
        missed: Labels visible that are not seen.
        precision: Share of the labels seen that are right.
        recall: Share of those visible that are seen.
        f1: Their harmonic mean.
        whole: Share of the videos whose labels are all right.
    """

    rule: str
    videos: int
    right: int
    wrong: int
    missed: int
    precision: float
    recall: float
    f1: float
    whole: float


@dataclass(frozen=True)
class FalseRow:
    """Tracks of objects that make no sound.

    Attributes:
        kind: `visible`, or `not there`.
        level: Against the mixture, dB.
        silent: Share of the tracks that are 20 dB or more below the mixture, which `watch` calls silent.
    """

    kind: str
    level: Over
    silent: float


@dataclass(frozen=True)
class MapAccuracy:
    """Where bases went, over all videos with several tracks.

    Attributes:
        bases: How many are of an object with a track.
        right: Share of them that went to it.
        right_energy: The same, by energy.
        rest: Share of them that was left to the rest.
        guess: Share that is right by chance.
        foreign: Bases of what has no track.
        foreign_taken: Share of these that went to objects nevertheless.
    """

    bases: int
    right: float
    right_energy: float
    rest: float
    guess: float
    foreign: int
    foreign_taken: float


@dataclass(frozen=True)
class WatchEvaluation:
    """An evaluation, summarised.

    Attributes:
        protocol: What was measured, on what, how.
        overall: All objects together.
        labels: By object.
        pairs: By pair of objects that sound together.
        seeing: Each rule's labels; none where nobody looked, or the truth is not known.
        false: Tracks of what makes no sound.
        base_map: Where bases went; None for an engine without bases.
        alone: Videos in which a single thing sounds, which have no scores.
        videos: The single videos.
        failed: Videos that could not be measured, and why.
    """

    protocol: Mapping[str, Any]
    overall: ObjectRow
    labels: tuple[ObjectRow, ...]
    pairs: tuple[ObjectRow, ...]
    seeing: tuple[LabelRow, ...]
    false: tuple[FalseRow, ...]
    base_map: MapAccuracy | None
    alone: int
    videos: tuple[VideoScores, ...]
    failed: tuple[tuple[str, str], ...] = ()

    @property
    def compute_s(self) -> float:
        """Seconds that the engine took in all."""
        return sum(video.compute_s for video in self.videos)

    @property
    def duration_s(self) -> float:
        """Seconds there were in all."""
        return sum(video.duration_s for video in self.videos)

    def to_json(self) -> dict[str, Any]:
        """Plain values; a number that does not exist is None."""
        values = {
            "protocol": dict(self.protocol),
            "definitions": DEFINITIONS,
            "overall": asdict(self.overall),
            "labels": [asdict(row) for row in self.labels],
            "pairs": [asdict(row) for row in self.pairs],
            "seeing": [asdict(row) for row in self.seeing],
            "false_sound": [asdict(row) for row in self.false],
            "base_map": None if self.base_map is None else asdict(self.base_map),
            "alone": self.alone,
            "compute_s": self.compute_s,
            "duration_s": self.duration_s,
            "videos": [video.to_json() for video in self.videos],
            "failed": [{"video": video, "error": error} for video, error in self.failed],
        }
        result: dict[str, Any] = plain_values(values, _number)
        return result

    def save(self, folder: Path, *, force: bool = False) -> list[Path]:
        """Write report.json, report.md, objects.csv and the figures.

        Raises:
            OutputError: when the folder holds a report already and `force` is not set, or cannot be written.
            MissingExtraError: when matplotlib is not installed.
        """
        from soundsieve.evaluation import watch_figures
        from soundsieve.evaluation.watch_tables import markdown, objects_csv

        check_folder(folder, force=force)
        pictures = watch_figures.draw(self)
        pages = {"report.md": markdown(self, pictures=tuple(pictures)), "objects.csv": objects_csv(self)}
        return write_report(folder, self.to_json(), {name: text.encode() for name, text in pages.items()} | pictures)


def _number(value: float) -> float | None:
    """JSON has no NaN: what does not exist is None."""
    return float(f"{value:.6g}") if math.isfinite(value) else None

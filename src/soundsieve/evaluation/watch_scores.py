"""The figures of one video, or of one mixture of two, as they are kept on disk."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final, Self

from soundsieve.evaluation.plain_values import plain_values

ENGINE: Final = "engine"
MIXTURE: Final = "mixture"
CHOICE: Final = "true choice"
ORACLE: Final = "oracle bases"
IDEAL: Final = "ideal mask"
SYSTEMS: Final = (MIXTURE, ENGINE, CHOICE, ORACLE, IDEAL)
MEASURES: Final = ("sdr", "si_sdr", "bss_sdr", "sir", "sar")
GAINS: Final = ("sdr", "si_sdr", "bss_sdr", "sir")
"""What is also given as an improvement; the mixture has no artifacts, so that nothing improves on its SAR."""
RULES: Final = ("evidence", "published")


@dataclass(frozen=True)
class ObjectScores:
    """One sounding object, as one system estimates it; in dB, NaN where there is no figure.

    Attributes:
        label: The object.
        system: `mixture`, `engine`, `true choice`, `oracle bases` or `ideal mask`.
        found: Whether the engine was told of it, so that it has a track; otherwise the engine's track is silence.
        sdr: 10·log10(‖x‖² / ‖x − x̂‖²); 0 for silence.
        si_sdr: After the best scaling; none for silence, as of the following three.
        bss_sdr: SDR of BSS Eval version 3: a distortion filter of the object's own sound is allowed.
        sir: Signal to interference of BSS Eval.
        sar: Signal to artifacts of BSS Eval.
    """

    label: str
    system: str
    found: bool
    sdr: float
    si_sdr: float
    bss_sdr: float
    sir: float
    sar: float


@dataclass(frozen=True)
class FalseSound:
    """A track of an object that makes no sound.

    Attributes:
        label: The object.
        visible: Whether it is there to be seen, or a mistake.
        level_db: Energy of the track against the mixture's; −100 at least.
    """

    label: str
    visible: bool
    level_db: float


@dataclass(frozen=True)
class MapScores:
    """Where the bases went; counts, of which shares are made over all videos.

    Attributes:
        bases: Bases that are of an object with a track, where several have one.
        right: How much of them went to that object, in bases.
        rest: How much of them was left to the rest.
        guess: How many would be right if each went to any of the objects.
        energy: Of these bases.
        right_energy: How much of it went right.
        foreign: Bases of what has no track.
        foreign_taken: How much of them went to objects nevertheless.
    """

    bases: int = 0
    right: float = 0.0
    rest: float = 0.0
    guess: float = 0.0
    energy: float = 0.0
    right_energy: float = 0.0
    foreign: int = 0
    foreign_taken: float = 0.0

    def __add__(self, other: MapScores) -> MapScores:
        """Count both."""
        return MapScores(**{each.name: getattr(self, each.name) + getattr(other, each.name) for each in fields(self)})


@dataclass(frozen=True)
class VideoScores:
    """A video with true tracks, or a mixture of two videos.

    Attributes:
        name: Of the video, or of both.
        videos: The files.
        sounding: Objects with a true sound, sorted.
        visible: Objects that are there to be seen.
        given: Objects that the engine was told of.
        seen: Rule → what is seen by it; empty where nobody looked.
        unseen: Whether something else sounds, too.
        duration_s: How long it is.
        compute_s: What the engine took, by the clock, without looking, reading and measuring.
        scores: For each sounding object and system; none where a single thing sounds, as nothing is to be separated.
        false: Tracks of objects that make no sound.
        base_map: Where the bases went; None for an engine without bases.
    """

    name: str
    videos: tuple[str, ...]
    sounding: tuple[str, ...]
    visible: tuple[str, ...]
    given: tuple[str, ...]
    seen: Mapping[str, tuple[str, ...]]
    unseen: bool
    duration_s: float
    compute_s: float
    scores: tuple[ObjectScores, ...]
    false: tuple[FalseSound, ...]
    base_map: MapScores | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain values that JSON can hold; NaN is None."""
        result: dict[str, Any] = plain_values(asdict(self), lambda value: value if math.isfinite(value) else None)
        return result

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Read what `to_json` gives.

        Raises:
            KeyError, TypeError, ValueError: it is something else.
        """
        read = dict(values)
        for name in ("videos", "sounding", "visible", "given"):
            read[name] = tuple(str(label) for label in values[name])
        read["seen"] = {str(rule): tuple(labels) for rule, labels in values["seen"].items()}
        read["scores"] = tuple(_object(row) for row in values["scores"])
        read["false"] = tuple(FalseSound(**row) for row in values["false"])
        read["base_map"] = None if values["base_map"] is None else MapScores(**values["base_map"])
        return cls(**read)


def _object(row: Mapping[str, Any]) -> ObjectScores:
    return ObjectScores(**{**row, **{name: math.nan if row[name] is None else float(row[name]) for name in MEASURES}})

"""The figures of one song, as they are kept on disk."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np

from soundsieve.evaluation.plain_values import plain_values

ENGINE: Final = "engine"
MIXTURE: Final = "mixture"
IDEAL: Final = "ideal mask"
SYSTEMS = (ENGINE, MIXTURE, IDEAL)
MEASURES = ("sdr", "isr", "sir", "sar")


@dataclass(frozen=True)
class StemScores:
    """One stem of a song, as one system estimates it; levels in dB, NaN where there is no figure.

    Attributes:
        division: What the song is divided into.
        stem: The stem.
        system: `engine`, or what stands beside it: `mixture`, `ideal mask`.
        frames: `sdr`, `isr`, `sir` and `sar` of BSS Eval v4 in each frame.
        sdr_db: Of the whole song, all channels together.
        si_sdr_db: The same after the best scaling.
        snr_db: Of each channel.
        mse: Mean squared error of each channel.
        absent: Whether the song lacks the stem.
        alone: Whether it lacks all others, so that there is nothing to separate.
        silent_frames: Windows in which the stem is silent and the mixture is not.
        leak_db: Energy of the estimate in these against the mixture's.
    """

    division: str
    stem: str
    system: str
    frames: Mapping[str, tuple[float, ...]]
    sdr_db: float
    si_sdr_db: float
    snr_db: tuple[float, ...]
    mse: tuple[float, ...]
    absent: bool
    alone: bool
    silent_frames: int
    leak_db: float

    @property
    def nan_frames(self) -> int:
        """Frames without a figure: another stem or an estimate is silent there, or this one."""
        return sum(math.isnan(value) for value in self.frames["sdr"])

    def median(self, measure: str = "sdr") -> float:
        """The median over the frames that have a figure, NaN where none has."""
        known = [value for value in self.frames[measure] if not math.isnan(value)]
        return float(np.median(known)) if known else math.nan


@dataclass(frozen=True)
class SongScores:
    """A song.

    Attributes:
        song: Its name.
        group: Its artist.
        part: Of the data set.
        frames: Length in samples.
        sample_rate_hz: Its own.
        channels: How many.
        pieces: How many it was measured in.
        compute_s: What the engine took, by the clock, without reading and measuring.
        scores: For each division, system and stem.
    """

    song: str
    group: str
    part: str
    frames: int
    sample_rate_hz: int
    channels: int
    pieces: int
    compute_s: float
    scores: tuple[StemScores, ...]

    @property
    def duration_s(self) -> float:
        """Its length."""
        return self.frames / self.sample_rate_hz

    @property
    def real_time_factor(self) -> float:
        """Seconds of computing for a second of song."""
        return self.compute_s / self.duration_s

    def to_json(self) -> dict[str, Any]:
        """Plain values that JSON can hold; NaN is None, and infinite ones are spelt."""
        values = {**vars(self), "scores": [vars(score) for score in self.scores]}
        result: dict[str, Any] = plain_values(values, _spelt)
        return result

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Read what `to_json` gives.

        Raises:
            KeyError, TypeError, ValueError: it is something else.
        """
        return cls(**{**values, "scores": tuple(_score(score) for score in values["scores"])})


_LEVELS = ("sdr_db", "si_sdr_db", "leak_db")
_BY_CHANNEL = ("snr_db", "mse")


def _score(values: Mapping[str, Any]) -> StemScores:
    read: dict[str, Any] = dict(values)
    read["frames"] = {measure: _numbers(values["frames"][measure]) for measure in MEASURES}
    read |= {name: _number(values[name]) for name in _LEVELS}
    read |= {name: _numbers(values[name]) for name in _BY_CHANNEL}
    return StemScores(**read)


def _numbers(values: list[Any]) -> tuple[float, ...]:
    return tuple(_number(value) for value in values)


def _number(value: float | str | None) -> float:
    return math.nan if value is None else float(value)


def _spelt(value: float) -> float | str | None:
    return value if math.isfinite(value) else None if math.isnan(value) else str(value)

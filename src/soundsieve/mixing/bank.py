"""Recordings held ready for mixing: decoded once, at one sample rate, with a map of where they sound."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from soundsieve import audio

ACTIVITY_FRAME_S = 0.05
ACTIVITY_FLOOR_DB = -40.0  # relative to the loudest frame; ESC-50 pads short sounds with digital silence
_INT16_SCALE = 32767.0


@dataclass(frozen=True, slots=True)
class Source:
    """A file to be read into a bank.

    Attributes:
        path: The file.
        label: Its class; the empty string for sounds that no class is asked for.
        group: The leakage group.
        channel: Which channel to take; None averages the channels.
        weight: How often it is drawn, against the other recordings of its label.
    """

    path: Path
    label: str
    group: str = ""
    channel: int | None = None
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Recording:
    """One recording: where it came from, what it is, and where it is not silent.

    Attributes:
        path: The file, for manifests.
        label: Its class; the empty string for sounds that no class is asked for.
        group: The leakage group (source, singer, soundfont preset).
        samples: int16 waveform, shape (time,); half the memory of float32 and 96 dB of range after normalising.
        activity: One bool for each `ACTIVITY_FRAME_S`: is the frame within 40 dB of the loudest one?
        peak: The factor that gives the samples their recorded level back.
        weight: How often it is drawn, against the other recordings of its label.
    """

    path: Path
    label: str
    group: str
    samples: NDArray[np.int16]
    activity: NDArray[np.bool_]
    peak: float
    weight: float = 1.0

    def waveform(self, start: int = 0, length: int | None = None) -> NDArray[np.float32]:
        """Return part of the recording as float32, shape (time,), at its recorded level."""
        stop = None if length is None else start + length
        scale = np.float32(self.peak / _INT16_SCALE)
        return self.samples[start:stop].astype(np.float32) * scale


@dataclass(frozen=True)
class Bank:
    """Recordings for one subset, at one sample rate.

    Attributes:
        sample_rate: In Hz, of every recording.
        recordings: Every recording; plans refer to them by position.
        by_label: Label → positions in `recordings`.
        chances: Label → the chance of each of these positions.
    """

    sample_rate: int
    recordings: tuple[Recording, ...]
    by_label: dict[str, tuple[int, ...]] = field(init=False)
    chances: dict[str, NDArray[np.float64]] = field(init=False)

    def __post_init__(self) -> None:
        table: dict[str, list[int]] = {}
        for position, recording in enumerate(self.recordings):
            table.setdefault(recording.label, []).append(position)
        weights = {label: np.array([self.recordings[row].weight for row in rows]) for label, rows in table.items()}
        object.__setattr__(self, "by_label", {label: tuple(rows) for label, rows in sorted(table.items())})
        object.__setattr__(self, "chances", {label: weight / weight.sum() for label, weight in weights.items()})

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes a mixture may draw from, in alphabetical order; unlabelled recordings are not among them."""
        return tuple(label for label in self.by_label if label)

    def frames(self, position: int) -> int:
        """Length of one recording in samples."""
        return len(self.recordings[position].samples)


def recording(
    waveform: NDArray[np.float32], sample_rate: int, *, label: str, source: Source | None = None
) -> Recording:
    """Make a `Recording` from a mono waveform, shape (time,).

    >>> tone = np.sin(np.arange(16_000) * 0.1).astype(np.float32)
    >>> bool(recording(tone, 16_000, label="tone").activity.all())
    True
    """
    source = source or Source(Path(), label)
    peak = float(np.abs(waveform).max(initial=0.0)) or 1.0
    samples = np.round(waveform / peak * _INT16_SCALE).astype(np.int16)
    activity = _activity(waveform, sample_rate)
    return Recording(source.path, label, source.group, samples, activity, peak, source.weight)


def _activity(waveform: NDArray[np.float32], sample_rate: int) -> NDArray[np.bool_]:
    size = max(1, round(ACTIVITY_FRAME_S * sample_rate))
    padded = np.pad(waveform.astype(np.float64), (0, -len(waveform) % size))
    power = (padded.reshape(-1, size) ** 2).mean(axis=1)
    return np.asarray(power > power.max(initial=0.0) * 10 ** (ACTIVITY_FLOOR_DB / 10))


def load(sources: Iterable[Source], sample_rate: int, *, longest_s: float = 30.0) -> Bank:
    """Decode recordings into a `Bank`; digital silence is left out.

    Args:
        sources: What to read.
        sample_rate: In Hz; recordings at other rates are resampled.
        longest_s: Only the first seconds of longer recordings are kept, so memory stays bounded.

    Raises:
        AudioError: when a recording cannot be read.
    """
    recordings = []
    for source in sources:
        samples, rate = audio.read(source.path, duration_s=longest_s)
        mono = samples.mean(axis=0) if source.channel is None else samples[min(source.channel, len(samples) - 1)]
        waveform = audio.resample(mono[None], rate, sample_rate)[0]
        if np.any(waveform):
            recordings.append(recording(waveform, sample_rate, label=source.label, source=source))
    return Bank(sample_rate, tuple(recordings))


def active_fraction(item: Recording, start: int, length: int, sample_rate: int) -> float:
    """How much of a cut sounds, from 0 to 1."""
    size = max(1, round(ACTIVITY_FRAME_S * sample_rate))
    first = start // size
    return float(np.mean(item.activity[first : max(first + 1, (start + length) // size)]))

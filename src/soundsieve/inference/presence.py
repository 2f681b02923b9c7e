"""How much of each class was found, second by second, and a gate that keeps leakage out.

A selector asked for a class that is not there still gives something back: a little of everything. How loud that is
against the input tells the two apart, so the estimates are measured in every second of the recording, at steps of a
quarter of a second, and what stays below a class's threshold is not handed over.

What nobody hears does not count. Energies are measured above 40 Hz, so that neither an offset nor the rumble of wind
hides a dog; and in moments far below the loudest so far, the fade after a bark or the pause between two, nothing is
found, because there a small error is as loud as the recording.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from soundsieve.inference.fifo import Fifo
from soundsieve.settings import Settings

_WINDOW = 4  # bins in the window of a ratio: one second
_HOLD = 4  # bins on each side over which the loudest window counts: one second
_REACH = _WINDOW // 2 + _HOLD  # bins a gate looks ahead and back
_AUDIBLE_HZ = 40.0


class GateSettings(Settings):
    """When a class counts as present."""

    enabled: bool = Field(True, description="hand over nothing of a class that is absent")
    threshold_db: float = Field(-20.0, description="for a class to which the checkpoint gives no threshold of its own")
    knee_db: float = Field(3.0, gt=0, description="from closed at the threshold to open this much above it")
    silence_db: float = Field(-80.0, description="seconds of input below this level hold nothing")
    quiet_db: float = Field(-40.0, description="nor do seconds this far below the loudest moment so far")


@dataclass(frozen=True, slots=True)
class Presence:
    """How much of one class was found.

    Attributes:
        present: Whether any second, wherever it begins, lies above the threshold.
        level_db: Energy against that of the whole input, in dB; minus infinity when there is none.
        peak_db: The same in the second where it is highest.
        per_second_db: The same in each second of the recording; NaN where the input is silent.
        threshold_db: What was asked of `peak_db`.
    """

    present: bool
    level_db: float
    peak_db: float
    per_second_db: tuple[float, ...]
    threshold_db: float

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON, rounded to 0.01 dB, with None for what is not a finite number."""
        return {
            "present": self.present,
            "level_db": _finite(self.level_db),
            "peak_db": _finite(self.peak_db),
            "threshold_db": self.threshold_db,
            "per_second_db": [_finite(level) for level in self.per_second_db],
        }


class PresenceGate:
    """Measures the estimates of a stream and silences, smoothly, what is below its threshold.

    Time is divided into bins of a quarter of a second that start with the recording, whatever the blocks are. At each
    border between two bins the energy of a class in the second around it is compared with the input's; the highest such
    ratio within a second on either side decides how far the gate is open there, so that attacks and tails of a sound
    that was found are not cut. Between borders the gate follows a raised cosine. All channels share one gate.

    With one class the output is its gated estimate. With several it is
    max(g)·union − Σ (max(g) − g_c)·estimate_c: the union while all are present, nothing while none is, and where the
    estimates of the classes add up to the union, exactly Σ g_c·estimate_c. The union is the mean of the network's two
    answers: what it gives when asked for all classes at once, and the sum of what it gives for each. Their errors
    differ, so the mean is better than either.

    Args:
        thresholds_db: Asked class → threshold, in the order of the estimates.
        sample_rate: In Hz.
        channels: Of the recording.
        settings: When a class counts as present.

    Attributes:
        queries: How many estimates it takes: the union of the classes, then each class unless there is but one.
    """

    def __init__(
        self, thresholds_db: Mapping[str, float], sample_rate: int, channels: int, settings: GateSettings
    ) -> None:
        self._thresholds_db = dict(thresholds_db)
        self._settings = settings
        self._bin = max(1, round(sample_rate / _WINDOW))
        self._silence = 10 ** (settings.silence_db / 10) * channels * self._bin * _WINDOW
        self.queries = 1 if len(thresholds_db) == 1 else 1 + len(thresholds_db)
        self._mixture = Fifo(channels)
        self._estimates = Fifo(self.queries, channels)
        self._energies: list[NDArray[np.float64]] = []  # one row a bin: the input, then each class
        self._loudest: list[float] = []  # the highest energy of the input in any bin so far
        self._audible = Audible(sample_rate)
        self._peak_db = np.full(len(thresholds_db), -np.inf)

    def push(
        self, mixture: NDArray[np.float32], estimates: NDArray[np.float32], last: bool = False
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Put a block in and take out what is finished.

        Args:
            mixture: Shape (channel, time).
            estimates: Shape (query, channel, time).
            last: there will be no more; take out everything.

        Returns:
            Mixture and selection, both (channel, time), aligned.
        """
        self._mixture.push(mixture)
        self._estimates.push(estimates)
        self._measure(last)
        done = self._mixture.start // self._bin
        ready = len(self._energies) if last else max(done, len(self._energies) - _REACH)
        frames = (self._mixture.end if last else ready * self._bin) - self._mixture.start
        ratios_db = self._ratios_db(done - _HOLD, ready + 1 + _HOLD)
        if ready > done:
            self._peak_db = np.maximum(self._peak_db, ratios_db.max(axis=1))
        selection = self._apply(self._estimates.take(frames), _gate(ratios_db, self._limits_db(), self._settings))
        return self._mixture.take(frames), selection

    def presence(self) -> dict[str, Presence]:
        """Return what was found, once everything has been pushed."""
        energies = np.array(self._energies).reshape(-1, 1 + len(self._thresholds_db))
        seconds = np.add.reduceat(energies, np.arange(0, len(energies), _WINDOW)) if len(energies) else energies
        ends = np.minimum(np.arange(len(seconds)) * _WINDOW + _WINDOW // 2, len(energies))
        heard = seconds[:, 0] > self._floor(ends)
        levels_db = np.where(heard[:, None], _ratio_db(seconds[:, 1:], seconds[:, :1]), np.nan)
        total_db = _ratio_db(energies[:, 1:].sum(0), energies[:, 0].sum())
        return {
            name: Presence(
                bool(self._peak_db[row] > threshold_db),
                float(total_db[row]),
                float(self._peak_db[row]),
                tuple(float(level) for level in levels_db[:, row]),
                threshold_db,
            )
            for row, (name, threshold_db) in enumerate(self._thresholds_db.items())
        }

    def _limits_db(self) -> NDArray[np.float64]:
        return np.array(list(self._thresholds_db.values()))

    def _measure(self, last: bool) -> None:
        """Add the energies of the bins that are complete; at the end, of the one that is not."""
        first = len(self._energies) * self._bin
        bins = (self._mixture.end - first) // self._bin
        self._add(first, first + bins * self._bin, bins)
        if last and self._mixture.end > first + bins * self._bin:
            self._add(first + bins * self._bin, self._mixture.end, 1)

    def _add(self, first: int, end: int, bins: int) -> None:
        if bins == 0:
            return
        estimates = self._estimates.peek(first, end)
        # Without several classes the union is the class.
        signals = np.concatenate([self._mixture.peek(first, end)[None], estimates[1 if len(estimates) > 1 else 0 :]])
        folded = self._audible(signals).reshape(*signals.shape[:2], bins, -1)
        energies = np.einsum("qcbt,qcbt->bq", folded, folded, dtype=np.float64)
        self._energies += list(energies)
        before = self._loudest[-1] if self._loudest else 0.0
        self._loudest += np.maximum.accumulate(np.maximum(energies[:, 0], before)).tolist()

    def _ratios_db(self, first: int, end: int) -> NDArray[np.float64]:
        """Level of each class in the second around the borders `first` to `end` − 1: (class, border)."""
        low, high = first - _WINDOW // 2, end - 1 + _WINDOW // 2
        rows = np.zeros((high - low, 1 + len(self._thresholds_db)))
        found = self._energies[max(0, low) : max(0, high)]
        if found:
            rows[max(0, -low) : max(0, -low) + len(found)] = found
        windows = np.lib.stride_tricks.sliding_window_view(rows, _WINDOW, axis=0).sum(-1)
        ratios_db = _ratio_db(windows[:, 1:], windows[:, :1])
        # A window that sticks out of the recording would be a moment, not a second, unless that is all there is.
        border, half = np.arange(first, end), _WINDOW // 2
        whole = (border >= half) & (border <= max(half, len(self._energies) - half))
        return np.where(whole & (windows[:, 0] > self._floor(border)), ratios_db.T, -np.inf)

    def _floor(self, border: NDArray[np.int_]) -> NDArray[np.float64]:
        """Energy of the second around each border below which it counts as silent."""
        if not self._loudest:
            return np.full(len(border), self._silence)
        latest = np.clip(border + _WINDOW // 2 - 1, 0, len(self._loudest) - 1)  # the last bin of the second
        loudest = np.array(self._loudest[int(latest.min()) : int(latest.max()) + 1])[latest - latest.min()]
        return np.asarray(np.maximum(self._silence, 10 ** (self._settings.quiet_db / 10) * _WINDOW * loudest))

    def _apply(self, estimates: NDArray[np.float32], gates: NDArray[np.float64]) -> NDArray[np.float32]:
        """Gate the estimates; `gates` are the (class, border) values at the ends of their bins."""
        union: NDArray[np.float32] = estimates[0]
        if len(estimates) > 1:
            union = 0.5 * (union + estimates[1:].sum(axis=0))
        if not self._settings.enabled or union.shape[-1] == 0:
            return union
        curves = [_curve(gate, self._bin)[: union.shape[-1]] for gate in gates]
        widest = np.max(curves, axis=0)
        selection = widest * union
        for curve, estimate in zip(curves, estimates[1:], strict=False):  # nothing to subtract from a single class
            if (widest > curve).any():
                selection -= (widest - curve) * estimate
        return np.asarray(selection, np.float32)


class Audible:
    """Takes away what lies below 40 Hz, block by block: a second-order Butterworth high-pass with a memory.

    >>> audible = Audible(8_000)
    >>> offset = np.ones((1, 1, 16_000), np.float32)
    >>> bool(abs(audible(offset)).max() < 1e-6)
    True
    """

    def __init__(self, sample_rate: int) -> None:
        from scipy.signal import butter

        self._sections = butter(2, _AUDIBLE_HZ, "highpass", fs=sample_rate, output="sos")
        self._state: NDArray[np.float64] | None = None

    def __call__(self, waveforms: NDArray[np.float32]) -> NDArray[np.float64]:
        """Filter the next block, shape (signal, channel, time)."""
        from scipy.signal import sosfilt, sosfilt_zi

        if self._state is None:  # as if the first sample had been there for ever: an offset is no click
            self._state = sosfilt_zi(self._sections)[:, None, None] * waveforms[..., :1].astype(np.float64)
        filtered, self._state = sosfilt(self._sections, waveforms.astype(np.float64), zi=self._state)
        return np.asarray(filtered, np.float64)


def _gate(
    ratios_db: NDArray[np.float64], limits_db: NDArray[np.float64], settings: GateSettings
) -> NDArray[np.float64]:
    """Turn ratios (class, border) into gates from 0 to 1 at the borders that have `_HOLD` neighbours on both sides."""
    held_db = np.lib.stride_tricks.sliding_window_view(ratios_db, 2 * _HOLD + 1, axis=1).max(-1)
    open_part = np.clip((held_db - limits_db[:, None]) / settings.knee_db, 0, 1)
    return np.asarray(np.sin(0.5 * np.pi * open_part) ** 2)


def _curve(gate: NDArray[np.float64], frames: int) -> NDArray[np.float32]:
    """Join the values at the borders by raised cosines, `frames` samples from each to the next."""
    rise = np.sin(0.5 * np.pi * (np.arange(frames) + 0.5) / frames) ** 2
    return np.asarray((gate[:-1, None] + np.diff(gate)[:, None] * rise).reshape(-1), np.float32)


def _ratio_db(energy: NDArray[np.float64], reference: NDArray[np.float64]) -> NDArray[np.float64]:
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio_db = 10 * np.log10(energy / reference)
    return np.where(energy > 0, np.where(reference > 0, ratio_db, np.inf), -np.inf)


def _finite(level_db: float) -> float | None:
    return round(level_db, 2) if np.isfinite(level_db) else None

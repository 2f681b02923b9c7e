"""Variations of one event, drawn with an explicit generator so that they repeat: speed, colour, room, bandwidth."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import soxr
from numpy.typing import NDArray
from pydantic import Field
from scipy import fft

from soundsieve.settings import PositiveSpan, Settings, Span

_COLOUR_POINTS_HZ = (50.0, 150.0, 400.0, 1000.0, 2500.0, 6000.0, 14000.0)
_RINGING_S = 0.05


class AugmentSettings(Settings):
    """How strongly events are varied; every strength 0 leaves them as recorded."""

    # speed (pitch and tempo together) within ± this many octaves
    speed_octaves: float = Field(0.0, ge=0, le=4)
    # standard deviation of a smooth random equaliser
    colour_db: float = Field(0.0, ge=0, allow_inf_nan=False)
    room_probability: float = Field(0.0, ge=0, le=1)
    room_rt60_s: PositiveSpan = (0.08, 0.6)
    room_wet_db: Span = (-18.0, -3.0)  # energy of the tail against the direct sound
    lowpass_probability: float = Field(0.0, ge=0, le=1)
    lowpass_hz: PositiveSpan = (3000.0, 12000.0)


@dataclass(frozen=True, slots=True)
class Augmentation:
    """One drawn variation; the default changes nothing.

    Attributes:
        speed: Playback speed, 1 is as recorded.
        colour_db: Gains at `_COLOUR_POINTS_HZ`, empty for none.
        room_rt60_s: Time in which the tail falls by 60 dB; 0 for no room.
        room_wet_db: Energy of the tail relative to the direct sound.
        room_seed: Seed of the tail's noise.
        lowpass_hz: Corner of a gentle low-pass; 0 for none.
    """

    speed: float = 1.0
    colour_db: tuple[float, ...] = ()
    room_rt60_s: float = 0.0
    room_wet_db: float = 0.0
    room_seed: int = 0
    lowpass_hz: float = 0.0


def draw(settings: AugmentSettings, rng: np.random.Generator) -> Augmentation:
    """Draw one variation; the same generator state gives the same one."""
    octaves = settings.speed_octaves
    colour = rng.normal(0.0, settings.colour_db, len(_COLOUR_POINTS_HZ)) if settings.colour_db else ()
    room = rng.random() < settings.room_probability
    lowpass = rng.random() < settings.lowpass_probability
    low, high = np.log(settings.lowpass_hz)
    return Augmentation(
        speed=round(float(2 ** rng.uniform(-octaves, octaves)), 4) if octaves else 1.0,
        colour_db=tuple(round(float(gain), 2) for gain in colour),
        room_rt60_s=round(float(rng.uniform(*settings.room_rt60_s)), 3) if room else 0.0,
        room_wet_db=round(float(rng.uniform(*settings.room_wet_db)), 2) if room else 0.0,
        room_seed=int(rng.integers(1 << 16)) if room else 0,
        lowpass_hz=round(float(np.exp(rng.uniform(low, high)))) if lowpass else 0.0,
    )


def apply(waveform: NDArray[np.float32], sample_rate: int, change: Augmentation) -> NDArray[np.float32]:
    """Vary a waveform, shape (time,).

    The length changes with the speed (n / speed samples) and is kept by everything else: a room's tail is cut off.

    >>> x = np.ones(1000, np.float32)
    >>> len(apply(x, 16_000, Augmentation(speed=2.0)))
    500
    """
    if change.speed != 1.0:
        waveform = soxr.resample(waveform, change.speed, 1.0, quality="MQ").astype(np.float32)
    if not (change.colour_db or change.room_rt60_s or change.lowpass_hz):
        return waveform
    length = len(waveform)
    tail = _room(change, sample_rate)
    # The zero-phase filters ring both ways: the margin keeps what wraps around out of the sound.
    size = fft.next_fast_len(length + max(len(tail), round(_RINGING_S * sample_rate)), real=True)
    spectrum = fft.rfft(waveform, size)
    spectrum *= _response(change, size, sample_rate)
    if change.room_rt60_s:
        spectrum *= fft.rfft(tail, size)
    return np.asarray(fft.irfft(spectrum, size)[:length], dtype=np.float32)


def _response(change: Augmentation, size: int, sample_rate: int) -> NDArray[np.float32]:
    hz = np.fft.rfftfreq(size, 1 / sample_rate)
    gain = np.ones(len(hz))
    if change.colour_db:
        log_hz = np.log(np.maximum(hz, 1.0))
        gain *= 10 ** (np.interp(log_hz, np.log(_COLOUR_POINTS_HZ), change.colour_db) / 20)
    if change.lowpass_hz:
        gain /= np.sqrt(1 + (hz / change.lowpass_hz) ** 12)  # a sixth-order Butterworth's magnitude, without its phase
    return gain.astype(np.float32)


def _room(change: Augmentation, sample_rate: int) -> NDArray[np.float32]:
    if not change.room_rt60_s:
        return np.zeros(0, np.float32)
    return _tail(change.room_rt60_s, change.room_wet_db, change.room_seed, sample_rate)


@lru_cache(maxsize=64)
def _tail(rt60_s: float, wet_db: float, seed: int, sample_rate: int) -> NDArray[np.float32]:
    """Direct sound followed by noise that decays exponentially (Polack's statistical model of a diffuse room)."""
    length = int(rt60_s * sample_rate)
    decay = 10 ** (-3 * np.arange(length) / length)  # -60 dB at the end
    noise = np.random.default_rng(seed).standard_normal(length) * decay
    noise *= 10 ** (wet_db / 20) / np.sqrt(np.sum(noise**2))
    noise[0] = 1.0
    return noise.astype(np.float32)

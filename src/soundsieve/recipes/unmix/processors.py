"""What a mixing desk does to a sound: filters, compression, saturation, rooms, echoes, its place left and right.

Sounds are float32, (channel, time), at 44.1 kHz.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
import soxr
from numpy.typing import NDArray
from scipy.fft import rfft
from scipy.ndimage import maximum_filter1d, minimum_filter1d, uniform_filter1d
from scipy.signal import butter, lfilter, oaconvolve, sosfilt

from soundsieve.recipes.clips import RATE_HZ

Sound = NDArray[np.float32]
_HOP = 128  # a level is taken every 3 ms
_FRAME_S = 0.1
_ACTIVE_DB = -30.0  # frames this far under the loudest are rests


def peaking(centre_hz: float, gain_db: float, q: float) -> NDArray[np.float64]:
    """Return one second-order section that lifts or lowers a band; source: R. Bristow-Johnson's cookbook."""
    a, w = 10 ** (gain_db / 40), 2 * math.pi * centre_hz / RATE_HZ
    alpha = math.sin(w) / (2 * q)
    return _section((1 + alpha * a, -2 * math.cos(w), 1 - alpha * a), (1 + alpha / a, -2 * math.cos(w), 1 - alpha / a))


def shelf(corner_hz: float, gain_db: float, *, high: bool) -> NDArray[np.float64]:
    """Return one second-order section that lifts or lowers everything above, or below, a corner; same source."""
    a, w = 10 ** (gain_db / 40), 2 * math.pi * corner_hz / RATE_HZ
    c, root = math.cos(w), math.sqrt(2) * math.sin(w) * math.sqrt(a)
    s = 1.0 if high else -1.0  # the low shelf is the high one with the cosine's sign turned
    top = (a * (a + 1 + s * (a - 1) * c + root), -2 * s * a * (a - 1 + s * (a + 1) * c))
    below = (a + 1 - s * (a - 1) * c + root, 2 * s * (a - 1 - s * (a + 1) * c))
    return _section((*top, a * (a + 1 + s * (a - 1) * c - root)), (*below, a + 1 - s * (a - 1) * c - root))


def _section(b: tuple[float, float, float], a: tuple[float, float, float]) -> NDArray[np.float64]:
    return np.array([[*b, *a]]) / a[0]


def highpass(corner_hz: float, order: int = 2) -> NDArray[np.float64]:
    """Return the sections of a Butterworth high-pass."""
    return np.asarray(butter(order, corner_hz, "highpass", fs=RATE_HZ, output="sos"))


def lowpass(corner_hz: float, order: int = 2) -> NDArray[np.float64]:
    """Return the sections of a Butterworth low-pass."""
    return np.asarray(butter(order, corner_hz, "lowpass", fs=RATE_HZ, output="sos"))


def equalise(sound: Sound, sections: Sequence[NDArray[np.float64]]) -> Sound:
    """Filter a sound with some sections.

    >>> lifted = equalise(np.ones((1, 44_100), np.float32), [shelf(500, 6.0, high=False)])
    >>> round(20 * float(np.log10(lifted[0, -1])), 2)
    6.0
    """
    if not sections:
        return sound
    filters = np.concatenate(list(sections)).astype(np.float32)
    return np.asarray(sosfilt(filters.astype(np.float64), sound, axis=-1), dtype=np.float32)


def balance(sound: Sound, low_db: float, high_db: float, furthest_db: float = 10.0) -> list[NDArray[np.float64]]:
    """Return the two shelves that bring a sound to a balance of lows, middle and highs.

    Args:
        sound: shape (channel, time).
        low_db: energy wanted below 200 Hz, in dB of that between 200 Hz and 3 kHz.
        high_db: energy wanted above 3 kHz, likewise.
        furthest_db: no shelf lifts more, or lowers more than twice this.
    """
    power = np.abs(rfft(sound.mean(axis=0))) ** 2
    edges = [round(hz * sound.shape[-1] / RATE_HZ) for hz in (20, 200, 3000, 16000)]
    energies = [float(power[a:b].sum(dtype=np.float64)) for a, b in itertools.pairwise(edges)]
    if min(energies) <= 0:
        return []
    low, middle, high = (10 * math.log10(energy) for energy in energies)
    lift_db, treble_db = (
        float(np.clip(wanted - (part - middle), -2 * furthest_db, furthest_db))
        for wanted, part in ((low_db, low), (high_db, high))
    )
    return [shelf(200, lift_db, high=False), shelf(3000, treble_db, high=True)]


def active_level(sound: Sound) -> float:
    """Return the RMS of a sound over the frames of 0.1 s in which it is not resting; 0 for silence.

    >>> tone = np.sin(np.arange(44_100) * 0.1).astype(np.float32)
    >>> round(active_level(np.concatenate([tone, np.zeros(88_200, np.float32)])[None]), 2)
    0.71
    """
    frame = round(_FRAME_S * RATE_HZ)
    count = max(1, sound.shape[-1] // frame)
    power = np.mean(np.square(sound), axis=0)[: count * frame]
    frames = power[: len(power) // count * count].reshape(count, -1).mean(axis=1, dtype=np.float64)
    heard = frames[frames > frames.max() * 10 ** (_ACTIVE_DB / 10)]
    return float(np.sqrt(heard.mean())) if len(heard) else 0.0


def to_level(sound: Sound, level_db: float) -> Sound:
    """Return a sound at an active level in dB of full scale; silence stays silent."""
    level = active_level(sound)
    return sound * np.float32(10 ** (level_db / 20) / level) if level else sound


def compressor_gain(
    sound: Sound, threshold_db: float, ratio: float, attack_s: float = 0.01, release_s: float = 0.15
) -> NDArray[np.float32]:
    """Return the gain, shape (time,), that a compressor gives at each sample; all channels share it."""
    count = -(-sound.shape[-1] // _HOP)
    power = np.zeros(count * _HOP, np.float32)
    power[: sound.shape[-1]] = np.square(sound).max(axis=0)
    level_db = 10 * np.log10(power.reshape(count, _HOP).mean(axis=1, dtype=np.float64) + 1e-12)
    wanted_db = np.minimum(0.0, (threshold_db - level_db) * (1 - 1 / ratio))
    attack, release = (math.exp(-_HOP / RATE_HZ / seconds) for seconds in (attack_s, release_s))
    smooth, now = [], 0.0
    for target in wanted_db.tolist():
        keep = attack if target < now else release
        now = keep * now + (1 - keep) * target
        smooth.append(now)
    places = np.arange(count) * _HOP + _HOP / 2
    gain = 10 ** (np.array(smooth) / 20)
    return np.interp(np.arange(sound.shape[-1]), places, gain).astype(np.float32)


def limiter_gain(sound: Sound, ceiling: float, look_s: float = 0.004) -> NDArray[np.float32]:
    """Return the gain, shape (time,), that keeps a sound below a ceiling without a step.

    >>> loud = np.sin(np.arange(4410) * 0.1).astype(np.float32)[None]
    >>> float(np.abs(loud * limiter_gain(loud, 0.5)).max()) <= 0.5
    True
    """
    reach = 2 * round(look_s * RATE_HZ) + 1
    peak = maximum_filter1d(np.abs(sound).max(axis=0), reach)
    wanted = np.minimum(1.0, ceiling / np.maximum(peak, 1e-9))
    # the mean of what is at most the wanted gain everywhere around is at most the wanted gain
    return np.asarray(uniform_filter1d(minimum_filter1d(wanted, reach), reach), dtype=np.float32)


def saturate(sound: Sound, drive_db: float, *, asymmetry: float = 0.0, oversample: bool = False) -> Sound:
    """Bend a sound of about full scale as a valve does, and give it its level back.

    Args:
        sound: shape (channel, time).
        drive_db: gain in front of the bend.
        asymmetry: 0 bends both sides alike; more adds even harmonics.
        oversample: bend at twice the rate, so that less folds back.
    """
    before = active_level(sound)
    if not before:
        return sound
    drive = np.float32(10 ** (drive_db / 20) * 0.25 / before)
    high = soxr.resample(sound.T, 1, 2, quality="MQ").T if oversample else sound
    bent = np.tanh(drive * high + np.float32(asymmetry)) - np.float32(math.tanh(asymmetry))
    if oversample:
        bent = soxr.resample(bent.T, 2, 1, quality="MQ").T
        bent = _fit(bent, sound.shape[-1])
    after = active_level(bent)
    return np.asarray(bent * np.float32(before / after), dtype=np.float32)


def room(decay_s: float, rng: np.random.Generator, *, dark_hz: float = 6000.0, early: int = 8) -> Sound:
    """Return the impulse response of a made-up room, (2, time): early reflections, then noise that dies away.

    Args:
        decay_s: time in which the sound falls by 60 dB.
        rng: decides the reflections and the noise.
        dark_hz: what lies above dies sooner.
        early: how many single reflections there are.
    """
    length = round(decay_s * 1.1 * RATE_HZ)
    times_s = np.arange(length) / RATE_HZ
    noise = rng.standard_normal((2, length), np.float32)
    dull = sosfilt(lowpass(dark_hz, 1), noise, axis=-1)
    duller = sosfilt(lowpass(dark_hz / 3, 1), noise, axis=-1)
    late = np.exp(-6.91 * times_s / decay_s)
    blend = np.minimum(1, times_s / (0.4 * decay_s))
    tail = (dull * (1 - blend) + duller * blend * 1.5) * late
    start = round(rng.uniform(0.003, 0.03) * RATE_HZ)
    response = np.zeros((2, length + start), np.float32)
    response[:, start:] = tail / np.sqrt(np.sum(tail**2, axis=-1, keepdims=True))
    for _ in range(early):
        at = int(rng.integers(round(0.002 * RATE_HZ), round(0.04 * RATE_HZ)))
        gains = rng.uniform(-0.25, 0.25, 2)
        if at < response.shape[1]:
            response[:, at] += gains.astype(np.float32)
    return response


def reverberate(sound: Sound, response: Sound, low_cut_hz: float = 150.0) -> Sound:
    """Return what a room answers to a sound, (2, time), without the sound itself."""
    mono = equalise(sound.mean(axis=0, keepdims=True), [highpass(low_cut_hz, 1)])
    wet = [oaconvolve(mono[0], side)[: sound.shape[-1]] for side in response]
    return np.asarray(wet, dtype=np.float32)


def echo(sound: Sound, delay_s: float, feedback: float) -> Sound:
    """Return the repeats of a sound, each softer by `feedback`, without the sound itself; from side to side."""
    delay = max(1, round(delay_s * RATE_HZ))
    repeats = np.zeros((2, sound.shape[-1]), np.float32)
    mono, gain = sound.mean(axis=0), np.float32(1.0)
    for count in range(1, 6):
        gain *= np.float32(feedback)
        if delay * count >= sound.shape[-1]:
            break
        side = count % 2
        repeats[side, delay * count :] += gain * mono[: -delay * count]
        repeats[1 - side, delay * count :] += gain * np.float32(0.4) * mono[: -delay * count]
    return repeats


def chorus(sound: Sound, depth_s: float, rate_hz: float, mix: float) -> Sound:
    """Add a copy whose delay wavers, in opposite ways left and right; returns (2, time)."""
    places = np.arange(sound.shape[-1])
    mono = sound.mean(axis=0)
    wide = np.broadcast_to(sound, (2, sound.shape[-1])).astype(np.float32)
    for side, phase in enumerate((0.0, math.pi / 2)):
        waver = 0.012 + depth_s * np.sin(2 * math.pi * rate_hz * places / RATE_HZ + phase)
        copy = np.interp(places - waver * RATE_HZ, places, mono).astype(np.float32)
        wide[side] = (wide[side] + np.float32(mix) * copy) / np.float32(math.sqrt(1 + mix**2))
    return wide


def pan(sound: Sound, place: float) -> Sound:
    """Place a sound between left (−1) and right (1) at equal power; of a stereo sound the sides are balanced.

    >>> pan(np.ones((1, 1), np.float32), 1.0).round(2).tolist()
    [[0.0], [1.0]]
    """
    angle = (place + 1) * math.pi / 4
    gains = np.array([[math.cos(angle)], [math.sin(angle)]], np.float32)
    return np.asarray(sound * gains * (1.0 if len(sound) == 1 else math.sqrt(2)), dtype=np.float32)


def widen(sound: Sound, width: float) -> Sound:
    """Scale the difference of left and right: 0 is mono, 1 leaves it."""
    middle, side = (sound[0] + sound[1]) / 2, (sound[0] - sound[1]) / 2 * np.float32(width)
    return np.stack([middle + side, middle - side])


def smooth_noise(length: int, period_s: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return a slow random curve, shape (time,), of about unit size: what wavers in a performance."""
    count = max(4, round(length / RATE_HZ / period_s) + 3)
    knots = lfilter([1.0], [1.0, -0.5], rng.standard_normal(count)) * math.sqrt(0.75)
    return np.asarray(np.interp(np.linspace(0, count - 1, length), np.arange(count), knots), dtype=np.float32)


def _fit(sound: Sound, length: int) -> Sound:
    if sound.shape[-1] >= length:
        return sound[..., :length]
    return np.pad(sound, ((0, 0), (0, length - sound.shape[-1])))

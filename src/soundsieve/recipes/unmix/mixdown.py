"""Four stems into a song: rooms, levels as records have them, and one master gain, so that they still add up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from soundsieve.datasets.song import STEMS
from soundsieve.recipes.clips import RATE_HZ
from soundsieve.recipes.unmix import processors as desk
from soundsieve.recipes.unmix.processors import Sound

# mean and standard deviation of a stem's active level, in dB of the mixture's
LEVELS_DB = {"bass": (-8.0, 3.0), "drums": (-5.0, 3.0), "other": (-5.0, 3.0), "vocals": (-5.0, 3.0)}
_MASTER_DB = -18.0
_EDGE_S = 0.01  # a song begins and ends without a click
_LOWEST_HZ = 20.0


def with_room(dry: Sound, send: Sound, decay_s: float, rng: np.random.Generator) -> Sound:
    """Return a sound with what a made-up room answers to what is sent to it, both (2, time)."""
    if not np.any(send):
        return dry
    response = desk.room(decay_s, rng, dark_hz=float(rng.uniform(2500, 9000)))
    return dry + desk.reverberate(send, response, float(rng.uniform(100, 350)))


def master(stems: Mapping[str, Sound], rng: np.random.Generator) -> dict[str, Sound]:
    """Set the levels of the stems, compress and limit their sum, and give every stem the same gain.

    Args:
        stems: name → (2, time), all of one length; a silent one stays silent.
        rng: decides levels, compression and the loudness of the whole.

    Returns:
        The stems; neither they nor their sum pass 1, and a limiter works on the sum alone.
    """
    wanted_db = {name: float(rng.normal(*LEVELS_DB[name])) for name in STEMS}
    placed = {name: desk.to_level(stems[name], wanted_db[name]) for name in STEMS}
    mixture: Sound = np.stack([placed[name] for name in STEMS]).sum(axis=0)
    level = desk.active_level(mixture)
    threshold_db, ratio = float(rng.uniform(-20, -12)), float(rng.uniform(1.1, 2.2))
    ceiling_db, peak = float(rng.uniform(6, 13)), float(rng.uniform(0.5, 0.99))
    if not level:
        return placed
    gain = np.full(mixture.shape[-1], 10 ** (_MASTER_DB / 20) / level, np.float32)
    if rng.random() < 0.85:
        gain = gain * desk.compressor_gain(mixture * gain, threshold_db, ratio, 0.02, 0.2)
    # how far peaks stand out of the level of the whole: little on loud records
    ceiling = desk.active_level(mixture * gain) * 10 ** (ceiling_db / 20)
    gain = gain * desk.limiter_gain(mixture * gain, ceiling) * _edges(mixture.shape[-1])
    highest = max(float(np.abs(sound * gain).max()) for sound in (mixture, *placed.values()))
    gain *= np.float32(peak / highest)
    return {name: placed[name] * gain for name in STEMS}


def blend(sounds: Sequence[tuple[Sound, Sound]], levels_db: Sequence[float], length: int) -> tuple[Sound, Sound]:
    """Add instruments, each with its send, at levels in dB; both sums are (2, length)."""
    dry, send = np.zeros((2, length), np.float32), np.zeros((2, length), np.float32)
    for (sound, sent), level_db in zip(sounds, levels_db, strict=True):
        gain = np.float32(10 ** (level_db / 20))
        dry += sound * gain
        send += sent * gain
    return dry, send


def band_limited(stems: Mapping[str, Sound], rng: np.random.Generator) -> dict[str, Sound]:
    """Return stems without what lies below 20 Hz and, in half of the songs, above 15 to 18 kHz, as if coded."""
    sections = [desk.highpass(_LOWEST_HZ)]
    if rng.random() < 0.5:
        sections.append(desk.lowpass(float(rng.uniform(15_000, 18_000)), 8))
    return {name: desk.equalise(sound, sections) if np.any(sound) else sound for name, sound in stems.items()}


def pumping(kicks_s: Sequence[float], length: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return the gain, shape (time,), of what ducks under each kick and comes back until the next.

    >>> gain = pumping([0.0, 0.5], 44_100, np.random.default_rng(0))
    >>> float(gain[1000]) < float(gain[20_000]) <= 1
    True
    """
    depth, back_s, down_s = float(rng.uniform(0.3, 0.85)), float(rng.uniform(0.06, 0.2)), 0.004
    since_s = np.arange(round(1.5 * RATE_HZ)) / RATE_HZ
    dip = depth * np.minimum(1, since_s / down_s) * np.exp(-since_s / back_s)
    ducked = np.zeros(length)
    for kick_s in kicks_s:
        start = round(kick_s * RATE_HZ)
        heard = dip[: max(0, length - start)]
        np.maximum(ducked[start : start + len(heard)], heard, out=ducked[start : start + len(heard)])
    return np.asarray(1 - ducked, dtype=np.float32)


def _edges(length: int) -> NDArray[np.float32]:
    curve = np.ones(length, np.float32)
    edge = min(length // 2, round(_EDGE_S * RATE_HZ))
    curve[:edge] = np.linspace(0, 1, edge)
    curve[length - edge :] = np.linspace(1, 0, edge)
    return curve

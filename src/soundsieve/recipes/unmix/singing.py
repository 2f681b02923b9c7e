"""A singer's recordings laid into the sung parts of a song, with doubles, harmonies, treble and a voice's chain."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from soundsieve.datasets.mir1k import VOICE_CHANNEL
from soundsieve.errors import AudioError
from soundsieve.mixing.transforms import Transform, apply_transform
from soundsieve.recipes.clips import RATE_HZ
from soundsieve.recipes.select.phrases import Span
from soundsieve.recipes.unmix import processors as desk
from soundsieve.recipes.unmix.harmony import MAJOR, MINOR
from soundsieve.recipes.unmix.processors import Sound

_STAGE_DB = -20.0
_FRAME = 2048  # of the pitch tracker, at the recordings' own rate
_RESTS_S = (0.1, 1.6)
_FURTHEST = 2  # semitones a singer is moved to the song's key
_SHORTEST_S = 0.8


def sing(
    clips: Sequence[Path], sung: Sequence[Span], length: int, key: tuple[int, bool], rng: np.random.Generator
) -> tuple[Sound, Sound]:
    """Lay a singer's clips into the sung spans, one after the other with rests, moved to the song's key.

    Args:
        clips: recordings of one singer, the voice on the right channel.
        sung: where there is singing.
        length: of the result, in samples.
        key: tonic's pitch class, and whether it is minor.
        rng: decides everything.

    Returns:
        The voices at an active level of −20 dB and what of them goes to the room, both (2, time).

    Raises:
        AudioError: when a recording cannot be read.
    """
    lead, second = np.zeros((1, length), np.float32), np.zeros((2, length), np.float32)
    order = rng.permutation(len(clips))
    doubling = str(rng.choice(["none", "double", "harmony", "both"], p=(0.55, 0.25, 0.12, 0.08)))
    interval = float(rng.choice([3, 4, -5, 7, 12, -12], p=(0.25, 0.25, 0.2, 0.1, 0.1, 0.1)))
    taken = 0
    for number, span in enumerate(sung):
        backed = doubling != "none" and (number % 2 == 1 or len(sung) == 1 or rng.random() < 0.4)
        at_s, end_s = span.start_s + float(rng.uniform(0, 0.8)), span.start_s + span.length_s
        while end_s - at_s > _SHORTEST_S:
            voice = _phrase(clips[int(order[taken % len(order)])], key, rng)
            taken += 1
            start = round(at_s * RATE_HZ)
            voice = faded(voice[: min(length, round(end_s * RATE_HZ)) - start])
            lead[0, start : start + len(voice)] += voice
            if backed:
                _back(second, start, voice, doubling, interval, rng)
            at_s += len(voice) / RATE_HZ + float(rng.uniform(*_RESTS_S))
    return _record(lead, second, rng)


def _phrase(path: Path, key: tuple[int, bool], rng: np.random.Generator) -> NDArray[np.float32]:
    """One clip at 44.1 kHz and −20 dB, moved to the key, with treble above the 8 kHz at which it ends."""
    try:
        samples, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
    except (OSError, soundfile.LibsndfileError) as error:
        raise AudioError(f"{path}: not a sound file that can be read ({error})") from None
    voice = np.ascontiguousarray(samples[:, VOICE_CHANNEL])
    # played faster or slower: the pitch moves with the size of the singer, so one singer sounds like several
    semitones = nearest_shift(voice, rate_hz, key) + float(rng.normal(0, 0.1))
    speed = 2 ** (semitones / 12)
    wide = np.asarray(soxr.resample(voice, rate_hz * speed, RATE_HZ, quality="HQ"), dtype=np.float32)
    levelled: NDArray[np.float32] = desk.to_level(with_treble(wide, rate_hz * speed / 2, rng)[None], _STAGE_DB)[0]
    return levelled


def nearest_shift(voice: NDArray[np.float32], rate_hz: int, key: tuple[int, bool]) -> int:
    """Return the semitones, two at most, by which a voice fits a key best.

    The pitch classes sung are counted with an autocorrelation; those of the key's scale count for a shift, its tonic,
    third and fifth twice. Of equally good ones the smallest is taken.

    >>> t = np.arange(32_000) / 16_000
    >>> voice = np.concatenate([np.sin(2 * np.pi * hz * t) for hz in (277.18, 349.23, 415.30)]).astype(np.float32)
    >>> nearest_shift(voice, 16_000, (0, False))  # a triad of D flat becomes one of C
    -1
    """
    classes = sung_classes(voice, rate_hz)
    tonic, minor = key
    worth = np.array([float(step in (MINOR if minor else MAJOR)) for step in range(12)])
    worth[[0, 3 if minor else 4, 7]] += 1
    worth = np.roll(worth, tonic)
    shifts = sorted(range(-_FURTHEST, _FURTHEST + 1), key=abs)
    return max(shifts, key=lambda shift: (round(float(np.roll(classes, shift) @ worth), 3), -abs(shift)))


def sung_classes(voice: NDArray[np.float32], rate_hz: int) -> NDArray[np.float64]:
    """Return how much of the voiced time each of the twelve pitch classes is sung; C is the first."""
    frames = (
        np.lib.stride_tricks.sliding_window_view(voice, _FRAME)[:: _FRAME // 2] if len(voice) >= _FRAME else voice[:0]
    )
    counts = np.zeros(12)
    if not len(frames):
        return counts
    power = np.abs(np.fft.rfft(frames - frames.mean(axis=1, keepdims=True), 2 * _FRAME)) ** 2
    like = np.fft.irfft(power)[:, : _FRAME // 2]
    shortest, longest = int(rate_hz / 700), int(rate_hz / 80)
    lags = shortest + like[:, shortest:longest].argmax(axis=1)
    heights = like[np.arange(len(like)), lags]
    voiced = (heights > 0.6 * like[:, 0]) & (like[:, 0] > 0.01 * like[:, 0].max())
    keys = 69 + 12 * np.log2(rate_hz / lags[voiced] / 440)
    np.add.at(counts, np.round(keys).astype(int) % 12, 1)
    return counts / max(1.0, float(voiced.sum()))


def with_treble(voice: NDArray[np.float32], edge_hz: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Continue a voice above the edge of its band with a mirror of what lies below, falling off as voices do.

    Hisses and breath go on past 8 kHz in any real recording; without them a network would learn that nobody sings
    there.
    """
    t = np.arange(len(voice)) / RATE_HZ
    upper = desk.equalise(voice[None], [desk.highpass(edge_hz * 0.6, 6)])[0]
    mirrored = upper * np.cos(4 * np.pi * edge_hz * t).astype(np.float32)  # f becomes 2·edge − f
    gain = np.float32(2 * 10 ** (rng.uniform(-9, -2) / 20))
    bands = [desk.highpass(edge_hz * 0.97, 6), desk.lowpass(float(rng.uniform(9000, 12000)), 4)]
    return np.asarray(voice + gain * desk.equalise(mirrored[None], bands)[0], dtype=np.float32)


def _back(
    second: Sound, start: int, voice: NDArray[np.float32], doubling: str, interval: float, rng: np.random.Generator
) -> None:
    """Add a double or a harmony, a little late and uneven, to one or both sides."""
    intervals = {"double": [0.0], "harmony": [interval], "both": [0.0, interval]}[doubling]
    for semitones in intervals:
        moved = voice
        if semitones:
            moved = apply_transform(voice, RATE_HZ, Transform(pitch_semitones=semitones))
        waver = 0.006 * desk.smooth_noise(len(voice), 0.4, rng) + 0.018
        places = np.arange(len(voice))
        copy = np.interp(places - waver * RATE_HZ, places, moved, left=0.0).astype(np.float32)
        place = float(rng.choice([-1.0, 1.0]) * rng.uniform(0.2, 0.9))
        gain = np.float32(10 ** (rng.uniform(-10, -3) / 20))
        second[:, start : start + len(copy)] += desk.pan(copy[None], place) * gain


def faded(voice: NDArray[np.float32], fade_s: float = 0.03) -> NDArray[np.float32]:
    """Return a sound that begins and ends in silence."""
    fade = min(len(voice) // 2, round(fade_s * RATE_HZ))
    slope = np.linspace(0, 1, fade, dtype=np.float32)
    voice = voice.copy()
    voice[:fade] *= slope
    voice[len(voice) - fade :] *= slope[::-1]
    return voice


def _record(lead: Sound, second: Sound, rng: np.random.Generator) -> tuple[Sound, Sound]:
    filters = [desk.highpass(float(rng.uniform(70, 150)))]
    # the singers' microphones were dark: on records a voice is strongest between 500 Hz and 3 kHz
    filters.append(desk.shelf(float(rng.uniform(450, 900)), float(rng.normal(6, 2.5)), high=True))
    filters.append(desk.shelf(float(rng.uniform(4000, 9000)), float(rng.normal(-1, 3)), high=True))
    filters.append(desk.peaking(float(rng.uniform(200, 500)), float(rng.normal(-1.5, 2)), 1.0))
    filters.append(desk.peaking(float(rng.uniform(1500, 4500)), float(rng.normal(2, 2.5)), 1.0))
    voices = desk.pan(lead, 0.0 if rng.random() < 0.9 else float(rng.uniform(-0.3, 0.3))) + second
    voices = desk.equalise(voices, filters)
    staged = desk.to_level(voices, _STAGE_DB)
    voices = staged * desk.compressor_gain(staged, -24.0, float(rng.uniform(1.5, 5)), 0.005, 0.12)
    if rng.random() < 0.2:
        voices = desk.saturate(voices, float(rng.uniform(0, 10)))
    voices = desk.to_level(voices, _STAGE_DB)
    if rng.random() < 0.3:
        voices = voices + desk.echo(voices, float(rng.uniform(0.09, 0.5)), float(rng.uniform(0.12, 0.4)))
    return voices, voices * np.float32(rng.uniform(0.03, 0.45))

"""An object's sound for the length of a video: phrases on a soundfont, a drum kit, or recordings one after another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

from soundsieve.errors import AudioError
from soundsieve.recipes.clips import RATE_HZ, read_mono, tidy
from soundsieve.recipes.select import drums, effects, phrases
from soundsieve.recipes.select.drums import Hit
from soundsieve.recipes.select.fluidsynth import render
from soundsieve.recipes.watch import timidity
from soundsieve.recipes.watch.instruments import INSTRUMENTS
from soundsieve.recipes.watch.sounds import Recording, Source

PHRASES = 4  # of 3–6 s with a rest between them: always longer than a video
LEAD_S = 0.5  # `phrases.session` begins after it
SHORT_S = 1.2  # a recording up to this long is one event of many, such as a bark or a stroke
FADE_S = 0.02
DRUM_LEVELS_DB = {"bass_drum": 0.0, "snare_drum": -2.0, "hi_hat": -10.0}
_FRAME_S, _ACTIVE_DB = 0.05, -40.0

Sound = NDArray[np.float32]


def perform(
    source: Source, rng: np.random.Generator, length_s: float, packages: Path, programs: Mapping[str, str]
) -> Sound:
    """Return the sound of a source, (time,) at 44.1 kHz, of exactly that length and any level.

    Args:
        source: what to play.
        rng: decides what is played.
        length_s: of the video.
        packages: the folder the packages were unpacked into.
        programs: the paths of the synthesizers.

    Raises:
        AudioError: a recording cannot be read or is silent, or a synthesizer fails.
        DatasetError: a package or kit does not hold what it should.
    """
    length = round(length_s * RATE_HZ)
    if source.kit is not None:
        sound = _kit(source.kit, rng, length_s)
    elif source.font is not None:
        sound = _soundfont(source, rng, length_s, packages, programs)
    else:
        sound = _recordings(source.recordings, rng, length, packages)
    sound = np.pad(sound[:length], (0, max(0, length - len(sound))))
    fade = round(FADE_S * RATE_HZ)
    sound[-fade:] *= np.linspace(1, 0, fade, dtype=np.float32)
    if not np.any(sound):
        raise AudioError(f"{source.name}: is silent; expected the sound of a {source.label}")
    return sound


def _soundfont(
    source: Source, rng: np.random.Generator, length_s: float, packages: Path, programs: Mapping[str, str]
) -> Sound:
    font = source.font
    if font is None:
        raise TypeError("a source without a soundfont")
    if source.label == "drum":
        kit, channel = int(rng.choice(font.kits)), font.drum_channel
        keys = {label: int(rng.choice(keys)) for label, keys in font.drum_keys.items()}
        notes = [
            phrases.Note(hit.start_s, 0.2, keys[label], int(np.clip(round(127 * hit.loudness), 1, 127)))
            for label, hits in groove(rng, length_s).items()
            for hit in hits
            if label in keys
        ]
        midi, begin_s = phrases.midi_bytes(notes, (), kit, channel), 0.0
    else:
        fitting = [instrument for instrument in INSTRUMENTS if instrument.label == source.label]
        fitting = [instrument for instrument in fitting if instrument.program in font.programs]
        instrument = fitting[int(rng.integers(len(fitting)))]
        played, controls, _ = phrases.session(instrument, PHRASES, rng)
        midi = phrases.midi_bytes(played, controls, instrument.program)
        begin_s = LEAD_S + float(rng.uniform(-0.4, 1.0))
    program = programs[font.synthesizer]
    if font.synthesizer == "timidity":
        both = timidity.render(program, packages, midi)
    else:
        both = render(program, packages / font.path, midi)
    sound: Sound = both.mean(axis=0, dtype=np.float32)
    return sound[round(begin_s * RATE_HZ) :]


def groove(rng: np.random.Generator, length_s: float) -> dict[str, list[Hit]]:
    """Return what each of the three drums plays: a bar of eighths, drawn once, again and again with small changes.

    >>> hits = groove(np.random.default_rng(0), 10.0)
    >>> sorted(hits), all(0 <= hit.start_s < 10 for drum in hits.values() for hit in drum)
    (['bass_drum', 'hi_hat', 'snare_drum'], True)
    """
    step_s = 30.0 / float(rng.uniform(75, 160))
    loudness = float(rng.uniform(0.6, 0.95))
    chances = {
        "bass_drum": np.where(np.arange(8) == 0, 1.0, rng.choice([0.0, 0.1, 1.0], 8, p=[0.6, 0.15, 0.25])),
        "snare_drum": np.where(np.isin(np.arange(8), (2, 6)), 0.97, rng.choice([0.0, 0.15], 8)),
        "hi_hat": np.full(8, 0.95) if rng.random() < 0.7 else np.tile([0.95, 0.1], 4),
    }
    times_s = np.arange(rng.uniform(0.05, 0.5), length_s, step_s)
    hits: dict[str, list[Hit]] = {}
    for label, chance in chances.items():
        struck = rng.random(len(times_s)) < chance[np.arange(len(times_s)) % 8]
        late_s = np.clip(rng.normal(0.0, 0.006, len(times_s)), -0.02, 0.02)
        force = np.clip(loudness * rng.uniform(0.75, 1.1, len(times_s)), 0.2, 1.0)
        hits[label] = [
            Hit(min(float(t + late), length_s - 0.01), float(f))
            for t, late, f, here in zip(times_s, late_s, force, struck, strict=True)
            if here
        ]
    return hits


def _kit(folder: Path, rng: np.random.Generator, length_s: float) -> Sound:
    sound = np.zeros(round((length_s + 2.0) * RATE_HZ), np.float32)
    hits = groove(rng, length_s)
    for label, instruments in sorted(drums.read_kit(folder).items()):
        layers = [
            (_at_rate(*read_mono(layer.path, str(layer.path))), layer.softest, layer.loudest)
            for layer in instruments[int(rng.integers(len(instruments)))]
        ]
        if not hits[label]:
            continue
        played = drums.play(layers, hits[label], RATE_HZ, choke=label == "hi_hat")
        gain = np.float32(10 ** (DRUM_LEVELS_DB[label] / 20) / max(float(np.abs(played).max()), 1e-6))
        count = min(len(played), len(sound))
        sound[:count] += gain * played[:count]
    return sound


def _recordings(recordings: Sequence[Recording], rng: np.random.Generator, length: int, packages: Path) -> Sound:
    sound = np.zeros(length, np.float32)
    clips = [clip for clip in _read(recordings, packages) if clip is not None]
    at = round(float(rng.uniform(0.0, 0.5)) * RATE_HZ)
    while clips and at < length:
        clip = clips[int(rng.integers(len(clips)))]
        if len(clip) > length:
            first = int(rng.integers(len(clip) - length + 1))
            clip = clip[first : first + length]
        count = min(len(clip), length - at)
        sound[at : at + count] += clip[:count] * np.float32(10 ** (rng.uniform(-4, 0) / 20))
        short = len(clip) <= SHORT_S * RATE_HZ
        at += len(clip) + round(float(rng.uniform(0.05, 0.7) if short else rng.uniform(0.1, 1.0)) * RATE_HZ)
    return sound


def _read(recordings: Sequence[Recording], packages: Path) -> Iterator[Sound | None]:
    for recording in recordings:
        if recording.path is not None:
            samples, rate_hz = read_mono(recording.path, str(recording.path))
        else:
            data, _ = effects.read_sound(recording.package, recording.sound, packages)
            samples, rate_hz = read_mono(data, f"{recording.package}: {recording.sound}")
        yield tidy(samples, rate_hz)


def _at_rate(samples: Sound, rate_hz: int) -> Sound:
    return samples if rate_hz == RATE_HZ else soxr.resample(samples, rate_hz, RATE_HZ).astype(np.float32)


def active_level_db(sound: Sound, rate_hz: int) -> float:
    """Return the level in dB of what sounds: of the 50 ms frames less than 40 dB below the loudest one.

    >>> tone = np.sin(np.arange(48000) * 0.1).astype(np.float32)
    >>> round(active_level_db(np.concatenate([tone, 0 * tone]), 48000), 2)
    -3.01
    """
    hop = round(_FRAME_S * rate_hz)
    power = np.square(np.pad(sound, (0, -len(sound) % hop)), dtype=np.float64).reshape(-1, hop).mean(axis=1)
    return float(10 * np.log10(power[power > power.max() * 10 ** (_ACTIVE_DB / 10)].mean()))

"""Whole drum kits: recorded ones, those of soundfonts and made-up machines, played from strokes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile
import soxr

from soundsieve.errors import AudioError
from soundsieve.recipes.clips import RATE_HZ
from soundsieve.recipes.select.drums import distance, read_kit, split_words
from soundsieve.recipes.select.phrases import Note
from soundsieve.recipes.unmix.beats import Stroke
from soundsieve.recipes.unmix.processors import Sound, pan

LONGEST_S = 3.0
# How loud a piece is beside the kick, in dB, and where it stands: −1 left, 1 right, as the drummer sees it
LEVELS_DB = {
    "kick": 0.0, "snare": -1.0, "stick": -7.0, "clap": -3.0, "hat": -12.0, "open_hat": -12.0, "pedal_hat": -15.0,
    "ride": -13.0, "bell": -13.0, "crash": -9.0, "high_tom": -3.0, "mid_tom": -3.0, "low_tom": -2.0, "shaker": -13.0,
}  # fmt: skip
PLACES = {
    "kick": 0.0, "snare": 0.05, "stick": 0.05, "clap": 0.0, "hat": -0.35, "open_hat": -0.35, "pedal_hat": -0.35,
    "ride": 0.45, "bell": 0.45, "crash": -0.3, "high_tom": -0.2, "mid_tom": 0.15, "low_tom": 0.45, "shaker": 0.3,
}  # fmt: skip
# What plays a piece that a kit does not have
_INSTEAD = {
    "stick": ("clap", "snare"), "clap": ("snare",), "open_hat": ("hat",), "pedal_hat": ("hat",), "shaker": ("hat",),
    "ride": ("bell", "hat"), "bell": ("ride", "hat"), "crash": ("ride", "open_hat"), "hat": ("open_hat", "pedal_hat"),
    "high_tom": ("mid_tom", "low_tom", "snare"), "mid_tom": ("low_tom", "high_tom", "snare"),
    "low_tom": ("mid_tom", "high_tom", "snare"), "kick": (), "snare": ("clap",),
}  # fmt: skip
_HATS = frozenset({"hat", "open_hat", "pedal_hat"})  # each silences the one before
_WET = {"kick": 0.25, "hat": 0.6, "open_hat": 0.6, "pedal_hat": 0.5, "shaker": 0.6}  # how much of the room is heard
GENERAL_MIDI_KEYS = {
    "kick": 36, "snare": 38, "stick": 37, "clap": 39, "hat": 42, "open_hat": 46, "pedal_hat": 44, "ride": 51,
    "bell": 53, "crash": 49, "high_tom": 50, "mid_tom": 47, "low_tom": 43, "shaker": 70,
}  # fmt: skip
_NAMES = (
    ("kick", r"\b(kicks?|bass ?drum|bd)\b"),
    ("clap", r"\bclaps?\b"),
    ("stick", r"\b(side ?stick|stick|rim ?click|rim)\b"),
    ("bell", r"\b(bell|cup)\b"),
    ("crash", r"\b(crash|cymbal|splash|china)\b"),
    ("ride", r"\bride\b"),
    ("pedal_hat", r"\b(pedal|foot|pd)\b"),
    ("open_hat", r"\b(open(ed)?|op|ohh|ho|semi)\b"),
    ("hat", r"\b(hi ?hats?|hats?|hh|chh)\b"),
    ("low_tom", r"\b(floor ?tom|tom (low|floor)|low ?tom)\b"),
    ("mid_tom", r"\b(tom mid|mid(dle)? tom)\b"),
    ("high_tom", r"\b(toms?|tom ?hi|high tom)\b"),
    ("snare", r"\b(snares?|snare ?drum|sn|sd)\b"),
)
_NOT = re.compile(r"\b(choke|swish|roll|rimshot|rim ?shot|cowbell|agogo|tambourine|flink|empty|fx|noise|nz|zap)\b")


class Sample(NamedTuple):
    """One recording of a piece, (channel, time), and the loudness it is meant for."""

    sound: Sound
    softest: float
    loudest: float


Kit = Mapping[str, Sequence[Sample]]


class Drums(NamedTuple):
    """Played drums: the sound, and what of it goes to the room; both (2, time)."""

    dry: Sound
    room: Sound


def piece_of(name: str, file_name: str = "") -> str | None:
    """Return the piece of a kit that an instrument is, or None.

    >>> piece_of("Floor Tom"), piece_of("Sabian Hat Semi-Open"), piece_of("Ride Bell"), piece_of("BassDrum")
    ('low_tom', 'open_hat', 'bell', 'kick')
    >>> piece_of("Sabian Hat Swish") is piece_of("Cowbell") is piece_of("17", "emptySample.flac") is None
    True
    """
    words = split_words(re.sub(r"\(.*?\)", "", name))
    if _NOT.search(words) or "empty" in file_name.lower():
        return None
    return next((piece for piece, pattern in _NAMES if re.search(pattern, words)), None)


def load_kit(folder: Path, tune: float, wanted: set[str], rng: np.random.Generator) -> Kit:
    """Return the pieces of a recorded kit that are wanted, at 44.1 kHz, loudest recording at peak 1.

    Args:
        folder: of a Hydrogen kit.
        tune: playing speed: above 1 the drums sound smaller.
        wanted: pieces to be loaded; one the kit has not is replaced when it is played.
        rng: chooses among several drums of one kind.

    Raises:
        AudioError: when a sample cannot be read.
        DatasetError: when the kit's list of instruments cannot be.
    """
    found = read_kit(folder, piece_of)
    needed = {resolve(piece, found) for piece in wanted}
    kit = {}
    for piece, instruments in found.items():
        layers = instruments[int(rng.integers(len(instruments)))]
        if piece not in needed:
            continue
        sounds = [_read(layer.path, tune) for layer in layers]
        peak = max(float(np.abs(sound).max()) for sound in sounds) or 1.0
        kit[piece] = [
            Sample(sound / np.float32(peak), layer.softest, layer.loudest)
            for sound, layer in zip(sounds, layers, strict=True)
        ]
    return kit


def resolve(piece: str, kit: Mapping[str, object]) -> str:
    """Return the piece that plays a piece: itself, or what stands in for it; "" when there is nothing."""
    return next((name for name in (piece, *_INSTEAD[piece]) if name in kit), "")


def _read(path: Path, tune: float) -> Sound:
    try:
        samples, rate_hz = soundfile.read(path, frames=-1, dtype="float32", always_2d=True)
    except (OSError, soundfile.LibsndfileError) as error:
        raise AudioError(f"{path}: not a sound file that can be read ({error})") from None
    samples = samples[: round(LONGEST_S * rate_hz * tune)]
    if rate_hz * tune != RATE_HZ:
        samples = soxr.resample(samples, rate_hz * tune, RATE_HZ, quality="HQ")
    fade = min(len(samples), round(0.05 * RATE_HZ))
    samples[len(samples) - fade :] *= np.linspace(1, 0, fade, dtype=np.float32)[:, None]
    return np.ascontiguousarray(samples.T, dtype=np.float32)


def play_kit(kit: Kit, strokes: Sequence[Stroke], length: int, rng: np.random.Generator, width: float = 0.8) -> Drums:
    """Play strokes on the samples of a kit, each piece at a level and place of its own.

    Args:
        kit: its pieces.
        strokes: in order.
        length: of the result, in samples.
        rng: varies levels, places and which of equal layers is taken.
        width: 0 keeps every piece in the middle.
    """
    dry, room = np.zeros((2, length), np.float32), np.zeros((2, length), np.float32)
    mirror = 1.0 if rng.random() < 0.5 else -1.0  # seen by the drummer or by the audience
    gains = {piece: 10 ** ((LEVELS_DB[piece] + rng.normal(0, 2.5)) / 20) for piece in LEVELS_DB}
    places = {piece: float(np.clip(place * mirror * width, -1, 1)) for piece, place in PLACES.items()}
    hats: list[tuple[int, Sound]] = []
    for stroke in strokes:
        piece = resolve(stroke.piece, kit)
        start = round(stroke.start_s * RATE_HZ)
        if not piece or start >= length:
            continue
        loudness = stroke.loudness
        samples = kit[piece]
        sample = min(samples, key=lambda one: (distance(loudness, one.softest, one.loudest), rng.random()))
        # recorded softer already where the layers say so
        gain = np.float32(gains[stroke.piece] * (loudness if len(samples) > 2 else loudness**1.5))
        sound = pan(sample.sound, places[stroke.piece]) * gain
        if piece in _HATS:
            hats.append((start, sound))
            continue
        _add(dry, room, start, sound, _WET.get(piece, 1.0))
    for number, (start, sound) in enumerate(hats):
        until = hats[number + 1][0] - start if number + 1 < len(hats) else sound.shape[1]
        _add(dry, room, start, _choked(sound, until), _WET["hat"])
    return Drums(dry, room)


def _choked(sound: Sound, until: int) -> Sound:
    fade = round(0.012 * RATE_HZ)
    if until + fade >= sound.shape[1]:
        return sound
    cut = sound[:, : max(0, until) + fade].copy()
    cut[:, -fade:] *= np.linspace(1, 0, fade, dtype=np.float32)
    return cut


def _add(dry: Sound, room: Sound, start: int, sound: Sound, wet: float) -> None:
    heard = sound[:, : dry.shape[1] - start]
    dry[:, start : start + heard.shape[1]] += heard
    room[:, start : start + heard.shape[1]] += heard * np.float32(wet)


def play_font_kit(strokes: Sequence[Stroke], render: Callable[[Sequence[Note]], Sound], length: int) -> Drums:
    """Play strokes on a soundfont's kit.

    Args:
        strokes: in order.
        render: renders notes on the drum channel, (2, time).
        length: of the result, in samples.
    """
    notes = [Note(s.start_s, 0.4, GENERAL_MIDI_KEYS[s.piece], int(np.clip(127 * s.loudness, 10, 127))) for s in strokes]
    sound = render(notes)[:, :length]
    dry = np.pad(sound, ((0, 0), (0, length - sound.shape[1])))
    return Drums(dry, dry * np.float32(0.6))

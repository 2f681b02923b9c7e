"""Short musical phrases for single instruments, and the MIDI bytes that play them.

A phrase is a list of notes inside the range a player can reach, in one of a few manners (a scale, an arpeggio, held or
repeated notes, a small melody, chords), with its own tempo, loudness and articulation. Phrases follow each other in one
MIDI file with silence in between, so that a synthesizer loads its sounds once and the result is cut at known times.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

SCALES = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "pentatonic": (0, 2, 4, 7, 9),
    "blues": (0, 3, 5, 6, 7, 10),
}
CHORDS = ((0, 7, 12, 16, 19), (0, 7, 12, 15, 19), (0, 4, 7, 12), (0, 3, 7, 12), (0, 4, 7, 10, 16))  # guitar shapes
RHYTHMS = ((1.0, 1.0, 1.0, 1.0), (0.5, 0.5, 1.0, 1.0, 1.0), (1.5, 0.5, 1.0, 1.0), (0.5, 0.5, 0.5, 0.5, 2.0), (3.0, 1.0))
DRUM_CHANNEL = 9  # General MIDI keeps the tenth channel for drums
GAP_S = 1.5  # silence between two phrases: longer than the release and the light reverb
SHORTEST_NOTE_S = 0.09
CC_MODULATION, CC_EXPRESSION, CC_REVERB, CC_CHORUS = 1, 11, 91, 93

Step = tuple[float, tuple[int, ...]]  # length in beats, keys sounding together


class Note(NamedTuple):
    """One note: times in seconds, key and velocity as MIDI counts them (middle C is 60)."""

    start_s: float
    length_s: float
    key: int
    velocity: int


class Control(NamedTuple):
    """One controller change at a time in seconds."""

    start_s: float
    number: int
    value: int


class Span(NamedTuple):
    """Where one clip lies in a rendered session, in seconds."""

    start_s: float
    length_s: float


@dataclass(frozen=True)
class Instrument:
    """A General MIDI program with the class it sounds like and the range of keys a player uses."""

    label: str
    program: int
    lowest: int
    highest: int
    manners: tuple[str, ...] = ("scale", "arpeggio", "long", "repeat", "melody", "melody")
    sustained: bool = True  # bowed or blown: may swell and vibrate while it sounds


_PLUCKED = ("scale", "arpeggio", "repeat", "melody")
INSTRUMENTS = (
    Instrument("acoustic_guitar", 24, 40, 76, (*_PLUCKED, "chords", "chords"), sustained=False),
    Instrument("acoustic_guitar", 25, 40, 79, (*_PLUCKED, "chords", "chords"), sustained=False),
    Instrument("cello", 42, 36, 72),
    Instrument("clarinet", 71, 50, 86),
    Instrument("double_bass", 32, 28, 55, _PLUCKED, sustained=False),
    Instrument("double_bass", 43, 28, 58),
    Instrument("flute", 73, 60, 93),
    Instrument("saxophone", 64, 56, 87),
    Instrument("saxophone", 65, 49, 80),
    Instrument("saxophone", 66, 44, 75),
    Instrument("saxophone", 67, 37, 68),
    Instrument("violin_or_fiddle", 40, 55, 91),
    Instrument("violin_or_fiddle", 110, 55, 86),
)


def phrase(instrument: Instrument, rng: np.random.Generator, length_s: float) -> list[Note]:
    """Return the notes of one phrase of about `length_s` seconds, all inside the instrument's range.

    >>> notes = phrase(INSTRUMENTS[2], np.random.default_rng(0), 3.0)
    >>> all(36 <= note.key <= 72 and note.start_s + note.length_s <= 3.0 for note in notes)
    True
    """
    manner = str(rng.choice(instrument.manners))
    keys = _ladder(instrument, rng)
    steps = _MANNERS[manner](keys, instrument, rng)
    beat_s = 60.0 / rng.uniform(40, 70) if manner == "long" else 60.0 / rng.uniform(70, 170)
    return _play(steps, beat_s, length_s, rng)


def session(
    instrument: Instrument, count: int, rng: np.random.Generator
) -> tuple[list[Note], list[Control], list[Span]]:
    """Return notes, controllers and the `count` spans of 3–6 s to cut, one phrase in each.

    >>> notes, controls, spans = session(INSTRUMENTS[0], 5, np.random.default_rng(1))
    >>> len(spans), all(3.0 <= span.length_s <= 6.0 for span in spans)
    (5, True)
    """
    notes: list[Note] = []
    controls: list[Control] = []
    spans: list[Span] = []
    start_s = 0.5
    for _ in range(count):
        span = Span(start_s, float(rng.uniform(3.0, 6.0)))
        lead_s = float(rng.uniform(0.02, 0.2))  # recordings rarely begin on the note
        tail_s = float(rng.uniform(0.2, 0.6))
        played = phrase(instrument, rng, span.length_s - lead_s - tail_s)
        notes += [note._replace(start_s=note.start_s + start_s + lead_s) for note in played]
        controls += _colour(instrument, span, rng)
        spans.append(span)
        start_s += span.length_s + GAP_S
    return notes, controls, spans


def midi_bytes(notes: Sequence[Note], controls: Sequence[Control] = (), program: int = 0, channel: int = 0) -> bytes:
    """Return a type-0 MIDI file in which one tick is one millisecond.

    Notes that end when the same key starts again end first. Source: Standard MIDI Files 1.0.

    >>> midi_bytes([Note(0.0, 0.5, 60, 100)])[:4]
    b'MThd'
    """
    events: list[tuple[int, int, bytes]] = [(0, 0, bytes([0xC0 | channel, program]))]
    events += [(_tick(c.start_s), 1, bytes([0xB0 | channel, c.number, c.value])) for c in controls]
    for note in notes:
        on = _tick(note.start_s)
        off = max(_tick(note.start_s + note.length_s), on + 1)
        events.append((on, 3, bytes([0x90 | channel, note.key, note.velocity])))
        events.append((off, 2, bytes([0x80 | channel, note.key, 0])))
    body = b"\x00\xff\x51\x03" + (1_000_000).to_bytes(3, "big")  # a quarter note lasts one second
    now = 0
    for tick, _, message in sorted(events):
        body += variable_length(tick - now) + message
        now = tick
    body += b"\x00\xff\x2f\x00"
    header = b"MThd" + (6).to_bytes(4, "big") + b"\x00\x00\x00\x01" + (1000).to_bytes(2, "big")
    return header + b"MTrk" + len(body).to_bytes(4, "big") + body


def variable_length(value: int) -> bytes:
    r"""Return a number as MIDI writes it: seven bits a byte, the last byte without the top bit.

    >>> variable_length(0), variable_length(128), variable_length(16383)
    (b'\x00', b'\x81\x00', b'\xff\x7f')
    """
    septets = [value & 0x7F]
    while value := value >> 7:
        septets.append(value & 0x7F | 0x80)
    return bytes(reversed(septets))


def _tick(time_s: float) -> int:
    return round(time_s * 1000)


def _ladder(instrument: Instrument, rng: np.random.Generator) -> list[int]:
    """Return the keys of one scale in the range, lowest first."""
    steps = SCALES[str(rng.choice(list(SCALES)))]
    tonic = int(rng.integers(12))
    return [key for key in range(instrument.lowest, instrument.highest + 1) if (key - tonic) % 12 in steps]


def _scale(keys: list[int], _: Instrument, rng: np.random.Generator) -> list[Step]:
    count = min(int(rng.integers(5, 15)), len(keys))
    first = int(rng.integers(len(keys) - count + 1))
    run = keys[first : first + count]
    ways = (run + run[-2::-1], run[::-1] + run[1:], run)
    beats = float(rng.choice([0.25, 0.5, 0.5, 1.0]))
    return [(beats, (key,)) for key in ways[int(rng.integers(3))]]


def _arpeggio(keys: list[int], _: Instrument, rng: np.random.Generator) -> list[Step]:
    first = int(rng.integers(max(1, len(keys) - 9)))
    chord = keys[first : first + 9 : 2]
    beats = float(rng.choice([0.25, 0.5, 0.5]))
    pattern = chord + chord[-2:0:-1]
    return [(beats, (key,)) for key in pattern * 3]


def _long(keys: list[int], _: Instrument, rng: np.random.Generator) -> list[Step]:
    at = int(rng.integers(len(keys)))
    steps: list[Step] = []
    for _count in range(int(rng.integers(1, 4))):
        steps.append((float(rng.choice([2.0, 3.0, 4.0])), (keys[at],)))
        at = int(np.clip(at + rng.integers(-3, 4), 0, len(keys) - 1))
    return steps


def _repeat(keys: list[int], _: Instrument, rng: np.random.Generator) -> list[Step]:
    beats = float(rng.choice([0.25, 0.5, 1.0]))
    steps: list[Step] = []
    for _count in range(int(rng.integers(2, 5))):
        key = keys[int(rng.integers(len(keys)))]
        steps += [(beats, (key,))] * int(rng.integers(2, 7))
    return steps


def _melody(keys: list[int], _: Instrument, rng: np.random.Generator) -> list[Step]:
    at = int(rng.integers(len(keys) // 4, 1 + 3 * len(keys) // 4))
    steps: list[Step] = []
    for _bar in range(4):
        for beats in RHYTHMS[int(rng.integers(len(RHYTHMS)))]:
            rest = rng.random() < 0.07
            steps.append((beats, () if rest and steps else (keys[at],)))
            # mostly neighbours, now and then a leap, as tunes go
            leap = rng.choice([-4, -3, 3, 4]) if rng.random() < 0.15 else rng.choice([-2, -1, -1, 0, 1, 1, 2])
            at = int(np.clip(at + leap, 0, len(keys) - 1))
    return steps


def _chords(keys: list[int], instrument: Instrument, rng: np.random.Generator) -> list[Step]:
    steps: list[Step] = []
    for _bar in range(4):
        shape = CHORDS[int(rng.integers(len(CHORDS)))]
        root = int(rng.integers(instrument.lowest, instrument.lowest + 17))
        chord = tuple(root + step for step in shape if root + step <= instrument.highest)
        steps += [(beats, chord) for beats in RHYTHMS[int(rng.integers(len(RHYTHMS)))]]
    return steps


_MANNERS: dict[str, Callable[[list[int], Instrument, np.random.Generator], list[Step]]] = {
    "scale": _scale,
    "arpeggio": _arpeggio,
    "long": _long,
    "repeat": _repeat,
    "melody": _melody,
    "chords": _chords,
}


def _play(steps: Sequence[Step], beat_s: float, length_s: float, rng: np.random.Generator) -> list[Note]:
    """Give the steps times, loudness and articulation; whatever would pass `length_s` is cut or left out."""
    loudness = rng.uniform(50, 112)
    held = float(rng.choice([0.45, 0.8, 0.97, 1.0]))  # staccato to legato
    strum_s = float(rng.uniform(0.004, 0.035))
    notes: list[Note] = []
    now_s = 0.0
    for beats, keys in steps:
        step_s = beats * beat_s
        upward = keys if rng.random() < 0.7 else keys[::-1]
        for order, key in enumerate(upward):
            start_s = max(0.0, now_s + order * strum_s + float(rng.normal(0, 0.006)))
            room_s = min(max(step_s * held, SHORTEST_NOTE_S), length_s - start_s)
            if room_s >= SHORTEST_NOTE_S:
                velocity = int(np.clip(loudness + rng.normal(0, 8), 25, 127))
                notes.append(Note(start_s, room_s, key, velocity))
        now_s += step_s
    return notes


def _colour(instrument: Instrument, span: Span, rng: np.random.Generator) -> list[Control]:
    """Return the controllers of one clip: tuning, dry or lightly reverberant, vibrato and swells."""
    at_s = span.start_s - 0.2
    wet = int(rng.integers(15, 60)) if rng.random() < 0.5 else 0
    controls = [
        Control(at_s, CC_REVERB, wet),
        Control(at_s, CC_CHORUS, 0),
        # registered parameter 1, fine tuning: players are not all at 440 Hz; 64 is none, a step is 1.6 cents
        Control(at_s, 101, 0),
        Control(at_s + 0.001, 100, 1),
        Control(at_s + 0.002, 6, int(rng.integers(50, 79))),
    ]
    swell = instrument.sustained and rng.random() < 0.5
    controls.append(Control(at_s, CC_MODULATION, int(rng.integers(0, 70)) if instrument.sustained else 0))
    turns = np.arange(0.0, span.length_s, 0.1) * rng.uniform(0.15, 0.5)
    curve = 100 + 27 * np.sin(2 * np.pi * (turns + rng.random())) if swell else np.array([120.0])
    return controls + [
        Control(at_s if i == 0 else span.start_s + 0.1 * i, CC_EXPRESSION, int(v)) for i, v in enumerate(curve)
    ]

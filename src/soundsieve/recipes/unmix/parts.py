"""What the instruments of a band play: patterns on a grid of sixteenths, walking lines and tunes.

A pattern is a string, one letter a sixteenth, sixteen to a bar (of a bar of three beats the first twelve are played):
`.` is a rest and `-` holds what sounds. For a bass `r` is the root, `f` the fifth, `t` the third, `o` the octave, `s`
the seventh or sixth, `a` a step below the next root. For chords `x` is the chord, `X` an accent, `m` a muted stroke,
and a digit one note of the voicing, counted from its lowest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from soundsieve.recipes.unmix.grooves import Play
from soundsieve.recipes.unmix.harmony import Chord, near

STEPS_PER_BEAT = 4


class Bar(NamedTuple):
    """One bar of a song.

    Attributes:
        beat: where it begins.
        beats: its length.
        chords: its chords, of equal length.
        following: the first chord of the next bar.
        last: the last bar of its section.
        force: how hard everybody plays, 0 to 1.
    """

    beat: float
    beats: int
    chords: tuple[Chord, ...]
    following: Chord
    last: bool
    force: float

    def chord_at(self, step: int) -> Chord:
        """Return the chord on a sixteenth of the bar."""
        return self.chords[step * len(self.chords) // (self.beats * STEPS_PER_BEAT)]


BASS_PATTERNS = {
    "roots": ("r-r-r-r-r-r-r-r-", "r.r.r.r.r.r.r.r.", "r-r-r-r-r-r-f-a-", "r-r-.-r-r-r-r-r-", "r-r-r-r-o-r-f-r-"),
    "long": ("r---------------", "r-------r-------", "r-----------f---", "r-----r---------", "r---------r-a---"),
    "pulse": ("r---r---r---r---", "r-----r-r-----f-", "r--r--r-r--r--r-", "r-----r-f-----a-", "r---r-r-r---f---"),
    "octaves": ("r-o-r-o-r-o-r-o-", "..o-..o-..o-..o-", "r.o.r.o.r.o.f.o.", "r-.or-.or-.or-o-"),
    "funk": ("r..r..o...r.s.o.", "r-.o.r..f.s.o-..", "r.rr..o.r...s.a.", "r--.o.r...f.s.r.", "r...r.o...r.o.fa"),
    "fifths": ("r---....f---....", "r-------f-------", "r---..r-f---..f-", "r-----f-f-----r-"),
    "tumbao": ("......f-....o---", "r-----f-----o---", "r-----f-.-..r-f-", "r--.f--.r--.f-.."),
    "synth": ("..r-..r-..r-..r-", "rrrrrrrrrrrrrrrr", ".rrr.rrr.rrr.rrr", "r..r..r.r..r..r.", "r-r.ror-r.r-o.r-"),
    "reggae": ("r-..r-f-..r-....", "....r-r-f-..r-..", "r--.....f-t-r-..", "..r-t-f-..f-r-.."),
    "blues": ("r---t---f---s---", "r--rt--tf--fs--s", "r-r-t-t-f-f-s-f-", "r---r---f---a---"),
    "sub": ("r-----------....", "r-----r-....f-..", "r---------..r-..", "r--.r-..........", "r-----------s-a-"),
}
CHORD_PATTERNS = {
    "strum": ("x---x-xx-xx-x-x-", "x-x-x-x-x-x-x-x-", "X-xxx-xxX-xxx-xx", "x---x---x-x-x-x-", "X--xX-xx.xx-X-x-"),
    "pop": ("X---x-x---x-x-x-", "x-------x-----x-", "x---x---x---x---", "X-x-xmx-.-xmx-x-"),
    "funk": ("m.mXm.m.mXm.m.X.", "..X.m.mXm..Xm.m.", "Xm.m..Xm.mXm..m.", "....X..m....X.mm", "mmXmmmXmmmXmX-m."),
    "skank": ("....x.......x...", "..x...x...x...x.", "..x...x...x.x.x.", "....x.x.....x.x."),
    "power": ("x-x-x-x-x-x-x-x-", "X---------------", "X-mmX-mmX-mmX-X-", "X-----X-----X---", "mmmmmmmmX-mmmmX-"),
    "held": ("x---------------", "x-------x-------", "x---------------", "x-----x---------"),
    "block": ("x---x---x---x---", "x-------x---x---", "x-----x---x-x---", "X--x--x-X--x--x-", "x-x-x-x-x-x-x-x-"),
    "stabs": ("X...............", "..X.......X.....", "X..X..X.........", "......X-..X.....", "X.....X.X---...."),
    "comp": ("......x.....x...", "x.....x.........", "..x-....x.......", "x--.......x-....", "....x-....x--..."),
    "montuno": ("x.xx.x.xx.x.xx.x", "x-.x-.x-.x-.x-x-", "0.2x.2.x0.2x.2x."),
    "arpeggio": ("0-1-2-3-2-1-2-1-", "0-2-1-2-3-2-1-2-", "0--1--2-3--2--1-", "0-3-2-1-0-3-2-1-", "0123210123210123"),
    "sequence": ("0.2.1.3.0.2.1.3.", "0123012301230123", "0.0.2.0.3.0.2.1.", "..0...2...3...1.", "03.2.03.2.03.21."),
    "picked": ("0-2-3-2-1-2-3-2-", "0---2-3-1---2-3-", "0-23-2131-23-213", "0--2-3--1--2-3-2"),
    "ballad": ("0---12--3---21--", "01231---0123----", "x---0-1-2-3-2-1-", "0-2-x---1-2-x---"),
}


def bass_line(bars: Sequence[Bar], patterns: Sequence[str], lowest: int, rng: np.random.Generator) -> list[Play]:
    """Play one pattern in each bar, mostly the first, with a step of its own now and then."""
    plays: list[Play] = []
    for bar in bars:
        pattern = patterns[0] if rng.random() < 0.8 else str(rng.choice(patterns))
        for step, letter, steps in cells(pattern, bar.beats):
            if letter == "r" and step and rng.random() < 0.06:
                letter = str(rng.choice(["f", "o", "."]))
            if letter == ".":
                continue
            key = _bass_key(bar, step, letter, lowest)
            accent = 1.0 if step % 4 == 0 else 0.86
            plays.append(
                Play(bar.beat + step / STEPS_PER_BEAT, steps / STEPS_PER_BEAT, (key,), accent * (0.6 + 0.4 * bar.force))
            )
    return plays


def _bass_key(bar: Bar, step: int, letter: str, lowest: int) -> int:
    harmony = bar.chord_at(step)
    root = lowest + (harmony.root - lowest) % 12
    third = next((s for s in harmony.steps if s in (3, 4)), 7)
    fifth = next((s for s in harmony.steps if s in (6, 7)), 7)
    seventh = next((s for s in harmony.steps if s in (9, 10, 11)), 10 if third == 3 else 9)
    if letter == "a":
        return max(lowest, near(bar.following.root, root) - 1)
    # a fifth above a high root is played below it
    reach = {"r": 0, "t": third, "f": fifth if root + fifth <= lowest + 16 else fifth - 12, "o": 12, "s": seventh}
    return max(lowest, root + reach[letter])


def walking(bars: Sequence[Bar], lowest: int, highest: int, rng: np.random.Generator) -> list[Play]:
    """Walk in quarters: roots on new chords, notes of the chord or scale between, a step into the next root."""
    plays: list[Play] = []
    at = lowest + 9
    for bar in bars:
        for beat in range(bar.beats):
            harmony = bar.chord_at(beat * STEPS_PER_BEAT)
            new = beat == 0 or harmony is not bar.chord_at((beat - 1) * STEPS_PER_BEAT)
            if new:
                at = near(harmony.root, at)
            elif beat == bar.beats - 1:
                at = near(bar.following.root, at) + int(rng.choice([-1, 1, 2]))
            else:
                step = int(rng.choice([s % 12 for s in harmony.steps] + [2]))
                at = near((harmony.root + step) % 12, at + int(rng.choice([-3, 3])))
            while at < lowest:
                at += 12
            while at > highest:
                at -= 12
            plays.append(Play(bar.beat + beat, 1.0, (at,), 0.7 + 0.25 * bar.force))
            if rng.random() < 0.08:  # a skipped eighth
                plays.append(Play(bar.beat + beat + 0.5, 0.4, (at,), 0.5))
    return plays


def chords(
    bars: Sequence[Bar],
    patterns: Sequence[str],
    voice: Callable[[Chord], tuple[int, ...]],
    rng: np.random.Generator,
) -> list[Play]:
    """Play chords or their single notes on the patterns."""
    plays: list[Play] = []
    for bar in bars:
        pattern = patterns[0] if rng.random() < 0.85 else str(rng.choice(patterns))
        for step, letter, steps in cells(pattern, bar.beats):
            if letter == ".":
                continue
            keys = voice(bar.chord_at(step))
            if letter.isdigit():
                keys = (keys[int(letter) % len(keys)] + 12 * (int(letter) // len(keys)),)
            beats = 0.12 if letter == "m" else steps / STEPS_PER_BEAT
            force = {"X": 1.0, "m": 0.5}.get(letter, 0.8) * (0.55 + 0.45 * bar.force)
            plays.append(Play(bar.beat + step / STEPS_PER_BEAT, beats, keys, force))
    return plays


def tune(bars: Sequence[Bar], keys: Sequence[int], density: float, rng: np.random.Generator) -> list[Play]:
    """Play a tune on a ladder of keys: phrases of two bars with rests, chord notes on the strong beats."""
    plays: list[Play] = []
    at = len(keys) // 2
    quiet = False
    motif: list[tuple[float, float]] = []
    for count, bar in enumerate(bars):
        if count % 2 == 0:
            quiet = rng.random() > density
        if quiet:
            continue
        if not motif or rng.random() < 0.5:
            motif = _rhythm(bar.beats, rng)
        for beat, beats in motif:
            leap = rng.choice([-4, -3, 3, 4]) if rng.random() < 0.2 else rng.choice([-2, -1, -1, 0, 1, 1, 2])
            at = int(np.clip(at + leap, 0, len(keys) - 1))
            key = keys[at]
            if beat == 0:
                harmony = bar.chord_at(0)
                key = near(harmony.root + int(rng.choice(harmony.steps[:3])), key)
                key = key + 12 if key < keys[0] else key - 12 if key > keys[-1] else key
            plays.append(Play(bar.beat + beat, beats, (key,), 0.65 + 0.3 * bar.force * rng.random()))
    return plays


def _rhythm(beats: int, rng: np.random.Generator) -> list[tuple[float, float]]:
    """Divide a bar into notes and rests: (beat, beats)."""
    steps: list[tuple[float, float]] = []
    unit = float(rng.choice([0.25, 0.5, 0.5, 0.5, 1.0]))
    at = 0.0
    while at < beats:
        length = min(unit * float(rng.choice([1, 1, 1, 2, 2, 3, 4])), beats - at)
        if rng.random() < 0.8 or not steps:
            steps.append((at, length))
        at += length
    return steps


def cells(pattern: str, beats: int) -> list[tuple[int, str, int]]:
    """Return the notes of a pattern as (step, letter, steps held); a hold over nothing is a rest.

    >>> cells("x--.X.--", 2)
    [(0, 'x', 3), (3, '.', 1), (4, 'X', 1), (5, '.', 3)]
    """
    found: list[tuple[int, str, int]] = []
    for step, letter in enumerate(pattern[: beats * STEPS_PER_BEAT]):
        if letter == "-" and found:
            first, held, steps = found[-1]
            found[-1] = (first, held, steps + 1)
        else:
            found.append((step, "." if letter == "-" else letter, 1))
    return found

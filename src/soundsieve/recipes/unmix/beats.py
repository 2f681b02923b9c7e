"""What a drummer or a drum machine plays: patterns on a grid of sixteenths, fills and ghost notes.

In a pattern `X` is an accent, `x` a stroke, `o` a ghost note, `.` nothing; a bar of three beats takes twelve steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from soundsieve.recipes.unmix.grooves import Groove
from soundsieve.recipes.unmix.parts import STEPS_PER_BEAT, Bar

PIECES = (
    "kick",
    "snare",
    "stick",
    "clap",
    "hat",
    "open_hat",
    "pedal_hat",
    "ride",
    "bell",
    "crash",
    "high_tom",
    "mid_tom",
    "low_tom",
    "shaker",
)
_FORCE = {"X": 1.0, "x": 0.78, "o": 0.3}


class Stroke(NamedTuple):
    """One stroke: time in seconds, the piece of the kit, loudness 0–1."""

    start_s: float
    piece: str
    loudness: float


@dataclass(frozen=True)
class Beat:
    """A drum pattern: for each piece the bars it may play, of which one is chosen for a song."""

    kick: tuple[str, ...]
    snare: tuple[str, ...]
    time: tuple[str, ...]
    backbeat: str = "snare"  # what plays the snare's pattern: it may be a side stick or a clap


BEATS = {
    "rock": Beat(
        (
            "x.......x.......",
            "x.......x.x.....",
            "x..x....x.x.....",
            "x.x.....x.x...x.",
            "x.....x.x.......",
            "x.xx..x.x.x.....",
        ),
        ("....X.......X...", "....X.......X..o", "....X..o.o..X...", "....X.......X.X."),
        ("x.x.x.x.x.x.x.x.", "X.x.X.x.X.x.X.x.", "x...x...x...x...", "xxxxxxxxxxxxxxxx"),
    ),
    "half": Beat(
        ("x.........x.....", "x.....x.........", "x..x......x.....", "x.x.......x...x."),
        ("........X.......", "........X.....o.", "........X......."),
        ("x.x.x.x.x.x.x.x.", "x...x...x...x...", "X.xxX.xxX.xxX.xx"),
    ),
    "punk": Beat(
        ("x...x...x...x...", "x.x.x.x.x.x.x.x.", "x..xx...x..xx..."),
        ("..X...X...X...X.", "....X.......X...", "....X.......X.X."),
        ("X.X.X.X.X.X.X.X.", "x.x.x.x.x.x.x.x."),
    ),
    "funk": Beat(
        ("x.x....x..x.....", "x..x..x...x..x..", "x.....x.x.x.....", "x.x...x....x..x."),
        ("....X..o.o..X..o", "....X..o.o.oX.o.", "....X.o..o..X...", "....X....o..Xo.o"),
        ("X.xxX.xxX.xxX.xx", "xxxxxxxxxxxxxxxx", "x.xxx.x.x.xxx.x.", "X.x.X.x.X.x.X.x."),
    ),
    "disco": Beat(
        ("x...x...x...x...", "x...x...x...x.x."),
        ("....X.......X...", "....X.......X..o"),
        ("..x...x...x...x.", "x.x.x.x.x.x.x.x.", "xxxxxxxxxxxxxxxx"),
    ),
    "house": Beat(
        ("x...x...x...x...", "x...x...x...x..x"),
        ("....X.......X...", "....X.......X...", "................"),
        ("..X...X...X...X.", ".xXx.xXx.xXx.xXx", "x.X.x.X.x.X.x.X."),
        "clap",
    ),
    "trap": Beat(
        ("x......x..x.....", "x.....x....x....", "x..x......x....x", "x.........x..x.."),
        ("........X.......", "........X......."),
        ("x.x.x.x.x.x.x.x.", "x.x.xxx.x.x.x.xx", "xxx.x.xxx.x.xxxx"),
        "clap",
    ),
    "breakbeat": Beat(
        ("x.x.......xx....", "x.....x...x.....", "x.x....x..x....."),
        ("....X..o.o..X..o", "....X.....X...X.", "....X..X.o..X..o"),
        ("x.x.x.x.x.x.x.x.", "xxxxxxxxxxxxxxxx"),
    ),
    "hiphop": Beat(
        ("x......x..x.....", "x.x.......x.....", "x..x....x.x.....", "x.........x..x.."),
        ("....X.......X...", "....X.......X..o", "....X..o....X..."),
        ("x.x.x.x.x.x.x.x.", "x.xxx.x.x.xxx.x.", "x.x.x.xxx.x.x.x."),
    ),
    "swing": Beat(
        ("................", "o...o...o...o...", "x.............o.", "..........o.....", "......o........."),
        ("......o.........", "..............o.", "................", "....o.....o....."),
        ("X...X.x.X...X.x.", "x...X.x.x...X.x.", "X...x.x.X...x..."),
    ),
    "shuffle": Beat(
        ("x.......x.......", "x.....x.x.......", "x..x....x..x....", "x.x.x.x.x.x.x.x."),
        ("....X.......X...", "....X.......X.o.", "..o.X.o...o.X.o."),
        ("x.x.x.x.x.x.x.x.", "X.x.X.x.X.x.X.x.", "x...x...x...x..."),
    ),
    "latin": Beat(
        ("x.....x.x.....x.", "x..x..x.x..x..x.", "......x.......x."),
        ("x..x..x...x.x...", "..x.x...x..x..x.", "...x..x....x..x."),
        ("x.x.x.x.x.x.x.x.", "X.xxX.xxX.xxX.xx", "x.xx.x.xx.xx.x.x"),
        "stick",
    ),
    "bossa": Beat(
        ("x..xx..xx..xx..x", "x.....x.x.....x."),
        ("x..x..x...x..x..", "x..x...x..x..x.."),
        ("x.x.x.x.x.x.x.x.", "xxxxxxxxxxxxxxxx"),
        "stick",
    ),
    "reggae": Beat(
        ("........x.......", "x.......x.......", "x...x...x...x..."),
        ("........X.......", "........X.....o."),
        ("x.x.x.x.x.x.x.x.", "..x...x...x...x.", "X.xxX.xxX.xxX.xx"),
        "stick",
    ),
    "ballad": Beat(
        ("x.......x.......", "x.........x.....", "x......xx......."),
        ("....x.......x...", "........X.......", "....X.......X..."),
        ("x.x.x.x.x.x.x.x.", "x...x...x...x...", "xxxxxxxxxxxxxxxx"),
    ),
    "train": Beat(
        ("x...x...x...x...", "x.......x......."),
        ("ooXoooXoooXoooXo", "..X...X...X...X.", "oxXoxxXooxXoxxXo"),
        ("................", "..x...x...x...x."),
    ),
}


class Drummer(NamedTuple):
    """How a song's drums are played: unevenness, what keeps the time, how often there are fills and ghost notes."""

    jitter_s: float
    timekeeper: str  # hat, ride, open_hat or shaker
    fills: float
    ghosts: float
    opens: float


def drum_part(
    bars: Sequence[Bar], beat: Beat, drummer: Drummer, groove: Groove, rng: np.random.Generator
) -> list[Stroke]:
    """Return the strokes of some bars, in order; louder sections open the hi-hat or go to the ride."""
    kick, snare, time = (str(rng.choice(patterns)) for patterns in (beat.kick, beat.snare, beat.time))
    strokes: list[Stroke] = []
    crash = rng.random() < 0.7
    for bar in bars:
        steps = bar.beats * STEPS_PER_BEAT
        fill_from = steps
        if bar.last and rng.random() < drummer.fills:
            fill_from = steps - int(rng.choice([4, 4, 8, 8, steps]))
        if rng.random() < 0.12:
            kick = str(rng.choice(beat.kick))
        for step in range(fill_from):
            at = bar.beat + step / STEPS_PER_BEAT
            for piece, letter in _strokes(step, (kick, snare, time), beat, drummer, rng):
                strokes.append(_stroke(at, piece, _FORCE[letter], bar, drummer, groove, rng))
        strokes += [
            _stroke(bar.beat + step / STEPS_PER_BEAT, piece, force, bar, drummer, groove, rng)
            for step, piece, force in _fill(fill_from, steps, rng)
        ]
        if crash:
            strokes.append(_stroke(bar.beat, "crash", 0.9, bar, drummer, groove, rng))
        crash = bar.last and rng.random() < 0.7
    return sorted(strokes)


def _strokes(
    step: int, patterns: tuple[str, str, str], beat: Beat, drummer: Drummer, rng: np.random.Generator
) -> list[tuple[str, str]]:
    """The pieces that sound on one sixteenth, each with the letter of its force."""
    kick, snare, time = (pattern[step] for pattern in patterns)
    sounding = []
    if kick != ".":
        sounding.append(("kick", kick))
    if snare != ".":
        sounding.append((beat.backbeat if snare != "o" else "snare", snare))
    elif rng.random() < drummer.ghosts and step % 2:
        sounding.append(("snare", "o"))
    if time != ".":
        opened = drummer.timekeeper == "hat" and rng.random() < drummer.opens and step % 4 == 2
        bell = drummer.timekeeper == "ride" and time == "X" and rng.random() < 0.3
        sounding.append(("open_hat" if opened else "bell" if bell else drummer.timekeeper, time))
    if drummer.timekeeper == "ride" and step % 8 == 4:
        sounding.append(("pedal_hat", "x"))
    return sounding


def _fill(first: int, steps: int, rng: np.random.Generator) -> list[tuple[int, str, float]]:
    """Strokes down the toms, or on the snare, in the last steps of a bar."""
    order = (
        ("snare", "high_tom", "mid_tom", "low_tom") if rng.random() < 0.7 else ("snare", "snare", "snare", "low_tom")
    )
    every = int(rng.choice([1, 1, 2]))
    strokes: list[tuple[int, str, float]] = []
    for step in range(first, steps, every):
        place = (step - first) / max(1, steps - first)
        if rng.random() < 0.88:
            strokes.append((step, order[int(place * 4)], 0.6 + 0.4 * place))
        if step % 4 == 0:
            strokes.append((step, "kick", 0.7))
    return strokes


def _stroke(
    beat: float, piece: str, force: float, bar: Bar, drummer: Drummer, groove: Groove, rng: np.random.Generator
) -> Stroke:
    start_s = max(0.0, groove.time_s(beat) + rng.normal(0, drummer.jitter_s))
    spread = 0.03 if drummer.jitter_s < 0.002 else 0.09
    loudness = force * (0.65 + 0.35 * bar.force) * (1 + rng.normal(0, spread))
    return Stroke(float(start_s), piece, float(np.clip(loudness, 0.05, 1.0)))

"""Beats into seconds, and notes on a grid into notes as somebody plays them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from soundsieve.recipes.select.phrases import Note

SHORTEST_S = 0.03


@dataclass(frozen=True)
class Groove:
    """The tempo of a song and how far its off-beats are late.

    Attributes:
        tempo_bpm: beats a minute.
        swing: 0 is straight, 1/3 is a triplet.
        swung_beats: length of the pair that swings: 1 for eighths, 0.5 for sixteenths.
        bar_beats: beats in a bar, 3 or 4.
    """

    tempo_bpm: float
    swing: float = 0.0
    swung_beats: float = 1.0
    bar_beats: int = 4

    def time_s(self, beat: float) -> float:
        """Return when a beat, counted from 0, is heard.

        >>> Groove(60.0, swing=1 / 3).time_s(1.5)
        1.6667
        """
        pair, within = divmod(beat, self.swung_beats)
        place = within / self.swung_beats
        late = place * (1 + self.swing) if place < 0.5 else 1 - (1 - place) * (1 - self.swing)
        return (pair + late) * self.swung_beats * 60 / self.tempo_bpm


class Play(NamedTuple):
    """What is written: a beat, a length in beats, the keys that sound together, and a force from 0 to 1."""

    beat: float
    beats: float
    keys: tuple[int, ...]
    force: float


class Hand(NamedTuple):
    """How somebody plays: unevenness of time and force, lateness, strumming, the part of a note that is held."""

    jitter_s: float = 0.008
    late_s: float = 0.0
    strum_s: float = 0.0
    held: float = 0.95
    force: float = 0.8


def perform(
    plays: Iterable[Play], groove: Groove, hand: Hand, length_s: float, rng: np.random.Generator
) -> tuple[Note, ...]:
    """Return the notes of a part as a hand plays them, all inside `length_s` and in order.

    >>> notes = perform([Play(1.0, 1.0, (60, 64), 0.5)], Groove(120.0), Hand(0.0), 10.0, np.random.default_rng(0))
    >>> [(round(note.start_s, 2), note.key) for note in notes]
    [(0.5, 60), (0.5, 64)]
    """
    notes: list[Note] = []
    for count, play in enumerate(plays):
        start_s = groove.time_s(play.beat) + hand.late_s
        end_s = start_s + (groove.time_s(play.beat + play.beats) + hand.late_s - start_s) * hand.held
        keys = play.keys if count % 2 == 0 or not hand.strum_s else play.keys[::-1]
        for order, key in enumerate(keys):
            onset_s = max(0.0, start_s + order * hand.strum_s + rng.normal(0, hand.jitter_s))
            held_s = min(max(end_s - onset_s, SHORTEST_S), length_s - onset_s)
            velocity = int(np.clip(127 * hand.force * play.force + rng.normal(0, 5), 12, 127))
            if held_s >= SHORTEST_S and 0 <= key <= 127:
                notes.append(Note(float(onset_s), float(held_s), int(key), velocity))
    return tuple(sorted(notes))

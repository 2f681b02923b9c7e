"""How each kind of instrument is recorded and mixed before the levels of a song are set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from soundsieve.recipes.unmix import processors as desk
from soundsieve.recipes.unmix.processors import Sound


@dataclass(frozen=True)
class Chain:
    """What a kind of instrument may go through; pairs are least and most.

    Attributes:
        low_cut_hz: high-pass.
        high_cut_hz: low-pass, or None.
        drive_db: saturation; at 0 and below there is none.
        amplifier: the sound goes through a guitar amplifier and its loudspeaker.
        ratio: of the compressor, 1 is none.
        mono: it is recorded with one microphone or line.
        spread: how far from the middle it may stand.
        send: how much of the room is heard.
        chorus: how likely it wavers.
        echo: how likely it is repeated.
        level_db: how loud beside the others.
    """

    low_cut_hz: tuple[float, float]
    high_cut_hz: tuple[float, float] | None = None
    drive_db: tuple[float, float] = (-6.0, 3.0)
    amplifier: bool = False
    ratio: tuple[float, float] = (1.0, 3.0)
    mono: bool = True
    spread: float = 0.6
    send: tuple[float, float] = (0.05, 0.35)
    chorus: float = 0.0
    echo: float = 0.05
    level_db: float = 0.0


CHAINS = {
    "bass": Chain((25, 45), (2500, 14000), (-8, 12), False, (1.5, 5), True, 0.0, (0.0, 0.02), 0.05, 0.0),
    "acoustic": Chain((70, 180), None, (-8, 0), False, (1.5, 4), True, 0.7, (0.03, 0.25), 0.05, 0.05),
    "clean": Chain((80, 200), (4500, 12000), (-4, 8), False, (1.5, 4), True, 0.8, (0.05, 0.35), 0.25, 0.15),
    "crunch": Chain((80, 180), (4500, 9000), (10, 22), True, (1, 2), True, 0.9, (0.02, 0.2), 0.05, 0.05),
    "distorted": Chain((70, 150), (4500, 8500), (24, 42), True, (1, 2), True, 1.0, (0.0, 0.15), 0.0, 0.0, 1.0),
    "lead_guitar": Chain((100, 200), (5000, 9000), (14, 36), True, (1, 2), True, 0.3, (0.1, 0.4), 0.1, 0.5, 1.5),
    "keys": Chain((40, 160), None, (-8, 2), False, (1, 3), False, 0.4, (0.03, 0.3), 0.1, 0.05),
    "organ": Chain((50, 180), (5000, 14000), (-4, 10), False, (1, 2), False, 0.5, (0.05, 0.3), 0.3, 0.0, -2.0),
    "strings": Chain((80, 250), None, (-8, -2), False, (1, 2), False, 0.3, (0.15, 0.6), 0.1, 0.0, -2.0),
    "brass": Chain((100, 220), None, (-6, 3), False, (1, 3), False, 0.4, (0.1, 0.45)),
    "pad": Chain((80, 300), (3000, 14000), (-8, 4), False, (1, 2), False, 0.2, (0.15, 0.6), 0.3, 0.1, -4.0),
    "synth": Chain((60, 250), (3500, 16000), (-6, 10), False, (1, 3), False, 0.5, (0.05, 0.4), 0.3, 0.35),
    "wind": Chain((100, 220), None, (-8, 2), False, (1.5, 4), True, 0.3, (0.1, 0.5), 0.0, 0.2, 1.5),
}
_STAGE_DB = -20.0  # the active level at which everything goes through a chain


def record(takes: Sequence[Sound], name: str, rng: np.random.Generator, echo_s: float = 0.35) -> tuple[Sound, Sound]:
    """Send the takes of an instrument through its chain.

    Args:
        takes: one, or two that go left and right; each (2, time).
        name: a key of `CHAINS`.
        rng: decides the settings.
        echo_s: the delay of an echo, where there is one.

    Returns:
        The sound at an active level of −20 dB and what of it goes to the room, both (2, time).
    """
    chain = CHAINS[name]
    filters = colour(chain, rng)
    drive_db, ratio = float(rng.uniform(*chain.drive_db)), float(rng.uniform(*chain.ratio))
    wavers, repeats = rng.random() < chain.chorus, rng.random() < chain.echo
    side = float(rng.choice([-1.0, 1.0]))
    place = side * float(rng.uniform(0.3, 1.0)) * chain.spread if rng.random() < 0.75 else 0.0
    processed = []
    for take in takes:
        one = take.mean(axis=0, keepdims=True) if chain.mono or rng.random() < 0.25 else take
        one = desk.to_level(one, _STAGE_DB)
        if chain.amplifier:
            one = amplify(one, drive_db, rng)
        elif drive_db > 0:
            one = desk.saturate(one, drive_db, asymmetry=float(rng.uniform(0, 0.3)))
        one = desk.equalise(one, filters)
        if ratio > 1.2:
            one = one * desk.compressor_gain(desk.to_level(one, _STAGE_DB), -22.0, ratio)
        processed.append(one)
    if len(processed) == 2:
        apart = float(rng.uniform(0.6, 1.0))
        sound = desk.pan(processed[0], -apart) + desk.pan(processed[1], apart)
    elif wavers and chain.spread > 0:
        sound = desk.chorus(processed[0], rng.uniform(0.001, 0.004), rng.uniform(0.2, 1.5), rng.uniform(0.3, 0.9))
    else:
        sound = desk.pan(processed[0], place)
    sound = desk.to_level(sound, _STAGE_DB)
    if repeats:
        sound = sound + desk.echo(sound, echo_s, float(rng.uniform(0.2, 0.5)))
    return sound, sound * np.float32(rng.uniform(*chain.send))


def colour(chain: Chain, rng: np.random.Generator) -> list[NDArray[np.float64]]:
    """Draw the equaliser of a chain: the cuts at both ends, a shelf or two, and one to three bells."""
    sections = [desk.highpass(float(rng.uniform(*chain.low_cut_hz)))]
    if chain.high_cut_hz is not None:
        sections.append(desk.lowpass(float(np.exp(rng.uniform(*np.log(chain.high_cut_hz))))))
    if rng.random() < 0.6:
        sections.append(desk.shelf(float(rng.uniform(3000, 9000)), float(rng.normal(0.5, 3.5)), high=True))
    if rng.random() < 0.5:
        sections.append(desk.shelf(float(rng.uniform(80, 300)), float(rng.normal(0, 3)), high=False))
    for _ in range(int(rng.integers(1, 4))):
        centre_hz = float(np.exp(rng.uniform(np.log(120), np.log(7000))))
        sections.append(desk.peaking(centre_hz, float(rng.normal(0, 3)), float(rng.uniform(0.5, 2.5))))
    return sections


def amplify(sound: Sound, drive_db: float, rng: np.random.Generator) -> Sound:
    """Play a sound through a guitar amplifier: tone, two bends, and a loudspeaker that ends at 4 to 6 kHz."""
    tone = [desk.highpass(float(rng.uniform(80, 250)), 1), desk.peaking(float(rng.uniform(500, 1600)), 4.0, 0.7)]
    bent = desk.saturate(desk.equalise(sound, tone), drive_db, asymmetry=float(rng.uniform(0, 0.4)), oversample=True)
    speaker = [
        desk.highpass(float(rng.uniform(70, 110))),
        desk.peaking(float(rng.uniform(90, 160)), float(rng.uniform(0, 4)), 1.0),
        desk.peaking(float(rng.uniform(350, 700)), float(rng.uniform(-6, 0)), 0.8),
        desk.peaking(float(rng.uniform(2000, 3500)), float(rng.uniform(2, 7)), 1.0),
        desk.lowpass(float(rng.uniform(4000, 6500)), 4),
    ]
    return desk.equalise(bent, speaker)

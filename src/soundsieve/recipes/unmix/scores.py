"""Songs written as scores: sections of bars, and what the bass, the drums and the others play in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from soundsieve.recipes.select.phrases import CC_EXPRESSION, CC_MODULATION, Control, Note, Span
from soundsieve.recipes.unmix import parts
from soundsieve.recipes.unmix.beats import BEATS, Drummer, Stroke, drum_part
from soundsieve.recipes.unmix.grooves import Groove, Hand, Play, perform
from soundsieve.recipes.unmix.harmony import (
    KEYS,
    MAJOR,
    MINOR,
    PENTATONIC_MAJOR,
    PENTATONIC_MINOR,
    Chord,
    guitar_voicing,
    ladder,
    near,
    progression,
    voicing,
)
from soundsieve.recipes.unmix.parts import Bar
from soundsieve.recipes.unmix.styles import PROGRESSIONS, ROLES, STYLES, Role, Style

LOWEST_BASS, HIGHEST_BASS = 28, 60  # the open E string, and as high as basses usually go
LOWEST_KEY, HIGHEST_KEY = 36, 100
BAR_LINES = (4, 4, 8, 8)  # bars in a section
KINDS = ("verse", "chorus", "break")
_SUSTAINED = frozenset({"strings", "pad", "wind", "organ", "brass"})


@dataclass(frozen=True)
class Section:
    """Some bars of a song in which the same people play."""

    kind: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True)
class Track:
    """What one instrument plays; a second take, played anew, stands beside a doubled one."""

    name: str
    program: int
    chain: str
    takes: tuple[tuple[Note, ...], ...]
    controls: tuple[Control, ...] = ()


@dataclass(frozen=True)
class Score:
    """A song as it is written.

    Attributes:
        style: a key of `styles.STYLES`.
        groove: tempo and swing.
        tonic: pitch class of the key.
        minor: whether the tunes' scale is minor.
        length_s: how long it is.
        bass: the bass, or None.
        strokes: the drums, empty when there are none.
        machine: whether the drums are a machine's.
        others: everything that accompanies or plays tunes.
        sung: where the singer sings, empty when nobody does.
    """

    style: str
    groove: Groove
    tonic: int
    minor: bool
    length_s: float
    bass: Track | None
    strokes: tuple[Stroke, ...]
    machine: bool
    others: tuple[Track, ...]
    sung: tuple[Span, ...] = field(default=())

    @property
    def title(self) -> str:
        """Style, tempo and key in words."""
        mode = "minor" if self.minor else "major"
        return f"{self.style} {round(self.groove.tempo_bpm)} bpm {KEYS[self.tonic]} {mode}"


def compose(length_s: float, rng: np.random.Generator, *, singer: bool = True) -> Score:
    """Write a song of `length_s` seconds; without a `singer` nobody sings.

    >>> score = compose(20.0, np.random.default_rng(0))
    >>> all(note.start_s + note.length_s <= 20.0 for track in score.others for note in track.takes[0])
    True
    """
    weights = np.array([style.weight for style in STYLES.values()])
    name = str(rng.choice(list(STYLES), p=weights / weights.sum()))
    style = STYLES[name]
    groove = Groove(
        float(rng.uniform(*style.tempo_bpm)),
        float(rng.uniform(*style.swing)),
        style.swung_beats,
        3 if rng.random() < 0.05 else 4,
    )
    tonic, minor = int(rng.integers(12)), bool(rng.random() < style.minor)
    sections = _sections(style, groove, tonic, length_s, rng)
    machine = bool(rng.random() < style.machine)
    sung = singer and rng.random() < style.sung
    empty = float(rng.random())  # a few songs lack the drums or the bass
    bass = None if 0.04 < empty < 0.08 else _bass(style, sections, groove, length_s, rng)
    strokes = () if empty < 0.04 else _drums(style, sections, groove, machine, length_s, rng)
    others = _others(style, sections, groove, (tonic, minor), length_s, rng)
    spans = _sung(sections, groove, length_s, rng) if sung else ()
    return Score(name, groove, tonic, minor, length_s, bass, strokes, machine, others, spans)


def _sections(
    style: Style, groove: Groove, tonic: int, length_s: float, rng: np.random.Generator
) -> tuple[Section, ...]:
    """Fill the song with verses, choruses and breaks."""
    texts = [str(rng.choice(PROGRESSIONS[style.progressions])) for _ in range(2)]
    harmonies = {"verse": texts[0], "chorus": texts[1], "break": str(rng.choice(texts))}
    sections: list[Section] = []
    bar_number = 0
    kind = str(rng.choice(KINDS, p=(0.55, 0.3, 0.15)))
    while groove.time_s(bar_number * groove.bar_beats) < length_s:
        cycle = progression(harmonies[kind], tonic)
        count = len(cycle) if len(cycle) > 8 else int(rng.choice(BAR_LINES))
        force = {"verse": 0.45, "chorus": 0.85, "break": 0.35}[kind] + rng.uniform(-0.15, 0.15)
        bars = []
        for number in range(count):
            chords = tuple(cycle[number % len(cycle)])
            following = cycle[(number + 1) % len(cycle)][0]
            beat = float((bar_number + number) * groove.bar_beats)
            bars.append(Bar(beat, groove.bar_beats, chords, following, number == count - 1, float(force)))
        sections.append(Section(kind, tuple(bars)))
        bar_number += count
        kind = str(rng.choice([other for other in KINDS if other != kind], p=(0.65, 0.35)))
    return tuple(sections)


def _bass(
    style: Style, sections: Sequence[Section], groove: Groove, length_s: float, rng: np.random.Generator
) -> Track:
    program = int(rng.choice(style.bass_programs))
    manners = {kind: str(rng.choice(style.bass)) for kind in KINDS}
    if rng.random() < 0.5:
        manners["chorus"] = manners["verse"]
    # synthesizers reach below the lowest string
    lowest = int(rng.choice([24, 28, 31])) if program in (38, 39, 81, 87) else int(rng.choice([28, 28, 31, 33]))
    chosen = {kind: _shuffled(parts.BASS_PATTERNS.get(manner, ()), rng) for kind, manner in manners.items()}
    plays: list[Play] = []
    for section in sections:
        if section.kind == "break" and rng.random() < 0.25:
            continue
        if manners[section.kind] == "walking":
            plays += parts.walking(section.bars, LOWEST_BASS, 50, rng)
        else:
            plays += parts.bass_line(section.bars, chosen[section.kind], lowest, rng)
    hand = Hand(
        jitter_s=float(rng.uniform(0.002, 0.012)),
        late_s=float(rng.uniform(-0.008, 0.015)),
        held=float(rng.choice([0.6, 0.85, 0.95, 0.98])),
        force=float(rng.uniform(0.65, 0.95)),
    )
    return Track("bass", program, "bass", (perform(plays, groove, hand, length_s, rng),))


def _drums(
    style: Style, sections: Sequence[Section], groove: Groove, machine: bool, length_s: float, rng: np.random.Generator
) -> tuple[Stroke, ...]:
    beat = BEATS[str(rng.choice(style.beats))]
    softer = {"clap": 0.5, "stick": 0.4}.get(beat.backbeat, 0.0)
    if softer and rng.random() < softer:
        beat = replace(beat, backbeat="snare")
    keeper = "ride" if beat is BEATS["swing"] else "hat"
    strokes: list[Stroke] = []
    jitter_s = float(rng.uniform(0.0, 0.002) if machine else rng.uniform(0.003, 0.01))
    fills, ghosts = float(rng.uniform(0.4, 0.9)), float(rng.choice([0.0, 0.0, 0.05, 0.12]))
    chorus_keeper = str(rng.choice(["hat", "ride", "crash", "open_hat"], p=(0.45, 0.35, 0.08, 0.12)))
    bossy = str(rng.choice(["hat", "shaker"])) if style.bass[0] == "tumbao" else keeper
    for section in sections:
        timekeeper = chorus_keeper if section.kind == "chorus" and keeper == "hat" and not machine else bossy
        drummer = Drummer(jitter_s, timekeeper, fills, ghosts * (not machine), float(rng.choice([0.0, 0.1, 0.4])))
        played = drum_part(section.bars, beat, drummer, groove, rng)
        if section.kind == "break" and rng.random() < 0.4:
            silent = {"kick", "snare"} if rng.random() < 0.5 else {"hat", "open_hat", "ride", "bell"}
            played = [stroke for stroke in played if stroke.piece not in silent]
        strokes += played
    return tuple(sorted(stroke for stroke in strokes if stroke.start_s < length_s - 0.02))


def _others(
    style: Style,
    sections: Sequence[Section],
    groove: Groove,
    scale: tuple[int, bool],
    length_s: float,
    rng: np.random.Generator,
) -> tuple[Track, ...]:
    """Draw one to four accompanying instruments, and perhaps one for the tunes."""
    count = int(rng.choice([1, 2, 3, 4], p=(0.15, 0.35, 0.35, 0.15)))
    names = list(dict.fromkeys(str(name) for name in rng.permutation(style.roles)))[:count]
    if rng.random() < 0.55:
        names.append(str(rng.choice(style.leads)))
    tracks = []
    for order, name in enumerate(names):
        # the first plays throughout, the others come and go
        present = {kind: order == 0 or rng.random() < (0.9 if kind == "chorus" else 0.6) for kind in KINDS}
        if ROLES[name].manner == "lead":
            present = {"verse": rng.random() < 0.3, "chorus": rng.random() < 0.4, "break": True}
        heard = [section for section in sections if present[section.kind]]
        if heard:
            tracks.append(_track(name, ROLES[name], heard, groove, scale, length_s, rng))
    return tuple(track for track in tracks if track.takes[0])


def _track(
    name: str,
    role: Role,
    sections: Sequence[Section],
    groove: Groove,
    scale: tuple[int, bool],
    length_s: float,
    rng: np.random.Generator,
) -> Track:
    program = int(rng.choice(role.programs))
    plays: list[Play] = []
    if role.manner == "lead":
        keys = _lead_keys(role, scale, rng)
        for section in sections:
            density = 0.85 if section.kind == "break" else 0.45
            plays += parts.tune(section.bars, keys, density, rng)
    else:
        centre = role.centre + int(rng.integers(-3, 4)) * (role.voices > 2)
        patterns = {kind: _shuffled(parts.CHORD_PATTERNS[role.manner], rng) for kind in KINDS}
        for section in sections:
            plays += parts.chords(section.bars, patterns[section.kind], lambda chord: _voice(chord, role, centre), rng)
    hand = Hand(
        jitter_s=float(rng.uniform(0.001, 0.003) if role.chain in {"synth", "pad"} else rng.uniform(0.003, 0.014)),
        late_s=float(rng.normal(0, 0.006)),
        strum_s=float(rng.uniform(0.004, 0.022)) if role.voices == 0 else float(rng.uniform(0, 0.004)),
        held=float(rng.choice([0.5, 0.8, 0.95, 1.0])) if role.manner != "held" else 0.99,
        force=float(rng.uniform(0.55, 0.95)),
    )
    takes = 2 if rng.random() < role.double else 1
    played = tuple(perform(plays, groove, hand, length_s, rng) for _ in range(takes))
    return Track(name, program, role.chain, played, _controls(role, length_s, rng))


def _voice(chord: Chord, role: Role, centre: int) -> tuple[int, ...]:
    if role.voices == 0:
        return guitar_voicing(chord, centre)
    if role.manner == "power":
        root = centre + (chord.root - centre) % 12
        return (root, root + 7, root + 12)
    return voicing(chord, centre, role.voices)


def _lead_keys(role: Role, scale: tuple[int, bool], rng: np.random.Generator) -> list[int]:
    tonic, minor = scale
    steps = (PENTATONIC_MINOR if minor else PENTATONIC_MAJOR) if rng.random() < 0.6 else (MINOR if minor else MAJOR)
    start = near(tonic, role.centre) - 7
    return ladder(steps, tonic, start, start + 19)


def _controls(role: Role, length_s: float, rng: np.random.Generator) -> tuple[Control, ...]:
    """Vibrato, slow swells of what can swell, and a tuning a few cents off."""
    # registered parameter 1, fine tuning: 64 is none, a step is 1.6 cents
    tuning = [Control(0.0, 101, 0), Control(0.001, 100, 1), Control(0.002, 6, int(rng.integers(59, 70)))]
    if role.chain not in _SUSTAINED:
        return tuple(tuning)
    depth, period_s, phase = rng.uniform(0, 22), rng.uniform(3, 12), rng.random()
    times_s = np.arange(0.003, length_s, 0.15)
    swell = 105 + depth * np.sin(2 * np.pi * (times_s / period_s + phase))
    vibrato = Control(0.002, CC_MODULATION, int(rng.integers(0, 50)))
    return (*tuning, vibrato, *(Control(float(t), CC_EXPRESSION, int(v)) for t, v in zip(times_s, swell, strict=True)))


def _sung(sections: Sequence[Section], groove: Groove, length_s: float, rng: np.random.Generator) -> tuple[Span, ...]:
    """Verses and choruses are sung, breaks seldom; some of them only from the second half on."""
    spans = []
    for section in sections:
        if rng.random() > {"verse": 0.9, "chorus": 0.95, "break": 0.15}[section.kind]:
            continue
        first, last = section.bars[0], section.bars[-1]
        start_s = groove.time_s(first.beat if rng.random() < 0.85 else section.bars[len(section.bars) // 2].beat)
        end_s = min(groove.time_s(last.beat + last.beats), length_s)
        if end_s - start_s > 1.0:
            spans.append(Span(start_s, end_s - start_s))
    return tuple(spans)


def _shuffled(patterns: Sequence[str], rng: np.random.Generator) -> list[str]:
    return [str(pattern) for pattern in rng.permutation(patterns)] if patterns else []

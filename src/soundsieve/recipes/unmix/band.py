"""Who plays a song, and how it sounds: a score, soundfonts, a kit and a singer into four stems."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from soundsieve.recipes.clips import RATE_HZ
from soundsieve.recipes.select import fluidsynth, phrases
from soundsieve.recipes.select.material import Font
from soundsieve.recipes.select.phrases import CC_CHORUS, CC_REVERB, Control, Note
from soundsieve.recipes.unmix import kits, mixdown
from soundsieve.recipes.unmix import processors as desk
from soundsieve.recipes.unmix.instruments import CHAINS, record
from soundsieve.recipes.unmix.machines import machine_kit
from soundsieve.recipes.unmix.processors import Sound
from soundsieve.recipes.unmix.scores import Score, Track, compose
from soundsieve.recipes.unmix.singing import sing
from soundsieve.recipes.unmix.sources import CYCLE, Sources

_LISTED = 70  # what stands nearer the front is drawn more often: percent for the first soundfont
_DRY = (Control(0.0, CC_REVERB, 0), Control(0.0, CC_CHORUS, 0))
_MACHINE_PROGRAMS = (24, 25)  # General MIDI's electronic kits
_PUMPED = 0.4  # how many songs with a machine duck under its kick


@dataclass(frozen=True)
class Drumkit:
    """The drums of a song: a made-up machine, a recorded kit, or a program of a soundfont."""

    kind: Literal["machine", "recorded", "font"]
    folder: Path | None = None
    font: Font | None = None
    program: int = 0

    @property
    def name(self) -> str:
        """What it is called in a song's description."""
        if self.folder is not None:
            return self.folder.name
        return f"{self.font.name} {self.program}" if self.font is not None else "machine"


@dataclass(frozen=True)
class Song:
    """Everything that was decided about a song before it sounds."""

    number: int
    part: str
    score: Score
    kit: Drumkit
    fonts: tuple[Font, ...]  # of the bass, then of each of the others
    singer: str

    @property
    def folder(self) -> str:
        """Where it lies: the part, then `Artist - Title`; the artist is the singer or, where nobody sings, the kit."""
        own = f" {self.number:04d}" if self.kit.kind == "machine" else ""  # a machine is made up for each song
        artist = f"Singer {self.singer}" if self.singer else f"Band {self.kit.name}{own}"
        return f"{self.part}/{artist} - {self.number:04d} {self.score.title}"


def generator(seed: int, number: int, purpose: int) -> np.random.Generator:
    """Return a generator for one song and purpose, the same whatever was drawn for others."""
    return np.random.default_rng([seed, number, purpose])


def decide(number: int, seed: int, length_s: float, sources: dict[str, Sources]) -> Song:
    """Decide a song: its part goes by its number, ten of twelve train, one validates, one tests."""
    part = CYCLE[number % len(CYCLE)]
    here = sources[part]
    score = compose(length_s, generator(seed, number, 0), singer=bool(here.singers))
    rng = generator(seed, number, 1)
    fonts = tuple(
        here.fonts[0] if rng.random() * 100 < _LISTED else here.fonts[-1] for _ in range(1 + len(score.others))
    )
    kit = _choose_kit(score, here, rng)
    names = sorted(here.singers)
    # in turn, so that a part of twenty songs has all its voices
    turn = number // len(CYCLE) * CYCLE.count(part) + number % len(CYCLE) % CYCLE.count(part)
    singer = names[turn % len(names)] if names and score.sung else ""
    return Song(number, part, score, kit, fonts, singer)


def _choose_kit(score: Score, sources: Sources, rng: np.random.Generator) -> Drumkit:
    draw, choice = rng.random(), rng.random()
    if score.machine:
        if draw < 0.2 and sources.font_kits and sources.font_kits[0].melodic:
            return Drumkit("font", font=sources.font_kits[0], program=int(rng.choice(_MACHINE_PROGRAMS)))
        if draw < 0.5 and sources.electric:
            return Drumkit("recorded", folder=sources.electric[int(choice * len(sources.electric))])
        return Drumkit("machine")
    if draw < 0.45 and sources.font_kits:
        font = sources.font_kits[int(choice * len(sources.font_kits))]
        programs = [program for program in font.kits if program < 48]  # 48 is an orchestra's percussion
        return Drumkit("font", font=font, program=int(rng.choice(programs)))
    return Drumkit("recorded", folder=sources.acoustic[int(choice * len(sources.acoustic))])


def perform(song: Song, seed: int, sources: Sources, program: str) -> dict[str, Sound]:
    """Return the four stems of a song, (2, time) at 44.1 kHz, which add up to it.

    Args:
        song: what was decided.
        seed: of the collection.
        sources: of the song's part.
        program: path of `fluidsynth`.

    Raises:
        AudioError: when a recording cannot be read or FluidSynth fails.
        DatasetError: when a kit cannot be read.
    """
    score = song.score
    length = round(score.length_s * RATE_HZ)
    silent = np.zeros((2, length), np.float32)
    stems = {"bass": silent, "drums": silent, "other": silent, "vocals": silent}
    rng = generator(seed, song.number, 2)
    if score.bass is not None:
        dry, send = _instrument(score.bass, song.fonts[0], sources, program, score, rng)
        stems["bass"] = mixdown.with_room(dry, send, float(rng.uniform(0.2, 0.8)), rng)
    rng = generator(seed, song.number, 3)
    if score.strokes:
        stems["drums"] = _drums(song, sources, program, length, rng)
    rng = generator(seed, song.number, 4)
    if score.others:
        tracks = [
            _instrument(track, font, sources, program, score, rng)
            for track, font in zip(score.others, song.fonts[1:], strict=True)
        ]
        levels_db = [CHAINS[track.chain].level_db + float(rng.normal(0, 3)) for track in score.others]
        dry, send = mixdown.blend(tracks, levels_db, length)
        stems["other"] = mixdown.with_room(dry, send, float(rng.uniform(0.4, 2.5)), rng)
    rng = generator(seed, song.number, 5)
    if song.singer:
        dry, send = sing(sources.singers[song.singer], score.sung, length, (score.tonic, score.minor), rng)
        stems["vocals"] = mixdown.with_room(dry, send, float(rng.uniform(0.4, 2.8)), rng)
    rng = generator(seed, song.number, 6)
    if score.machine and rng.random() < _PUMPED:
        pumping = mixdown.pumping([stroke.start_s for stroke in score.strokes if stroke.piece == "kick"], length, rng)
        stems = {**stems, "bass": stems["bass"] * pumping, "other": stems["other"] * pumping}
    return mixdown.master(mixdown.band_limited(stems, rng), rng)


def _instrument(
    track: Track, font: Font, sources: Sources, program: str, score: Score, rng: np.random.Generator
) -> tuple[Sound, Sound]:
    takes = [
        _rendered(notes, (*_DRY, *track.controls), track.program, 0, font, sources, program, score.length_s)
        for notes in track.takes
        if notes
    ]
    if not takes:
        silent = np.zeros((2, round(score.length_s * RATE_HZ)), np.float32)
        return silent, silent
    echo_s = 60 / score.groove.tempo_bpm * float(rng.choice([0.5, 0.75, 1.0]))
    return record(takes, track.chain, rng, echo_s)


def _rendered(
    notes: Sequence[Note],
    controls: Sequence[Control],
    instrument: int,
    channel: int,
    font: Font,
    sources: Sources,
    program: str,
    length_s: float,
) -> Sound:
    """Render notes with a soundfont, dry, cut or padded to the song's length."""
    midi = phrases.midi_bytes(notes, controls, instrument, channel)
    sound = fluidsynth.render(program, sources.packages / font.path, midi, reverb=False)
    length = round(length_s * RATE_HZ)
    return np.pad(sound[:, :length], ((0, 0), (0, max(0, length - sound.shape[1]))))


def _drums(song: Song, sources: Sources, program: str, length: int, rng: np.random.Generator) -> Sound:
    strokes, kit = song.score.strokes, song.kit
    if kit.kind == "font" and kit.font is not None:
        font = kit.font

        def render(notes: Sequence[Note]) -> Sound:
            return _rendered(notes, _DRY, kit.program, font.drum_channel, font, sources, program, song.score.length_s)

        played = kits.play_font_kit(strokes, render, length)
    elif kit.folder is not None:
        tune = 2 ** (float(rng.uniform(-2, 2)) / 12)
        samples = kits.load_kit(kit.folder, tune, {stroke.piece for stroke in strokes}, rng)
        played = kits.play_kit(samples, strokes, length, rng, float(rng.uniform(0.3, 1.0)))
    else:
        machine = {piece: [kits.Sample(sound[None], 0.0, 1.0)] for piece, sound in machine_kit(rng).items()}
        played = kits.play_kit(machine, strokes, length, rng, float(rng.uniform(0.0, 0.6)))
    return _mix_drums(played, song.score.machine, rng)


def _mix_drums(played: kits.Drums, machine: bool, rng: np.random.Generator) -> Sound:
    """Equalise, compress and place drums in a room: small and loud for recorded ones, often none for a machine."""
    filters = [
        desk.highpass(float(rng.uniform(22, 40))),
        # soundfonts and kits are made to cut through: on records the kick holds most of the energy
        *desk.balance(played.dry, float(rng.normal(6.5, 3.5)), float(rng.normal(-3, 3.5))),
        desk.peaking(float(rng.uniform(50, 110)), float(rng.normal(0, 2.5)), 1.0),
        desk.peaking(float(rng.uniform(250, 600)), float(rng.normal(-2, 2.5)), 0.8),
        desk.peaking(float(rng.uniform(2000, 5000)), float(rng.normal(1, 2.5)), 1.0),
    ]
    wet = float(rng.uniform(0.0, 0.15) if machine else rng.uniform(0.03, 0.4))
    decay_s = float(np.exp(rng.uniform(np.log(0.25), np.log(1.4))))
    sound = mixdown.with_room(played.dry, played.room * np.float32(wet), decay_s, rng)
    sound = desk.to_level(desk.equalise(sound, filters), -20.0)
    if rng.random() < 0.75:
        attack_s, ratio = float(rng.uniform(0.003, 0.03)), float(rng.uniform(1.5, 5))
        sound = sound * desk.compressor_gain(sound, float(rng.uniform(-22, -12)), ratio, attack_s, 0.12)
    if rng.random() < 0.3:
        sound = desk.saturate(sound, float(rng.uniform(-4, 8)))
    return sound

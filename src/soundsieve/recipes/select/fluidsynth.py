"""Rendering scores with FluidSynth."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from soundsieve.errors import AudioError, MissingExtraError
from soundsieve.recipes.clips import RATE_HZ
from soundsieve.recipes.select.phrases import Span


def find_fluidsynth() -> str:
    """Return the path of the `fluidsynth` program.

    Raises:
        MissingExtraError: when it is not installed.
    """
    return find_program("fluidsynth", "renders the instruments")


def find_program(name: str, does: str) -> str:
    """Return the path of a program that a package of the same name has.

    Raises:
        MissingExtraError: when it is not installed, saying what it does.
    """
    found = shutil.which(name)
    if found is None:
        raise MissingExtraError(f"the program '{name}', which {does}, is not on PATH: apt-get install {name}")
    return found


def synthesize(program: str, font: Path, midi: bytes, spans: Sequence[Span]) -> list[NDArray[np.float32]]:
    """Render a MIDI file with a soundfont and return its spans, each (time,) at 44.1 kHz.

    Raises:
        AudioError: when FluidSynth fails.
    """
    sound = render(program, font, midi).mean(axis=0, dtype=np.float32)
    return [sound[round(s.start_s * RATE_HZ) : round((s.start_s + s.length_s) * RATE_HZ)] for s in spans]


def render(program: str, font: Path, midi: bytes, *, reverb: bool = True) -> NDArray[np.float32]:
    """Render a MIDI file with a soundfont, (2, time) at 44.1 kHz; `reverb` lets the score's reverberation be heard.

    Raises:
        AudioError: when FluidSynth fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        score, wave = Path(folder, "score.mid"), Path(folder, "sound.wav")
        score.write_bytes(midi)
        command = [program, "-n", "-i", "-q", "-g", "0.4", "-C", "0", "-R", str(int(reverb)), "-r", str(RATE_HZ)]
        # only the samples of the programs played are loaded: a large soundfont opens in a moment
        command += ["-O", "float", "-o", "synth.dynamic-sample-loading=1", "-o", "synth.reverb.room-size=0.4"]
        return run([*command, "-T", "wav", "-F", str(wave), str(font), str(score)], wave, str(font))


def run(command: Sequence[str], wave: Path, what: str) -> NDArray[np.float32]:
    """Run a synthesizer and return what it wrote, (channel, time).

    Args:
        command: what to run.
        wave: the file it writes.
        what: what it plays with, for the messages.

    Raises:
        AudioError: when it fails.
    """
    name = Path(command[0]).name
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode or not wave.is_file():
        raise AudioError(f"{what}: {name} could not render with it ({done.stderr.strip()[-200:]})")
    try:
        samples, _ = soundfile.read(wave, dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise AudioError(f"{what}: {name} wrote no sound that can be read ({error})") from None
    return np.ascontiguousarray(samples.T)

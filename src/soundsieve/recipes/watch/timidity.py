"""Rendering scores with TiMidity++, which plays FreePats' instruments; FluidSynth cannot read those."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from soundsieve.errors import DatasetError
from soundsieve.recipes.clips import RATE_HZ
from soundsieve.recipes.select.fluidsynth import find_program, run

PATCHES, CONFIGURATION = "usr/share/midi/freepats", "etc/timidity/freepats.cfg"  # in the unpacked package


def find_timidity() -> str:
    """Return the path of the `timidity` program.

    Raises:
        MissingExtraError: when it is not installed.
    """
    return find_program("timidity", "plays the instruments of freepats")


def render(program: str, packages: Path, midi: bytes) -> NDArray[np.float32]:
    """Render a MIDI file with FreePats, (2, time) at 44.1 kHz, without reverberation.

    Raises:
        AudioError: when TiMidity++ fails.
        DatasetError: when the package does not hold what it should.
    """
    try:
        lines = (packages / CONFIGURATION).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise DatasetError(f"freepats: expected {CONFIGURATION} in {packages} ({error})") from None
    places = [line for line in lines if not line.lstrip().startswith("dir ")]  # it names where a package is installed
    with tempfile.TemporaryDirectory() as folder:
        score, wave, configuration = Path(folder, "score.mid"), Path(folder, "sound.wav"), Path(folder, "patches.cfg")
        score.write_bytes(midi)
        configuration.write_text("\n".join([f"dir {(packages / PATCHES).resolve()}", *places]), encoding="utf-8")
        command = [program, "-c", str(configuration), "-Ow", "-s", str(RATE_HZ), "-EFreverb=0", "-EFchorus=0"]
        return run([*command, "-o", str(wave), str(score)], wave, "freepats")

"""From rendered or recorded sound to tidy Ogg clips: FluidSynth, trimming, level, and a record of what was written."""

from __future__ import annotations

import io
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from soundsieve.errors import AudioError, MissingExtraError, OutputError
from soundsieve.recipes.select.phrases import Span

RATE_HZ = 44100
PEAK = 0.7
LOUDEST = 0.95  # Vorbis overshoots: a clip that comes back louder than this is written again, softer
SILENT_PEAK = 0.003  # below −50 dB of full scale a file holds nothing but its noise
TRIM_DB = -55.0  # what lies this far under the loudest moment at either end is cut
MARGIN_S = 0.03


@dataclass(frozen=True)
class Clip:
    """A clip that was written: its path below the output folder, and whose work it is."""

    path: Path
    package: str
    part: str
    licence: str

    @property
    def label(self) -> str:
        """The class, or `other`."""
        return self.path.parts[0]


@dataclass
class Collection:
    """The output folder and what has been written to it."""

    out: Path
    clips: list[Clip] = field(default_factory=list)

    def add(self, name: str, samples: NDArray[np.float32], package: str, part: str, licence: str) -> None:
        """Write one tidy clip as `OUT/<name>.ogg` and remember whose it is.

        Raises:
            OutputError: when it cannot be written.
        """
        path = self.out / f"{name}.ogg"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(path, samples, RATE_HZ, format="OGG", subtype="VORBIS")
            decoded_peak = float(np.abs(soundfile.read(path)[0]).max())
            if decoded_peak > LOUDEST:  # noise overshoots most
                softer = samples * np.float32(PEAK / decoded_peak)
                soundfile.write(path, softer, RATE_HZ, format="OGG", subtype="VORBIS")
        except (OSError, soundfile.LibsndfileError) as error:
            raise OutputError(f"{path}: {error}") from None
        self.clips.append(Clip(path.relative_to(self.out), package, part, licence))


def read_mono(source: Path | bytes, name: str) -> tuple[NDArray[np.float32], int]:
    """Return (time,) samples, the mean of all channels, and the sampling rate in Hz.

    Raises:
        AudioError: when the file is not audio.
    """
    try:
        samples, rate_hz = soundfile.read(
            io.BytesIO(source) if isinstance(source, bytes) else source, dtype="float32", always_2d=True
        )
    except (OSError, soundfile.LibsndfileError) as error:
        raise AudioError(f"{name}: not a sound file that can be read ({error})") from None
    return samples.mean(axis=1, dtype=np.float32), rate_hz


def tidy(samples: NDArray[np.float32], rate_hz: int, lowest_hz: float = 20.0) -> NDArray[np.float32] | None:
    """Return the sound at 44.1 kHz without rumble, trimmed and at one peak level, or None when it is silent.

    Args:
        samples: (time,) at any rate.
        rate_hz: its sampling rate.
        lowest_hz: what lies below is rumble and is taken out.

    >>> tone = np.sin(np.arange(8000) * 0.2).astype(np.float32)
    >>> clip = tidy(np.concatenate([np.zeros(8000, np.float32), tone]), 16000)
    >>> round(len(clip) / 44100, 1), round(float(np.abs(clip).max()), 2)
    (0.5, 0.7)
    >>> tidy(np.zeros(8000, np.float32), 16000) is None
    True
    """
    from scipy.signal import butter, sosfiltfilt

    if len(samples) < 64 or float(np.abs(samples).max()) < SILENT_PEAK:
        return None
    sound = soxr.resample(samples, rate_hz, RATE_HZ).astype(np.float32)
    # forwards and backwards, so that the onset of a drum keeps its shape
    sound = sosfiltfilt(butter(2, lowest_hz, "highpass", fs=RATE_HZ, output="sos"), sound).astype(np.float32)
    loud = np.flatnonzero(np.abs(sound) > np.abs(sound).max() * 10 ** (TRIM_DB / 20))
    margin = round(MARGIN_S * RATE_HZ)
    sound = sound[max(0, loud[0] - margin) : loud[-1] + 1 + margin]
    fade = np.linspace(0, 1, min(round(0.005 * RATE_HZ), len(sound)), dtype=np.float32)
    sound[: len(fade)] *= fade
    sound[-len(fade) :] *= fade[::-1]
    sound *= np.float32(PEAK / np.abs(sound).max())
    return np.ascontiguousarray(sound, dtype=np.float32)


def find_fluidsynth() -> str:
    """Return the path of the `fluidsynth` program.

    Raises:
        MissingExtraError: when it is not installed.
    """
    found = shutil.which("fluidsynth")
    if found is None:
        raise MissingExtraError(
            "the program 'fluidsynth', which renders the instruments, is not on PATH: apt-get install fluidsynth"
        )
    return found


def synthesize(program: str, font: Path, midi: bytes, spans: Sequence[Span]) -> list[NDArray[np.float32]]:
    """Render a MIDI file with a soundfont and return its spans, each (time,) at 44.1 kHz.

    Raises:
        AudioError: when FluidSynth fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        score, wave = Path(folder, "score.mid"), Path(folder, "sound.wav")
        score.write_bytes(midi)
        command = [program, "-n", "-i", "-q", "-g", "0.4", "-C", "0", "-R", "1", "-r", str(RATE_HZ), "-O", "float"]
        # only the samples of the programs played are loaded: a large soundfont opens in a moment
        command += ["-o", "synth.dynamic-sample-loading=1", "-o", "synth.reverb.room-size=0.4", "-T", "wav"]
        done = subprocess.run(
            [*command, "-F", str(wave), str(font), str(score)], capture_output=True, text=True, check=False
        )
        if done.returncode or not wave.is_file():
            raise AudioError(f"{font}: fluidsynth could not render with it ({done.stderr.strip()[-200:]})")
        sound, _ = read_mono(wave, str(font))
    return [sound[round(s.start_s * RATE_HZ) : round((s.start_s + s.length_s) * RATE_HZ)] for s in spans]

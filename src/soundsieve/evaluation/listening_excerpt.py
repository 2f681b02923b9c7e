"""What a browser plays: excerpts that start at the same moment, equally loud, as 16-bit WAV."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from soundsieve import audio
from soundsieve.errors import AudioError

LONGEST_S = 120.0
"""The longest excerpt: a browser decodes all versions of a stem into memory to switch between them without a gap."""

_HOP_S = 0.25  # grid on which the loudest place is sought
_FADE_S = 0.01  # at both ends, so that a loop does not click
_MOST_GAIN_DB = 12.0  # a system that is next to silent stays so, instead of its noise being made loud
_PEAK = 0.98
_HEADER_BYTES = 44


@dataclass(frozen=True)
class Excerpt:
    """A part of a recording as it is played.

    Attributes:
        path: The recording.
        start_s: Where the part starts.
        duration_s: How long it is; beyond the end of the recording there is silence.
        gain_db: Applied to it.
    """

    path: Path
    start_s: float
    duration_s: float
    gain_db: float = 0.0

    def read(self) -> tuple[NDArray[np.float32], int]:
        """Decode the part at its own level: waveform (channel, time) with faded ends, and its rate."""
        info = audio.probe(self.path)
        frames = round(self.duration_s * info.sample_rate)
        wave = np.zeros((info.channels, 0), np.float32)
        if info.duration_s is None or self.start_s < info.duration_s:
            wave, _ = audio.read(self.path, start_s=self.start_s, duration_s=self.duration_s, seek=True)
        whole = audio.cut(wave, 0, frames)
        return audio.fade_edges(whole, round(_FADE_S * info.sample_rate)), info.sample_rate

    def identity(self) -> tuple[str | int | float, ...]:
        """Tell this excerpt from any other, and from the same of a file that was written anew.

        Raises:
            AudioError: the file is gone.
        """
        try:
            status = self.path.stat()
        except OSError as error:
            raise AudioError(f"{self.path}: cannot be read ({error.strerror or error})") from None
        place = (round(self.start_s, 3), round(self.duration_s, 3), round(self.gain_db, 2))
        return (str(self.path.absolute()), status.st_size, status.st_mtime_ns, *place)

    def to_wav(self) -> bytes:
        """Encode the part as 16-bit WAV, its gain applied.

        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     audio.write(f"{folder}/a.wav", np.ones((2, 8_000)), 8_000)
        ...     wav = Excerpt(Path(folder, "a.wav"), 0.5, 0.25, gain_db=-6.0).to_wav()
        >>> len(wav), wav[:4]  # 44 bytes of header, 2,000 frames of two channels
        (8044, b'RIFF')
        """
        wave, rate = self.read()
        scaled = np.clip(wave * float(audio.db_to_gain(self.gain_db)), -1.0, 1.0)
        samples = np.rint(scaled.T * 32_767).astype("<i2").tobytes()
        channels = len(wave)
        form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, channels, rate, rate * channels * 2, channels * 2, 16)
        size = _HEADER_BYTES - 8 + len(samples)
        return b"".join(
            (struct.pack("<4sI4s", b"RIFF", size, b"WAVE"), form, struct.pack("<4sI", b"data", len(samples)), samples)
        )


def loudest_part(paths: Sequence[Path], duration_s: float) -> tuple[float, float]:
    """Find the part in which recordings of one piece are loudest together.

    They are streamed; memory does not grow with their length.

    Args:
        paths: The recordings, in step; the shortest says how long the piece is.
        duration_s: Length of the part wanted.

    Returns:
        Where it starts and how long it is, in seconds; the whole piece if it is shorter than that.

    Raises:
        AudioError: a recording cannot be read.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     wave = np.zeros((1, 8_000)); wave[0, 4_000:6_000] = 0.5
    ...     audio.write(f"{folder}/a.wav", wave, 1_000)
    ...     loudest_part([Path(folder, "a.wav")], 2.0)
    (4.0, 2.0)
    """
    powers, lengths_s = zip(*(_powers(path) for path in paths), strict=True)
    length_s = min(lengths_s)
    if length_s <= duration_s:
        return 0.0, length_s
    hops = min(len(power) for power in powers)
    total = np.sum([power[:hops] for power in powers], axis=0)
    window = min(max(1, round(duration_s / _HOP_S)), hops)
    sums = np.convolve(total, np.ones(window), "valid")
    # Sums of equal parts differ by rounding; of those the first is taken.
    first = int(np.flatnonzero(sums >= sums.max() * (1 - 1e-9))[0])
    return min(first * _HOP_S, length_s - duration_s), duration_s


def match_levels(
    excerpts: Sequence[Excerpt],
    reference: Excerpt | None = None,
    *,
    mixture: Excerpt | None = None,
    match: bool = True,
) -> list[float]:
    """Find the gains that make excerpts equally loud and nothing in their trial clip.

    Each gets the level (mean power) of the reference, or of the middle one where there is no reference, but no more
    than 12 dB of change. Should a peak of anything that is heard then pass full scale, all is made softer by the same
    amount, the reference and the mixture too.

    Args:
        excerpts: What is compared; silent ones are left alone.
        reference: What the others are made as loud as; it is heard openly.
        mixture: Heard openly, at its own level.
        match: Whether to match levels; else all is only made softer together where something would clip.

    Returns:
        A gain in dB for each excerpt, and a last one for what is heard openly in the same trial.

    Raises:
        AudioError: a recording cannot be read.
    """
    heard = [excerpt.read()[0] for excerpt in excerpts]
    openly = {name: one.read()[0] for name, one in (("reference", reference), ("mixture", mixture)) if one is not None}
    levels = [audio.power_db(wave) for wave in heard]
    finite = sorted(level for level in levels if np.isfinite(level))
    gains = [0.0] * len(excerpts)
    if match and finite:
        target = audio.power_db(openly["reference"]) if "reference" in openly else finite[len(finite) // 2]
        if np.isfinite(target):
            gains = [
                float(np.clip(target - level, -_MOST_GAIN_DB, _MOST_GAIN_DB)) if np.isfinite(level) else 0.0
                for level in levels
            ]
    peaks = [_peak(wave) * float(audio.db_to_gain(gain)) for wave, gain in zip(heard, gains, strict=True)]
    highest = max([*peaks, *map(_peak, openly.values())], default=0.0)
    softer = min(0.0, float(audio.gain_to_db(_PEAK / highest))) if highest else 0.0
    return [gain + softer for gain in [*gains, 0.0]]


def _peak(wave: NDArray[np.float32]) -> float:
    return float(np.abs(wave).max(initial=0))


def _powers(path: Path) -> tuple[NDArray[np.float64], float]:
    """Return the mean power of each quarter of a second of a recording, and its length in seconds."""
    rate = audio.probe(path).sample_rate
    hop, frames, powers = max(1, round(_HOP_S * rate)), 0, []
    for block in audio.blocks(path, hop):
        frames += block.shape[1]
        powers.append(float(np.square(block, dtype=np.float64).mean()))
    return np.array(powers), frames / rate

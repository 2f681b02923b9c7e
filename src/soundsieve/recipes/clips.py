"""From rendered or recorded sound to tidy Ogg clips: trimming, level, and a record of whose each of them is."""

from __future__ import annotations

import gzip
import io
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from soundsieve.errors import AudioError, OutputError

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


def write_licences(collection: Collection, packages: Path, licences: Mapping[str, str]) -> None:
    """Write `LICENCES.md`: packages with versions, clips per class and group, and whose work each part is.

    Args:
        collection: What was written.
        packages: the folder the packages were unpacked into.
        licences: Package → its licence as a whole.
    """
    by_package = Counter(clip.package for clip in collection.clips)
    lines = ["# Where these sounds come from", "", "| package | version | licence | clips |", "|---|---|---|---|"]
    lines += [f"| {p} | {package_version(packages, p)} | {licences[p]} | {n} |" for p, n in sorted(by_package.items())]
    lines += ["", "| class | clips | groups |", "|---|---|---|"]
    for label, count in sorted(Counter(clip.label for clip in collection.clips).items()):
        groups = {clip.path.parent for clip in collection.clips if clip.label == label}
        lines.append(f"| {label} | {count} | {len(groups)} |")
    lines += ["", "| package | part | licence | clips |", "|---|---|---|---|"]
    parts = Counter((clip.package, clip.part, clip.licence) for clip in collection.clips)
    lines += [f"| {package} | {part} | {lic} | {count} |" for (package, part, lic), count in sorted(parts.items())]
    (collection.out / "LICENCES.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def package_version(packages: Path, package: str) -> str:
    """Return the version from the package's Debian changelog, or "unknown"."""
    changelog = packages / "usr/share/doc" / package / "changelog.Debian.gz"
    if not changelog.is_file():
        return "unknown"
    with gzip.open(changelog, "rt", encoding="utf-8", errors="replace") as file:
        return file.readline().partition("(")[2].partition(")")[0] or "unknown"

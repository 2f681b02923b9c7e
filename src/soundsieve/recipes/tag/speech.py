r"""Make clips of speech for a classifier out of public Debian packages: about 35 people, each in a language.

    apt-get download klettres-data tuxpaint-stamps-default asterisk-core-sounds-en-g722 asterisk-core-sounds-fr-g722 \
        asterisk-core-sounds-es-g722 asterisk-core-sounds-it-g722 asterisk-core-sounds-ru-g722
    for package in *.deb; do dpkg-deb -x "$package" packages; done
    python -m soundsieve.recipes.tag.speech --packages packages --out speech

The result is `OUT/speech/<speaker>/<number>.ogg` (44.1 kHz, mono, about 4 s each) and `OUT/LICENCES.md`. A speaker here
is a package and a language, as the packages do not say who speaks: letters and syllables in KLettres, names of pictures
in Tux Paint, announcements in Asterisk (telephone quality; one of its speakers is heard in two languages). Short
recordings of one speaker follow each other in a clip, with pauses. A package that is absent is left out.
"""

from __future__ import annotations

import argparse
import sys
import zlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from soundsieve.errors import AudioError, DatasetError, OutputError, SoundsieveError
from soundsieve.recipes.clips import RATE_HZ, Collection, read_mono, tidy, write_licences

KLETTRES = "usr/share/klettres"
TUXPAINT = "usr/share/tuxpaint/stamps"
ASTERISK = "usr/share/asterisk/sounds"
LICENCES = {
    "klettres-data": "GPL-2+, the KLettres team",
    "tuxpaint-stamps-default": "GPL-2, Bill Kendrick and contributors",
    "asterisk-core-sounds-en-g722": "CC-BY-SA-3.0, Allison Smith",
    "asterisk-core-sounds-es-g722": "CC-BY-SA-3.0, Allison Smith",
    "asterisk-core-sounds-fr-g722": "CC-BY-SA-3.0, June Wallack",
    "asterisk-core-sounds-it-g722": "CC-BY-3.0, Carlo Flora",
    "asterisk-core-sounds-ru-g722": "CC-BY-3.0, Maxim Topal",
}
CLIP_S = 4.0  # a clip ends with the first recording that makes it this long
PAUSE_S = (0.1, 0.6)


class Spoken(NamedTuple):
    """A short recording: who speaks, the package it is in, the file."""

    speaker: str
    package: str
    path: Path


def find_speech(packages: Path) -> Iterator[Spoken]:
    """List the recordings of the packages found below a folder, in a fixed order."""
    for path in sorted((packages / KLETTRES).glob("*/*/*.ogg")):
        yield Spoken(f"klettres-{path.parts[-3].lower()}", "klettres-data", path)
    for path in sorted((packages / TUXPAINT).rglob("*_desc*.ogg")):
        language = path.name.split("_desc", 1)[1].split(".")[0].strip("_").lower() or "en"
        yield Spoken(f"tuxpaint-{language}", "tuxpaint-stamps-default", path)
    for path in sorted((packages / ASTERISK).rglob("*.g722")):
        if path.parent.name != "silence":
            language, *_, voice = path.relative_to(packages / ASTERISK).parts[0].split("_")  # en_US_f_Allison
            yield Spoken(f"asterisk-{voice.lower()}", f"asterisk-core-sounds-{language}-g722", path)


def make_speech(packages: Path, out: Path, seed: int = 0, clips: int = 12) -> Collection:
    """Write up to so many clips of each speaker.

    Raises:
        AudioError: when a recording cannot be read.
        DatasetError: when none of the packages is there.
        OutputError: when `out` holds something already.
    """
    if out.exists() and any(out.iterdir()):
        raise OutputError(f"{out}: is not empty; choose another folder or remove it")
    speakers: dict[str, list[Spoken]] = defaultdict(list)
    for spoken in find_speech(packages):
        speakers[spoken.speaker].append(spoken)
    if not speakers:
        raise DatasetError(f"{packages}: holds none of the packages {', '.join(LICENCES)}, unpacked with dpkg-deb -x")
    collection = Collection(out)
    for speaker, recordings in speakers.items():
        rng = np.random.default_rng([seed, zlib.crc32(speaker.encode())])
        order = [recordings[row] for row in rng.permutation(len(recordings))]
        sounds = (sound for spoken in order if (sound := _read(spoken.path)) is not None)
        for number in range(clips):
            clip = _joined(sounds, rng)
            if clip is None:
                break
            package = recordings[0].package
            collection.add(f"speech/{speaker}/{number:02d}", clip, package, speaker, LICENCES[package])
    write_licences(collection, packages, LICENCES)
    return collection


def _joined(sounds: Iterator[NDArray[np.float32]], rng: np.random.Generator) -> NDArray[np.float32] | None:
    """Recordings one after the other until they are long enough; None when too few are left."""
    parts: list[NDArray[np.float32]] = []
    length = 0
    for sound in sounds:
        parts += [sound, np.zeros(round(rng.uniform(*PAUSE_S) * RATE_HZ), np.float32)]
        length += len(sound)
        if length >= CLIP_S * RATE_HZ:
            return np.concatenate(parts[:-1])
    return None


def _read(path: Path) -> NDArray[np.float32] | None:
    samples, rate_hz = _read_g722(path) if path.suffix == ".g722" else read_mono(path, str(path))
    return tidy(samples, rate_hz, lowest_hz=60.0)


def _read_g722(path: Path) -> tuple[NDArray[np.float32], int]:
    """Bare G.722, which has no header to know it by."""
    import av

    try:
        with av.open(str(path), format="g722") as file:
            frames = [frame.to_ndarray().reshape(-1) for frame in file.decode(audio=0)]
            rate_hz = file.streams.audio[0].rate
    except av.FFmpegError as error:
        raise AudioError(f"{path}: not a sound file that can be read ({error})") from None
    return np.concatenate(frames).astype(np.float32) / np.float32(32768), rate_hz


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the script; a user's mistake is one sentence and exit code 2."""
    parser = argparse.ArgumentParser(prog="python -m soundsieve.recipes.tag.speech", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--packages", type=Path, required=True, help="folder the packages were unpacked into")
    parser.add_argument("--out", type=Path, required=True, help="new folder for the clips")
    parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same clips")
    parser.add_argument("--clips", type=int, default=12, help="clips of each speaker at most")
    options = parser.parse_args(arguments)
    try:
        collection = make_speech(options.packages, options.out, options.seed, options.clips)
    except SoundsieveError as error:
        print(error, file=sys.stderr)
        return 2
    speakers = {clip.path.parent for clip in collection.clips}
    print(f"{len(collection.clips)} clips of {len(speakers)} speakers")
    return 0


if __name__ == "__main__":
    sys.exit(main())

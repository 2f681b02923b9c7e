"""MIR-1K: 1,000 clips of 19 amateur singers over karaoke accompaniment, 133 min.

Provenance: 110 karaoke songs of Chinese pop, sung by members of the MIR lab of National Tsing Hua University;
16 kHz, stereo: **left is the accompaniment, right the voice**.
Layout (`root` holds `Wavfile/`, `MIR-1K/Wavfile/` or `MIR-1K_for_MIREX/Wavfile/`)::

    Wavfile/abjones_1_01.wav      {singer}_{song}_{clip}; any other audio suffix is accepted

The clips listed here are the voices: label `singing`, channel 1. For the accompaniment take channel 0 of the same
file. The leakage group is the singer, so nobody is heard in training and in testing. The part is `all`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

from soundsieve.datasets.check import Check, examine
from soundsieve.datasets.clip import Clip
from soundsieve.datasets.layout import audio_by_stem, first_folder, require_folder
from soundsieve.errors import DatasetError

NAME: Final = "mir1k"
ROLE: Literal["events", "noise"] = "events"
LICENCE = "for research"
CITATION = """@article{hsu2010improvement,
  author = {Hsu, Chao-Ling and Jang, Jyh-Shing Roger},
  title = {On the Improvement of Singing Voice Separation for Monaural Recordings Using the {MIR-1K} Dataset},
  journal = {IEEE Transactions on Audio, Speech, and Language Processing},
  volume = {18}, number = {2}, pages = {310--319}, year = {2010}
}"""
URL = "https://sites.google.com/site/unvoicedsoundseparation/mir-1k"
CHECKSUMS: dict[str, str] = {}  # None is published.
CLIPS = 1000
ACCOMPANIMENT_CHANNEL = 0
VOICE_CHANNEL = 1


def clips(root: Path) -> list[Clip]:
    """List the voices of the copy in `root`; see `datasets.Dataset.clips`.

    Raises:
        DatasetError: the folder is missing, has no recordings, or one is not named after singer, song and clip.
    """
    found = [
        Clip(path, ("singing",), group=_singer(path), part="all", channel=VOICE_CHANNEL) for path in _recordings(root)
    ]
    return sorted(found, key=lambda clip: clip.path)


def check(root: Path) -> Check:
    """Say what the copy in `root` lacks; see `datasets.Dataset.check`.

    No list of the names is published, so missing recordings can be counted but not named.
    """
    paths = [clip.path for clip in clips(root)]
    notes = [f"{CLIPS - len(paths):,} of the published {CLIPS:,} are missing"] if len(paths) < CLIPS else []
    return examine(NAME, root, paths, expected=CLIPS, notes=notes, channels=VOICE_CHANNEL + 1)


def _recordings(root: Path) -> list[Path]:
    require_folder(root, "MIR-1K")
    folder = first_folder(root, ("Wavfile", "MIR-1K/Wavfile", "MIR-1K_for_MIREX/Wavfile"))
    if folder is None:
        raise DatasetError(f"{root}: no folder Wavfile/ here; expected the folder of MIR-1K")
    found = list(audio_by_stem(folder).values())
    if not found:
        raise DatasetError(f"{folder}: no recordings here; expected those of MIR-1K")
    return found


def _singer(path: Path) -> str:
    singer, *rest = path.stem.split("_")
    if not singer or len(rest) != 2:
        raise DatasetError(f"{path}: the name is not of the form singer_song_clip, such as abjones_1_01.wav")
    return singer

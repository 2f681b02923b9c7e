"""The background noises of the REVERB challenge: 8-channel recordings of rooms, 10 a room.

Provenance: recorded for the REVERB challenge 2014 with the microphone array that also measured its rooms' impulse
responses, mostly air conditioning; 16 kHz, 16 bit. The tools that generate the development and evaluation sets come
with 30 files (SimRoom1–3), those for multi-condition training with 60 (Small-, Medium- and LargeRoom1–2).
Layout (`root` is any folder above the recordings)::

    NOISE/Noise_SimRoom1_1.wav … Noise_SimRoom3_10.wav
    NOISE/Noise_SmallRoom1_1.wav … Noise_LargeRoom2_10.wav
    real_rirs_isotropic_noises/RVB2014_type2_noise_simroom1_1.wav      the names of the copy in OpenSLR 28

One channel is used, the first unless another is asked for: the eight are the same noise at eight places. The label
is the room, the leakage group the recording, the part `test` for SimRooms and `train` for the others.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final, Literal

from soundsieve.datasets.check import Check, examine
from soundsieve.datasets.clip import Clip
from soundsieve.datasets.layout import audio_below, require_folder
from soundsieve.errors import DatasetError

NAME: Final = "reverb_noise"
ROLE: Literal["events", "noise"] = "noise"
LICENCE = "none stated; offered for research with the REVERB challenge"
CITATION = """@article{kinoshita2016summary,
  author = {Kinoshita, Keisuke and Delcroix, Marc and Gannot, Sharon and Habets, Emanu{\\"e}l A. P. and
            Haeb-Umbach, Reinhold and Kellermann, Walter and Leutnant, Volker and Maas, Roland and
            Nakatani, Tomohiro and Raj, Bhiksha and Sehr, Armin and Yoshioka, Takuya},
  title = {A Summary of the {REVERB} Challenge: State-of-the-Art and Remaining Challenges in Reverberant Speech
           Processing Research},
  journal = {EURASIP Journal on Advances in Signal Processing},
  year = {2016}, doi = {10.1186/s13634-016-0306-6}
}"""
URL = "https://reverb2014.audiolabs-erlangen.de"
CHECKSUMS: dict[str, str] = {}  # None is published.
CHANNELS = 8
FILES_PER_ROOM = 10
ROOMS = {
    "train": ("SmallRoom1", "MediumRoom1", "LargeRoom1", "SmallRoom2", "MediumRoom2", "LargeRoom2"),
    "test": ("SimRoom1", "SimRoom2", "SimRoom3"),
}

# A copy may tell the distance as well: Noise_SimRoom1_near_1.wav.
_FILE_NAME = re.compile(r"(?:rvb2014_type\d+_)?noise_(?P<place>[a-z]+\d*(?:_(?:near|far))?)_(?P<number>\d+)", re.I)


def clips(root: Path, *, channel: int = 0) -> list[Clip]:
    """List the noises below `root`; see `datasets.Dataset.clips`.

    Args:
        root: any folder above the recordings.
        channel: which of the eight channels, 0 to 7.

    Raises:
        DatasetError: the folder is missing, has none of the recordings, or there is no such channel.
    """
    if not 0 <= channel < CHANNELS:
        raise DatasetError(f"{NAME}: channel {channel} does not exist; choose from 0 to {CHANNELS - 1}")
    found = [
        Clip(path, (place,), group=f"{place}_{number}", part=_part(place), channel=channel)
        for (place, number), path in _recordings(root).items()
    ]
    return sorted(found, key=lambda clip: clip.path)


def check(root: Path) -> Check:
    """Say what the copy below `root` lacks; see `datasets.Dataset.check`.

    Only the release of which there is a recording at all, of training rooms or of SimRooms, is expected.
    """
    found = _recordings(root)
    present = {(place.split("_")[0], number) for place, number in found}
    parts = {_part(room) for room, _ in present}
    wanted = [
        (room, n) for part in ROOMS if part in parts for room in ROOMS[part] for n in range(1, FILES_PER_ROOM + 1)
    ]
    missing = [f"Noise_{room}_{n}.wav" for room, n in wanted if (room.lower(), n) not in present]
    return examine(NAME, root, found.values(), expected=len(wanted), missing=missing, channels=CHANNELS)


def _recordings(root: Path) -> dict[tuple[str, int], Path]:
    """Return the recordings by place in lower case and number; a second copy of one is left out."""
    found: dict[tuple[str, int], Path] = {}
    for path in audio_below(require_folder(root, "REVERB noise")):
        match = _FILE_NAME.fullmatch(path.stem)
        if match:
            found.setdefault((match["place"].lower(), int(match["number"])), path)
    if not found:
        raise DatasetError(
            f"{root}: no Noise_<room>_<number>.wav here or below; expected the REVERB challenge's noises"
        )
    return found


def _part(place: str) -> str:
    return "test" if place.startswith("sim") else "train"

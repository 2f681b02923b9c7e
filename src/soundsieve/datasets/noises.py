"""100 nonspeech sounds: short environmental noises `n1` … `n100` of the Ohio State University.

Provenance: collected by Guoning Hu at the Perception and Neurodynamics Laboratory; 20 kHz, mono, a few seconds each.
Layout (`root` is the folder of the recordings, or the folder that holds `Nonspeech/`)::

    n1.wav … n100.wav       any other audio suffix is accepted

The label is the category the authors give to a range of numbers; numbers 79–100 are single events of many kinds
(bell, cough, clap, snore, laugh, footsteps …) and are called `other`. The leakage group is the recording, the part
`all`. A folder with only some of the recordings can be listed; `check` names the others.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final, Literal

from soundsieve.datasets.check import Check, examine
from soundsieve.datasets.clip import Clip
from soundsieve.datasets.layout import audio_by_stem, require_folder
from soundsieve.errors import DatasetError

NAME: Final = "noises"
ROLE: Literal["events", "noise"] = "noise"
LICENCE = "none stated; offered for research"
CITATION = """@misc{hu2004nonspeech,
  author = {Hu, Guoning},
  title = {100 Nonspeech Environmental Sounds},
  year = {2004}, note = {The Ohio State University, Perception and Neurodynamics Laboratory}
}"""
URL = "http://web.cse.ohio-state.edu/pnl/corpus/HuNonspeech/HuCorpus.html"
CHECKSUMS: dict[str, str] = {}  # None is published.
CLIPS = 100
CATEGORIES = {
    "crowd": range(1, 18),
    "machine": range(18, 30),
    "alarm": range(30, 44),
    "traffic": range(44, 47),
    "animal": range(47, 56),
    "water": range(56, 70),
    "wind": range(70, 79),
    "other": range(79, 101),
}


def clips(root: Path) -> list[Clip]:
    """List the recordings in `root`; see `datasets.Dataset.clips`.

    Raises:
        DatasetError: the folder is missing or has none of the recordings.
    """
    found = [
        Clip(path, (_category(number),), group=f"n{number}", part="all") for number, path in _recordings(root).items()
    ]
    return sorted(found, key=lambda clip: clip.path)


def check(root: Path) -> Check:
    """Say what the copy in `root` lacks; see `datasets.Dataset.check`."""
    found = _recordings(root)
    missing = [f"n{number}" for number in range(1, CLIPS + 1) if number not in found]
    return examine(NAME, root, found.values(), expected=CLIPS, missing=missing)


def _recordings(root: Path) -> dict[int, Path]:
    require_folder(root, "nonspeech sounds")
    for folder in (root, root / "Nonspeech"):
        paths = audio_by_stem(folder) if folder.is_dir() else {}
        numbered = {int(match[1]): path for stem, path in paths.items() if (match := re.fullmatch(r"[nN](\d+)", stem))}
        found = {number: numbered[number] for number in sorted(numbered) if 1 <= number <= CLIPS}
        if found:
            return found
    raise DatasetError(f"{root}: no recordings n1 to n{CLIPS} here; expected the folder of the 100 nonspeech sounds")


def _category(number: int) -> str:
    return next(name for name, numbers in CATEGORIES.items() if number in numbers)

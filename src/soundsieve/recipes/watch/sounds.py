"""Sounds of the objects: soundfonts, recorded drum kits, recordings inside public packages and in data sets.

Training plays FluidR3 and FreePats, testing TimGM6mb. MuseScore's soundfont, which shares FluidR3's recordings and
takes seconds to open, and csound's, which is mostly TimGM6mb's (`same_samples`), play nothing. Validation has
recordings only, among them one of each instrument in gcompris-qt-data. Recorded kits are divided as `unmix` divides
them. All other recordings are divided by source (`parts.divide`): those in `sounds.csv`, which names what is truly
labelled in the packages, and those of data sets such as ESC-50 and FSDKaggle2018, by their leakage group. What joined
the table later is given a part there, so that the others stay in theirs and results on the test part remain comparable.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from soundsieve import datasets
from soundsieve.datasets.object_groups import GROUPS
from soundsieve.errors import SettingsError
from soundsieve.recipes.select import drums, effects, material
from soundsieve.recipes.select.material import FONTS, KIT_FOLDER, Font
from soundsieve.recipes.unmix.sources import ACOUSTIC_KITS
from soundsieve.recipes.watch import timidity
from soundsieve.recipes.watch.instruments import INSTRUMENTS
from soundsieve.recipes.watch.parts import divide, shuffled

TABLE = Path(__file__).with_name("sounds.csv")
# FreePats has no banjo, no harmonica and no marimba; in its soprano saxophone is a sample of TimGM6mb's English horn
_PATCHES = (0, 1, 21, 24, 25, 27, 29, 30, 40, 42, 46, 57, 60, 65, 66, 67, 73)
FREEPATS = Font(
    "freepats", "freepats", timidity.CONFIGURATION, "freepats", (), programs=_PATCHES, synthesizer="timidity"
)
FONT_PARTS = {"fluid": "train", "freepats": "train", "timgm": "test"}
LICENCES = {
    **material.LICENCES,
    "freepats": "GPL-2+ with composition exception, the FreePats project",
}
PRESENT = {
    **effects.PRESENT,
    "lincity-ng-data": "usr/share/games/lincity-ng/sounds",
    "scratch": "usr/share/scratch/Media/Sounds",
    "simutrans-pak64": "usr/share/games/simutrans/pak/sound",
}
FONT_KIT_PARTS = {**FONT_PARTS, "zeppelin": "test"}
# What data sets call the objects, where they call them otherwise; a horn or an engine as such is no object
LABELS = {
    "bark": "dog", "meow": "cat", "rooster": "chicken", "hen": "chicken", "airplane": "plane",
    "violin_or_fiddle": "violin", "bass_drum": "drum", "snare_drum": "drum", "hi_hat": "drum",
    "motorcycle": "motorbike",
}  # fmt: skip


@dataclass(frozen=True)
class Recording:
    """A sound file: its path, or the package and the name of a sound inside it."""

    path: Path | None
    package: str = ""
    sound: str = ""


@dataclass(frozen=True)
class Source:
    """What an object's sound is made from; exactly one of the last three is there.

    Attributes:
        name: the same on every machine; sources that share recordings have one name.
        label: the object.
        part: the part it is heard in.
        package: the package or data set.
        licence: whose work it is.
        font: a soundfont.
        kit: the folder of a recorded drum kit.
        recordings: sound files.
    """

    name: str
    label: str
    part: str
    package: str
    licence: str
    font: Font | None = None
    kit: Path | None = None
    recordings: tuple[Recording, ...] = ()

    @property
    def rendered(self) -> bool:
        """Whether it is played from notes."""
        return not self.recordings


def find_sounds(packages: Path | None, sets: Mapping[str, Path]) -> list[Source]:
    """Return the sources that are there, each with its part, ordered by object and name.

    Args:
        packages: the folder the packages were unpacked into.
        sets: data set → the folder of its copy.

    Raises:
        DatasetError: a data set is not laid out as published.
        SettingsError: a data set has none of the objects.
        UnknownNameError: there is no such data set.
    """
    played = _played(packages) if packages else []
    recorded, fixed = _in_packages(packages) if packages else ({}, {})
    for name, root in sets.items():
        found = _in_data_set(name, root)
        if not found:
            raise SettingsError(f"--sounds {name}={root}: has no sound of {', '.join(GROUPS)}")
        recorded.update(found)
    names = {
        label: shuffled(name for other, name in recorded if other == label and name not in fixed) for label in GROUPS
    }
    provided = {label: [source.part for source in played if source.label == label] for label in GROUPS}
    part_of = {**divide(names, provided), **fixed}
    sources = [
        Source(name, label, part_of[name], package, licence, recordings=tuple(recordings))
        for (label, name), (package, licence, recordings) in recorded.items()
    ]
    return sorted([*played, *sources], key=lambda source: (source.label, source.name))


def _played(packages: Path) -> list[Source]:
    found = []
    for font in (*FONTS, FREEPATS):
        if not (packages / font.path).is_file() or font.name not in FONT_KIT_PARTS:
            continue
        played = {i.label: None for i in INSTRUMENTS if font.melodic and i.program in font.programs}
        labels = [*played, *(["drum"] if font.kits else [])]
        part, licence = FONT_KIT_PARTS[font.name], LICENCES[font.package]
        found += [Source(f"{font.name} {label}", label, part, font.package, licence, font) for label in labels]
    for part, kits in ACOUSTIC_KITS.items():
        for kit in kits:
            folder = packages / KIT_FOLDER / kit
            if (folder / "drumkit.xml").is_file():
                found.append(Source(kit, "drum", part, "hydrogen-drumkits", drums.KITS[kit], kit=folder))
    return found


Found = dict[tuple[str, str], tuple[str, str, list[Recording]]]  # object and source → package, licence, recordings


def _in_packages(packages: Path) -> tuple[Found, dict[str, str]]:
    """Return what the table names, and the parts of those sources that have one whatever else there is."""
    found: Found = {}
    fixed = {}
    with TABLE.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            package = row["package"]
            if (packages / PRESENT[package]).exists():
                licence = row["licence"] or LICENCES[package]
                _, _, recordings = found.setdefault((row["object"], row["source"]), (package, licence, []))
                recordings.append(Recording(None, package, row["sound"]))
                if row["part"]:
                    fixed[row["source"]] = row["part"]
    return found, fixed


def _in_data_set(name: str, root: Path) -> Found:
    module = datasets.get(name)
    shared = str(getattr(module, "GROUPS", name))  # data sets may be cut from the same recordings
    found: Found = {}
    for clip in module.clips(root):
        labels = {LABELS.get(label, label) for label in clip.labels}
        if len(labels) == 1 and labels <= GROUPS.keys():
            key = (labels.pop(), f"{shared} {clip.group}")
            found.setdefault(key, (name, clip.licence or module.LICENCE, []))[2].append(Recording(clip.path))
    return found

"""Which recordings belong to which part, so that nobody and nothing is heard in two of them.

Training has the soundfonts FluidR3 and MuseScore General, which share recordings, and most kits and singers. The test
part has TimGM6mb, the kits of Red Zeppelin and The Black Pearl, whose hi-hats are the same, and one more, and four
singers. Validation has kits and singers of its own, but **plays the soundfonts of training**: there is no third one.
Kits by one author stay together. The nineteen singers of MIR-1K are divided by voice too: each part has low and high
ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from soundsieve.datasets import mir1k
from soundsieve.errors import DatasetError
from soundsieve.recipes.select.drums import KITS
from soundsieve.recipes.select.material import FONTS, KIT_FOLDER, Font

PARTS = ("train", "validation", "test")
CYCLE = (*("train",) * 10, "validation", "test")  # the parts of twelve songs one after the other

_FONTS = {"train": ("fluid", "musescore"), "validation": ("fluid", "musescore"), "test": ("timgm",)}
_FONT_KITS = {"train": ("fluid",), "validation": (), "test": ("timgm", "zeppelin")}
ACOUSTIC_KITS = {
    "train": ("ForzeeStereo", "Millo-Drums_v.1", "Millo_MultiLayered2", "Millo_MultiLayered3"),
    "validation": ("BJA_Pacific", "ColomboAcousticDrumkit"),
    "test": ("The Black Pearl 1.0", "rumpf_kit_z01_h2"),
}
ELECTRIC_KITS = {"train": ("HardElectro1", "ElectricEmpireKit", "VariBreaks"), "validation": (), "test": ()}
ELECTRIC_LICENCES = dict.fromkeys(("HardElectro1", "ElectricEmpireKit", "VariBreaks"), "GPL-2+, Artemiy Pavlov")
# by the pitch they sing at: the low voices lie below about 230 Hz
SINGERS = {
    "train": (
        "Ani", "Kenshin", "amy", "bobon", "bug", "davidson", "geniusturtle", "heycat", "jmzen", "leon", "tammy",
        "yifen",
    ),
    "validation": ("fdps", "khair", "titon"),
    "test": ("abjones", "annar", "ariel", "stool"),
}  # fmt: skip


@dataclass(frozen=True)
class Sources:
    """What one part may be made from.

    Attributes:
        packages: the folder the packages were unpacked into.
        fonts: soundfonts for instruments.
        font_kits: soundfonts for drums.
        acoustic: folders of recorded kits.
        electric: folders of recorded machines.
        singers: singer → the recordings, with the voice on the right channel.
    """

    packages: Path
    fonts: tuple[Font, ...]
    font_kits: tuple[Font, ...]
    acoustic: tuple[Path, ...]
    electric: tuple[Path, ...]
    singers: dict[str, tuple[Path, ...]]


def find_sources(packages: Path, mir1k_root: Path | None) -> dict[str, Sources]:
    """Return what is there for each part; without MIR-1K nobody sings.

    Raises:
        DatasetError: when a part would have no soundfont or no recorded kit, or the folder of MIR-1K is not one.
    """
    fonts = {font.name: font for font in FONTS if (packages / font.path).is_file()}
    voices: dict[str, list[Path]] = {}
    for clip in mir1k.clips(mir1k_root) if mir1k_root is not None else ():
        voices.setdefault(clip.group, []).append(clip.path)
    found = {}
    for part in PARTS:
        sources = Sources(
            packages,
            tuple(fonts[name] for name in _FONTS[part] if name in fonts),
            tuple(fonts[name] for name in _FONT_KITS[part] if name in fonts),
            _kits(packages, ACOUSTIC_KITS[part]),
            _kits(packages, ELECTRIC_KITS[part]),
            {name: tuple(voices[name]) for name in SINGERS[part] if name in voices},
        )
        if not sources.fonts:
            wanted = " or ".join(sorted({font.package for font in FONTS if font.name in _FONTS[part]}))
            raise DatasetError(f"{packages}: the {part} songs need {wanted}, unpacked there with dpkg-deb -x")
        if not sources.acoustic:
            raise DatasetError(
                f"{packages}: the {part} songs need hydrogen-drumkits with {' or '.join(ACOUSTIC_KITS[part])}, "
                "unpacked there with dpkg-deb -x"
            )
        if mir1k_root is not None and not sources.singers:
            raise DatasetError(
                f"{mir1k_root}: none of the singers {', '.join(SINGERS[part])} of the {part} songs is there"
            )
        found[part] = sources
    return found


def kit_licence(folder: Path) -> str:
    """Return whose work a recorded kit is."""
    return {**KITS, **ELECTRIC_LICENCES}[folder.name]


def _kits(packages: Path, names: tuple[str, ...]) -> tuple[Path, ...]:
    folders = (packages / KIT_FOLDER / name for name in names)
    return tuple(folder for folder in folders if (folder / "drumkit.xml").is_file())

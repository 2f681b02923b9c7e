"""The 23 objects that are looked and listened for: which of ImageNet's and of AudioSet's classes each one is.

Ruohan Gao, Rogerio Feris and Kristen Grauman, "Learning to Separate Object Sounds by Watching Unlabeled Video",
ECCV 2018: 15 musical instruments, 4 animals and 4 vehicles, each with the classes that ImageNet knows it by. AudioSet's
classes are those of its file `class_labels_indices.csv` (Gemmeke et al., "Audio Set: An ontology and human-labeled
dataset for audio events", ICASSP 2017), without the kinds and parts of an object that have classes of their own, such
as a drum kit (/m/02hnl), a helicopter or a bark.
"""

from __future__ import annotations

from typing import Final

GROUPS: Final[dict[str, tuple[int, ...]]] = {
    "cat": tuple(range(281, 286)),
    "dog": tuple(range(151, 276)),
    "chicken": (7, 8),
    "frog": (30, 31, 32),
    "accordion": (401,),
    "acoustic_guitar": (402,),
    "banjo": (420,),
    "cello": (486,),
    "drum": (541,),
    "electric_guitar": (546,),
    "flute": (558,),
    "french_horn": (566,),
    "harmonica": (593,),
    "harp": (594,),
    "marimba": (642,),
    "piano": (579, 881),
    "saxophone": (776,),
    "trombone": (875,),
    "violin": (889,),
    "car": (751, 817, 511),
    "train": (705, 466, 820, 547),
    "plane": (726, 404, 895),
    "motorbike": (670, 665),
}
"""For each object ImageNet's classes, counted from 0."""

NAMES: Final[tuple[str, ...]] = tuple(GROUPS)

AUDIOSET_MIDS: Final[dict[str, tuple[str, ...]]] = {
    "cat": ("/m/01yrx",),
    "dog": ("/m/0bt9lr",),
    "chicken": ("/m/09b5t",),  # Chicken, rooster
    "frog": ("/m/09ld4",),
    "accordion": ("/m/0mkg",),
    "acoustic_guitar": ("/m/042v_gx",),
    "banjo": ("/m/018j2",),
    "cello": ("/m/01xqw",),
    "drum": ("/m/026t6",),
    "electric_guitar": ("/m/02sgy",),
    "flute": ("/m/0l14j_",),
    "french_horn": ("/m/0319l",),
    "harmonica": ("/m/03qjg",),
    "harp": ("/m/03m5k",),
    "marimba": ("/m/0dwsp",),  # Marimba, xylophone
    "piano": ("/m/05r5c",),
    "saxophone": ("/m/06ncr",),
    "trombone": ("/m/07c6l",),
    "violin": ("/m/07y_7",),  # Violin, fiddle
    "car": ("/m/0k4j",),
    "train": ("/m/07jdr",),
    "plane": ("/m/0cmf2",),  # Fixed-wing aircraft, airplane
    "motorbike": ("/m/04_sv",),  # Motorcycle
}
"""For each object AudioSet's classes."""

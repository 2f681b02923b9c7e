"""FSDKaggle2018: 11,073 sounds of 0.3–30 s, 41 classes of the AudioSet ontology, one label each.

Provenance: Freesound recordings, annotated for DCASE 2018 Task 2 and the Kaggle competition "Freesound
General-Purpose Audio Tagging Challenge"; 9,473 for training, of which 3,710 have a manually verified
label, and 1,600 for testing, all verified. 44.1 kHz, mono, 16 bit.
Layouts of `root`, as published on Zenodo and on Kaggle::

    FSDKaggle2018.audio_train/*.wav   FSDKaggle2018.audio_test/*.wav
    FSDKaggle2018.meta/train_post_competition.csv                fname,label,manually_verified,freesound_id,license
    FSDKaggle2018.meta/test_post_competition_scoring_clips.csv   fname,label,usage,freesound_id,license

    audio_train/*.wav   audio_test/*.wav
    train.csv                  fname,label,manually_verified      (or train_post_competition.csv, as above)
    test_post_competition.csv  fname,label,usage,freesound_id,license

Test rows whose usage is neither Public nor Private are padding that was never scored, and are left out.
The leakage group is the Freesound recording where the table gives it, otherwise the clip. Parts: `train`, `test`;
a copy without one of the two audio folders, or without the table of the test clips, has only
the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal

from soundsieve.datasets.check import Check, examine
from soundsieve.datasets.clip import Clip, label_name
from soundsieve.datasets.layout import (
    audio_by_stem,
    first_file,
    first_folder,
    read_rows,
    require_folder,
    require_present,
)
from soundsieve.errors import DatasetError, unknown_name

NAME: Final = "fsdkaggle2018"
GROUPS: Final = "freesound"
ROLE: Literal["events", "noise"] = "events"
LICENCE = "CC BY 4.0 as a collection; each recording CC0, CC BY or CC BY-NC, as its table's column license says"
CITATION = """@inproceedings{fonseca2018general,
  author = {Fonseca, Eduardo and Plakal, Manoj and Font, Frederic and Ellis, Daniel P. W. and Favory, Xavier and
            Pons, Jordi and Serra, Xavier},
  title = {General-purpose Tagging of {Freesound} Audio with {AudioSet} Labels: Task Description, Dataset, and
           Baseline},
  booktitle = {Proceedings of the Detection and Classification of Acoustic Scenes and Events 2018 Workshop},
  year = {2018}, pages = {69--73}
}"""
URL = "https://zenodo.org/records/2552860"
# Of the Zenodo archives; taken from the conversion script of the MTEB benchmark, which checks its downloads with them.
CHECKSUMS = {
    "FSDKaggle2018.audio_train.zip": "a8b47ff4b52022c178f88fa5c6f080d0",
    "FSDKaggle2018.audio_test.zip": "f85c8665c3fc39311ea1b748e194a81d",
    "FSDKaggle2018.doc.zip": "4f2d1ac88f33a62f9db3108b269ee1b7",
    "FSDKaggle2018.meta.zip": "f16828ac8be0e5285b9175a12f90d784",
}
CLIPS = {"train": 9473, "test": 1600}
# fmt: off
CLASSES = (
    "Acoustic_guitar", "Applause", "Bark", "Bass_drum", "Burping_or_eructation", "Bus", "Cello", "Chime", "Clarinet",
    "Computer_keyboard", "Cough", "Cowbell", "Double_bass", "Drawer_open_or_close", "Electric_piano", "Fart",
    "Finger_snapping", "Fireworks", "Flute", "Glockenspiel", "Gong", "Gunshot_or_gunfire", "Harmonica", "Hi-hat",
    "Keys_jangling", "Knock", "Laughter", "Meow", "Microwave_oven", "Oboe", "Saxophone", "Scissors", "Shatter",
    "Snare_drum", "Squeak", "Tambourine", "Tearing", "Telephone", "Trumpet", "Violin_or_fiddle", "Writing",
)
# fmt: on

_FOLDERS = {part: (f"FSDKaggle2018.audio_{part}", f"audio_{part}") for part in CLIPS}
_TABLES = {
    "train": ("train_post_competition.csv", "train.csv"),
    "test": ("test_post_competition_scoring_clips.csv", "test_post_competition.csv"),
}
_META = ("FSDKaggle2018.meta", ".")


def clips(root: Path, *, verified_only: bool = False) -> list[Clip]:
    """List the recordings of the copy in `root`; see `datasets.Dataset.clips`.

    Args:
        root: the folder of the data set.
        verified_only: leave out training clips whose label nobody has listened to.

    Raises:
        DatasetError: the folder is missing or not laid out as published, a table has a label that is none of the 41,
            or recordings that the tables name are missing.
    """
    found: list[Clip] = []
    for part, (folder, table) in _parts(root).items():
        rows = _rows(table, part)
        if verified_only:
            rows = [row for row in rows if row.get("manually_verified", "1") == "1"]
        present, missing = _listing(folder, rows, part)
        require_present(NAME, missing)
        found += present
    return sorted(found, key=lambda clip: clip.path)


def check(root: Path) -> Check:
    """Say what the copy in `root` lacks; see `datasets.Dataset.check`."""
    paths: list[Path] = []
    missing: list[str] = []
    notes: list[str] = []
    expected = 0
    parts = _parts(root)
    for part, published in CLIPS.items():
        if part not in parts:
            notes.append(f"no labelled {' or '.join(_FOLDERS[part])}: this copy has no {part} recordings")
            continue
        folder, table = parts[part]
        rows = _rows(table, part)
        present, lacking = _listing(folder, rows, part)
        paths += [clip.path for clip in present]
        missing += lacking
        expected += len(rows)
        if len(rows) != published:
            notes.append(f"{table.name} lists {len(rows):,} of the published {published:,}")
    return examine(NAME, root, paths, expected=expected, missing=missing, notes=notes, checksums=CHECKSUMS)


def _parts(root: Path) -> dict[str, tuple[Path, Path]]:
    """Return the audio folder and the table of each part that is there."""
    require_folder(root, "FSDKaggle2018")
    found: dict[str, tuple[Path, Path]] = {}
    for part, folders in _FOLDERS.items():
        folder = first_folder(root, folders)
        if folder is None:
            continue
        table = first_file(root, [f"{meta}/{name}" for meta in _META for name in _TABLES[part]])
        if table is None and part == "test":
            continue  # While the competition ran, Kaggle gave away the test recordings without their labels.
        if table is None:
            raise DatasetError(f"{root}: {folder.name}/ has no table; expected {' or '.join(_TABLES[part])}")
        found[part] = (folder, table)
    if not found:
        wanted = " or ".join(folder for folders in _FOLDERS.values() for folder in folders)
        raise DatasetError(f"{root}: no folder {wanted} here; expected the folder of FSDKaggle2018")
    return found


def _rows(table: Path, part: str) -> list[dict[str, str]]:
    columns: Sequence[str] = ("fname", "label", "manually_verified" if part == "train" else "usage")
    rows = read_rows(table, columns)
    if part == "test":  # During the competition the test set was padded with clips that were never scored.
        rows = [row for row in rows if row["usage"] in {"Public", "Private"}]
    for row in rows:
        if row["label"] not in CLASSES:
            raise DatasetError(f"{table}: {row['fname']} has an {unknown_name('label', row['label'], CLASSES)}")
    return rows


def _listing(folder: Path, rows: list[dict[str, str]], part: str) -> tuple[list[Clip], list[str]]:
    paths = audio_by_stem(folder)
    found = [
        Clip(
            path=paths[stem],
            labels=(label_name(row["label"]),),
            group=row.get("freesound_id") or stem,
            part=part,
            licence=row.get("license", ""),
        )
        for row in rows
        if (stem := Path(row["fname"]).stem) in paths
    ]
    return found, sorted(f"{folder.name}/{row['fname']}" for row in rows if Path(row["fname"]).stem not in paths)

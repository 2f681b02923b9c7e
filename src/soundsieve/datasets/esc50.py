"""ESC-50: 2,000 environmental recordings of 5 s, 50 classes, five folds.

Provenance: cut from Freesound recordings by Karol J. Piczak; published on GitHub, mono, 44.1 kHz.
Layout (`root` is the unpacked repository, or the folder that holds it)::

    meta/esc50.csv      filename,fold,target,category,esc10,src_file,take
    audio/1-100032-A-0.wav      {fold}-{Freesound id}-{take}-{target}.wav; any other audio suffix is accepted

The leakage group is the Freesound recording (`src_file`): takes of one recording sound alike. Four recordings
(131943, 134049, 209698, 234879) are in more than one of the published folds, so the folds alone leak;
`split_by_part` drops their clips from training. The part is `fold1` … `fold5`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

from soundsieve.datasets.check import Check, examine
from soundsieve.datasets.clip import Clip, label_name
from soundsieve.datasets.layout import audio_by_stem, first_folder, read_rows, require_folder, require_present
from soundsieve.errors import DatasetError

NAME: Final = "esc50"
GROUPS: Final = "freesound"
ROLE: Literal["events", "noise"] = "events"
LICENCE = "CC BY-NC 3.0; the licence of each recording is in the LICENSE file of the data set"
CITATION = """@inproceedings{piczak2015esc,
  author = {Piczak, Karol J.},
  title = {{ESC}: Dataset for Environmental Sound Classification},
  booktitle = {Proceedings of the 23rd ACM International Conference on Multimedia},
  year = {2015}, pages = {1015--1018}, doi = {10.1145/2733373.2806390}
}"""
URL = "https://github.com/karolpiczak/ESC-50"
# GitHub packs the archive anew on each download, so there is no published checksum to compare with.
CHECKSUMS: dict[str, str] = {}
CLIPS = 2000
COLUMNS = ("filename", "fold", "target", "category", "esc10", "src_file", "take")

Row = dict[str, str]


def clips(root: Path) -> list[Clip]:
    """List all recordings of the copy in `root`; see `datasets.Dataset.clips`.

    Raises:
        DatasetError: the folder is missing, not laid out as ESC-50, its table disagrees with the file names, or it
            lacks recordings that the table names.
    """
    found, missing = listing(root, rows(root))
    require_present(NAME, missing)
    return found


def listed(root: Path) -> list[Clip]:
    """List what the table in `root` names, recorded or not; see `datasets.listed`."""
    return table_clips(root, rows(root))


def check(root: Path) -> Check:
    """Say what the copy in `root` lacks; see `datasets.Dataset.check`."""
    return check_rows(NAME, root, rows(root), published=CLIPS)


def rows(root: Path) -> list[Row]:
    """Read the table of the copy in `root` and compare each row with the fields of its file name.

    Raises:
        DatasetError: there is no such table, or it contradicts itself.
    """
    table = _table_home(root) / "meta" / "esc50.csv"
    found = read_rows(table, COLUMNS)
    category_of: dict[str, str] = {}
    for row in found:
        fields = tuple(Path(row["filename"]).stem.split("-"))
        said = (row["fold"], row["src_file"], row["take"], row["target"])
        if fields != said:
            raise DatasetError(f"{table}: {row['filename']} does not agree with its row, which says {'-'.join(said)}")
        if category_of.setdefault(row["target"], row["category"]) != row["category"]:
            names = f"{category_of[row['target']]!r} and {row['category']!r}"
            raise DatasetError(f"{table}: target {row['target']} is called both {names}; expected one name")
    return found


def listing(root: Path, chosen: list[Row]) -> tuple[list[Clip], list[str]]:
    """Return the clips of the rows whose recording is there, and the names of those whose recording is not."""
    stems = audio_by_stem(_home(root) / "audio").keys()
    missing = [f"audio/{row['filename']}" for row in chosen if Path(row["filename"]).stem not in stems]
    return [clip for clip in table_clips(root, chosen) if clip.path.stem in stems], sorted(missing)


def table_clips(root: Path, chosen: list[Row]) -> list[Clip]:
    """Return the clips of the rows, those without a recording under the path that the table gives them."""
    folder = _table_home(root) / "audio"
    paths = audio_by_stem(folder) if folder.is_dir() else {}
    clips = [
        Clip(
            path=paths.get(Path(row["filename"]).stem, folder / row["filename"]),
            labels=(label_name(row["category"]),),
            group=row["src_file"],
            part=f"fold{row['fold']}",
        )
        for row in chosen
    ]
    return sorted(clips, key=lambda clip: clip.path)


def check_rows(name: str, root: Path, chosen: list[Row], *, published: int) -> Check:
    """Check the recordings of the given rows, with a note where the table is a part of the published one."""
    found, missing = listing(root, chosen)
    notes = [] if len(chosen) == published else [f"the table lists {len(chosen):,} of the published {published:,}"]
    home = _home(root)
    return examine(name, home, [c.path for c in found], expected=len(chosen), missing=missing, notes=notes)


def _table_home(root: Path) -> Path:
    home = first_folder(require_folder(root, "ESC-50"), (".", "ESC-50-master", "ESC-50"), holding="meta/esc50.csv")
    if home is None:
        raise DatasetError(f"{root}: no meta/esc50.csv here; expected the folder of ESC-50 with audio/ and meta/")
    return home


def _home(root: Path) -> Path:
    home = _table_home(root)
    if not (home / "audio").is_dir():
        raise DatasetError(f"{home}: no folder audio/ here; expected the recordings of ESC-50 beside meta/")
    return home

"""ESC-10: the 400 recordings of ESC-50 whose column `esc10` says True, 10 classes, five folds.

Provenance, layout, leakage group and folds are those of `esc50`, of whose folder it is a part; a copy that has
only these recordings and their rows works just as well.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

from soundsieve.datasets import esc50
from soundsieve.datasets.check import Check
from soundsieve.datasets.clip import Clip
from soundsieve.datasets.layout import require_present
from soundsieve.errors import DatasetError

NAME: Final = "esc10"
GROUPS: Final = "freesound"
ROLE: Literal["events", "noise"] = "events"
LICENCE = "CC BY 3.0; the licence of each recording is in the LICENSE file of the data set"
CITATION = esc50.CITATION
URL = esc50.URL
CHECKSUMS: dict[str, str] = {}  # As for ESC-50, none is published.
CLIPS = 400


def clips(root: Path) -> list[Clip]:
    """List the ESC-10 recordings of the copy of ESC-50 in `root`; see `datasets.Dataset.clips`.

    Raises:
        DatasetError: as for `esc50`, or no row of the table belongs to ESC-10.
    """
    found, missing = esc50.listing(root, _rows(root))
    require_present(NAME, missing)
    return found


def listed(root: Path) -> list[Clip]:
    """List what the table in `root` names, recorded or not; see `datasets.listed`."""
    return esc50.table_clips(root, _rows(root))


def check(root: Path) -> Check:
    """Say what the copy in `root` lacks; see `datasets.Dataset.check`."""
    return esc50.check_rows(NAME, root, _rows(root), published=CLIPS)


def _rows(root: Path) -> list[esc50.Row]:
    chosen = [row for row in esc50.rows(root) if row["esc10"].lower() == "true"]
    if not chosen:
        raise DatasetError(f"{root}: no row of meta/esc50.csv has esc10 = True; expected the recordings of ESC-10")
    return chosen

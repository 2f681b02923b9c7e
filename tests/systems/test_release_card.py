"""What a card says of the recordings a model learned from."""

from __future__ import annotations

from pathlib import Path

import pytest

from soundsieve.checkpoint import Checkpoint
from soundsieve.errors import DatasetError
from soundsieve.systems.release_card import facts, licences_told
from soundsieve.training.unmix_recipe import SongSource

SONGS = """# Where these songs come from

| package | version | part | licence | songs |
|---|---|---|---|---|
| fluid-soundfont-gm | 3.1-5.3 | FluidR3_GM.sf2 | MIT, Frank Wen | 8 |
| hydrogen-drumkits | 0.9.3 | Millo-Drums_v.1 | GPL-2, Emiliano Grilli | 2 |
| hydrogen-drumkits | 0.9.3 | Millo_MultiLayered2 | GPL-2, Emiliano Grilli | 3 |
| hydrogen-drumkits | 0.9.3 | rumpf_kit_z01_h2 | CC-BY-3.0, Emanuel Rumpf | 1 |

The singing is from MIR-1K (Hsu and Jang, 2010), for research.

| singer | songs |
|---|---|
| amy | 2 |
"""
SOUNDS = """# Where these sounds come from

| package | version | licence | clips |
|---|---|---|---|
| hydrogen-drumkits | 0.9.3 | see each kit | 10 |
| minetest-data | 5.6 | CC-BY-SA-3.0 | 3 |

| class | clips | groups |
|---|---|---|
| bell | 3 | 1 |
"""


def used(root: str) -> SongSource:
    return SongSource(dataset="stems", root=Path(root))


def told(data: Path, *roots: str) -> dict[str, str]:
    kept = Checkpoint("unmix", "wave_unet", {}, ("vocals", "accompaniment"), 8_000)
    found = facts(kept, [used(root) for root in roots], data, seed=0, licence="MIT", command="", limits=())
    return dict(found["data"])


def test_licences_are_read_by_the_heading_of_their_column(tmp_path: Path) -> None:
    for name, text in (("songs", SONGS), ("sounds", SOUNDS)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "LICENCES.md").write_text(text, encoding="utf-8")
    (tmp_path / "own").mkdir()
    assert told(tmp_path, "songs", "sounds", "own") == {
        "songs": "fluid-soundfont-gm: MIT, Frank Wen; "
        "hydrogen-drumkits (Millo-Drums_v.1, Millo_MultiLayered2): GPL-2, Emiliano Grilli; "
        "hydrogen-drumkits (rumpf_kit_z01_h2): CC-BY-3.0, Emanuel Rumpf; "
        "The singing is from MIR-1K (Hsu and Jang, 2010), for research.",
        "sounds": "hydrogen-drumkits: see each kit; minetest-data: CC-BY-SA-3.0",
        "own": "yours",
    }


@pytest.mark.parametrize("text", ["", "All mine.\n", "| package | version |\n|---|---|\n| mine | 1 |\n"])
def test_a_page_without_licences_is_refused(tmp_path: Path, text: str) -> None:
    page = tmp_path / "LICENCES.md"
    page.write_text(text, encoding="utf-8")
    with pytest.raises(DatasetError, match="expected a table with the columns package and licence"):
        licences_told(page)


def test_recordings_that_are_not_there_are_not_passed_over(tmp_path: Path) -> None:
    (tmp_path / "songs").mkdir()
    with pytest.raises(DatasetError, match="elsewhere: not there"):
        told(tmp_path, "songs", "elsewhere")

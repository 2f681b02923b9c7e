"""A release of a network for `watch`: tested on true tracks, with a card that says where its videos are from."""

from __future__ import annotations

from pathlib import Path

import pytest

from made_objects import GreyViewer, write_made, write_network
from soundsieve import checkpoint
from soundsieve.errors import CheckpointError, DatasetError, OutputError
from soundsieve.evaluation import watch_tasks
from soundsieve.systems.release_watch import MADE, release

LICENCES = """# Where these videos come from

## Pictures

| from | version | name | licence | videos |
|---|---|---|---|---|
| greys | 1 | a.png | MIT, Ann | 2 |
| greys | 1 | b.png | MIT, Ann | 1 |

## Sounds

| from | name | licence | videos |
|---|---|---|---|
| tones | low | CC0 | 2 |
"""


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(watch_tasks, "open_viewer", lambda vision, device: GreyViewer())
    watch_tasks._viewer.cache_clear()
    watch_tasks._engine.cache_clear()
    shown = {"a": (("dog", "violin"), ("dog", "violin")), "b": (("violin", "car"), ("violin", "car"))}
    write_made(tmp_path / "made", shown)
    (tmp_path / "made" / "LICENCES.md").write_text(LICENCES, encoding="utf-8")
    write_network(tmp_path / "run" / "model.safetensors")
    return tmp_path


def test_a_card_tells_results_and_licences(work: Path) -> None:
    done = release(work / "run", [f"made_videos:{work / 'made'}"], work / "out.safetensors", command="train it")
    kept = checkpoint.load(done.weights)
    assert kept.card["data"] == {"made": "greys: MIT, Ann; tones: CC0"}
    assert kept.card["results"]["test"]["videos"] == 2
    assert kept.card["results"]["test"]["missed"] == 0
    assert kept.card["results"]["test"]["sdr_gain_db"] > 5
    assert kept.card["choice"] == {"kind": "best", "rest": "none"}
    page = done.card.read_text(encoding="utf-8")
    for told in ("`train it`", "greys: MIT, Ann; tones: CC0", "oracle bases", "0 are not seen", MADE[0]):
        assert told in page
    with pytest.raises(OutputError, match="exists already"):
        release(work / "run", [f"made_videos:{work / 'made'}"], work / "out.safetensors", command="train it")


def test_what_cannot_be_released_is_refused(work: Path) -> None:
    (work / "made" / "LICENCES.md").write_text("nothing\n", encoding="utf-8")
    with pytest.raises(DatasetError, match="columns from and licence"):
        release(work / "run", [str(work / "made")], work / "out.safetensors", command="")
    with pytest.raises(DatasetError, match="true tracks, which are not known"):
        release(work / "run", [f"video_folder:{work / 'made'}"], work / "out.safetensors", command="")
    checkpoint.save(
        work / "run" / "model.safetensors",
        checkpoint.Checkpoint("tag", "tag_small", {}, ("dog",), 8_000),
    )
    with pytest.raises(CheckpointError, match="is for tag, not for watch"):
        release(work / "run", [str(work / "made")], work / "out.safetensors", command="")
    assert not (work / "out.safetensors").exists()

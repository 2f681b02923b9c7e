"""`soundsieve prepare watch`: what it says, and what is to be put right."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from seen_videos import GreyViewer, hums, video
from soundsieve.cli import application
from soundsieve.systems import prepare_watch
from soundsieve.training import bag_making
from soundsieve.training.bags import read_bags


@pytest.fixture(autouse=True)
def in_this_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    asked: list[int] = []
    whole = prepare_watch.prepare

    def here(*arguments: object, jobs: int, **options: object) -> object:
        asked.append(jobs)
        return partial(whole, jobs=None)(*arguments, **options)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(prepare_watch, "prepare", here)
    monkeypatch.setattr(prepare_watch, "open_viewer", lambda choice, device: GreyViewer())
    monkeypatch.setattr(bag_making, "_viewer", lambda choice: GreyViewer())
    return asked


def run(*arguments: str) -> Result:
    return CliRunner().invoke(application(), ["prepare", *arguments])


def test_bags_are_made_and_gone_on_with(in_this_process: list[int]) -> None:
    video(Path("in/a.mp4"), ["dog"], sound=hums(0.5)[0])
    video(Path("in/mute.mp4"), ["dog"], sound=None)
    made = run("watch", "in", "-o", "bags", "--jobs", "3", "--components", "5")
    assert (made.exit_code, made.stdout) == (0, "bags: 1 bags\n")
    mute, count = made.stderr.splitlines()
    assert mute.startswith("soundsieve: in/mute.mp4: ")
    assert count == "soundsieve: 1 left out; bags/bags.json says why"
    index = read_bags(Path("bags"))
    assert (index.front_end["components"], index.front_end["window"]) == (5, 4_800)
    again = run("watch", "in", "-o", "bags", "--components", "5", "--resume")
    assert (again.exit_code, again.stdout) == (0, "bags: 1 bags, 1 of them there before\n")
    assert "use --resume to go on with them" in run("watch", "in", "-o", "bags").stderr
    assert run("watch", "in", "-o", "bags", "--force", "-q").stdout == ""
    assert in_this_process[0] == 3


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["hear", "a.mp4", "-o", "bags"], "unknown task 'hear'"),
        (["watch", "-o", "bags"], "name at least one video"),
        (["watch", "a.mp4"], "name the folder for the bags with -o"),
        (["watch", "a.mp4", "-o", "bags", "--resume", "--force"], "give either --resume"),
        (["watch", "a.mp4", "-o", "bags"], "a.mp4: there is no such file or folder"),
    ],
)
def test_what_is_to_be_put_right_is_one_sentence(arguments: list[str], sentence: str) -> None:
    result = run(*arguments)
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert result.stderr.startswith(f"soundsieve: {sentence}")
    assert not Path("bags").exists()


def test_no_bag_at_all_is_a_failure() -> None:
    video(Path("mute.mp4"), ["dog"], sound=None)
    result = run("watch", "mute.mp4", "-o", "bags")
    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1] == "soundsieve: bags: of none of the videos a bag could be made"

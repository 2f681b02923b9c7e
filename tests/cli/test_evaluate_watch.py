"""`soundsieve evaluate watch`: from a checkpoint and videos to tables, files and sentences."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from made_objects import GreyViewer, write_made, write_network
from soundsieve.cli import main
from soundsieve.evaluation import watch_tasks

VIDEOS = {
    "a": (("dog", "violin"), ("dog", "violin")),
    "b": (("dog", "car"), ("dog", "car")),
    "c": (("dog",), ("dog", "unseen")),  # a single object
    "d": (("violin", "nothing"), ("violin", "car")),  # the car is not shown
    "e": (("violin", "dog", "car"), ("violin", "car")),  # a silent dog
}
TRUE = {"d": ("violin", "car")}


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Five made videos and a network that knows their objects; pictures are known by their grey."""
    monkeypatch.setattr(watch_tasks, "open_viewer", lambda vision, device: GreyViewer())
    watch_tasks._viewer.cache_clear()
    watch_tasks._engine.cache_clear()
    folder = write_made(tmp_path / "made", VIDEOS)
    rows = json.loads((folder / "made.json").read_text(encoding="utf-8"))
    for row in rows["videos"]:
        row["seen"] = sorted(TRUE.get(row["name"], [label for label in row["seen"] if label != "nothing"]))
    (folder / "made.json").write_text(json.dumps(rows), encoding="utf-8")
    write_network(tmp_path / "run" / "model.safetensors")
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stop:
        main(["evaluate", "watch", *map(str, arguments)])
    captured = capsys.readouterr()
    return int(stop.value.code or 0), captured.out, captured.err


def asked(work: Path, *more: object) -> tuple[object, ...]:
    return ("--model", work / "run", "--data", f"made_videos:{work / 'made'}", *more)


def test_videos_with_true_tracks(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, *asked(work, "--report", work / "report"))
    assert code == 0
    assert "- videos: 4 of 4 with 2 objects that sound, true tracks known" in out
    assert "rule evidence from 0.1 on" in out
    for name in (
        "## All objects",
        "7 of 8 objects found",
        "the 1 missed ones as silence",
        "| car + violin",
        "## By pair",
    ):
        assert name in out
    assert all(name in err for name in ("report.json", "report.md", "objects.csv", "objects.png", "improvement.png"))
    found = json.loads((work / "report" / "report.json").read_text(encoding="utf-8"))
    overall = found["overall"]
    assert (overall["objects"], overall["missed"], overall["videos"]) == (8, 1, 4)
    gains = {system: overall["gains"][system]["sdr"]["mean"] for system in overall["gains"]}
    assert gains["engine"] > 8
    assert gains["oracle bases"] > 15
    assert overall["all_gains"]["engine"]["mean"] < gains["engine"]
    assert [row["name"] for row in found["pairs"]] == ["car + dog", "car + violin", "dog + violin"]
    assert [(row["right"], row["wrong"], row["missed"]) for row in found["seeing"]] == [(8, 0, 1), (4, 0, 5)]
    assert [(row["kind"], row["level"]["objects"]) for row in found["false_sound"]] == [("visible", 1)]
    assert found["false_sound"][0]["level"]["mean"] < -20
    assert found["base_map"]["right"] == 1
    assert len((work / "report" / "objects.csv").read_text(encoding="utf-8").splitlines()) == 1 + 8 * 5


def test_true_labels_are_told_without_looking(
    work: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(watch_tasks, "look_at")
    code, out, _ = run(capsys, *asked(work, "--labels", "true", "--json", "--limit", 3))
    assert code == 0
    found = json.loads(out)
    assert [video["name"] for video in found["videos"]] == ["a", "b", "d"]
    assert (found["overall"]["missed"], found["seeing"]) == (0, [])
    assert found["overall"]["gains"]["engine"]["sdr"]["mean"] > 8
    code, out, _ = run(capsys, *asked(work, "--labels", "true", "--json", "--objects", 1))
    assert [video["sounding"] for video in json.loads(out)["videos"]] == [["dog"]]


def test_videos_without_truth_are_mixed_in_pairs(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plain = work / "plain" / "test"
    plain.mkdir(parents=True)
    write_made(work / "single", {"f": (("dog",), ("dog",)), "g": (("car",), ("car",)), "h": (("violin",), ("violin",))})
    for place in (work / "single" / "test").glob("*.mkv"):
        shutil.copy(place, plain)
    shutil.copy(work / "made" / "test" / "a.mkv", plain)  # shows two objects
    options = ("--model", work / "run", "--data", work / "plain", "--json")
    code, out, _ = run(capsys, *options)
    assert code == 0
    found = json.loads(out)
    assert found["protocol"]["truth"] == "pairs"
    assert found["protocol"]["there"] == 3
    (video,) = found["videos"]  # the third one has no partner
    assert len(set(video["sounding"])) == 2
    scores = {(row["label"], row["system"]): row["sdr"] for row in video["scores"]}
    for label in video["sounding"]:
        assert scores[label, "mixture"] == pytest.approx(0, abs=0.1)  # equal energy, nothing in common
        assert scores[label, "engine"] > 8
    assert json.loads(run(capsys, *options)[1])["videos"][0]["name"] == video["name"]
    code, _, err = run(capsys, *options, "--labels", "true")  # nothing is known of them
    assert (code, "0 show a single object" in err) == (2, True)
    made = json.loads(run(capsys, *asked(work, "--pairs", "--labels", "true", "--json"))[1] or "{}")
    assert made == {}  # all but one show several


def test_finished_videos_are_passed_over(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = ("--report", work / "report")
    assert run(capsys, *asked(work, *report, "--limit", 1))[0] == 0
    kept = sorted((work / "report" / "videos").iterdir())
    assert len(kept) == 1
    values: dict[str, Any] = json.loads(kept[0].read_text(encoding="utf-8"))
    values["values"]["scores"][0]["sdr"] = 77.0
    kept[0].write_text(json.dumps(values), encoding="utf-8")
    code, out, _ = run(capsys, *asked(work, *report, "--resume", "--json", "--limit", 2))
    assert code == 0
    found = json.loads(out)
    assert (found["protocol"]["resumed"], len(found["videos"])) == (1, 2)
    assert found["videos"][0]["scores"][0]["sdr"] == 77  # taken from the folder, not measured

    code, _, err = run(capsys, *asked(work, *report))
    assert (code, "holds a report already" in err) == (2, True)
    (work / "report" / "report.json").unlink()
    code, _, err = run(capsys, *asked(work, *report))
    assert (code, "holds finished videos; use --resume" in err) == (2, True)
    code, _, err = run(capsys, *asked(work, *report, "--resume", "--labels", "true"))
    assert (code, "was measured with " in err) == (2, True)
    os.utime(work / "made" / "test" / "a.dog.flac", (1, 1))
    code, _, err = run(capsys, *asked(work, *report, "--resume"))
    assert (code, "before its files were changed" in err) == (2, True)
    write_network(work / "run" / "model.safetensors", swapped=True)
    watch_tasks._engine.cache_clear()
    code, _, err = run(capsys, *asked(work, *report, "--resume"))
    assert (code, "was measured with weights = " in err) == (2, True)
    code, out, _ = run(capsys, *asked(work, *report, "--force", "--json", "--limit", 1))
    found = json.loads(out)
    assert (code, found["protocol"]["resumed"]) == (0, 0)
    assert found["overall"]["gains"]["engine"]["sdr"]["mean"] < 0


def test_a_broken_video_does_not_stop_the_others(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (work / "made" / "test" / "a.dog.flac").write_bytes(b"no sound")
    code, out, err = run(capsys, *asked(work, "--labels", "true", "--limit", 2))
    assert code == 2
    assert "a.dog.flac" in err
    assert "1 videos could not be used" in err
    assert "- left out: a: " in out
    assert "- videos: 1 of 4" in out


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--part", "train"), "part = train: none of the 5 videos is of it; there are test"),
        (("--part", "tests"), "unknown part 'tests': did you mean 'test'?"),
        (("--objects", "3"), "objects = 3: of 5 videos none has true tracks of 3"),
        (("--labels", "heard"), "labels = 'heard'"),
        (("--rule", "eyes"), "rule = 'eyes'"),
        (("--engine", "network"), "is not for watch with the engine network"),
        (("--stems", "vocals"), "not for watch"),
        (("--resume",), "--resume: finished videos are in the folder of a report"),
    ],
)
def test_mistakes_are_sentences(
    work: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], sentence: str
) -> None:
    code, _, err = run(capsys, *asked(work, *options))
    assert (code, sentence in err) == (2, True), err


def test_options_of_watch_are_for_watch(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["evaluate", "select", "--labels", "seen"])
    assert "only for watch" in capsys.readouterr().err

"""`soundsieve tag`: what is printed and written, folders, formats, resuming, and sentences for what is wrong."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner, Result

import soundsieve
from soundsieve import audio, checkpoint, cli
from taggers import RATE, tiny_tagger, tone


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_tagger(tmp_path_factory.mktemp("models") / "tiny.safetensors")


@pytest.fixture
def field(tmp_path: Path) -> Path:
    """A folder of recordings: two seconds of each pitch, nested, a suffix in capitals, and a file that is no audio."""
    both = np.concatenate([tone(500, 2), tone(3_200, 2)])
    (tmp_path / "field" / "night").mkdir(parents=True)
    audio.write(tmp_path / "field" / "both.wav", both[None], RATE)
    soundfile.write(tmp_path / "field" / "night" / "LOW.WAV", tone(400, 1, rate=16_000), 16_000)
    (tmp_path / "field" / "notes.txt").write_text("not audio")
    return tmp_path / "field"


def tag(model: Path, *arguments: object) -> Result:
    return CliRunner().invoke(cli.application(), ["tag", *map(str, arguments), "--model", str(model)])


def test_json_says_what_and_when(model: Path, field: Path) -> None:
    result = tag(model, field / "both.wav", "--format", "json")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    assert set(found) == {"file", "duration_s", "labels", "segments"}
    assert found["file"] == str(field / "both.wav")
    assert found["duration_s"] == 4.0
    assert {row["label"] for row in found["labels"]} == {"low", "high"}
    scores = [row["score"] for row in found["labels"]]
    assert scores == sorted(scores, reverse=True)
    named = [row for row in found["segments"] if row["label"] != "unknown"]
    assert [row["label"] for row in named] == ["low", "high"]
    assert named[0]["end_s"] == pytest.approx(2, abs=0.5)
    assert named[1]["start_s"] == pytest.approx(2, abs=0.5)
    assert named[1]["end_s"] == 4.0


def test_python_says_the_same(model: Path, field: Path) -> None:
    found = soundsieve.load(model).tag(field / "both.wav")
    printed = json.loads(tag(model, field / "both.wav", "--format", "json").stdout)
    assert json.loads(found.to_json()) == printed


def test_top_limits_the_labels_and_a_threshold_can_be_chosen(model: Path, field: Path) -> None:
    one = json.loads(tag(model, field / "both.wav", "--format", "json", "--top", 1).stdout)
    assert len(one["labels"]) == 1
    strict = json.loads(tag(model, field / "both.wav", "--format", "json", "--threshold", "0.999999999").stdout)
    assert [row["label"] for row in strict["labels"]] == ["unknown"]


def test_a_folder_is_walked_and_every_format_written_beside_the_others(
    model: Path, field: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    result = tag(model, field, "-o", out, "--format", "json,csv", "--format", "audacity", "--plot")
    assert result.exit_code == 0, result.stderr
    names = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    suffixes = ("tags.json", "tags.csv", "labels.txt", "tags.png")
    assert names == {f"{stem}.{suffix}" for stem in ("both", "night/LOW") for suffix in suffixes}
    plain = json.loads((out / "both.tags.json").read_text())
    with (out / "both.tags.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(float(row["start_s"]), float(row["end_s"]), row["label"]) for row in rows] == [
        (part["start_s"], part["end_s"], part["label"]) for part in plain["segments"]
    ]
    track = [line.split("\t") for line in (out / "both.labels.txt").read_text().splitlines()]
    assert [(float(start), float(end), name) for start, end, name in track] == [
        (part["start_s"], part["end_s"], part["label"]) for part in plain["segments"]
    ]
    assert (out / "both.tags.png").read_bytes().startswith(b"\x89PNG")


def test_a_csv_for_several_recordings_has_one_heading(model: Path, field: Path) -> None:
    lines = tag(model, field, "--format", "csv").stdout.splitlines()
    assert lines[0] == "file,start_s,end_s,label,score"
    assert len([line for line in lines if line.startswith("file,")]) == 1
    assert {next(csv.reader([line]))[0] for line in lines[1:]} == {
        str(field / "both.wav"),
        str(field / "night" / "LOW.WAV"),
    }


def test_one_bad_recording_does_not_stop_the_others_and_is_listed_at_the_end(
    model: Path, field: Path, tmp_path: Path
) -> None:
    (field / "broken.wav").write_text("no sound")
    result = tag(model, field, "-o", tmp_path / "out", "--format", "json")
    assert result.exit_code == 2
    assert (tmp_path / "out" / "both.tags.json").exists()
    assert (tmp_path / "out" / "night" / "LOW.tags.json").exists()
    assert result.stderr.splitlines()[-1].startswith("soundsieve: 1 of 3 could not be done")
    assert "broken.wav" in result.stderr.splitlines()[-1]


def test_a_stopped_run_goes_on_and_nothing_is_overwritten(model: Path, field: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert tag(model, field / "both.wav", "-o", out, "--format", "json").exit_code == 0
    before = (out / "both.tags.json").stat().st_mtime_ns
    again = tag(model, field, "-o", out, "--format", "json")
    assert again.exit_code == 2
    assert "--resume to pass over it" in again.stderr
    resumed = tag(model, field, "-o", out, "--format", "json", "--resume")
    assert resumed.exit_code == 0, resumed.stderr
    assert "1 of 2 recordings were done before" in resumed.stderr
    assert (out / "both.tags.json").stat().st_mtime_ns == before
    assert (out / "night" / "LOW.tags.json").exists()
    assert tag(model, field, "-o", out, "--format", "json", "--force").exit_code == 0
    assert (out / "both.tags.json").stat().st_mtime_ns != before


def test_recordings_of_one_stem_get_results_of_their_own(model: Path, field: Path, tmp_path: Path) -> None:
    audio.write(field / "both.flac", tone(500, 1)[None], RATE)
    assert tag(model, field, "-o", tmp_path / "out", "--format", "json").exit_code == 0
    names = {path.name for path in (tmp_path / "out").iterdir() if path.is_file()}
    assert names == {"both.wav.tags.json", "both.flac.tags.json"}


def test_silence_is_unknown(model: Path, tmp_path: Path) -> None:
    audio.write(tmp_path / "quiet.wav", np.zeros((1, 3 * RATE), np.float32), RATE)
    found = json.loads(tag(model, tmp_path / "quiet.wav", "--format", "json").stdout)
    assert found["labels"] == [{"label": "unknown", "score": 1.0}]
    assert found["segments"] == [{"start_s": 0.0, "end_s": 3.0, "label": "unknown", "score": 1.0}]


@pytest.mark.parametrize("frames", [1, 100, 4_001])
def test_the_shortest_recordings_are_answered(model: Path, tmp_path: Path, frames: int) -> None:
    audio.write(tmp_path / "a.wav", tone(500, 1)[None, 1 : frames + 1], RATE)
    result = tag(model, tmp_path / "a.wav", "--format", "json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["labels"]


def test_the_classes_are_listed(model: Path) -> None:
    assert tag(model, "--classes").stdout.split() == ["low", "high"]


@pytest.mark.parametrize("arguments", [["--classes"], ["x.wav", "--format", "xml"]])
def test_what_needs_no_network_does_not_wait_for_one(model: Path, arguments: list[str]) -> None:
    program = (
        "import sys\nfrom soundsieve.cli import main\n"
        f"try:\n    main(['tag', *{arguments!r}, '--model', {str(model)!r}])\n"
        "except SystemExit:\n    print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "False"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "name at least one recording"),
        (["gone.wav"], "no such file"),
        (["empty"], "no recording in this folder or below it"),
        (["a.wav", "--format", "jsn"], "did you mean 'json'"),
        (["a.wav", "--format", "json,csv"], "give a folder for them with -o"),
        (["a.wav", "--plot"], "give a folder for them with -o"),
        (["a.wav", "--threshold", "high"], "expected auto or a number"),
        (["a.wav", "--threshold", "2"], "threshold"),
        (["a.wav", "--window", "0"], "window_s"),
        (["a.wav", "--device", "abacus"], "abacus"),
        (["a.wav", "-o", "a.wav/results"], "cannot be written"),
    ],
)
def test_what_is_wrong_is_one_sentence(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], sentence: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    audio.write(tmp_path / "a.wav", tone(500, 1)[None], RATE)
    result = tag(model, *arguments)
    assert result.exit_code == 2
    assert sentence in result.stderr
    assert result.stderr.count("\n") == 1
    assert result.exception is None or isinstance(result.exception, SystemExit)


def test_a_selector_cannot_tag(tiny_selector: Path, tmp_path: Path) -> None:
    result = tag(tiny_selector, tmp_path / "a.wav")
    assert result.exit_code == 2
    assert "for the task 'select' cannot tag" in result.stderr


def test_without_a_released_tagger_the_way_to_one_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "released", dict)
    result = CliRunner().invoke(cli.application(), ["tag", "a.wav"])
    assert result.exit_code == 2
    assert "train one (docs/tag.md) and give it with --model" in result.stderr

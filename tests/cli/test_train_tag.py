"""`train tag`, `evaluate tag`, `compare`: from one's own clips to numbers, and sentences for what is wrong."""

import json
import shutil
from pathlib import Path

import pytest
import yaml

from sounds import LABELS, write_sounds
from soundsieve import checkpoint
from soundsieve.cli import main
from soundsieve.settings import override, read_yaml

RECIPE = """
reproduces: a test
front_end: {sample_rate: 4000, n_fft: 128, win_length: 128, hop: 64, mels: 16}
model: {name: tag_lstm, hyper: {mels: 16, hidden: 16, layers: 1}}
corpus: {events: [{dataset: esc50, root: esc50}], folds: 3}
training: {epochs: 12, batch: 8, workers: 0, optimiser: {learning_rate: 2.0e-2, schedule: cosine}}
"""


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Clips of three classes, a recipe, and a run with all its folds."""
    folder = tmp_path_factory.mktemp("tag")
    write_sounds(folder, LABELS[:3], takes=9)
    (folder / "recipe.yaml").write_text(RECIPE)
    assert call("train", "tag", "--run", folder / "run", *begin(folder)) == 0
    return folder


def begin(folder: Path) -> list[object]:
    data = f"folder:{folder / 'sounds'}"
    return ["--recipe", folder / "recipe.yaml", "--data", data, "--device", "cpu", "--quiet"]


def call(*arguments: object) -> int:
    with pytest.raises(SystemExit) as stop:
        main([str(argument) for argument in arguments])
    return int(stop.value.code or 0)


def test_a_folder_of_ones_own_is_trained_on_by_source_in_folds(work: Path) -> None:
    runs = sorted(path.name for path in (work / "run").glob("fold*"))
    assert runs == ["fold1", "fold2", "fold3"]
    kept = checkpoint.load(work / "run" / "fold1" / "model.safetensors", weights=False)
    assert kept.classes == tuple(sorted(LABELS[:3]))
    assert yaml.safe_load((work / "run" / "recipe.yaml").read_text())["corpus"]["events"][0]["dataset"] == "folder"


def test_the_report_has_every_clip_once_and_every_picture(
    work: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("evaluate", "tag", "--model", work / "run", "--report", tmp_path / "report", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["accuracy"][0]["clips"] == 27
    assert found["accuracy"][0]["mean"] > 0.6, "three pitches are easy to tell apart"
    assert found["protocol"]["protocol"] == "choose"
    assert json.loads((tmp_path / "report" / "report.json").read_text()) == found
    pictures = {path.name for path in (tmp_path / "report").glob("*.png")}
    assert pictures >= {"confusion.png", "reliability.png", "curves.png"}
    assert ("mistakes.png" in pictures) == bool(found["mistakes"])


def test_the_table_says_how_it_was_measured(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("evaluate", "tag", "--model", work / "run") == 0
    printed = capsys.readouterr().out
    assert "one fold tests, another one chose the epoch, the others trained" in printed
    assert "last epoch" in printed
    assert "Expected calibration error" in printed


def test_runs_are_compared_by_accuracy_and_cost(work: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("compare", work / "run", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    [row] = found["runs"]
    assert found["seeds"] == []
    network = checkpoint.load(work / "run" / "fold1" / "model.safetensors").build()
    assert row["parameters"] == sum(weight.numel() for weight in network.parameters())
    assert row["accuracy"]["clips"] == 27
    frames = 1 + 5 * 4000 // 64
    assert row["macs"] >= frames * 4 * 16 * (16 + 16), "an LSTM of 16 from 16 bands, at each frame"
    assert row["latency_ms"] > 0
    assert row["memory_mb"] > 4e-6 * row["parameters"]
    assert call("compare", work / "run") == 0
    assert "tag_lstm" in capsys.readouterr().out
    shutil.copytree(work / "run", tmp_path / "part")
    shutil.rmtree(tmp_path / "part" / "fold2")
    assert call("compare", work / "run", tmp_path / "part", "--json") == 0
    protocols = {row["run"]: row["protocol"] for row in json.loads(capsys.readouterr().out)["runs"]}
    assert protocols == {"run": "choose", "part": "choose, 2 of 3 folds"}


def test_runs_that_differ_in_the_seed_are_averaged(
    work: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, changes in {"again": ["training.seed=5"], "longer": ["training.seed=5", "training.epochs=9"]}.items():
        shutil.copytree(work / "run", tmp_path / name)
        recipe = override(read_yaml(work / "run" / "recipe.yaml"), changes)
        (tmp_path / name / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    runs = [work / "run", tmp_path / "again", tmp_path / "longer"]
    assert call("compare", *runs, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    mean = found["runs"][0]["accuracy"]["mean"]
    assert found["seeds"] == [{"runs": ["run", "again"], "mean": mean, "low": mean, "high": mean}]
    assert call("compare", *runs, "--markdown") == 0
    table, sentence = capsys.readouterr().out.strip().split("\n\n")
    lines = [line.strip("|").split("|") for line in table.splitlines()]
    assert len(lines) == 2 + 3
    assert len({len(cells) for cells in lines}) == 1
    assert sentence.startswith("run, again: one recipe, 2 seeds, ")


def test_one_fold_can_be_trained_and_the_run_gone_on_with(work: Path, tmp_path: Path) -> None:
    short = ["--set", "training.epochs=1"]
    assert call("train", "tag", "--run", tmp_path / "run", "--folds", "2", *begin(work), *short) == 0
    assert [path.name for path in (tmp_path / "run").glob("fold*")] == ["fold2"]
    assert call("train", "tag", "--resume", tmp_path / "run", "--device", "cpu", "--quiet") == 0
    assert len(list((tmp_path / "run").glob("fold*/model.safetensors"))) == 3


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["train", "tag", "--recipe", "study-basline"], "did you mean 'study-baseline'"),
        (["train", "tag", "--recipe", "study-baseline", "--folds", "one"], "expected all or numbers"),
        (["train", "select", "--recipe", "small", "--folds", "1"], "only the recipes of tag have folds"),
        (["train", "tag", "--recipe", "study-baseline", "--data", "folder:gone"], "gone"),
        (["evaluate", "tag", "--model", "gone/run"], "gone/run"),
        (["evaluate", "tag", "--model", "."], "holds no finished run"),
        (["compare"], "name at least one run folder"),
        (["compare", "gone"], "holds no finished run"),
    ],
)
def test_what_is_wrong_is_one_sentence(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    sentence: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert call(*arguments) == 2
    captured = capsys.readouterr()
    assert sentence in captured.err
    assert captured.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []

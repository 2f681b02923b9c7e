"""`soundsieve evaluate select`: from a checkpoint and recordings to a table, and sentences for what is wrong."""

import json
from pathlib import Path

import pytest
import yaml

from sounds import LABELS, tiny_recipe, write_model, write_sounds
from soundsieve import checkpoint
from soundsieve.cli import main
from soundsieve.settings import override
from soundsieve.systems.evaluate_select import calibrate_selector


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Recordings of five classes, and an untrained selector whose recipe divides them."""
    folder = tmp_path_factory.mktemp("evaluate")
    write_sounds(folder / "data")
    write_model(folder / "model.safetensors", LABELS[:5])
    return folder


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stop:
        main(["evaluate", *map(str, arguments)])
    captured = capsys.readouterr()
    return int(stop.value.code or 0), captured.out, captured.err


def test_the_report_says_what_was_measured(work: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    arguments = ("select", "--model", work / "model.safetensors", "--data", work / "data", "--mixtures", 3)
    code, out, err = run(capsys, *arguments, "--report", tmp_path / "report")
    assert code == 0
    assert "subset 'test' of folder, 10 in 5 classes; backgrounds: noise_folder" in out
    for name in ("one class of 3", "two classes of 3–5", "three classes of 3–5", "remove by subtraction", "seen"):
        assert name in out
    assert out.count("remove directly") >= 4
    assert "report.json" in err
    assert (tmp_path / "report" / "classes.png").is_file()

    code, out, _ = run(capsys, *arguments, "--json", "--seed", 1)
    assert code == 0
    read, first = json.loads(out), json.loads((tmp_path / "report" / "report.json").read_text())
    assert read["protocol"]["seed"] == 1
    assert read["protocol"]["recordings_per_class"] == dict.fromkeys(sorted(LABELS[:5]), 2)
    assert read["conditions"] != first["conditions"]
    assert run(capsys, *arguments, "--json")[1].strip() != out.strip()
    assert json.loads(run(capsys, *arguments, "--json")[1]) == first


def test_a_seen_comparison_needs_recordings_that_training_is_known_to_have_heard(
    work: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def recordings(*more: object) -> list[str]:
        model = ("--model", work / "model.safetensors", "--data", work / "data", "--mixtures", 1, "--json")
        code, out, _ = run(capsys, "select", *model, *more)
        assert code == 0
        return list(dict.fromkeys(row["recordings"] for row in json.loads(out)["conditions"]))

    assert recordings() == ["unseen", "seen"]
    assert recordings("--subset", "train") == ["seen"]
    assert recordings("--subset", "validation") == ["validation", "seen"]
    same, other = tmp_path / "same.yaml", tmp_path / "other.yaml"
    same.write_text(yaml.safe_dump(tiny_recipe()))  # sorts the subsets, which must not move a recording
    other.write_text(yaml.safe_dump(override(tiny_recipe(), ["corpus.seed=1"])))
    assert recordings("--recipe", same) == ["unseen", "seen"]
    assert recordings("--recipe", other) == ["test"]


def test_the_same_recipe_in_another_order_gives_the_same_numbers(
    work: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    model = ("select", "--model", work / "model.safetensors", "--data", work / "data", "--mixtures", 1, "--json")
    (tmp_path / "same.yaml").write_text(yaml.safe_dump(tiny_recipe()))
    own = json.loads(run(capsys, *model)[1])
    again = json.loads(run(capsys, *model, "--recipe", tmp_path / "same.yaml")[1])
    assert own == again


def test_the_gate_can_be_left_out(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = ("select", "--model", work / "model.safetensors", "--data", work / "data", "--mixtures", 1, "--json")
    bare = json.loads(run(capsys, *model, "--no-gate")[1])
    assert bare["protocol"]["gate"] is False
    assert bare["leakage"][0]["silenced"] == 0


def test_what_is_wrong_is_said_in_a_sentence(work: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    model = ("--model", work / "model.safetensors")
    data = ("--data", work / "data")
    write_model(tmp_path / "cats.safetensors", ("cat", "lynx"))
    write_model(tmp_path / "bare.safetensors", LABELS[:5])
    loaded = checkpoint.load(tmp_path / "bare.safetensors")
    checkpoint.save(tmp_path / "bare.safetensors", checkpoint.Checkpoint(**{**vars(loaded), "recipe": {}}))
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "report.json").write_text("{}")
    for arguments, sentence in (
        (("selekt", *model, *data), "unknown task 'selekt': did you mean 'select'?"),
        (("select", "--model", "no/such.safetensors", *data), "there is no such checkpoint"),
        (("select", *model, "--data", tmp_path / "nowhere"), "nowhere"),
        (("select", *model, *data, "--subset", "tset"), "subset 'tset'"),
        (("select", *model, *data, "--recipe", "papier"), "did you mean 'paper'?"),
        (("select", *model, *data, "--device", "abacus"), "device 'abacus'"),
        (("select", "--model", tmp_path / "cats.safetensors", *data), "none of them among the model's classes"),
        (("select", "--model", tmp_path / "bare.safetensors", *data), "does not say what it was trained on"),
        (("select", *model, *data, "--report", tmp_path / "report"), "holds a report already"),
        (("select", *model, *data, "--report", tmp_path / "cats.safetensors" / "r"), "cannot be written there"),
    ):
        code, out, err = run(capsys, *arguments)
        assert code == 2, arguments
        assert sentence in err
        assert "Traceback" not in err
        assert out == ""


def test_thresholds_are_calibrated_on_validation_recordings(work: Path) -> None:
    found = calibrate_selector(work / "model.safetensors", work / "data", mixtures=6)
    assert list(found) == list(LABELS[:5])
    assert all(-100 <= level <= 10 for level in found.values())
    assert found == calibrate_selector(work / "model.safetensors", work / "data", mixtures=6)

"""`soundsieve release`: from a run to a checkpoint with its card, and nothing lost on the way."""

from pathlib import Path

import pytest

from sounds import LABELS, write_model, write_sounds
from soundsieve import checkpoint
from soundsieve.cli import main


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Recordings of five classes, and a finished run with an untrained selector whose recipe divides them."""
    folder = tmp_path_factory.mktemp("release")
    write_sounds(folder / "data")
    (folder / "run").mkdir()
    write_model(folder / "run" / "model.safetensors", LABELS[:5])
    return folder


def release(work: Path, out: Path, *more: str) -> int:
    with pytest.raises(SystemExit) as stop:
        main(["release", "select", str(work / "run"), "-o", str(out), "--data", str(work / "data"), *more])
    return int(stop.value.code or 0)


def test_a_release_holds_half_the_bytes_and_its_card_what_was_measured(work: Path, tmp_path: Path) -> None:
    out = tmp_path / "mine.safetensors"
    assert release(work, out, "--mixtures", "4", "--licence", "CC0", "--note", "Scored once.") == 0
    made, run = checkpoint.load(out), checkpoint.load(work / "run" / "model.safetensors")
    assert {tensor.dtype.itemsize for tensor in made.weights.values() if tensor.is_floating_point()} == {2}
    assert made.classes == run.classes
    assert made.card["licence"] == "CC0"
    assert set(made.card["thresholds_db"]) == set(LABELS[:5])
    measured = made.card["results"]["test"]
    assert any(name.startswith("one class") for name in measured)
    for row in measured.values():
        low, high = row["interval_95_db"]
        assert low <= row["sdr_improvement_db"] <= high
    page = out.with_suffix(".md").read_text()
    assert page.startswith("# mine\n")
    assert "CC0" in page
    assert "\nScored once.\n" in page
    assert "soundsieve train select --recipe run --data DATA" in page
    made.build()


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("card.md", "ends in .safetensors"),
        ("bare", "ends in .safetensors"),
        ("folder.safetensors", "is a folder"),
        ("there.safetensors", "exists already"),
        ("gone/mine.safetensors", "does not exist or is not writable"),
    ],
)
def test_what_cannot_be_written_is_said_before_the_work(
    work: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, sentence: str
) -> None:
    (tmp_path / "folder.safetensors").mkdir()
    (tmp_path / "there.safetensors").write_text("mine")
    before = sorted(path.name for path in tmp_path.iterdir())
    force = ["--force"] if "folder" in name else []
    assert release(work, tmp_path / name, "--mixtures", "1000000", *force) == 2
    assert sentence in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    assert (tmp_path / "there.safetensors").read_text() == "mine"

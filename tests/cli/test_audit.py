import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner, Result

from layouts import write_layout
from soundsieve import audio
from soundsieve.cli import application

RATE_HZ = 16_000


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(application(), ["audit", *map(str, arguments)])


def hiss(seed: int) -> NDArray[np.float32]:
    return (0.1 * np.random.default_rng(seed).standard_normal((1, RATE_HZ))).astype(np.float32)


@pytest.fixture
def sounds(tmp_path: Path) -> Path:
    """Three takes of two sounds, none of them a copy of another."""
    for number, label in enumerate(("rain", "wind")):
        (tmp_path / "sounds" / label).mkdir(parents=True)
        for take in range(3):
            wave = hiss(10 * number + take)
            wave = wave.cumsum(axis=1) / 50 if label == "wind" else wave
            audio.write(tmp_path / "sounds" / label / f"{label}{take}.wav", wave, RATE_HZ)
    return tmp_path / "sounds"


def test_a_sound_data_set_has_no_fault(sounds: Path) -> None:
    result = run("folder", sounds)
    assert result.exit_code == 0
    assert result.stdout.startswith("folder: 6 recordings of 6 sources, 2 labels\n")
    assert result.stdout.endswith("near-duplicates: 0 in all\nno fault found\n")


def test_a_copy_under_another_label_is_a_fault(sounds: Path) -> None:
    audio.write(sounds / "wind" / "copy.flac", -0.5 * hiss(0)[:, 3_000:], RATE_HZ)
    result = run("folder", sounds)
    assert result.exit_code == 2
    assert "fault: near-duplicates under two labels: 1\n  rain/rain0.wav and wind/copy.flac" in result.stdout
    assert run("folder", sounds, "--no-duplicates").exit_code == 0


def test_the_table_alone_is_enough(tmp_path: Path) -> None:
    root = write_layout("esc50", tmp_path)
    for path in (root / "audio").iterdir():
        path.unlink()
    (root / "audio").rmdir()
    result = run("esc50", root)
    assert result.exit_code == 2
    assert "fault: source in several parts: 1\n  209698 (fold4: 4-209698-A-14.wav;" in result.stdout
    assert "note: no recordings here, so the table alone was audited" in result.stdout


def test_the_ladder_and_the_json(sounds: Path, tmp_path: Path) -> None:
    out = tmp_path / "report.json"
    result = run("folder", sounds, "--ladder", "--folds", "3", "--json", "-o", out)
    assert result.exit_code == 0
    plain = json.loads(result.stdout)
    assert plain == json.loads(out.read_text(encoding="utf-8"))
    assert [rung["name"] for rung in plain["ladder"]["rungs"]] == ["shuffled", "by source"]
    assert {rung["accuracy"] for rung in plain["ladder"]["rungs"]} == {1.0}
    assert f"wrote {out}" in result.stderr
    again = run("folder", sounds, "-o", out)
    assert again.exit_code == 2
    assert "is there already" in again.stderr


def test_mistakes_are_sentences(sounds: Path, tmp_path: Path) -> None:
    (tmp_path / "one" / "rain").mkdir(parents=True)
    audio.write(tmp_path / "one" / "rain" / "a.wav", hiss(0), RATE_HZ)
    for arguments, sentence in (
        (("esc51", tmp_path), "unknown data set 'esc51': did you mean 'esc50'"),
        (("esc50", tmp_path / "absent"), "no such folder"),
        (("folder", tmp_path / "one", "--ladder"), "needs two labels and two sources"),
        (("folder", sounds, "--folds", "1"), "--folds"),
    ):
        result = run(*arguments)
        assert result.exit_code == 2
        assert sentence in result.stderr

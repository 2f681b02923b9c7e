import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from networks import tiny_checkpoint
from soundsieve import checkpoint
from soundsieve.cli import application


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(checkpoint, "released", lambda: {p.stem: p for p in sorted(tmp_path.glob("*.safetensors"))})
    return tmp_path


def run(*arguments: str) -> str:
    result = CliRunner().invoke(application(), ["models", *arguments])
    assert result.exit_code == 0
    return result.stdout


def test_every_model_is_listed_with_what_its_card_says(weights: Path) -> None:
    tiny_checkpoint(weights / "select.safetensors", result={"sdr_improvement_db": 9.25}, licence="CC BY 4.0")
    tiny_checkpoint(weights / "bells.safetensors", classes=("bell",), rate=16_000, result="rings", licence=None)
    output = run()
    assert output.splitlines()[0].split() == ["name", "task", "classes", "rate", "size", "licence", "result"]
    assert "8 kHz" in output
    assert "CC BY 4.0" in " ".join(output.split())
    assert "9.25" in output
    assert "select knows dog, finger_snapping, rain" in output
    bells, select = (json.loads(line) for line in run("--json").splitlines())
    assert (bells["name"], bells["classes"], bells["sample_rate"], bells["licence"]) == (
        "bells",
        ["bell"],
        16_000,
        None,
    )
    assert select["result"] == {"sdr_improvement_db": 9.25}
    assert select["size_bytes"] == (weights / "select.safetensors").stat().st_size


def test_a_copy_without_models_says_so(weights: Path) -> None:
    assert "no model" in run()
    assert run("--json") == ""

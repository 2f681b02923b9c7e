"""`describe`, and `select --keep auto`: what the released models hear decides what can be done."""

import json
import shlex
from pathlib import Path

import numpy as np
import pytest

from films import film, grey
from soundsieve import audio
from soundsieve.cli import main
from soundsieve.inference.tags import Label, Tags
from soundsieve.systems.tag import Tagger

RATE = 16_000


@pytest.fixture
def noise(tmp_path: Path) -> Path:
    audio.write(tmp_path / "a street.wav", 0.1 * np.random.default_rng(0).standard_normal((1, 2 * RATE)), RATE)
    return tmp_path / "a street.wav"


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[Label]:
    """What the tagger hears, to be changed by a test."""
    labels = [Label("speech", 0.9), Label("rain", 0.8), Label("dog", 0.7)]
    monkeypatch.setattr(Tagger, "tag", lambda self, file, **_: Tags(2.0, tuple(labels), (), Path(file), None))
    return labels


def call(*arguments: object) -> int:
    with pytest.raises(SystemExit) as stop:
        main([str(argument) for argument in arguments])
    return int(stop.value.code or 0)


def test_what_is_heard_decides_which_commands_are_offered(
    noise: Path, heard: list[Label], capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("describe", noise, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["duration_s"], found["sample_rate"], found["channels"]) == (2.0, RATE, 1)
    assert [row["label"] for row in found["heard"]] == ["speech", "rain", "dog"]
    assert found["genre"] == [{"label": "unknown", "score": 1.0}], "noise is no music"
    assert shlex.split(found["commands"]["select"]) == ["soundsieve", "select", str(noise), "--keep", "rain,dog"]
    assert "unmix" not in found["commands"]
    heard[:] = [Label("singing", 0.9)]
    assert call("describe", noise) == 0
    printed = capsys.readouterr().out
    assert "soundsieve unmix" in printed
    assert "soundsieve select" not in printed
    heard[:] = [Label("unknown", 0.9)]
    assert call("describe", noise) == 0
    assert "none that knows a way" in capsys.readouterr().out


def test_a_video_can_be_watched(tmp_path: Path, heard: list[Label], capsys: pytest.CaptureFixture[str]) -> None:
    sound = np.zeros((1, 2 * RATE), np.float32)
    clip = film(tmp_path / "a clip.mp4", [0, 1, 2], [grey(10)] * 3, sound=sound, rate=RATE)
    still = film(tmp_path / "cover.mp4", [0], [grey(10)], sound=sound, rate=RATE)
    for path, offered in ((clip, True), (still, False)):
        assert call("describe", path, "--json") == 0
        commands = json.loads(capsys.readouterr().out)["commands"]
        assert ("watch" in commands) is offered
    assert call("describe", clip) == 0
    assert f"soundsieve watch '{clip}'" in capsys.readouterr().out


def test_a_file_that_cannot_be_described_does_not_stop_the_others(
    noise: Path, tmp_path: Path, heard: list[Label], capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "broken.wav").write_bytes(b"RIFF")
    assert call("describe", tmp_path / "broken.wav", noise) == 2
    both = capsys.readouterr()
    assert "a street.wav: 2.0 s, 16000 Hz, mono" in both.out
    assert both.err.count("\n") == 1
    assert call("describe") == 2
    assert "name at least one recording" in capsys.readouterr().err


def test_auto_keeps_what_is_heard_and_known(
    noise: Path, tmp_path: Path, heard: list[Label], capsys: pytest.CaptureFixture[str]
) -> None:
    select = ["select", noise, "--keep", "auto", "--device", "cpu", "-o"]
    assert call(*select, tmp_path / "out", "--json") == 0
    both = capsys.readouterr()
    assert set(json.loads(both.out)["classes"]) == {"rain", "dog"}
    assert "heard speech 0.90, rain 0.80, dog 0.70" in both.err
    parts = [audio.read(tmp_path / "out" / f"a street.{part}.wav")[0] for part in ("selected", "rest")]
    np.testing.assert_allclose(sum(parts), audio.read(noise)[0], atol=1e-4)
    heard[:] = [Label("speech", 0.9)]
    assert call(*select, tmp_path / "none") == 2
    assert "nothing is heard that this model can keep (speech 0.90)" in capsys.readouterr().err
    assert not list((tmp_path).glob("none/*"))

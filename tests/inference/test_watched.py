"""What was made of a video: plain values, and files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from soundsieve import audio
from soundsieve.errors import OutputError
from soundsieve.inference.watched import Watched, WatchedObject, WatchReport

OBJECTS = (WatchedObject("dog", 0.98765, 0.1234567, False, 7), WatchedObject("harp", 0.1, 0.0, True))


def watched() -> Watched:
    tracks = {name: np.full((2, 80), level, np.float32) for name, level in (("dog", 0.5), ("harp", 0.0), ("rest", 1.5))}
    return Watched(tracks, 8_000, WatchReport(OBJECTS, 8_000, 2, 0.01, 1.23456, Path("in/duo.mp4")))


def test_json_has_what_there_is_and_nothing_else() -> None:
    assert json.loads(watched().to_json()) == {
        "file": "in/duo.mp4",
        "objects": [
            {"label": "dog", "visual": 0.9877, "audible": 0.123457, "silent": False, "bases": 7},
            {"label": "harp", "visual": 0.1, "audible": 0.0, "silent": True},
        ],
        "outputs": {},
        "clipped": 0,
        "duration_s": 0.01,
        "sample_rate": 8_000,
        "channels": 2,
        "seconds_taken": 1.235,
    }
    whole = WatchReport(
        OBJECTS,
        8_000,
        2,
        0.01,
        1.0,
        Path("a.mp4"),
        {"dog": Path("d.wav")},
        {"dog": Path("d.mp4")},
        Path("f.png"),
        3,
        "cut",
    ).to_dict()
    assert (whole["outputs"], whole["videos"]) == ({"dog": "d.wav"}, {"dog": "d.mp4"})
    assert (whole["figure"], whole["clipped"], whole["note"]) == ("f.png", 3, "cut")


def test_tracks_are_saved_all_or_none(tmp_path: Path) -> None:
    result = watched()
    paths = result.save(tmp_path / "new")
    assert [path.name for path in paths.values()] == ["duo.dog.wav", "duo.harp.wav", "duo.rest.wav"]
    np.testing.assert_array_equal(audio.read(paths["rest"])[0], result.tracks["rest"])  # beyond full scale, too
    paths["dog"].unlink()
    with pytest.raises(OutputError, match="exists already"):
        result.save(tmp_path / "new")
    assert not paths["dog"].exists()
    assert set(result.save(tmp_path / "new", force=True)) == {"dog", "harp", "rest"}

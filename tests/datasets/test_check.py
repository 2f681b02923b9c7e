from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import soundfile

from layouts import write_tone
from soundsieve.datasets.check import Check, damage, examine


def test_ok_needs_everything_present_and_sound() -> None:
    assert Check("x", 2, 2, missing=(), damaged=(), notes=("a note",)).ok
    assert not Check("x", 2, 1, missing=(), damaged=(), notes=()).ok
    assert not Check("x", 2, 2, missing=("a",), damaged=(), notes=()).ok
    assert not Check("x", 2, 2, missing=(), damaged=("a: empty",), notes=()).ok


def test_the_sentence_names_three_files_at_most() -> None:
    text = Check("x", 1005, 1000, missing=tuple("abcde"), damaged=("f: why",), notes=("by the way",)).sentence()
    assert text == (
        "x: 1,000 of 1,005 recordings found; 5 missing (a, b, c and 2 more); 1 damaged (f: why); by the way"
    )


def test_damage_says_why(tmp_path: Path) -> None:
    sound = write_tone(tmp_path / "a.wav", channels=2)
    assert damage(sound) is None
    assert damage(sound, channels=2) is None
    assert damage(sound, channels=8) == "it has 2 channels, expected 8"
    sound.write_bytes(b"no audio")
    reason = damage(sound)
    assert reason
    assert not reason.startswith(str(tmp_path))


def test_a_recording_without_a_sample_is_damaged(tmp_path: Path) -> None:

    soundfile.write(tmp_path / "a.wav", np.zeros(0), 8000)
    assert damage(tmp_path / "a.wav")


def test_archives_are_compared_with_their_checksums_where_they_are(tmp_path: Path) -> None:
    (tmp_path / "good.zip").write_bytes(b"good")
    (tmp_path / "bad.zip").write_bytes(b"bad")
    published = {name: hashlib.md5(b"good").hexdigest() for name in ("good.zip", "bad.zip", "absent.zip")}
    state = examine("x", tmp_path, [], expected=0, checksums=published)
    assert [text.split(":")[0] for text in state.damaged] == ["bad.zip"]


@pytest.mark.parametrize("suffix", ["flac", "ogg"])
def test_a_recording_that_breaks_off_is_damaged(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    soundfile.write(path, 0.1 * np.random.default_rng(0).standard_normal(64_000), 8000)
    assert damage(path) is None
    whole = path.read_bytes()
    half = len(whole) // 2
    path.write_bytes(whole[:half] if suffix == "flac" else whole[:half] + bytes(5000) + whole[half + 5000 :])
    assert damage(path)

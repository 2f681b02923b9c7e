"""What is kept of finished videos is only used for the same files, measured in the same way."""

from __future__ import annotations

from pathlib import Path

import pytest

from soundsieve.errors import AudioError, SettingsError
from soundsieve.evaluation.finished_videos import FinishedVideos

LONG = "x" * 300


def test_kept_and_read(tmp_path: Path) -> None:
    file = tmp_path / "a.mkv"
    file.write_bytes(b"1")
    kept = FinishedVideos(tmp_path / "report", {"weights": "abc"})
    assert (kept.any(), kept.read("a", [file])) == (False, None)
    for number, name in enumerate(("a", "a/b", "a_b", f"{LONG}1", f"{LONG}2")):
        kept.keep(name, [file], {"value": number})
    assert [kept.read(name, [file])["value"] for name in ("a", "a/b", "a_b", f"{LONG}1", f"{LONG}2")] == [0, 1, 2, 3, 4]
    with pytest.raises(SettingsError, match="was measured with weights = 'abc', not 'def'"):
        FinishedVideos(tmp_path / "report", {"weights": "def"}).read("a", [file])
    file.write_bytes(b"22")
    with pytest.raises(SettingsError, match="was measured before its files were changed"):
        kept.read("a", [file])
    file.unlink()
    with pytest.raises(AudioError, match=r"a\.mkv: cannot be read"):
        kept.read("a", [file])
    next((tmp_path / "report" / "videos").glob("a *.json")).write_text("{", encoding="utf-8")
    with pytest.raises(SettingsError, match="--force measures all videos again"):
        kept.read("a", [file])
    kept.clear()
    assert not kept.any()

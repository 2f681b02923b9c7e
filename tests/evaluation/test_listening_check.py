from __future__ import annotations

from pathlib import Path

import pytest

from rated_stems import RATE, write_stems, write_tone
from recordings import tone
from soundsieve import audio
from soundsieve.errors import AudioError, DatasetError
from soundsieve.evaluation.listening_check import check_recordings
from soundsieve.evaluation.listening_material import find_material


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_stems(tmp_path / "stems")


def notes(folder: Path) -> tuple[str, ...]:
    return check_recordings(find_material(folder))


def test_nothing_is_said_of_recordings_that_are_alike(folder: Path) -> None:
    assert notes(folder) == ()
    write_tone(folder / "beta" / "One.drums.wav", 0.4, duration_s=2.09)  # as a codec pads
    assert notes(folder) == ()


@pytest.mark.parametrize("name", ["beta/One.drums.wav", "reference/Two.vocals.wav", "mixture/One.wav"])
def test_lengths_that_differ_by_much_are_refused(folder: Path, name: str) -> None:
    write_tone(folder / name, 0.4, duration_s=3.1)
    with pytest.raises(DatasetError, match=rf"lasts 2\.0 s and .*{name} 3\.1 s; expected .* to within 1 s"):
        notes(folder)


def test_lengths_that_differ_by_less_are_said(folder: Path) -> None:
    write_tone(folder / "beta" / "Two.drums.wav", 0.4, duration_s=1.5)
    write_tone(folder / "alpha" / "Two.vocals.wav", 0.4, duration_s=2.25)
    (note,) = notes(folder)
    assert note.startswith("recordings of 2 of 4 stems differ in length, by up to 0.50 s (Two.drums first)")


def test_rates_and_channels_that_differ_are_said(folder: Path) -> None:
    audio.write(folder / "beta" / "One.drums.wav", tone(440, 2.0, 2 * RATE, channels=2), 2 * RATE, force=True)
    audio.write(folder / "reference" / "One.vocals.wav", tone(440, 2.0, RATE), RATE, force=True)
    rates, channels = notes(folder)
    expected = "differ in sample rate (One.drums first: alpha 8,000 Hz, beta 16,000 Hz, reference 8,000 Hz)"
    assert f"1 of 4 stems {expected}" in rates
    assert "1 of 4 stems differ in channels (One.vocals first: alpha 2, beta 2, reference 1)" in channels


def test_the_format_of_what_is_not_rated_does_not_matter(folder: Path) -> None:
    audio.write(folder / "mixture" / "One.wav", tone(440, 2.0, 2 * RATE), 2 * RATE, force=True)
    assert notes(folder) == ()


def test_what_cannot_be_read_is_refused(folder: Path) -> None:
    (folder / "mixture" / "Two.wav").write_text("no sound")
    with pytest.raises(AudioError, match=r"Two\.wav: is not audio"):
        notes(folder)

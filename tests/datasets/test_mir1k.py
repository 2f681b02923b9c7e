from __future__ import annotations

from pathlib import Path

import pytest

from layouts import write_layout, write_tone
from soundsieve.datasets import leaks, mir1k, split_by_fraction
from soundsieve.errors import DatasetError


def test_the_voice_is_on_the_right_and_the_singer_is_the_group(tmp_path: Path) -> None:
    clips = mir1k.clips(write_layout("mir1k", tmp_path))
    assert len(clips) == 6
    assert {(clip.labels, clip.channel, clip.part) for clip in clips} == {(("singing",), 1, "all")}
    assert {clip.group for clip in clips} == {"abjones", "Ani", "leon"}


@pytest.mark.parametrize("folder", ["MIR-1K", "MIR-1K_for_MIREX"])
def test_the_unpacked_archive_is_found_inside_the_folder_given(tmp_path: Path, folder: str) -> None:
    write_layout("mir1k", tmp_path / folder)
    assert len(mir1k.clips(tmp_path)) == 6


def test_no_singer_is_on_both_sides(tmp_path: Path) -> None:
    clips = mir1k.clips(write_layout("mir1k", tmp_path))
    subsets = split_by_fraction(clips, {"train": 0.34, "validation": 0.33, "test": 0.33}, seed=0)
    assert leaks(subsets) == []
    assert [len(subset) for subset in subsets.values()] == [2, 2, 2]


def test_a_name_of_another_form_is_an_error(tmp_path: Path) -> None:
    write_tone(tmp_path / "Wavfile" / "song.wav", channels=2)
    with pytest.raises(DatasetError, match=r"song.wav: the name is not of the form singer_song_clip"):
        mir1k.clips(tmp_path)


def test_a_recording_without_its_right_channel_is_damaged(tmp_path: Path) -> None:
    root = write_layout("mir1k", tmp_path)
    write_tone(root / "Wavfile" / "leon_1_02.wav", channels=1)
    state = mir1k.check(root)
    assert state.damaged == ("Wavfile/leon_1_02.wav: it has 1 channel, expected 2",)
    assert state.notes == ("994 of the published 1,000 are missing",)


@pytest.mark.shared_data
def test_the_real_singers(shared_data: Path) -> None:
    clips = mir1k.clips(shared_data / "mir1k")
    assert len(clips) == 1000
    assert len({clip.group for clip in clips}) == 19

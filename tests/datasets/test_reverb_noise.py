from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from layouts import write_layout, write_tone
from soundsieve.datasets import reverb_noise
from soundsieve.errors import DatasetError


def test_thirty_noises_of_three_rooms(tmp_path: Path) -> None:
    root = write_layout("reverb_noise", tmp_path)
    clips = reverb_noise.clips(root)
    assert Counter(clip.labels[0] for clip in clips) == {"simroom1": 10, "simroom2": 10, "simroom3": 10}
    assert len({clip.group for clip in clips}) == 30
    assert {(clip.part, clip.channel) for clip in clips} == {("test", 0)}
    assert reverb_noise.check(root).ok


def test_another_channel_can_be_asked_for(tmp_path: Path) -> None:
    root = write_layout("reverb_noise", tmp_path)
    assert {clip.channel for clip in reverb_noise.clips(root, channel=7)} == {7}
    for channel in (-1, 8):
        with pytest.raises(DatasetError, match=f"channel {channel} does not exist; choose from 0 to 7"):
            reverb_noise.clips(root, channel=channel)


def test_the_names_of_openslr(tmp_path: Path) -> None:
    root = write_layout("reverb_noise", tmp_path, variant="openslr")
    assert [(clip.labels[0], clip.group, clip.part) for clip in reverb_noise.clips(root)] == [
        ("largeroom1", "largeroom1_1", "train"),
        ("simroom3", "simroom3_10", "test"),
    ]
    state = reverb_noise.check(root)
    assert (state.expected, state.found, len(state.missing)) == (90, 2, 88)


def test_names_that_tell_the_distance(tmp_path: Path) -> None:
    for distance in ("near", "far"):
        write_tone(tmp_path / f"Noise_SimRoom1_{distance}_2.wav", channels=8)
    assert [clip.group for clip in reverb_noise.clips(tmp_path)] == ["simroom1_far_2", "simroom1_near_2"]


def test_a_second_copy_of_a_noise_is_not_a_second_noise(tmp_path: Path) -> None:
    for release in ("REVERB_dt", "REVERB_et"):
        write_tone(tmp_path / release / "Noise_SimRoom1_1.wav", channels=8)
    assert [clip.path.parent.name for clip in reverb_noise.clips(tmp_path)] == ["REVERB_dt"]


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    root = write_layout("reverb_noise", tmp_path)
    (root / "NOISE" / "Noise_SimRoom2_4.wav").unlink()
    assert reverb_noise.check(root).missing == ("Noise_SimRoom2_4.wav",)


def test_a_noise_without_its_eight_channels_is_damaged(tmp_path: Path) -> None:
    root = write_layout("reverb_noise", tmp_path)
    write_tone(root / "NOISE" / "Noise_SimRoom2_4.wav", channels=1)
    assert reverb_noise.check(root).damaged == ("NOISE/Noise_SimRoom2_4.wav: it has 1 channel, expected 8",)

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from layouts import FSD_TRAIN_COLUMNS, TRAIN_ROWS, write_layout, write_table
from soundsieve.datasets import Clip, fsdkaggle2018, split_by_part
from soundsieve.errors import DatasetError, UnknownNameError


@pytest.fixture
def zenodo(tmp_path: Path) -> Path:
    return write_layout("fsdkaggle2018", tmp_path, variant="zenodo")


@pytest.fixture
def kaggle(tmp_path: Path) -> Path:
    return write_layout("fsdkaggle2018", tmp_path, variant="kaggle")


def by_name(clips: list[Clip]) -> dict[str, Clip]:
    return {clip.path.name: clip for clip in clips}


def test_there_are_41_classes_in_order() -> None:
    assert len(set(fsdkaggle2018.CLASSES)) == 41
    assert list(fsdkaggle2018.CLASSES) == sorted(fsdkaggle2018.CLASSES)
    assert fsdkaggle2018.CLIPS == {"train": 9473, "test": 1600}


def test_zenodo_layout(zenodo: Path) -> None:
    clips = by_name(fsdkaggle2018.clips(zenodo))
    assert len(clips) == 6
    first = clips["00044347.wav"]
    assert (first.labels, first.group, first.part) == (("hi_hat",), "28739", "train")
    assert first.licence == "Attribution"
    assert first.path.parent.name == "FSDKaggle2018.audio_train"
    test = clips["0038a046.wav"]
    assert (test.labels, test.group, test.part, test.licence) == (("bass_drum",), "90621", "test", "Creative Commons 0")
    assert clips["0033e230.wav"].group == first.group, "two clips of one Freesound recording"


def test_kaggle_layout_has_no_ids_for_training_and_padding_among_the_test_clips(kaggle: Path) -> None:
    clips = by_name(fsdkaggle2018.clips(kaggle))
    assert len(clips) == 6
    assert "00063640.wav" not in clips
    assert (clips["00044347.wav"].group, clips["00044347.wav"].licence) == ("00044347", "")
    assert clips["00326aa9.wav"].group == "355125"


def test_verified_only_leaves_out_labels_nobody_listened_to(zenodo: Path) -> None:
    clips = fsdkaggle2018.clips(zenodo, verified_only=True)
    assert [clip.path.name for clip in clips if clip.part == "train"] == ["001ca53d.wav", "0033e230.wav"]
    assert len([clip for clip in clips if clip.part == "test"]) == 2


def test_training_alone_is_enough_and_the_test_part_is_then_unknown(zenodo: Path) -> None:
    shutil.rmtree(zenodo / "FSDKaggle2018.audio_test")
    clips = fsdkaggle2018.clips(zenodo)
    assert {clip.part for clip in clips} == {"train"}
    with pytest.raises(UnknownNameError, match="unknown part 'test'"):
        split_by_part(clips, {"train": ["train"], "test": ["test"]})
    assert "this copy has no test recordings" in fsdkaggle2018.check(zenodo).sentence()


def test_test_recordings_without_labels_are_left_out(kaggle: Path) -> None:
    (kaggle / "test_post_competition.csv").unlink()
    assert {clip.part for clip in fsdkaggle2018.clips(kaggle)} == {"train"}


def test_training_recordings_without_a_table_are_an_error(kaggle: Path) -> None:
    (kaggle / "train.csv").unlink()
    with pytest.raises(DatasetError, match=r"audio_train/ has no table; expected train_post_competition\.csv or"):
        fsdkaggle2018.clips(kaggle)


def test_an_unknown_label_is_an_error_with_the_nearest(zenodo: Path) -> None:
    table = zenodo / "FSDKaggle2018.meta" / "train_post_competition.csv"
    rows = [("00044347.wav", "Hihat", *TRAIN_ROWS[0][2:]), *TRAIN_ROWS[1:]]
    write_table(table, FSD_TRAIN_COLUMNS, rows)
    with pytest.raises(DatasetError, match=r"00044347\.wav has an unknown label 'Hihat': did you mean 'Hi-hat'"):
        fsdkaggle2018.clips(zenodo)


def test_missing_recordings_are_refused_and_named_by_check(zenodo: Path) -> None:
    (zenodo / "FSDKaggle2018.audio_test" / "0038a046.wav").unlink()
    with pytest.raises(DatasetError, match=r"the first is FSDKaggle2018.audio_test/0038a046.wav"):
        fsdkaggle2018.clips(zenodo)
    state = fsdkaggle2018.check(zenodo)
    assert (state.expected, state.found) == (6, 5)
    assert state.missing == ("FSDKaggle2018.audio_test/0038a046.wav",)


def test_an_archive_that_was_cut_short_is_damaged(zenodo: Path) -> None:
    (zenodo / "FSDKaggle2018.meta.zip").write_bytes(b"PK")
    assert "MD5" in fsdkaggle2018.check(zenodo).damaged[0]


@pytest.mark.shared_data
def test_the_real_part_of_it(shared_data: Path) -> None:
    root = shared_data / "fsdkaggle2018"
    clips = fsdkaggle2018.clips(root)
    assert len(clips) == 250
    assert len({clip.labels for clip in clips}) == 10
    assert all(clip.group.isdigit() and clip.licence for clip in clips)
    assert fsdkaggle2018.check(root).ok

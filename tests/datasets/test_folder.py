from __future__ import annotations

from pathlib import Path

import pytest

from layouts import write_layout, write_tone
from soundsieve.datasets import folder, noise_folder
from soundsieve.errors import DatasetError


def found(root: Path) -> dict[str, tuple[str, str]]:
    return {c.path.relative_to(root).as_posix(): (c.labels[0], c.group) for c in folder.clips(root)}


def test_the_sub_folder_is_the_class_and_groups_are_by_name_or_folder(tmp_path: Path) -> None:
    assert found(write_layout("folder", tmp_path)) == {
        "Dog/Howl.WAV": ("dog", "Dog/Howl.WAV"),
        "Dog/bark.wav": ("dog", "Dog/bark.wav"),
        "Dog/garden/1.wav": ("dog", "garden"),
        "Dog/kitchen__1.wav": ("dog", "kitchen"),
        "Dog/kitchen__2.flac": ("dog", "kitchen"),
        "door bell/a.ogg": ("door_bell", "door bell/a.ogg"),
        "door bell/garden/1.wav": ("door_bell", "garden"),
    }


def test_a_name_that_begins_with_the_separator_is_its_own_group(tmp_path: Path) -> None:
    write_tone(tmp_path / "dog" / "__1.wav")
    write_tone(tmp_path / "dog" / "__2.wav")
    assert {group for _, group in found(tmp_path).values()} == {"dog/__1.wav", "dog/__2.wav"}


def test_a_table_says_which_recordings_belong_together(tmp_path: Path) -> None:
    for name in ("dog/1.wav", "dog/2.wav", "dog/kitchen__3.wav", "cat/1.wav"):
        write_tone(tmp_path / name)
    (tmp_path / "groups.csv").write_text("file,group,microphone\ndog/1.wav,monday,a\ndog/kitchen__3.wav,monday,b\n")
    assert found(tmp_path) == {
        "cat/1.wav": ("cat", "cat/1.wav"),
        "dog/1.wav": ("dog", "monday"),
        "dog/2.wav": ("dog", "dog/2.wav"),
        "dog/kitchen__3.wav": ("dog", "monday"),
    }


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ("file,group\ndog/9.wav,monday\n", r"groups\.csv: 'dog/9\.wav' is no recording"),
        ("file,take\ndog/1.wav,monday\n", r"groups\.csv: column 'group' is missing"),
        ("file,group\ndog/1.wav,\n", r"groups\.csv"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(tmp_path: Path, table: str, sentence: str) -> None:
    write_tone(tmp_path / "dog/1.wav")
    (tmp_path / "groups.csv").write_text(table)
    with pytest.raises(DatasetError, match=sentence):
        folder.clips(tmp_path)


def test_recordings_outside_a_class_are_left_out_and_noted(tmp_path: Path) -> None:
    state = folder.check(write_layout("folder", tmp_path))
    assert state.ok
    assert state.notes == ("1 outside a class folder, left out (loose.wav first)",)


def test_two_folders_of_one_class_are_an_error(tmp_path: Path) -> None:
    for name in ("Hi-hat", "hi hat"):
        write_tone(tmp_path / name / "1.wav")
    with pytest.raises(DatasetError, match="folders 'Hi-hat' and 'hi hat' are both the class 'hi_hat'"):
        folder.clips(tmp_path)


def test_a_folder_without_a_name_is_an_error(tmp_path: Path) -> None:
    write_tone(tmp_path / "---" / "1.wav")
    with pytest.raises(DatasetError, match="has no letter or digit"):
        folder.clips(tmp_path)


def test_a_flat_folder_is_an_error_that_says_what_is_expected(tmp_path: Path) -> None:
    write_tone(tmp_path / "dog.wav")
    with pytest.raises(DatasetError, match="no sub-folder with recordings; expected one a class"):
        folder.clips(tmp_path)


def test_a_noise_folder_takes_everything(tmp_path: Path) -> None:
    clips = noise_folder.clips(write_layout("noise_folder", tmp_path))
    assert {clip.labels for clip in clips} == {("noise",)}
    assert {clip.path.relative_to(tmp_path).as_posix(): clip.group for clip in clips} == {
        "market__1.wav": "market",
        "market__2.wav": "market",
        "park/1.wav": "park",
        "park/2.wav": "park",
        "street.WAV": "street.WAV",
    }


def test_the_roles() -> None:
    assert (folder.ROLE, noise_folder.ROLE) == ("events", "noise")

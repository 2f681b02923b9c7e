from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pytest

from layouts import ESC50_COLUMNS, write_layout, write_table
from soundsieve.datasets import esc10, esc50, leaks, split_by_part
from soundsieve.errors import DatasetError

FOLDS = [f"fold{number}" for number in range(1, 6)]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_layout("esc50", tmp_path)


def rewrite(root: Path, row: int, **changes: str) -> None:
    """Change values of one row of the table; row 0 is 1-101000-A-0.wav, a dog."""
    table = root / "meta" / "esc50.csv"
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    rows[row] |= changes
    write_table(table, ESC50_COLUMNS, [list(values.values()) for values in rows])


def test_labels_groups_and_folds_come_from_the_table(root: Path) -> None:
    by_name = {clip.path.name: clip for clip in esc50.clips(root)}
    assert len(by_name) == 32
    clip = by_name["3-103140-A-14.wav"]
    assert (clip.labels, clip.group, clip.part, clip.channel) == (("chirping_birds",), "103140", "fold3", None)
    assert Counter(clip.part for clip in by_name.values()) == {
        "fold1": 6,
        "fold2": 6,
        "fold3": 6,
        "fold4": 7,
        "fold5": 7,
    }


def test_esc10_is_the_rows_that_say_so(root: Path) -> None:
    clips = esc10.clips(root)
    assert {label for clip in clips for label in clip.labels} == {"dog", "rooster"}
    assert set(clips) < set(esc50.clips(root))
    assert len(clips) == 20


def test_esc10_of_a_table_without_it_is_an_error(root: Path) -> None:
    for row in range(32):
        rewrite(root, row, esc10="False")
    with pytest.raises(DatasetError, match=r"no row of meta/esc50\.csv has esc10 = True"):
        esc10.clips(root)


def test_the_unpacked_archive_is_found_inside_the_folder_given(tmp_path: Path) -> None:
    write_layout("esc50", tmp_path / "ESC-50-master")
    assert len(esc50.clips(tmp_path)) == 32
    assert esc50.check(tmp_path).found == 32


def test_recordings_may_have_another_suffix_than_the_table_says(tmp_path: Path) -> None:
    root = write_layout("esc50", tmp_path, variant="ogg")
    assert {clip.path.suffix for clip in esc50.clips(root)} == {".ogg"}
    assert esc50.check(root).ok


@pytest.mark.parametrize(
    ("field", "value"), [("fold", "2"), ("src_file", "7"), ("take", "B"), ("target", "1"), ("filename", "1-2-3.wav")]
)
def test_a_row_that_contradicts_the_file_name_is_an_error(root: Path, field: str, value: str) -> None:
    rewrite(root, 0, **{field: value})
    with pytest.raises(DatasetError, match="does not agree with its row"):
        esc50.clips(root)


def test_two_names_for_one_target_are_an_error(root: Path) -> None:
    rewrite(root, 0, category="cat")
    with pytest.raises(DatasetError, match="target 0 is called both 'cat' and 'dog'"):
        esc50.clips(root)


def test_a_missing_column_is_an_error(root: Path) -> None:
    table = root / "meta" / "esc50.csv"
    table.write_text(table.read_text().replace("src_file", "source"))
    with pytest.raises(DatasetError, match="column 'src_file' is missing"):
        esc50.clips(root)


def test_missing_recordings_are_refused_and_named_by_check(root: Path) -> None:
    (root / "audio" / "1-101000-A-0.wav").unlink()
    with pytest.raises(DatasetError, match=r"1 audio file named by .* the first is audio/1-101000-A-0\.wav"):
        esc50.clips(root)
    state = esc50.check(root)
    assert (state.expected, state.found, state.missing) == (32, 31, ("audio/1-101000-A-0.wav",))


def test_a_part_of_the_set_is_noted(root: Path) -> None:
    assert esc50.check(root).notes == ("the table lists 32 of the published 2,000",)


def test_no_audio_folder_is_an_error(root: Path) -> None:
    (root / "audio").rename(root / "sounds")
    with pytest.raises(DatasetError, match="no folder audio/ here"):
        esc50.clips(root)


@pytest.mark.parametrize("test_fold", FOLDS)
def test_the_source_that_crosses_the_published_folds_is_given_up_by_training(root: Path, test_fold: str) -> None:
    clips = esc50.clips(root)
    training = [fold for fold in FOLDS if fold != test_fold]
    naive = {"train": [c for c in clips if c.part in training], "test": [c for c in clips if c.part == test_fold]}
    crosses = test_fold in {"fold4", "fold5"}
    assert leaks(naive) == (["209698"] if crosses else [])

    subsets = split_by_part(clips, {"train": training, "test": [test_fold]})
    assert leaks(subsets) == []
    assert len(subsets["test"]) == len(naive["test"])
    assert len(subsets["train"]) == len(naive["train"]) - crosses
    assert ("209698" in {clip.group for clip in subsets["train"]}) != crosses


@pytest.mark.shared_data
def test_the_real_esc10(shared_data: Path) -> None:
    clips = esc10.clips(shared_data / "esc10")
    assert len(clips) == 400
    assert set(Counter(clip.labels[0] for clip in clips).values()) == {40}
    assert set(Counter(clip.part for clip in clips).values()) == {80}
    assert esc10.check(shared_data / "esc10").ok

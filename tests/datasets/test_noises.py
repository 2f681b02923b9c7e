from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from layouts import write_layout, write_tone
from soundsieve.datasets import noises
from soundsieve.errors import DatasetError

COUNTS = {"crowd": 17, "machine": 12, "alarm": 14, "traffic": 3, "animal": 9, "water": 14, "wind": 9, "other": 22}


def test_the_categories_cover_1_to_100_once() -> None:
    assert sorted(n for numbers in noises.CATEGORIES.values() for n in numbers) == list(range(1, 101))


@pytest.mark.parametrize(
    ("number", "label"), [(1, "crowd"), (17, "crowd"), (18, "machine"), (46, "traffic"), (70, "wind"), (100, "other")]
)
def test_the_label_follows_from_the_number(tmp_path: Path, number: int, label: str) -> None:
    write_tone(tmp_path / f"N{number}.wav")
    (clip,) = noises.clips(tmp_path)
    assert (clip.labels, clip.group) == ((label,), f"n{number}")


def test_all_hundred(tmp_path: Path) -> None:
    root = write_layout("noises", tmp_path / "Nonspeech")
    clips = noises.clips(root)
    assert Counter(clip.labels[0] for clip in clips) == COUNTS
    assert len({clip.group for clip in clips}) == 100
    assert noises.check(root).ok
    assert noises.clips(tmp_path) == clips, "the unpacked archive is found inside the folder given"


def test_other_files_are_not_noises_and_missing_ones_are_named(tmp_path: Path) -> None:
    for name in ("n1.wav", "n101.wav", "n0.wav", "noise.wav", "xn2.wav"):
        write_tone(tmp_path / name)
    assert [clip.path.name for clip in noises.clips(tmp_path)] == ["n1.wav"]
    state = noises.check(tmp_path)
    assert (state.expected, state.found, len(state.missing)) == (100, 1, 99)
    assert state.missing[0] == "n2"


def test_none_of_them_is_an_error(tmp_path: Path) -> None:
    write_tone(tmp_path / "n101.wav")
    with pytest.raises(DatasetError, match="no recordings n1 to n100 here"):
        noises.clips(tmp_path)


@pytest.mark.shared_data
def test_the_real_noises(shared_data: Path) -> None:
    assert Counter(clip.labels[0] for clip in noises.clips(shared_data / "noises")) == COUNTS
    assert noises.check(shared_data / "noises").ok

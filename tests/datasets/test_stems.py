from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from layouts import write_layout
from songs import stems, write_folder
from soundsieve.datasets import STEMS
from soundsieve.datasets import stems as own
from soundsieve.errors import AudioError, DatasetError


def test_stems_that_are_absent_are_silent(tmp_path: Path) -> None:
    made = stems(500)
    write_folder(tmp_path / "Me - Song", {name: made[name] for name in ("vocals", "drums")})
    [song] = own.songs(tmp_path)
    assert (song.group, song.part, song.mixture) == ("me", "all", None)
    read = song.open().read()
    np.testing.assert_array_equal(read[STEMS.index("drums")], made["drums"])
    np.testing.assert_array_equal(read[STEMS.index("vocals")], made["vocals"])
    assert not read[STEMS.index("bass")].any()
    assert not read[STEMS.index("other")].any()


def test_unequal_lengths_are_refused_in_one_sentence_that_names_both(tmp_path: Path) -> None:
    write_folder(tmp_path / "Me - Song", {"vocals": stems(500)["vocals"], "drums": stems(499)["drums"]})
    [song] = own.songs(tmp_path)
    with pytest.raises(AudioError, match=r"vocals.wav has 500 samples and .*drums.wav 499: .*one length$"):
        song.open()
    assert own.check(tmp_path).damaged == (
        "Me - Song: vocals.wav has 500 samples and drums.wav 499: tracks of one recording must have one length",
    )


def test_a_mixture_of_another_length_is_refused_by_the_check(tmp_path: Path) -> None:
    write_folder(tmp_path / "Me - Song", {"vocals": stems(500)["vocals"], "mixture": stems(400)["mixture"]})
    assert "mixture.wav 400" in own.check(tmp_path).damaged[0]


def test_parts_are_folders(tmp_path: Path) -> None:
    songs = own.songs(write_layout("stems", tmp_path, variant="parts"))
    assert [(song.name, song.part) for song in songs] == [("C - 1", "all"), ("B - 1", "test"), ("A - 1", "train")]


def test_files_that_are_no_stems_are_told(tmp_path: Path) -> None:
    state = own.check(write_layout("stems", tmp_path))
    assert state.ok
    assert state.notes == ("1 not named after a stem, left out (Nobody - Second/click.wav first)",)


def test_the_folder_of_a_song_is_not_that_of_songs(tmp_path: Path) -> None:
    write_folder(tmp_path, {"vocals": stems(10)["vocals"]})
    with pytest.raises(DatasetError, match="stems lie straight in this folder; expected one folder a song"):
        own.songs(tmp_path)

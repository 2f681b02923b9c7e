from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from layouts import MUSDB18_SONGS, write_layout
from songs import TRACKS, stems, write_folder
from soundsieve import audio
from soundsieve.datasets import STEMS, leaks, musdb18, musdb18hq, split_by_part
from soundsieve.datasets.song import artist_of
from soundsieve.errors import DatasetError

PARTS = {"train": ["train"], "validation": ["validation"], "test": ["test"]}


def empty_copy(root: Path, suffix: str = ".stem.mp4") -> Path:
    """Every published song, as an empty file."""
    for name, part in musdb18.published().items():
        path = root / ("test" if part == "test" else "train") / f"{name}{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    return root


def test_the_published_songs_are_all_known(tmp_path: Path) -> None:
    songs = musdb18.songs(empty_copy(tmp_path))
    assert Counter(song.part for song in songs) == {"train": 86, "validation": 14, "test": 50}
    assert musdb18.missing_songs(songs) == musdb18.unknown_songs(songs) == []
    assert {song.name for song in songs if song.part == "validation"} >= {"Leaf - Summerghost", "ANiMAL - Rockshow"}


def test_no_artist_is_on_two_sides(tmp_path: Path) -> None:
    songs = musdb18.songs(empty_copy(tmp_path))
    published = {part: [song for song in songs if song.part == part] for part in PARTS}
    assert len(leaks(published)) == 16
    mended = split_by_part(songs, PARTS)
    assert leaks(mended) == []
    assert {part: len(members) for part, members in mended.items()} == {"train": 62, "validation": 12, "test": 50}


def test_each_stem_is_its_own_track(tmp_path: Path) -> None:
    song = musdb18.songs(write_layout("musdb18", tmp_path))[0]
    assert song.name == "Zeno - Signs"
    read = song.open().read()
    for name, samples in zip(STEMS, read, strict=True):
        track, _ = audio.read(song.path, track=TRACKS.index(name))
        np.testing.assert_array_equal(samples, track)
    np.testing.assert_array_equal(song.open_mixture().read()[0], audio.read(song.path)[0])


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    state = musdb18.check(write_layout("musdb18", tmp_path))
    assert (state.found, state.expected, len(state.missing)) == (3, 150, 147)
    assert "train/Triviul - Dorothy.stem.mp4" in state.missing
    assert "test/Triviul feat. The Fiend - Widow.stem.mp4" in state.missing
    assert "147 missing (test/AM Contra - Heart Peripheral.stem.mp4, " in state.sentence()


def test_a_whole_copy_is_fine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there = {Path(name).name: part for name, part in zip(MUSDB18_SONGS, PARTS, strict=True)}
    for module in (musdb18, musdb18hq):
        monkeypatch.setattr(module, "published", lambda: there)
    for name, module in (("musdb18", musdb18), ("musdb18hq", musdb18hq)):
        state = module.check(write_layout(name, tmp_path / name))
        assert state.ok
        assert state.sentence() == f"{name}: 3 of 3 songs found"


def test_a_song_with_too_few_tracks_is_damaged(tmp_path: Path) -> None:
    root = write_layout("musdb18", tmp_path)
    victim = root / "test" / "Zeno - Signs.stem.mp4"
    audio.write(tmp_path / "one.wav", stems(2_000)["drums"], 44_100)
    victim.write_bytes((tmp_path / "one.wav").read_bytes())
    assert musdb18.check(root).damaged == ("test/Zeno - Signs.stem.mp4: has 1 sound track, expected 3 or more",)


def test_a_song_in_the_wrong_folder_is_an_error(tmp_path: Path) -> None:
    root = write_layout("musdb18", tmp_path)
    (root / "train" / "Zeno - Signs.stem.mp4").write_bytes(b"")
    with pytest.raises(DatasetError, match=r"Zeno - Signs.stem.mp4: lies in the folder train/; expected test/"):
        musdb18.songs(root)


def test_a_song_of_nobodys_list_is_noted(tmp_path: Path) -> None:
    root = write_layout("musdb18", tmp_path)
    (root / "test" / "Zeno - Signs.stem.mp4").rename(root / "test" / "Me - Mine.stem.mp4")
    assert [song.part for song in musdb18.songs(root)] == ["test", "validation", "train"]
    assert musdb18.check(root).notes == ("1 song not in the published list ('Me - Mine' first)",)


def test_uncompressed_songs_lack_no_stem(tmp_path: Path) -> None:
    root = write_layout("musdb18hq", tmp_path)
    (root / "train" / "Leaf - Wicked" / "bass.wav").unlink()
    with pytest.raises(DatasetError, match=r"lack 1 of their files, the first is train/Leaf - Wicked/bass.wav"):
        musdb18hq.songs(root)
    state = musdb18hq.check(root)
    assert (state.found, state.expected) == (2, 150)
    assert "train/Leaf - Wicked/bass.wav" in state.missing
    assert "train/Leaf - Wicked" not in state.missing
    assert len(state.missing) == 148


def test_stems_of_unequal_length_are_named_by_the_check(tmp_path: Path) -> None:
    root = write_layout("musdb18hq", tmp_path)
    write_folder(root / "test" / "Zeno - Signs", {"vocals": stems(70)["vocals"]})
    [sentence] = musdb18hq.check(root).damaged
    assert sentence.startswith("test/Zeno - Signs: bass.wav has 80 samples and vocals.wav 70: ")


@pytest.mark.parametrize(
    ("song", "artist"),
    [
        ("Jokers, Jacks & Kings - Sea Of Leaves", "jokers, jacks & kings"),
        ("Triviul feat. The Fiend - Widow", "triviul"),
        ("The Easton Ellises (Baumi) - SDRNR", "the easton ellises"),
        ("ANiMAL - Clinic A", "animal"),
        ("A Classic Education - NightOwl", "a classic education"),
    ],
)
def test_guests_do_not_make_another_artist(song: str, artist: str) -> None:
    assert artist_of(song) == artist

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from layouts import write_layout, write_tone
from soundsieve.datasets import gtzan
from soundsieve.errors import DatasetError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Five tracks and the lists, which leave blues.00001 out."""
    for name in ("blues/blues.00000.wav", "blues/blues.00001.au", "jazz/jazz.00054.ogg", "pop/pop.00099.wav"):
        write_tone(tmp_path / "genres" / name)
    write_tone(tmp_path / "genres" / "pop" / "pop.00007.wav")
    lists(tmp_path, train="blues/blues.00000.wav\npop/pop.00099.wav", valid="pop/pop.00007.wav", test="jazz.00054\n")
    return tmp_path


def lists(root: Path, **parts: str) -> None:
    (root / "split").mkdir(exist_ok=True)
    for part, text in parts.items():
        (root / "split" / f"{part}_filtered.txt").write_text(text)


def test_genre_group_and_part_come_from_names_and_lists(root: Path) -> None:
    found = {clip.path.name: (clip.labels, clip.group, clip.part) for clip in gtzan.clips(root)}
    assert found == {
        "blues.00000.wav": (("blues",), "blues.00000", "train"),
        "blues.00001.au": (("blues",), "blues.00001", "left_out"),
        "jazz.00054.ogg": (("jazz",), "jazz.00054", "test"),
        "pop.00007.wav": (("pop",), "pop.00007", "validation"),
        "pop.00099.wav": (("pop",), "pop.00099", "train"),
    }


def test_without_lists_every_track_is_in_one_part(root: Path) -> None:
    for path in (root / "split").iterdir():
        path.unlink()
    assert {clip.part for clip in gtzan.clips(root)} == {"all"}
    with pytest.raises(DatasetError, match=r"no split/train_filtered\.txt here"):
        gtzan.filtered_tracks(root)


def test_lists_are_found_in_their_own_folder_as_well(root: Path) -> None:
    assert gtzan.filtered_tracks(root / "split") == gtzan.filtered_tracks(root)


@pytest.mark.parametrize("home", ["genres_original", "Data/genres_original", "."])
def test_other_layouts(root: Path, tmp_path: Path, home: str) -> None:
    (tmp_path / "other" / home).mkdir(parents=True)
    for path in (root / "genres").rglob("*.*"):
        path.rename(tmp_path / "other" / home / path.name)
    assert len(gtzan.clips(tmp_path / "other")) == 5


def test_the_folder_of_genres_itself_may_be_given(root: Path) -> None:
    assert {clip.path.suffix for clip in gtzan.clips(root / "genres")} == {".wav", ".au", ".ogg"}


def test_missing_and_corrupt_tracks_are_counted_and_named(root: Path) -> None:
    (root / "genres" / "jazz" / "jazz.00054.ogg").write_bytes(b"no sound")
    state = gtzan.check(root)
    assert (state.expected, state.found, len(state.missing)) == (1000, 5, 995)
    assert state.missing[:2] == ("blues.00002", "blues.00003")
    assert len(state.damaged) == 1
    assert state.damaged[0].startswith("genres/jazz/jazz.00054.ogg: ")
    assert len(gtzan.clips(root)) == 5, "listing opens nothing"


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("blues/song.wav", r"blues: 'song' is not of the form genre\.number"),
        ("blues/polka.00001.wav", "'polka.00001' is not of the form .* genres are blues, classical"),
        ("blues/jazz.00001.wav", "lies in the folder of blues; expected jazz/"),
        ("blues/blues.00001.7.wav", "a piece of blues.00001, it seems"),
    ],
)
def test_a_name_out_of_place_is_an_error(root: Path, name: str, sentence: str) -> None:
    write_tone(root / "genres" / name)
    with pytest.raises(DatasetError, match=sentence):
        gtzan.clips(root)


@pytest.mark.parametrize(
    ("parts", "sentence"),
    [
        ({"test": "pop/pop.00099.wav"}, r"pop\.00099 is in both train_filtered\.txt and test_filtered\.txt"),
        ({"valid": " \n"}, "valid_filtered.txt: the list is empty"),
        ({"test": "song.wav"}, r"test_filtered\.txt: 'song\.wav' is not of the form"),
    ],
)
def test_lists_that_contradict_themselves_are_errors(root: Path, parts: dict[str, str], sentence: str) -> None:
    lists(root, **parts)
    with pytest.raises(DatasetError, match=sentence):
        gtzan.clips(root)


def test_a_list_that_is_missing_beside_another_is_an_error(root: Path) -> None:
    (root / "split" / "test_filtered.txt").unlink()
    with pytest.raises(DatasetError, match=r"test_filtered\.txt: cannot read this list \(No such file"):
        gtzan.clips(root)


def test_the_whole_set_is_complete(tmp_path: Path) -> None:
    state = gtzan.check(write_layout("gtzan", tmp_path))
    assert state.ok
    assert state.found == 1000


@pytest.mark.shared_data
def test_the_real_lists_and_tracks(shared_data: Path) -> None:
    root = shared_data / "gtzan"
    counts = {part: len(members) for part, members in gtzan.filtered_tracks(root).items()}
    assert counts == {"train": 443, "validation": 197, "test": 290}
    clips = gtzan.clips(root)
    by_genre = Counter(clip.labels[0] for clip in clips)
    assert {genre for genre, count in by_genre.items() if count == 100} == {"classical", "jazz", "rock"}
    corrupt = next(clip for clip in clips if clip.group == "jazz.00054")
    assert corrupt.path.suffix == ".wav"

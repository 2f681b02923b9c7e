from __future__ import annotations

from pathlib import Path

import pytest

from soundsieve.errors import DatasetError
from soundsieve.evaluation.listening_material import find_material


def touch(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def test_systems_stand_side_by_side_with_the_reference_and_the_mixture(tmp_path: Path) -> None:
    touch(tmp_path, "b/S.T.vocals.wav", "a/S.T.vocals.wav", "reference/S.T.vocals.wav", "mixture/S.T.wav")
    (question,) = find_material(tmp_path).questions
    assert (question.song, question.stem) == ("S.T", "vocals")
    assert [item.system for item in question.items] == ["a", "b"]
    assert question.reference == tmp_path / "reference" / "S.T.vocals.wav"
    assert question.mixture == tmp_path / "mixture" / "S.T.wav"


def test_a_folder_a_song_is_read_too_and_its_mixture_is_not_a_stem(tmp_path: Path) -> None:
    touch(tmp_path, "a/Song/Bass.flac", "a/Song/mixture.wav", "reference/Song/bass.wav", "reference/Song/mixture.wav")
    (question,) = find_material(tmp_path).questions
    assert (question.song, question.stem) == ("Song", "bass")
    assert question.mixture == tmp_path / "reference" / "Song" / "mixture.wav"


def test_stems_straight_in_the_folder_are_of_one_system_named_after_it(tmp_path: Path) -> None:
    found = find_material(touch(tmp_path / "mine", "S.bass.wav", "S.drums.wav", "reference/S.bass.wav", "S.wav"))
    assert found.systems == ("mine",)
    assert [question.stem for question in found.questions] == ["bass", "drums"]
    assert len(found.notes) == 1
    assert "1 of 2 stems have no reference (S.drums first)" in found.notes[0]


def test_what_a_system_lacks_is_said(tmp_path: Path) -> None:
    found = find_material(touch(tmp_path, "a/S.bass.wav", "a/S.drums.wav", "b/S.bass.wav"))
    assert found.notes == ("b has 1 of 2 stems; it is absent where the others are rated",)
    assert [len(question.items) for question in found.questions] == [2, 1]


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        ([], "no stems of a system here"),
        (["reference/S.bass.wav", "mixture/S.wav", "notes.txt"], "no stems of a system here"),
        (["a/S.wav", ".hidden/S.bass.wav"], "no stems of a system here"),
        (["a/S.bass.wav", "S.bass.wav"], "both straight in it"),
        (["a/S.bass.wav", "a/S.bass.flac"], "expected one of them"),
        (["a/S.bass.wav", "a/s.Bass.wav"], "expected one of them"),
        (["S.bass.wav", "s.bass.wav"], "expected one of them"),
        (["a/S.bass.wav", "mixture/S.wav", "mixture/s.mp3"], "is the mixture of s, and so is"),
        (["Ours/S.bass.wav", "ours/S.bass.wav"], "differs from Ours in case alone"),
        (["a/S.bass.wav", "Reference/S.bass.wav", "reference/S.bass.wav"], "differs from Reference in case alone"),
    ],
)
def test_a_folder_without_stems_or_with_too_many_is_refused(tmp_path: Path, names: list[str], sentence: str) -> None:
    with pytest.raises(DatasetError, match=sentence):
        find_material(touch(tmp_path, *names))


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="there is no such folder"):
        find_material(tmp_path / "absent")


def test_the_case_of_names_keeps_nothing_apart(tmp_path: Path) -> None:
    touch(tmp_path, "a/Song.vocals.wav", "b/SONG.Vocals.wav", "Reference/song.vocals.wav", "Mixture/sOng.Mixture.wav")
    found = find_material(tmp_path)
    (question,) = found.questions
    assert found.systems == ("a", "b")
    assert [item.path.name for item in question.items] == ["Song.vocals.wav", "SONG.Vocals.wav"]
    assert question.song == "Song"
    assert question.reference == tmp_path / "Reference" / "song.vocals.wav"
    assert question.mixture == tmp_path / "Mixture" / "sOng.Mixture.wav"


def test_a_system_is_never_called_as_the_reference_is(tmp_path: Path) -> None:
    assert find_material(touch(tmp_path / "Reference", "S.bass.wav")).systems == ("system",)

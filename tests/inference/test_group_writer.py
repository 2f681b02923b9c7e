from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from soundsieve import audio
from soundsieve.errors import OutputError
from soundsieve.inference.group_writer import GroupWriter, made_folder, make_folder, refuse_overwriting
from soundsieve.inference.pair import output_paths

BLOCK = np.full((2, 100), 0.25, np.float32)


@pytest.fixture
def paths(tmp_path: Path) -> tuple[Path, Path]:
    return tmp_path / "a.selected.wav", tmp_path / "a.rest.wav"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def write(paths: tuple[Path, Path], error: BaseException, **options: bool) -> None:
    """Write one block, then fail."""
    with GroupWriter(paths, 8_000, 2, **options) as pair:
        pair.write(BLOCK, BLOCK)
        raise error


def test_both_appear_complete_and_nothing_else_is_left(paths: tuple[Path, Path]) -> None:
    with GroupWriter(paths, 8_000, 2) as pair:
        for _ in range(3):
            pair.write(BLOCK, 2 * BLOCK)
        assert not any(path.exists() for path in paths)
    assert names(paths[0].parent) == ["a.rest.wav", "a.selected.wav"]
    for path, value in zip(paths, (0.25, 0.5), strict=True):
        wave, rate = audio.read(path)
        assert rate == 8_000
        np.testing.assert_array_equal(wave, np.full((2, 300), value, np.float32))


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_neither_appears_after_an_error(paths: tuple[Path, Path], error: type[BaseException]) -> None:
    with pytest.raises(error):
        write(paths, error())
    assert names(paths[0].parent) == []


def test_neither_appears_when_the_second_cannot_be_finished(paths: tuple[Path, Path]) -> None:
    with pytest.raises(OutputError, match=r"NaN") as caught, GroupWriter(paths, 8_000, 2) as pair:
        pair.write(BLOCK, np.nan * BLOCK)
    assert str(paths[1]) in str(caught.value)  # by its own name, not by the hidden one
    assert names(paths[0].parent) == []


def test_neither_appears_when_the_second_cannot_be_renamed(
    paths: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = Path.replace

    def fail(self: Path, target: Any) -> Path:
        if Path(target) == paths[1]:
            raise OSError(28, "No space left on device")
        return rename(self, target)

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OutputError, match="No space left"), GroupWriter(paths, 8_000, 2) as pair:
        pair.write(BLOCK, BLOCK)
    assert names(paths[0].parent) == []


@pytest.mark.parametrize("which", [0, 1])
def test_an_existing_file_is_left_alone_unless_forced(paths: tuple[Path, Path], which: int) -> None:
    paths[which].write_text("precious")
    with pytest.raises(OutputError, match=paths[which].name):
        GroupWriter(paths, 8_000, 2)
    assert paths[which].read_text() == "precious"
    with GroupWriter(paths, 8_000, 2, force=True) as pair:
        pair.write(BLOCK, BLOCK)
    assert audio.read(paths[which])[0].shape == (2, 100)


def test_a_file_that_appears_meanwhile_is_left_alone(paths: tuple[Path, Path]) -> None:
    writer = GroupWriter(paths, 8_000, 2)
    paths[1].write_text("precious")
    with pytest.raises(OutputError, match="exists"), writer as pair:
        pair.write(BLOCK, BLOCK)
    assert names(paths[0].parent) == ["a.rest.wav"]
    assert paths[1].read_text() == "precious"


def test_both_forced_files_stay_as_they_were_after_an_error(paths: tuple[Path, Path]) -> None:
    for path in paths:
        path.write_text("old")
    with pytest.raises(RuntimeError):
        write(paths, RuntimeError(), force=True)
    assert [path.read_text() for path in paths] == ["old", "old"]


def test_one_place_for_both_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="two files"):
        GroupWriter((tmp_path / "a.wav", tmp_path / "a.wav"), 8_000, 1)


def test_clipped_samples_are_counted(paths: tuple[Path, Path]) -> None:
    with GroupWriter(paths, 8_000, 2, subtype="PCM_16") as pair:
        pair.write(8 * BLOCK, BLOCK)
    assert pair.clipped == (200, 0)


@pytest.mark.parametrize("suffix", ["flac", ".flac"])
def test_names_come_from_the_recordings_own(suffix: str) -> None:
    assert output_paths("in/a.b.mp4", Path("out"), suffix) == (Path("out/a.b.selected.flac"), Path("out/a.b.rest.flac"))


def test_names_as_long_as_the_system_allows(tmp_path: Path) -> None:
    paths = tmp_path / ("s" * 251 + ".wav"), tmp_path / ("r" * 251 + ".wav")
    with GroupWriter(paths, 8_000, 2) as pair:
        pair.write(BLOCK, BLOCK)
    assert names(tmp_path) == sorted(path.name for path in paths)


def test_a_name_that_is_too_long_is_a_sentence(tmp_path: Path) -> None:
    paths = tmp_path / "a.wav", tmp_path / ("r" * 252 + ".wav")
    with pytest.raises(OutputError, match=r"rrr.wav: cannot be written \(File name too long\)"):
        GroupWriter(paths, 8_000, 2)
    with pytest.raises(OutputError, match="File name too long"):
        refuse_overwriting(tmp_path / "in.wav", paths)
    assert names(tmp_path) == []


def test_a_folder_made_for_nothing_goes_again_and_any_other_stays(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    for place in ("mine", "mine/a/b", "c"):
        with made_folder(tmp_path / place):
            assert (tmp_path / place).is_dir()
    with made_folder(tmp_path / "d" / "e"):
        (tmp_path / "d" / "e" / "result").touch()
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")) == ["d", "d/e", "d/e/result", "mine"]


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    make_folder(tmp_path / "a" / "b")
    make_folder(tmp_path / "a" / "b")
    (tmp_path / "file").write_text("")
    for bad in (tmp_path / "file", tmp_path / "file" / "under"):
        with pytest.raises(OutputError, match="cannot be made a folder"):
            make_folder(bad)


@pytest.mark.parametrize("failing", [0, 1, 2])
@pytest.mark.parametrize("links", [True, False])
def test_what_was_replaced_comes_back_when_one_of_several_cannot_be_renamed(
    tmp_path: Path, failing: int, links: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = [tmp_path / f"{name}.wav" for name in ("new", "old", "other")]
    for place in places[1:]:
        place.write_text(place.stem)
    rename = Path.replace

    def fail(self: Path, target: Any) -> Path:
        if Path(target) == places[failing] and self.name.endswith(".part.wav"):
            raise OSError(28, "No space left on device")
        return rename(self, target)

    def no_links(*_: Any) -> None:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "replace", fail)
    if not links:
        monkeypatch.setattr("os.link", no_links)
    with pytest.raises(OutputError, match="No space left"), GroupWriter(places, 8_000, 2, force=True) as group:
        group.write(BLOCK, BLOCK, BLOCK)
    assert names(tmp_path) == ["old.wav", "other.wav"]
    assert [place.read_text() for place in places[1:]] == ["old", "other"]


def test_replaced_files_leave_nothing_behind(tmp_path: Path) -> None:
    places = [tmp_path / "a.wav", tmp_path / "b.wav"]
    for _ in range(2):
        with GroupWriter(places, 8_000, 2, force=True) as group:
            group.write(BLOCK, BLOCK)
    assert names(tmp_path) == ["a.wav", "b.wav"]


def test_a_file_of_another_kind_appears_with_them_or_not_at_all(tmp_path: Path) -> None:
    sound, figure = tmp_path / "a.wav", tmp_path / "a.png"
    with suppress(RuntimeError), GroupWriter([sound], 8_000, 2, beside=figure) as group:
        group.write(BLOCK)
        group.hidden_beside.write_text("drawn")
        raise RuntimeError
    assert names(tmp_path) == []
    with pytest.raises(OutputError, match="cannot be written"), GroupWriter([sound], 8_000, 2, beside=figure) as group:
        group.write(BLOCK)  # and nothing is drawn
    assert names(tmp_path) == []
    with GroupWriter([sound], 8_000, 2, beside=figure) as group:
        group.write(BLOCK)
        group.hidden_beside.write_text("drawn")
    assert names(tmp_path) == ["a.png", "a.wav"]
    with pytest.raises(OutputError, match=r"a.png: exists already"):
        GroupWriter([tmp_path / "b.wav"], 8_000, 2, beside=figure)
    with pytest.raises(ValueError, match="nothing but recordings"):
        _ = GroupWriter([tmp_path / "c.wav"], 8_000, 2).hidden_beside


def test_what_is_made_of_the_recordings_appears_with_them_or_not_at_all(paths: tuple[Path, Path]) -> None:
    others = [paths[0].with_name(name) for name in ("a.png", "a.mp4")]
    with GroupWriter(paths, 8_000, 2, beside=others) as group:
        group.write(BLOCK, BLOCK)
        assert group.hidden_beside == group.hidden(others[0])
        group.close_recordings()
        for other, path in zip(others, paths, strict=True):
            group.hidden(other).write_bytes(group.hidden(path).read_bytes())
        assert not any(path.exists() for path in (*paths, *others))
    assert names(paths[0].parent) == ["a.mp4", "a.png", "a.rest.wav", "a.selected.wav"]
    assert others[1].read_bytes() == paths[1].read_bytes()


def test_what_goes_wrong_with_them_is_told_by_their_own_names(paths: tuple[Path, Path]) -> None:
    copy = paths[0].with_name("a.mp4")
    group = GroupWriter(paths, 8_000, 2, beside=[copy])
    with pytest.raises(OutputError) as caught, group:
        raise OutputError(f"{group.hidden(copy)}: cannot be written")
    assert (str(caught.value), names(copy.parent)) == (f"{copy}: cannot be written", [])

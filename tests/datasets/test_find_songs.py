from __future__ import annotations

from pathlib import Path

import pytest

from songs import TRACKS, stems, write_folder, write_stem_mp4
from soundsieve.datasets.find_songs import find_songs
from soundsieve.errors import DatasetError, SettingsError

MADE = stems(2_048)


def musdb18(root: Path) -> Path:
    for name in ("train/Actions - One Minute Smile", "test/Zeno - Signs"):
        write_stem_mp4(root / f"{name}.stem.mp4", [MADE[track] for track in TRACKS])
    return root


def test_a_folder_is_known_by_its_layout(tmp_path: Path) -> None:
    found = find_songs(musdb18(tmp_path / "a"))
    assert (found.name, [song.name for song in found.of_part("test")]) == ("musdb18", ["Zeno - Signs"])
    assert len(found.of_part("all")) == 2
    write_folder(tmp_path / "b" / "test" / "Zeno - Signs", MADE)
    assert find_songs(tmp_path / "b").name == "musdb18hq"
    write_folder(tmp_path / "c" / "test" / "Me - Song", {"vocals": MADE["vocals"]})
    assert (find_songs(tmp_path / "c").name, find_songs(tmp_path / "c").songs[0].part) == ("stems", "test")


def test_a_data_set_is_found_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    musdb18(tmp_path / "data" / "musdb18")
    monkeypatch.chdir(tmp_path)
    for data in (Path("musdb18"), Path("data"), Path("data/musdb18")):
        found = find_songs(data)
        assert (found.name, found.root, len(found.songs)) == ("musdb18", Path("data/musdb18"), 2)
    with pytest.raises(DatasetError, match="no folder musdb18hq or data/musdb18hq"):
        find_songs(Path("musdb18hq"))


def test_songs_of_no_part_are_of_any(tmp_path: Path) -> None:
    write_folder(tmp_path / "Me - Song", {"vocals": MADE["vocals"]})
    assert len(find_songs(tmp_path).of_part("test")) == 1


def test_a_part_that_is_not_there_is_named(tmp_path: Path) -> None:
    write_folder(tmp_path / "train" / "Me - Song", {"vocals": MADE["vocals"]})
    with pytest.raises(SettingsError, match=r"part 'test': .* has no such songs, only train; all takes every one"):
        find_songs(tmp_path).of_part("test")


def test_a_folder_without_songs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no songs here"):
        find_songs(tmp_path)
    with pytest.raises(DatasetError, match="nowhere"):
        find_songs(tmp_path / "nowhere")

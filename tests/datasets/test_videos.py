"""Videos: what AudioSet's pieces are called, what folders say, made videos with their truth."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from layouts import write_layout
from soundsieve.datasets import audioset, made_videos, video_folder
from soundsieve.datasets.video import part_of
from soundsieve.errors import DatasetError
from tiny_videos import write_video

ID = "-0_xYabcdE1"


def table(root: Path, *rows: str, name: str = "unbalanced_train_segments.csv") -> Path:
    root.mkdir(parents=True, exist_ok=True)
    (root / name).write_text("# a comment\n" + "".join(f"{row}\n" for row in rows), encoding="utf-8")
    return root


class TestAudioSet:
    def test_each_piece_has_its_objects_group_and_part(self, tmp_path: Path) -> None:
        listing = audioset.videos(write_layout("audioset", tmp_path))
        found = {v.name: (v.labels, v.group, v.part == "test", v.start_s, v.duration_s) for v in listing.videos}
        assert found == {
            "--aaaaaaaaa_30": (("dog",), "--aaaaaaaaa", False, 0.0, 10.0),
            "_bbbbbbbbbb_0": (("piano", "violin"), "_bbbbbbbbbb", False, 0.0, 10.0),
            "Yddddddddd0_40": (("cat",), "Yddddddddd0", False, 0.0, 10.0),
            "eeeeeeeeeee_20": (("cat",), "eeeeeeeeeee", True, 0.0, 10.0),  # the other piece of the video is tested
            "fffffffffff_12": (("car",), "fffffffffff", True, 0.0, 10.0),
        }
        assert listing.missing == ["eeeeeeeeeee_50"]

    @pytest.mark.parametrize(
        "name",
        [
            ID, f"Y{ID}", f"video_{ID}", f"{ID}_30", f"{ID}_30.000", f"{ID}_30.0", f"{ID}_30000", f"{ID}_30000_40000",
            f"{ID}_30_40", f"{ID}_30.000_40.000", f"{ID}_30.0-40.0", f"Y{ID}_30000",
        ],
    )  # fmt: skip
    def test_names_of_downloaders(self, name: str, tmp_path: Path) -> None:
        root = table(tmp_path, f'{ID}, 30.000, 40.000, "/m/0k4j"')
        path = write_video(root / "some" / "folder" / f"{name}.mkv")
        assert [video.path for video in audioset.videos(root).videos] == [path]

    @pytest.mark.parametrize("name", [f"{ID}_50", f"{ID}x", f"{ID}_30_cut", ID[:-1], f"x{ID}"])
    def test_names_of_something_else(self, name: str, tmp_path: Path) -> None:
        root = table(tmp_path, f'{ID}, 30.000, 40.000, "/m/0k4j"')
        write_video(root / f"{name}.mkv")
        listing = audioset.videos(root)
        assert (listing.videos, listing.missing) == ([], [f"{ID}_30"])

    def test_the_start_tells_pieces_of_one_video_apart(self, tmp_path: Path) -> None:
        root = table(tmp_path, f'{ID}, 30.000, 40.000, "/m/0k4j"', f'{ID}, 70.500, 80.000, "/m/01yrx"')
        write_video(root / f"{ID}_70500_80000.mkv")
        write_video(root / f"{ID}.mkv")  # which one it is cannot be told
        listing = audioset.videos(root)
        assert [(v.name, v.labels, v.duration_s) for v in listing.videos] == [(f"{ID}_70.5", ("cat",), 9.5)]
        assert listing.missing == [f"{ID}_30"]

    def test_of_two_files_of_a_piece_the_first_counts(self, tmp_path: Path) -> None:
        root = table(tmp_path, f'{ID}, 30.000, 40.000, "/m/0k4j"')
        first, _ = write_video(root / "a" / f"{ID}.mkv"), write_video(root / "b" / f"{ID}.mkv")
        assert [video.path for video in audioset.videos(root).videos] == [first]

    @pytest.mark.parametrize("row", [f"{ID}, 30.000, 40.000", f'{ID}, soon, 40.000, "/m/0k4j"'])
    def test_a_broken_table_is_a_sentence(self, row: str, tmp_path: Path) -> None:
        with pytest.raises(DatasetError, match=r"unbalanced_train_segments\.csv: "):
            audioset.videos(table(tmp_path, row))

    def test_a_twenty_fifth_of_the_ids_validates(self) -> None:
        counts = Counter(part_of(f"{number:011d}", audioset.SHARES) for number in range(5000))
        assert counts["validation"] / 5000 == pytest.approx(0.04, abs=0.01)
        assert set(counts) == {"train", "validation"}


class TestFolder:
    def test_folders_say_objects_groups_and_parts(self, tmp_path: Path) -> None:
        root = write_layout("video_folder", tmp_path)
        found = {v.path.relative_to(root).as_posix(): v for v in video_folder.videos(root).videos}
        assert {path: (v.labels, v.group) for path, v in found.items()} == {
            "holiday.mkv": ((), "holiday.mkv"),
            "garden/1.mkv": ((), "garden"),
            "garden/2.mkv": ((), "garden"),
            "Violin+Piano/duo.mkv": (("piano", "violin"), "Violin+Piano/duo.mkv"),
            "dog/park/1.mkv": (("dog",), "park"),
            "test/sea/1.mkv": ((), "sea"),
        }
        assert found["test/sea/1.mkv"].part == "test"
        assert {v.name for v in found.values()} == {"holiday", "1", "2", "duo", "garden__1", "test__sea__1"}

    def test_a_group_keeps_its_part_when_others_come(self, tmp_path: Path) -> None:
        for number in range(40):
            (tmp_path / f"{number}.mp4").write_bytes(b"")
        before = {v.path: v.part for v in video_folder.videos(tmp_path).videos}
        assert set(before.values()) == {"train", "validation", "test"}
        (tmp_path / "000.mp4").write_bytes(b"")
        after = {v.path: v.part for v in video_folder.videos(tmp_path).videos}
        assert before.items() <= after.items()

    def test_a_video_without_sound_is_damaged(self, tmp_path: Path) -> None:
        write_video(tmp_path / "silent.mkv", sound=False)
        write_video(tmp_path / "loud.mkv")
        damaged = video_folder.check(tmp_path).damaged
        assert [entry.partition(":")[0] for entry in damaged] == ["silent.mkv"]


class TestMade:
    def test_each_video_has_its_truth(self, tmp_path: Path) -> None:
        root = write_layout("made_videos", tmp_path)
        first, second = made_videos.truths(root)
        assert (first.video.labels, first.video.part, first.sounding) == (("cat",), "test", ("cat",))
        assert sorted(first.tracks) == ["cat", "unseen"]
        assert (second.video.labels, second.sounding) == (("dog", "violin"), ("violin",))
        assert made_videos.videos(root).missing == ["validation/00008.mkv"]

    def test_a_lost_track_is_missed(self, tmp_path: Path) -> None:
        root = write_layout("made_videos", tmp_path)
        (root / "test" / "00004.unseen.flac").unlink()
        assert made_videos.check(root).missing == ("validation/00008.mkv", "test/00004.unseen.flac")
        with pytest.raises(DatasetError, match=r"00004\.unseen\.flac: this track"):
            made_videos.truths(root)

    @pytest.mark.parametrize(
        ("content", "words"),
        [
            ("{", "not valid JSON"),
            ('{"format": "other"}', "not a list of made videos"),
            (json.dumps({"format": made_videos.FORMAT, "videos": [{"name": "1"}]}), "cannot be understood"),
            (
                json.dumps({"format": made_videos.FORMAT, "videos": [
                    {"name": "../1", "part": "train", "duration_s": 1, "seen": [], "heard": []}]}),
                "is no video",
            ),
        ],
    )  # fmt: skip
    def test_a_broken_list_is_a_sentence(self, content: str, words: str, tmp_path: Path) -> None:
        (tmp_path / "made.json").write_text(content, encoding="utf-8")
        with pytest.raises(DatasetError, match=words):
            made_videos.videos(tmp_path)

"""What every data set of videos owes its users; the suite finds the data sets by itself."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

from layouts import VIDEO_LAYOUTS, write_layout
from soundsieve import datasets
from soundsieve.datasets.object_groups import NAMES as OBJECTS
from soundsieve.datasets.video import PARTS, Video
from soundsieve.errors import DatasetError

NAMES = datasets.video_names()
VARIANTS = [(name, variant) for name in NAMES for variant in VIDEO_LAYOUTS.get(name, {"no layout": None})]


def relative(videos: list[Video], root: Path) -> list[tuple[object, ...]]:
    return [(v.path.relative_to(root), v.name, v.labels, v.group, v.part, v.start_s, v.duration_s) for v in videos]


def test_every_data_set_has_a_tiny_copy() -> None:
    assert set(VIDEO_LAYOUTS) == set(NAMES), "add a generator to tests/layouts.py"


@pytest.mark.parametrize("name", NAMES)
def test_it_says_where_it_comes_from_and_how_it_is_laid_out(name: str) -> None:
    module = importlib.import_module(f"soundsieve.datasets.{name}")
    assert name == datasets.get_videos(name).NAME
    for word in ("Provenance", "ayout", "group", "part"):
        assert word in (module.__doc__ or ""), word
    assert (module.ROLE, bool(module.LICENCE), bool(module.CITATION)) == ("videos", True, True)
    assert re.fullmatch(r"(https?://\S+)?", module.URL)


@pytest.mark.parametrize(("name", "variant"), VARIANTS)
class TestListing:
    def test_videos_are_complete_and_in_order(self, name: str, variant: str, tmp_path: Path) -> None:
        videos = datasets.get_videos(name).videos(write_layout(name, tmp_path, variant=variant)).videos
        assert len(videos) >= 2
        assert videos == sorted(videos, key=lambda video: video.order)
        assert len({video.name.casefold() for video in videos}) == len(videos)
        for video in videos:
            assert video.path.is_file()
            assert Path(video.name).name == video.name
            assert set(video.labels) <= set(OBJECTS)
            assert list(video.labels) == sorted(video.labels)
            assert video.part in PARTS
            assert video.group

    def test_no_group_straddles_the_parts(self, name: str, variant: str, tmp_path: Path) -> None:
        videos = datasets.get_videos(name).videos(write_layout(name, tmp_path, variant=variant)).videos
        assert datasets.leaks({part: [v for v in videos if v.part == part] for part in PARTS}) == []

    def test_the_videos_are_not_opened(self, name: str, variant: str, tmp_path: Path) -> None:
        root = write_layout(name, tmp_path, variant=variant)
        before = datasets.get_videos(name).videos(root)
        for video in before.videos:
            video.path.write_bytes(b"")
        assert datasets.get_videos(name).videos(root) == before

    def test_the_answer_does_not_depend_on_where_the_copy_is(self, name: str, variant: str, tmp_path: Path) -> None:
        roots = [write_layout(name, tmp_path / place, variant=variant) for place in ("here", "some/where.else")]
        first, second = (datasets.get_videos(name).videos(root) for root in roots)
        assert relative(first.videos, roots[0]) == relative(second.videos, roots[1])
        assert first.missing == second.missing


@pytest.mark.parametrize("name", NAMES)
class TestCheck:
    def test_a_healthy_copy_has_nothing_damaged(self, name: str, tmp_path: Path) -> None:
        root = write_layout(name, tmp_path)
        listing = datasets.get_videos(name).videos(root)
        state = datasets.check_copy(name, root)
        assert (state.name, state.damaged, state.found) == (name, (), len(listing.videos))
        assert list(state.missing) == listing.missing
        assert f"{len(listing.videos)} of {state.expected} videos found" in state.sentence()

    def test_a_broken_video_is_named_and_the_others_are_read(self, name: str, tmp_path: Path) -> None:
        root = write_layout(name, tmp_path)
        victim = datasets.get_videos(name).videos(root).videos[0]
        victim.path.write_bytes(b"this is no video")
        state = datasets.check_copy(name, root)
        assert [entry.partition(": ")[0] for entry in state.damaged] == [victim.path.relative_to(root).as_posix()]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("call", ["videos", "check"])
def test_mistakes_are_sentences(name: str, call: str, tmp_path: Path) -> None:
    (tmp_path / "data.zip").write_bytes(b"")
    (tmp_path / "empty").mkdir()
    for path, words in (("absent", "no such folder"), ("data.zip", "it is a file"), ("empty", "expected")):
        with pytest.raises(DatasetError) as caught:
            getattr(datasets.get_videos(name), call)(tmp_path / path)
        assert words in str(caught.value)
        assert str(tmp_path / path) in str(caught.value)
        assert "\n" not in str(caught.value)


def test_a_name_of_the_other_kind_is_an_error() -> None:
    for get in (datasets.get, datasets.get_songs):
        with pytest.raises(DatasetError, match="audioset: holds videos"):
            get("audioset")
    for name in ("esc50", "musdb18"):
        with pytest.raises(DatasetError, match=f"{name}: holds sounds without pictures"):
            datasets.get_videos(name)

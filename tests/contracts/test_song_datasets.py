"""What every data set of songs owes its users; the suite finds the data sets by itself."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from layouts import SONG_LAYOUTS, write_layout
from soundsieve import datasets
from soundsieve.datasets import STEMS, Song
from soundsieve.errors import DatasetError, SoundsieveError

NAMES = datasets.song_names()
VARIANTS = [(name, variant) for name in NAMES for variant in SONG_LAYOUTS.get(name, {"no layout": None})]


def files_of(song: Song) -> list[Path]:
    return sorted({place.path for place in (*song.stems, song.mixture) if place is not None})


def relative(songs: list[Song], root: Path) -> list[tuple[object, ...]]:
    return [(song.path.relative_to(root), song.labels, song.group, song.part) for song in songs]


def test_every_data_set_has_a_tiny_copy() -> None:
    assert set(SONG_LAYOUTS) == set(NAMES), "add a generator to tests/layouts.py"


@pytest.mark.parametrize("name", NAMES)
def test_it_says_where_it_comes_from_and_how_it_is_laid_out(name: str) -> None:
    module = importlib.import_module(f"soundsieve.datasets.{name}")
    assert name == datasets.get_songs(name).NAME
    for word in ("Provenance", "ayout", "group", "part"):
        assert word in (module.__doc__ or ""), word
    assert (module.ROLE, bool(module.LICENCE), bool(module.CITATION)) == ("songs", True, True)
    assert re.fullmatch(r"https?://\S+", module.URL) or module.LICENCE == "yours"
    assert all(re.fullmatch("[0-9a-f]{32}", md5) for md5 in module.CHECKSUMS.values())


@pytest.mark.parametrize(("name", "variant"), VARIANTS)
class TestListing:
    def test_songs_are_complete_and_in_order(self, name: str, variant: str, tmp_path: Path) -> None:
        songs = datasets.get_songs(name).songs(write_layout(name, tmp_path, variant=variant))
        assert songs
        assert [song.path for song in songs] == sorted({song.path for song in songs})
        for song in songs:
            assert len(song.stems) == len(STEMS)
            assert all(path.is_file() for path in files_of(song))
            assert song.labels == tuple(stem for stem in STEMS if stem in song.labels) != ()
            assert song.name
            assert song.group
            assert song.part in {"train", "validation", "test", "all"}

    def test_the_audio_is_not_opened(self, name: str, variant: str, tmp_path: Path) -> None:
        root = write_layout(name, tmp_path, variant=variant)
        before = datasets.get_songs(name).songs(root)
        for song in before:
            for path in files_of(song):
                path.write_bytes(b"")
        assert datasets.get_songs(name).songs(root) == before

    def test_the_answer_does_not_depend_on_where_the_copy_is(self, name: str, variant: str, tmp_path: Path) -> None:
        roots = [write_layout(name, tmp_path / place, variant=variant) for place in ("here", "some/where.else")]
        first, second = (relative(datasets.get_songs(name).songs(root), root) for root in roots)
        assert first == second

    def test_songs_can_be_read(self, name: str, variant: str, tmp_path: Path) -> None:
        for song in datasets.get_songs(name).songs(write_layout(name, tmp_path, variant=variant)):
            opened = song.open()
            whole = opened.read()
            assert whole.shape == (len(STEMS), opened.channels, opened.frames)
            for stem, samples in zip(STEMS, whole, strict=True):
                assert bool(samples.any()) == (stem in song.labels)
            assert song.open(sample_rate=opened.sample_rate // 2, channels=1).read(0, 5).shape == (len(STEMS), 1, 5)
            if song.mixture is None:
                with pytest.raises(DatasetError, match="has no mixture of its own: add up the stems"):
                    song.open_mixture()
            else:
                assert song.open_mixture().read().shape == whole[:1].shape

    def test_groups_can_be_divided(self, name: str, variant: str, tmp_path: Path) -> None:
        songs = datasets.get_songs(name).songs(write_layout(name, tmp_path, variant=variant))
        subsets = datasets.split_by_fraction(songs, {"train": 0.5, "test": 0.5}, seed=0)
        assert datasets.leaks(subsets) == []
        assert sorted(song.path for subset in subsets.values() for song in subset) == [song.path for song in songs]


@pytest.mark.parametrize("name", NAMES)
class TestCheck:
    def test_a_healthy_copy_has_nothing_damaged(self, name: str, tmp_path: Path) -> None:
        root = write_layout(name, tmp_path)
        songs = datasets.get_songs(name).songs(root)
        state = datasets.get_songs(name).check(root)
        assert (state.name, state.damaged, state.found) == (name, (), len(songs))
        assert f"{len(songs)} of {state.expected} songs found" in state.sentence()
        assert len(state.missing) == state.expected - state.found

    @pytest.mark.parametrize("content", [b"", b"RIFF this is not audio"], ids=["empty", "garbage"])
    def test_a_damaged_song_is_named(self, name: str, content: bytes, tmp_path: Path) -> None:
        root = write_layout(name, tmp_path)
        victim = datasets.get_songs(name).songs(root)[-1]
        files_of(victim)[-1].write_bytes(content)
        state = datasets.get_songs(name).check(root)
        assert not state.ok
        assert len(state.damaged) == 1
        assert state.damaged[0].startswith(victim.path.relative_to(root).as_posix() + ": ")
        assert str(root) not in state.damaged[0]

    def test_a_song_that_breaks_off_is_named(self, name: str, tmp_path: Path) -> None:
        root = write_layout(name, tmp_path)
        path = files_of(datasets.get_songs(name).songs(root)[0])[0]
        content = path.read_bytes()
        path.write_bytes(content[: len(content) // 2])
        assert len(datasets.get_songs(name).check(root).damaged) == 1


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("call", ["songs", "check"])
def test_mistakes_are_sentences(name: str, call: str, tmp_path: Path) -> None:
    (tmp_path / "data.zip").write_bytes(b"")
    (tmp_path / "empty").mkdir()
    for path, words in (("absent", "no such folder"), ("data.zip", "it is a file"), ("empty", "expected")):
        with pytest.raises(DatasetError) as caught:
            getattr(datasets.get_songs(name), call)(tmp_path / path)
        assert words in str(caught.value)
        assert str(tmp_path / path) in str(caught.value)
        assert "\n" not in str(caught.value)


def test_a_name_of_the_other_kind_is_an_error() -> None:
    with pytest.raises(DatasetError, match="musdb18: holds songs with their stems"):
        datasets.get("musdb18")
    with pytest.raises(DatasetError, match="esc50: holds single sounds"):
        datasets.get_songs("esc50")
    with pytest.raises(SoundsieveError, match="did you mean 'musdb18'"):
        datasets.get_songs("musdb19")
    with pytest.raises(SoundsieveError, match="did you mean 'musdb18"):
        datasets.check_copy("musdb19", Path())


def test_either_kind_can_be_checked(tmp_path: Path) -> None:
    for name in ("folder", "stems"):
        root = write_layout(name, tmp_path / name)
        assert datasets.check_copy(name, root).name == name


def test_listing_loads_neither_torch_nor_the_audio_libraries(tmp_path: Path) -> None:
    root = write_layout("musdb18hq", tmp_path)
    program = (
        "import sys\nfrom pathlib import Path\n"
        "from soundsieve import datasets\n"
        f"assert datasets.get_songs('musdb18hq').songs(Path({str(root)!r}))\n"
        "print(sorted({'torch', 'soundfile', 'av', 'soxr', 'scipy', 'numpy'} & set(sys.modules)))\n"
    )
    output = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert output.strip() == "[]"


def test_own_songs_are_read_from_where_they_say(tmp_path: Path) -> None:
    root = write_layout("stems", tmp_path)
    second, first = datasets.get_songs("stems").songs(root)
    assert (first.name, first.group, first.labels) == ("The Band - First", "the band", ("drums", "vocals"))
    assert (second.labels, second.mixture) == (("bass",), None)
    assert not np.array_equal(first.open().read()[1], first.open().read()[3])

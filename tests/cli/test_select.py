import contextlib
import io
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner, Result

from soundsieve import audio
from soundsieve.cli import application
from soundsieve.cli._terminal import progress_bar

RATE = 8_000
WAVE = np.random.default_rng(0).uniform(-0.9, 0.9, (1, 4_000)).astype(np.float32)


@pytest.fixture(autouse=True)
def inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def model(tiny_selector: Path) -> list[str]:
    return ["--model", str(tiny_selector), "--device", "cpu"]


def record(name: str, wave: NDArray[np.float32] = WAVE, rate: int = RATE) -> Path:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    audio.write(path, wave, rate)
    return path


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(application(), ["select", *map(str, arguments)])


def files() -> set[str]:
    return {str(path) for path in Path().rglob("*") if path.is_file()}


def test_the_parts_are_written_and_add_up(model: list[str]) -> None:
    record("in/street.wav")
    result = run("in/street.wav", "--keep", "dog", *model)
    assert result.exit_code == 0, result.stderr
    assert files() == {"in/street.wav", "street.selected.wav", "street.rest.wav"}
    total = sum(audio.read(name)[0] for name in ("street.selected.wav", "street.rest.wav"))
    np.testing.assert_allclose(total, WAVE, atol=1e-4)
    assert "in/street.wav: kept dog (" in result.stdout
    assert "street.selected.wav and street.rest.wav" in result.stdout
    assert result.stdout.count("\n") == 1
    assert result.stderr == ""


def test_removing_gives_the_two_parts_the_other_way_round(model: list[str]) -> None:
    record("a.wav")
    assert run("a.wav", "--keep", "dog", "-o", "kept", *model).exit_code == 0
    assert run("a.wav", "--remove", "dog", "-o", "removed", *model).exit_code == 0
    for one, other in (("selected", "rest"), ("rest", "selected")):
        kept, removed = audio.read(f"kept/a.{one}.wav")[0], audio.read(f"removed/a.{other}.wav")[0]
        np.testing.assert_array_equal(kept, removed)


def test_an_absent_class_is_reported_and_not_handed_over(model: list[str]) -> None:
    record("a.wav")
    result = run("a.wav", "--keep", "rain", *model)
    assert "rain (not found)" in result.stdout
    assert np.abs(audio.read("a.selected.wav")[0]).max() == 0
    assert run("a.wav", "--keep", "rain", "--no-gate", "-o", "open", *model).exit_code == 0
    assert np.abs(audio.read("open/a.selected.wav")[0]).max() > 0.01


@pytest.mark.parametrize("asked", [["--keep", "dog", "--keep", "rain"], ["--keep", "DOG, rain"]])
def test_several_classes_are_repeated_or_listed(model: list[str], asked: list[str]) -> None:
    record("a.wav")
    result = run("a.wav", *asked, "--json", *model)
    found = json.loads(result.stdout)["classes"]
    assert {name: (seen["present"], seen["threshold_db"]) for name, seen in found.items()} == {
        "dog": (True, -200.0),
        "rain": (False, 200.0),
    }


def test_json_is_one_object_a_file_and_never_holds_nan(model: list[str]) -> None:
    record("a.wav")
    record("silence.wav", 0 * WAVE)
    result = run("a.wav", "silence.wav", "--keep", "dog", "--json", *model)
    first, second = (json.loads(line, parse_constant=pytest.fail) for line in result.stdout.splitlines())
    assert first["file"] == "a.wav"
    assert first["outputs"] == {"selected": "a.selected.wav", "rest": "a.rest.wav"}
    assert (first["duration_s"], first["sample_rate"], first["channels"], first["mode"]) == (0.5, RATE, 1, "keep")
    assert first["seconds_taken"] >= 0
    assert second["classes"]["dog"]["per_second_db"] == [None]
    assert second["classes"]["dog"]["present"] is False


def test_quiet_says_nothing(model: list[str]) -> None:
    record("a.wav")
    result = run("a.wav", "--keep", "dog", "--quiet", *model)
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")


def test_one_bad_file_does_not_stop_the_others(model: list[str]) -> None:
    record("good.wav")
    Path("text.wav").write_text("this is not audio")
    record("fine.wav")
    result = run("absent.wav", "good.wav", "text.wav", "fine.wav", "--keep", "dog", *model)
    assert result.exit_code == 2
    assert [line.split(":")[0] for line in result.stdout.splitlines()] == ["good.wav", "fine.wav"]
    complaints = result.stderr.splitlines()
    assert len(complaints) == 2
    assert complaints[0].startswith("soundsieve: absent.wav: ")
    assert complaints[1].startswith("soundsieve: text.wav: ")
    assert {"good.selected.wav", "good.rest.wav", "fine.selected.wav", "fine.rest.wav"} <= files()


def test_a_name_too_long_for_its_results_does_not_stop_the_others(model: list[str]) -> None:
    long, longest = "l" * 238 + ".wav", "n" * 251 + ".wav"
    for name in (long, longest):
        record(name)
    result = run(longest, long, "--keep", "dog", *model)
    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1
    assert "n.selected.wav: cannot be written (File name too long)" in result.stderr
    assert files() == {long, longest, "l" * 238 + ".selected.wav", "l" * 238 + ".rest.wav"}


def test_a_file_that_may_not_be_read_does_not_stop_the_others(
    model: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # The superuser may read anything, so the system's answers are replaced, not the file's mode.
    access, opened = os.access, Path.open

    def open_other(self: Path, *args: Any, **kwargs: Any) -> Any:
        if self.name == "locked.wav":
            raise PermissionError(13, "Permission denied")
        return opened(self, *args, **kwargs)

    monkeypatch.setattr("os.access", lambda path, mode: "locked" not in str(path) and access(path, mode))
    monkeypatch.setattr(Path, "open", open_other)
    record("a.wav")
    Path("locked.wav").touch()
    result = run("locked.wav", "a.wav", "--keep", "dog", *model)
    assert (result.exit_code, result.stderr) == (
        2,
        "soundsieve: locked.wav: cannot be opened (Permission denied)\n",
    )
    assert "a.selected.wav" in files()


def test_json_says_which_files_failed(model: list[str]) -> None:
    record("late.wav", np.where(np.arange(4_000) == 3_999, np.float32(2e6), WAVE))
    record("a.wav")
    result = run("absent.wav", "late.wav", "a.wav", "--keep", "dog", "--json", *model)
    absent, late, done = map(json.loads, result.stdout.splitlines())
    assert absent == {"file": "absent.wav", "error": "absent.wav: there is no such file"}
    assert (late["file"], done["file"], "error" in done) == ("late.wav", "a.wav", False)
    assert "holds a sample of 2e+06 at 0.500 s" in late["error"]
    assert result.stderr == f"soundsieve: {absent['error']}\nsoundsieve: {late['error']}\n"


def test_existing_results_are_left_alone_unless_forced(model: list[str]) -> None:
    record("a.wav")
    Path("a.rest.wav").write_text("precious")
    result = run("a.wav", "--keep", "dog", *model)
    assert result.exit_code == 2
    assert "a.rest.wav" in result.stderr
    assert Path("a.rest.wav").read_text() == "precious"
    assert not Path("a.selected.wav").exists()
    assert run("a.wav", "--keep", "dog", "--force", *model).exit_code == 0
    assert audio.read("a.rest.wav")[0].shape == WAVE.shape


@pytest.mark.parametrize(
    ("inputs", "sentence"),
    [
        (("one/a.wav", "two/a.wav"), "one/a.wav and of two/a.wav; run them apart"),
        (("a.wav", "a.flac"), "of a.wav and of a.flac"),
        (("a.wav", "a.wav"), "a.wav: is named twice"),
        (("a.wav", "a.selected.wav"), "a.selected.wav: is an input"),
    ],
)
def test_results_that_would_collide_are_refused_before_any_work(
    model: list[str], inputs: tuple[str, str], sentence: str
) -> None:
    for name in set(inputs):
        record(name)
    before = {name: Path(name).read_bytes() for name in inputs}
    result = run(*inputs, "--keep", "dog", "--force", *model)
    assert result.exit_code == 2
    assert sentence in result.stderr
    assert files() == set(inputs)
    assert {name: Path(name).read_bytes() for name in inputs} == before


@pytest.mark.parametrize(
    ("options", "suffix", "subtype"),
    [
        (["--format", "flac"], "flac", "PCM_24"),
        (["--format", "ogg"], "ogg", "VORBIS"),
        (["--format", "mp3"], "mp3", None),
        (["--subtype", "PCM_16"], "wav", "PCM_16"),
    ],
)
def test_the_type_of_the_results(model: list[str], options: list[str], suffix: str, subtype: str | None) -> None:
    record("a.wav")
    assert run("a.wav", "--keep", "dog", *options, *model).exit_code == 0
    found = audio.probe(f"a.selected.{suffix}")
    assert subtype in (found.subtype, None)
    assert found.sample_rate == RATE


def test_cut_off_samples_are_told(model: list[str]) -> None:
    record("loud.wav", 3 * WAVE)
    result = run("loud.wav", "--keep", "rain", "--subtype", "PCM_16", *model)
    assert result.exit_code == 0
    assert "beyond full scale" in result.stderr
    assert run("loud.wav", "--keep", "rain", "--force", *model).stderr == ""


def test_the_classes_are_listed(model: list[str]) -> None:
    assert run("--classes", *model).stdout.split() == ["dog", "finger_snapping", "rain"]
    assert json.loads(run("--classes", "--json", *model).stdout) == ["dog", "finger_snapping", "rain"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["a.wav"], "--keep or what to --remove"),
        (["a.wav", "--keep", "dog", "--remove", "rain"], "--keep or what to --remove"),
        (["a.wav", "--keep", " , "], "at least one"),
        (["--keep", "dog"], "at least one recording"),
        (["a.wav", "--keep", "dgo"], "unknown class 'dgo': did you mean 'dog'?"),
        (["a.wav", "--keep", "dog", "--segment", "0"], "--segment 0: must be more than 0 s and at most 3600 s"),
        (["absent.wav", "--keep", "dog", "--segment", "nan"], "--segment nan: must be"),
        (["absent.wav", "--keep", "dog", "--segment", "inf"], "--segment inf: must be"),
        (["a.wav", "--keep", "dog", "--device", "quantum"], "device 'quantum'"),
        (
            ["a.wav", "--keep", "dog", "--subtype", "PCM_8"],
            "--subtype PCM_8: a .wav cannot hold it; choose from FLOAT, ",
        ),
        (["a.wav", "--keep", "dog", "-o", "a.wav"], "cannot be made a folder"),
        (["a.wav", "--keep", "dog", "--model", "no.safetensors"], "no such checkpoint"),
        (["a.wav", "--keep", "dog", "--model", "selectt"], "unknown model 'selectt'"),
        (["a.wav", "--keep", "dog", "--model", "a.wav"], "not a readable checkpoint"),
    ],
)
def test_mistakes_are_one_sentence(model: list[str], arguments: list[str], sentence: str) -> None:
    record("a.wav")
    result = run(*model, "-o", "new/out", *arguments)
    assert result.exit_code == 2
    assert not Path("new").exists()
    assert result.stdout == ""
    assert sentence in result.stderr
    assert result.stderr.count("\n") == 1
    assert files() == {"a.wav"}


def test_ctrl_c_stops_with_130_and_leaves_nothing(model: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    from soundsieve.inference.separate import StreamSeparator

    def interrupt(self: StreamSeparator) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(StreamSeparator, "finish", interrupt)
    record("a.wav")
    result = run("a.wav", "--keep", "dog", *model)
    assert result.exit_code == 130
    assert result.stderr == "soundsieve: stopped\n"
    assert files() == {"a.wav"}


def test_progress_is_drawn_on_a_terminal_unless_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")  # a dumb terminal cannot draw

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    for shown, terminal, drawn in ((True, True, True), (False, True, False), (True, False, False)):
        stream = Terminal() if terminal else io.StringIO()
        with contextlib.redirect_stderr(stream), progress_bar("a.wav", shown=shown) as progress:
            assert (progress is not None) is drawn
            if progress is not None:
                progress(1.0, None)
                progress(5.0, 10.0)
        assert ("a.wav" in stream.getvalue() and "50%" in stream.getvalue()) is drawn

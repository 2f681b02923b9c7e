"""One suite over every verb, and every kind of bad input a user can come up with."""

from __future__ import annotations

import inspect
import os
import signal
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner, Result

import soundsieve
from recordings import noise, truncate
from soundsieve import audio, cli

VERBS = cli.verbs()
HEAVY = {"torch", "numpy", "scipy", "av", "soundfile", "soxr", "matplotlib", "lightning", "pydantic", "rich.progress"}


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli.application(), [str(argument) for argument in arguments])


def python(program: str) -> str:
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.strip()


def test_there_is_a_verb() -> None:
    assert {"select", "models", "check"} <= set(VERBS)


@pytest.mark.parametrize("verb", VERBS)
class TestVerb:
    def test_has_help_for_itself_and_for_each_option(self, verb: str) -> None:
        result = run(verb.replace("_", "-"), "--help")
        assert result.exit_code == 0
        command = import_module(f"soundsieve.cli.{verb}").command
        summary = inspect.getdoc(command).split("\n\n")[0].split()
        assert " ".join(summary[:4]) in " ".join(result.output.split())
        for name, parameter in inspect.signature(command, eval_str=True).parameters.items():
            assert parameter.annotation.__metadata__[0].help, name

    def test_an_unknown_option_is_a_mistake_of_the_user(self, verb: str) -> None:
        result = run(verb.replace("_", "-"), "--no-such-option")
        assert result.exit_code == 2
        assert "--no-such-option" in result.stderr


def test_help_of_everything_loads_nothing_slow() -> None:
    verbs = [verb.replace("_", "-") for verb in VERBS]
    program = (
        "import sys\n"
        "from typer.testing import CliRunner\n"
        "from soundsieve import cli\n"
        f"for arguments in [['--help'], ['--version']] + [[verb, '--help'] for verb in {verbs!r}]:\n"
        "    assert CliRunner().invoke(cli.application(), arguments).exit_code == 0, arguments\n"
        "print(sorted({'torch', 'scipy', 'av', 'lightning', 'matplotlib'} & set(sys.modules)))\n"
    )
    assert python(program) == "[]"


def test_importing_the_package_loads_nothing_slow() -> None:
    assert python(f"import sys, soundsieve; print(sorted({HEAVY!r} & set(sys.modules)))") == "[]"


def test_public_names_are_there_when_asked_for() -> None:
    for name in soundsieve.__all__:
        assert name in dir(soundsieve)
        assert getattr(soundsieve, name)
    with pytest.raises(AttributeError, match="no attribute 'Selektor'"):
        soundsieve.Selektor  # noqa: B018


def test_the_version_is_printed() -> None:
    assert run("--version").stdout.strip() == soundsieve.__version__


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
def test_a_run_that_is_told_to_end_leaves_nothing_half_written(tiny_selector: Path, tmp_path: Path) -> None:
    audio.write(tmp_path / "a.wav", noise(80_000), 8_000)
    program = (
        "import os, signal, sys\n"
        "from soundsieve import cli\n"
        "from soundsieve.inference.separate import StreamSeparator\n"
        "StreamSeparator.finish = lambda self: os.kill(os.getpid(), signal.SIGTERM)\n"
        "cli.main(sys.argv[1:])\n"
    )
    arguments = ["select", "a.wav", "--keep", "dog", "-o", "out", "--model", str(tiny_selector)]
    done = subprocess.run([sys.executable, "-c", program, *arguments], cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 143
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="there is no such signal")
@pytest.mark.parametrize(("ignored", "code"), [(False, 129), (True, 0)])
def test_a_closed_terminal_ends_a_run_cleanly_unless_it_is_to_be_ignored(
    ignored: bool, code: int, tiny_selector: Path, tmp_path: Path
) -> None:
    audio.write(tmp_path / "a.wav", noise(80_000), 8_000)
    program = (
        "import os, signal, sys\n"
        f"signal.signal(signal.SIGHUP, signal.{'SIG_IGN' if ignored else 'SIG_DFL'})\n"
        "from soundsieve import cli\n"
        "from soundsieve.inference.separate import StreamSeparator\n"
        "finish = StreamSeparator.finish\n"
        "StreamSeparator.finish = lambda self: (os.kill(os.getpid(), signal.SIGHUP), finish(self))[1]\n"
        "cli.main(sys.argv[1:])\n"
    )
    arguments = ["select", "a.wav", "--keep", "dog", "-o", "out", "--model", str(tiny_selector)]
    done = subprocess.run([sys.executable, "-c", program, *arguments], cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == code
    assert (tmp_path / "out").exists() == ignored


def test_a_fault_of_ours_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    from soundsieve import checkpoint

    monkeypatch.setattr(checkpoint, "released", lambda: 1 / 0)
    assert isinstance(run("models").exception, ZeroDivisionError)


def _write_text(path: Path) -> None:
    path.write_text("these are words\n" * 100)


def _write_nan(path: Path) -> None:
    wave = noise(8_000)
    wave[0, 6_000] = np.nan
    soundfile.write(path, wave.T, 8_000, subtype="FLOAT")


def _write_zero_length(path: Path) -> None:
    soundfile.write(path, np.zeros((0, 1)), 8_000)


def _write_truncated(path: Path) -> None:
    audio.write(path, noise(20_000), 8_000)
    truncate(path)


UNUSABLE = {
    "missing": (lambda path: None, "no such file"),
    "folder": (Path.mkdir, "folder"),
    "text": (_write_text, "not audio"),
    "empty": (Path.touch, "empty"),
    "truncated": (_write_truncated, "truncated"),
    "zero length": (_write_zero_length, "no samples"),
    "nan": (_write_nan, "NaN or infinite sample at 0.750 s"),
}


@pytest.mark.parametrize("kind", UNUSABLE)
def test_an_unusable_recording_is_one_sentence_and_leaves_nothing(
    kind: str, tiny_selector: Path, tmp_path: Path
) -> None:
    make, words = UNUSABLE[kind]
    make(tmp_path / "a.wav")
    result = run("select", tmp_path / "a.wav", "--keep", "dog", "-o", tmp_path / "out", "--model", tiny_selector)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert str(tmp_path / "a.wav") in result.stderr
    assert words in result.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("rate", "channels", "frames"),
    [(8_000, 1, 800), (8_000, 1, 1), (8_000, 1, 4_000), (96_000, 2, 30_000), (44_100, 6, 20_000), (7_919, 1, 5_003)],
    ids=["a tenth of a second", "one sample", "8 kHz mono", "96 kHz stereo", "six channels", "an odd rate"],
)
def test_an_unusual_recording_comes_back_in_its_own_shape(
    rate: int, channels: int, frames: int, tiny_selector: Path, tmp_path: Path
) -> None:
    wave = noise(frames, channels)
    audio.write(tmp_path / "a.wav", wave, rate)
    result = run("select", tmp_path / "a.wav", "--keep", "dog", "-o", tmp_path / "out", "--model", tiny_selector)
    assert result.exit_code == 0, result.stderr
    parts = [audio.read(tmp_path / "out" / f"a.{part}.wav") for part in ("selected", "rest")]
    assert {found_rate for _, found_rate in parts} == {rate}
    assert {part.shape for part, _ in parts} == {wave.shape}
    np.testing.assert_allclose(parts[0][0] + parts[1][0], wave, atol=1e-4)


def test_a_folder_that_cannot_be_written_is_one_sentence(tiny_selector: Path, tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write anywhere")
    audio.write(tmp_path / "a.wav", noise(800), 8_000)
    (tmp_path / "locked").mkdir(mode=0o555)
    for folder in (tmp_path / "locked", tmp_path / "locked" / "new"):
        result = run("select", tmp_path / "a.wav", "--keep", "dog", "-o", folder, "--model", tiny_selector)
        assert result.exit_code == 2
        assert result.stderr.count("\n") == 1
        assert str(folder) in result.stderr


def test_a_rate_that_mp3_cannot_hold_is_one_sentence(tiny_selector: Path, tmp_path: Path) -> None:
    audio.write(tmp_path / "a.wav", noise(9_600), 96_000)
    out = tmp_path / "out"
    result = run("select", tmp_path / "a.wav", "--keep", "dog", "--format", "mp3", "-o", out, "--model", tiny_selector)
    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1
    assert "a.selected.mp3" in result.stderr
    assert "96000" in result.stderr.replace(",", "").replace("_", "")
    assert not out.exists()


def test_the_sound_track_of_a_film_is_a_recording(tiny_selector: Path, tmp_path: Path) -> None:
    from recordings import mux

    mux(tmp_path / "film.mp4", noise(16_000, 2), 16_000, pictures=True)
    out = tmp_path / "out"
    result = run("select", tmp_path / "film.mp4", "--keep", "dog", "-o", out, "--model", tiny_selector)
    assert result.exit_code == 0, result.stderr
    assert sorted(path.name for path in out.iterdir()) == ["film.rest.wav", "film.selected.wav"]
    assert audio.probe(out / "film.selected.wav").channels == 2

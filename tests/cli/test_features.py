"""`soundsieve features`: what is written and said, broken recordings, and runs that are stopped or killed."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from recordings import noise
from soundsieve import audio, cli
from soundsieve.features.descriptors import NAMES

RATE = 22_050


@pytest.fixture
def music(tmp_path: Path) -> Path:
    for seed, name in enumerate(("jazz/a.wav", "jazz/b.flac", "rock/c.wav")):
        place = tmp_path / "music" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        audio.write(place, noise(RATE, seed=seed), RATE)
    return tmp_path / "music"


def features(*arguments: object) -> Result:
    return CliRunner().invoke(cli.application(), ["features", *map(str, arguments)])


def names(table: Path) -> list[str]:
    with table.open(newline="") as file:
        return [row["filename"] for row in csv.DictReader(file)]


def test_a_folder_becomes_a_table(music: Path, tmp_path: Path) -> None:
    result = features(music, "-o", tmp_path / "new" / "a.csv")
    assert result.exit_code == 0, result.stderr
    assert result.stdout == f"{tmp_path / 'new' / 'a.csv'}: 3 rows\n"
    assert result.stderr == ""
    with (tmp_path / "new" / "a.csv").open(newline="") as file:
        found = list(csv.DictReader(file))
    assert list(found[0]) == ["filename", "length", *NAMES, "label"]
    assert [row["label"] for row in found] == ["jazz", "jazz", "rock"]
    assert {row["length"] for row in found} == {str(RATE)}


def test_pieces_and_edges_can_be_chosen(music: Path, tmp_path: Path) -> None:
    table = tmp_path / "a.csv"
    assert features(music / "jazz", "-o", table, "--segments", 0.4, "--jobs", 2, "--quiet").output == ""
    assert names(table) == ["a__0.wav", "a__1.wav", "a__2.wav", "b__0.flac", "b__1.flac", "b__2.flac"]
    mirror = table.read_bytes()
    assert features(music / "jazz", "-o", table, "--segments", 0.4, "--edges", "silence", "--force").exit_code == 0
    assert table.read_bytes() != mirror


def test_broken_recordings_are_named_and_the_others_written(music: Path, tmp_path: Path) -> None:
    (music / "rock" / "broken.wav").write_text("no sound")
    result = features(music, "-o", tmp_path / "a.csv")
    assert result.exit_code == 2
    assert result.stderr.count("\n") == 2
    last = result.stderr.splitlines()[-1]
    assert last == f"soundsieve: 1 of 4 could not be described: {music / 'rock' / 'broken.wav'}"
    assert names(tmp_path / "a.csv") == ["jazz/a.wav", "jazz/b.flac", "rock/c.wav"]


def test_nothing_is_overwritten_and_a_table_is_added_to(music: Path, tmp_path: Path) -> None:
    table = tmp_path / "a.csv"
    assert features(music, "-o", table).exit_code == 0
    before = table.read_bytes()
    again = features(music, "-o", table)
    assert again.exit_code == 2
    assert "exists already; use --resume to go on with it or --force to replace it" in again.stderr
    other = features(music, "-o", table, "--resume", "--edges", "silence")
    assert other.exit_code == 2
    assert "does not give its row jazz/a.wav" in other.stderr
    assert table.read_bytes() == before
    audio.write(music / "jazz" / "aa.wav", noise(RATE), RATE)
    result = features(music, "-o", table, "--resume")
    assert result.exit_code == 0, result.stderr
    assert result.stderr == "soundsieve: 3 of 4 recordings were done before\n"
    assert names(table) == ["jazz/a.wav", "jazz/aa.wav", "jazz/b.flac", "rock/c.wav"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "name the table with -o"),
        (["-o", "a.csv"], "name at least one recording"),
        (["a.wav", "-o", "a.xlsx"], "a table is written as .csv or .parquet; found '.xlsx'"),
        (["gone.wav", "-o", "a.csv"], "there is no such file"),
        (["empty", "-o", "a.csv"], "no recording in this folder or below it"),
        (["a.wav", "-o", "a.wav/b.csv"], "cannot be written"),
        (["a.wav", "-o", "folder.csv", "--force"], "is a folder; name a file for the table"),
        (["a.wav", "-o", "a.csv", "--segments", "0"], "segments"),
        (["a.wav", "-o", "a.csv", "--segments", "601"], "less than or equal to 600"),
        (["a.wav", "-o", "a.csv", "--resume", "--force"], "either --resume"),
        (["long.wav", "-o", "a.csv"], "longer than 10 minutes, too long for one row; describe it in pieces"),
    ],
)
def test_what_is_wrong_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], sentence: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("empty", "folder.csv"):
        (tmp_path / folder).mkdir()
    audio.write(tmp_path / "a.wav", noise(800), 8_000)
    audio.write(tmp_path / "long.wav", noise(600_001), 1_000)
    result = features(*arguments)
    assert result.exit_code == 2
    assert sentence in result.stderr
    assert result.stderr.count("\n") == 1
    assert isinstance(result.exception, SystemExit)
    assert not (tmp_path / "a.csv").exists()
    assert not list(tmp_path.glob(".*"))


def test_without_pyarrow_the_way_to_it_is_named(music: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    result = features(music, "-o", tmp_path / "a.parquet")
    assert result.exit_code == 2
    assert "pip install 'soundsieve[parquet]', or use a .csv table" in result.stderr


def test_torch_is_not_loaded(music: Path, tmp_path: Path) -> None:
    program = (
        "import sys\nfrom soundsieve.cli import main\n"
        f"try:\n    main(['features', {str(music)!r}, '-o', {str(tmp_path / 'a.csv')!r}, '--jobs', '1'])\n"
        "except SystemExit as end:\n    print(end.code, 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "0 False"


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)])
def test_a_run_that_is_ended_goes_on(number: signal.Signals, code: int, tmp_path: Path) -> None:
    for index in range(12):
        audio.write(tmp_path / f"{index:02}.wav", noise(3 * RATE, seed=index), RATE)
    table, hidden = tmp_path / "a.csv", tmp_path / ".a.csv.part"
    arguments = [sys.executable, "-m", "soundsieve", "features", str(tmp_path), "-o", str(table), "--jobs", "1"]
    # A session of its own, to which the signal goes as from the terminal: to the processes at work, too.
    begun = subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True, start_new_session=True)
    deadline = time.monotonic() + 120
    while not (hidden.exists() and hidden.read_bytes().count(b"null]\n") >= 2) and time.monotonic() < deadline:
        time.sleep(0.005)
    os.killpg(begun.pid, number)
    _, said = begun.communicate(timeout=60)
    assert begun.returncode == code
    assert said == (
        "soundsieve: stopped; what is done is kept, go on with the same command and --resume\n" if code == 130 else ""
    )
    assert not table.exists()
    resumed = subprocess.run([*arguments, "--resume"], capture_output=True, text=True, check=False)
    assert resumed.returncode == 0, resumed.stderr
    assert int(resumed.stderr.split()[1]) >= 2  # "soundsieve: 2 of 12 recordings were done before"
    assert names(table) == [f"{index:02}.wav" for index in range(12)]
    assert not list(tmp_path.glob(".*"))
    if code == -9:
        before = table.read_bytes()
        subprocess.run([*arguments, "--force"], check=True, capture_output=True)
        assert table.read_bytes() == before

from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
from http.client import HTTPConnection
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from rated_stems import write_stems
from soundsieve import cli
from soundsieve.evaluation.ratings import Rating, RatingsFile


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli.application(), ["listen", *(str(argument) for argument in arguments)])


def rate(path: Path, listener: str, **values: int) -> None:
    """Save one trial: a rating for each system."""
    RatingsFile(path).append(
        [
            Rating(listener, "2026-01-01T12:00:00Z", 1, "One", "vocals", system, value, k + 1, 4.0, 0, 0.0, 15.0, 0.0)
            for k, (system, value) in enumerate(values.items())
        ]
    )


def test_the_results_are_printed(tmp_path: Path) -> None:
    for listener, value in (("x", 4), ("y", 7)):
        rate(tmp_path / "ratings.csv", listener, alpha=value, reference=10)
    result = run(tmp_path, "--results")
    assert result.exit_code == 0
    assert "5.50" in result.stdout
    assert "10.00" in result.stdout
    assert "2 listeners: too few" in result.stdout


def test_the_results_as_json_with_and_without_doubtful_listeners(tmp_path: Path) -> None:
    table = tmp_path / "elsewhere.csv"
    rate(table, "good", alpha=4, reference=9)
    rate(table, "deaf", alpha=8, reference=2)
    for screen, mos in (([], 6.0), (["--screen"], 4.0)):
        result = run(tmp_path, "-o", table, "--results", "--json", *screen)
        found = json.loads(result.stdout)
        assert next(row["mos"] for row in found["rows"] if row["system"] == "alpha") == mos
        assert found["doubts"] == [{"listener": "deaf", "references": 1, "missed": 1}]
        assert found["screened"] is bool(screen)


@pytest.mark.skipif(sys.platform == "win32", reason="a process cannot be sent Ctrl-C there")
def test_the_page_is_served_until_ctrl_c_and_the_scores_are_printed(tmp_path: Path) -> None:
    folder = write_stems(tmp_path)
    # A process started by one that ignores Ctrl-C would ignore it too.
    program = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
    program += "from soundsieve import cli; cli.main(sys.argv[1:])"
    arguments = ["listen", str(folder), "--port", "0", "--no-browser", "--excerpt", "1"]
    with subprocess.Popen(
        [sys.executable, "-c", program, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "soundsieve: alpha, beta: 4 stems to rate for each listener\n"
        address = process.stderr.readline().split()[0]
        host = address.removeprefix("http://").removesuffix("/")
        connection = HTTPConnection(host, timeout=20)
        connection.request("GET", "/api/trial?listener=Vera")
        state = json.load(connection.getresponse())
        ratings = [{"rating": 6, "listened_s": 1.5} for _ in state["versions"]]
        body = json.dumps({"listener": "Vera", "trial": state["trial"], "ratings": ratings})
        connection.request("POST", "/api/ratings", body, {"Content-Type": "application/json"})
        assert json.load(connection.getresponse())["done"] == 1
        connection.close()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert "6.00" in out
    assert "Traceback" not in err
    with (folder / "ratings.csv").open(newline="") as file:
        assert {row["system"] for row in csv.DictReader(file)} == {"alpha", "beta", "reference"}


def _file_for_a_folder(folder: Path) -> None:
    folder.write_text("")


def _broken(folder: Path) -> None:
    write_stems(folder)
    (folder / "beta" / "Two.drums.wav").write_text("no sound")


def _another_table(folder: Path) -> None:
    write_stems(folder)
    (folder / "ratings.csv").write_text("song,stars\nOne,5\n")


@pytest.mark.parametrize(
    ("make", "options", "sentence"),
    [
        (lambda folder: None, [], "there is no such folder"),
        (_file_for_a_folder, [], "it is a file"),
        (Path.mkdir, [], "no stems of a system here"),
        (Path.mkdir, ["--results"], "there are no ratings yet"),
        (_broken, [], "Two.drums.wav: is not audio"),
        (_another_table, [], "is no table of ratings"),
        (write_stems, ["--excerpt", "500"], "excerpt_s = 500.0"),
        (write_stems, ["-o", "absent/ratings.csv"], "its folder does not exist"),
        (lambda folder: write_stems(folder, mixture=False), ["--anchor"], "no mixture to be the anchor"),
    ],
)
def test_what_cannot_be_used_is_one_sentence(
    tmp_path: Path, make: object, options: list[str], sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    make(tmp_path / "stems")  # type: ignore[operator]
    result = run(tmp_path / "stems", "--no-browser", "--port", "0", *options)
    assert result.exit_code == 2
    assert sentence in result.stderr
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""

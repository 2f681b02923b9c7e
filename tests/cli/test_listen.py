from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
import threading
import webbrowser
from http.client import HTTPConnection
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from rated_stems import RATE, write_stems, write_tone
from recordings import tone
from soundsieve import audio, cli
from soundsieve.evaluation.ratings import COLUMNS, Rating, RatingsFile
from soundsieve.web.listen import ListeningServer


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


def test_a_listener_is_left_out_by_name_in_whatever_case(tmp_path: Path) -> None:
    rate(tmp_path / "ratings.csv", "Vera", alpha=4)
    rate(tmp_path / "ratings.csv", "Try Out", alpha=10)
    result = run(tmp_path, "--results", "--without", "TRY OUT")
    assert result.exit_code == 0
    assert "4.00" in result.stdout
    assert "Left out as asked: Try Out." in result.stdout
    assert json.loads(run(tmp_path, "--results", "--without", "try out", "--json").stdout)["without"] == ["Try Out"]
    result = run(tmp_path, "--results", "--without", "Veera")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == "soundsieve: unknown listener 'Veera': did you mean 'Vera'?\n"


def interrupt(server: ListeningServer, *arguments: object) -> None:
    raise KeyboardInterrupt


def test_who_is_to_be_left_out_and_did_not_come_costs_no_scores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ListeningServer, "serve_forever", interrupt)
    folder = write_stems(tmp_path)
    for listener, value in (("Vera", 4), ("Try", 9)):
        rate(folder / "ratings.csv", listener, alpha=value)
    result = run(folder, "--no-browser", "--port", "0", "--without", "Nobody", "--without", "try")
    assert result.exit_code == 0
    assert "unknown listener 'Nobody'" in result.stderr
    assert "4.00" in result.stdout


@pytest.mark.parametrize("opens", [True, False, webbrowser.Error("no display")], ids=str)
def test_a_browser_that_holds_does_not_hold_the_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, opens: bool | Exception
) -> None:
    served, closed, found = threading.Event(), threading.Event(), list[tuple[str, bool]]()

    def blocking_browser(address: str) -> bool:
        found.append((address, served.wait(2)))
        closed.set()
        if isinstance(opens, Exception):
            raise opens
        return opens

    def serve(server: ListeningServer, *arguments: object) -> None:
        served.set()
        assert closed.wait(10)
        for thread in threading.enumerate():
            if thread.daemon and thread.name.endswith("(_open_page)"):
                thread.join(10)
        raise KeyboardInterrupt

    monkeypatch.setattr(webbrowser, "open", blocking_browser)
    monkeypatch.setattr(ListeningServer, "serve_forever", serve)
    result = run(write_stems(tmp_path), "--port", "0", "--host", "0.0.0.0")
    ((address, while_open),) = found
    assert while_open
    assert address.startswith("http://127.0.0.1:")
    assert f"\n{address}  (Ctrl-C ends the test)\n" in result.stderr
    assert (f"no browser could be opened; go to {address}" in result.stderr) is (opens is not True)


def test_versions_of_another_format_are_remarked_upon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ListeningServer, "serve_forever", interrupt)
    folder = write_stems(tmp_path)
    audio.write(folder / "beta" / "One.drums.wav", tone(440, 2.0, RATE), RATE, force=True)
    result = run(folder, "--no-browser", "--port", "0")
    assert result.exit_code == 0
    assert "versions of 1 of 4 stems differ in channels (One.drums first: alpha 2, beta 1" in result.stderr


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
        body = json.dumps({"listener": "Vera", "trial": 1, "token": state["token"], "ratings": ratings})
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


def _another_length(folder: Path) -> None:
    write_tone(write_stems(folder) / "beta" / "Two.drums.wav", 0.4, duration_s=4.0)


def _another_order(folder: Path) -> None:
    write_stems(folder)
    (folder / "ratings.csv").write_text(",".join(reversed(COLUMNS)) + "\n")


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
        (_another_order, [], "ratings cannot be added to columns gain_db, "),
        (_another_length, [], "expected recordings of one song, equally long"),
        (write_stems, ["--excerpt", "500"], "excerpt_s = 500.0"),
        (write_stems, ["-o", "absent/ratings.csv"], "its folder does not exist"),
        (lambda folder: write_stems(folder, mixture=False), ["--anchor"], "no mixture to be the anchor"),
    ],
)
def test_what_cannot_be_used_is_one_sentence(
    tmp_path: Path, make: object, options: list[str], sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(ListeningServer, "serve_forever", interrupt)
    make(tmp_path / "stems")  # type: ignore[operator]
    result = run(tmp_path / "stems", "--no-browser", "--port", "0", *options)
    assert result.exit_code == 2
    assert sentence in result.stderr
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""

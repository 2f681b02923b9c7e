from __future__ import annotations

import csv
import os
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from soundsieve.errors import DatasetError, OutputError
from soundsieve.evaluation.ratings import COLUMNS, Rating, RatingsFile

ONE = Rating("Vera", "2026-01-01T12:00:00Z", 1, 'A, "B"', "bass", "alpha", 7, 2, 12.5, 0, 3.0, 15.0, -1.5)


def test_what_was_there_stays_as_it_was(tmp_path: Path) -> None:
    table = RatingsFile(tmp_path / "ratings.csv")
    assert table.read() == []
    table.append([ONE, replace(ONE, system="beta")])
    before = table.path.read_bytes()
    table.append([replace(ONE, trial=2)])
    assert table.path.read_bytes().startswith(before)
    assert table.read() == [ONE, replace(ONE, system="beta"), replace(ONE, trial=2)]
    assert table.path.read_text().splitlines()[0] == ",".join(COLUMNS)


def test_threads_do_not_tear_each_others_trials(tmp_path: Path) -> None:
    table = RatingsFile(tmp_path / "ratings.csv")
    trials = [[replace(ONE, listener=f"l{k}", system=name) for name in "abc"] for k in range(20)]
    threads = [threading.Thread(target=table.append, args=[trial]) for trial in trials]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = table.read()
    assert len(found) == 60
    assert [found[k : k + 3] for k in range(0, 60, 3)] == sorted(trials, key=lambda trial: found.index(trial[0]))


def test_a_full_disk_leaves_the_table_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = RatingsFile(tmp_path / "ratings.csv")
    table.append([ONE])
    before, write = table.path.read_bytes(), os.write
    monkeypatch.setattr(os, "write", lambda handle, data: write(handle, data[:10]))
    with pytest.raises(OutputError, match="the disk is full"):
        table.append([replace(ONE, trial=2)])
    assert table.path.read_bytes() == before


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("song,rating\n", "no column 'listener'"),
        (",".join(COLUMNS) + "\nVera,now,1,S,bass,a,seven,1,2,0,0,1,0\n", "row 2: rating = 'seven'"),
        (",".join(COLUMNS) + "\nVera,now,1,S,bass,a,11,1,2,0,0,1,0\n", "must be 1 to 10"),
        (",".join(COLUMNS) + "\nVera,now,1,S,bass,a,7\n", "row 2: position = None"),
    ],
)
def test_another_table_is_refused(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "ratings.csv").write_text(text)
    with pytest.raises(DatasetError, match=sentence):
        RatingsFile(tmp_path / "ratings.csv").check()


def test_a_place_that_cannot_be_written_is_refused_beforehand(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="is a folder"):
        RatingsFile(tmp_path).check()
    with pytest.raises(OutputError, match="its folder does not exist"):
        RatingsFile(tmp_path / "absent" / "ratings.csv").check()


@pytest.mark.parametrize("columns", [(*COLUMNS[1:], COLUMNS[0]), (*COLUMNS, "remark"), COLUMNS[:-1], ("",)])
def test_nothing_is_added_to_a_table_with_other_columns(tmp_path: Path, columns: tuple[str, ...]) -> None:
    path = tmp_path / "ratings.csv"
    path.write_text(",".join(columns) + "\n")
    before = path.read_bytes()
    with pytest.raises(DatasetError, match=r"ratings cannot be added to columns .*; expected listener, time_utc, "):
        RatingsFile(path).append([ONE])
    with pytest.raises(DatasetError):
        RatingsFile(path).check()
    assert path.read_bytes() == before


def test_a_table_with_columns_in_another_order_can_be_read_but_not_added_to(tmp_path: Path) -> None:
    RatingsFile(tmp_path / "a.csv").append([ONE])
    with (tmp_path / "a.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    with (tmp_path / "b.csv").open("w", newline="") as file:
        csv.writer(file).writerows([*row[1:], row[0]] for row in rows)
    assert RatingsFile(tmp_path / "b.csv").read() == [ONE]
    with pytest.raises(DatasetError, match="cannot be added to columns time_utc"):
        RatingsFile(tmp_path / "b.csv").check()


@pytest.mark.parametrize("rows", [0, 1])
def test_a_last_line_without_its_end_is_ended_first(tmp_path: Path, rows: int) -> None:
    table = RatingsFile(tmp_path / "ratings.csv")
    table.append([ONE] * rows)
    table.path.write_bytes(table.path.read_bytes().rstrip(b"\n"))
    table.check()
    table.append([replace(ONE, trial=2)])
    assert table.read() == [ONE] * rows + [replace(ONE, trial=2)]
    assert table.path.read_bytes().count(b"\n") == rows + 2


@pytest.mark.parametrize(("mark", "end"), [(b"\xef\xbb\xbf", b"\n"), (b"", b"\r\n")])
def test_a_table_saved_by_a_spreadsheet_is_added_to(tmp_path: Path, mark: bytes, end: bytes) -> None:
    table = RatingsFile(tmp_path / "ratings.csv")
    table.append([ONE])
    table.path.write_bytes(mark + table.path.read_bytes().replace(b"\n", end))
    table.check()
    table.append([replace(ONE, trial=2)])
    assert table.read() == [ONE, replace(ONE, trial=2)]


def test_a_full_disk_undoes_the_repair_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = RatingsFile(tmp_path / "ratings.csv")
    table.append([ONE])
    table.path.write_bytes(table.path.read_bytes().rstrip(b"\n"))
    before, write = table.path.read_bytes(), os.write
    monkeypatch.setattr(os, "write", lambda handle, data: write(handle, data[:10]))
    with pytest.raises(OutputError, match="the disk is full"):
        table.append([ONE])
    assert table.path.read_bytes() == before

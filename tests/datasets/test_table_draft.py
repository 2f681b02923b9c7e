"""A table in the making: what is kept when it is broken off, and what appears when it is complete."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import pytest

from soundsieve.datasets.genre_table import read_table, recording_of
from soundsieve.datasets.table_draft import TableDraft
from soundsieve.errors import DatasetError, OutputError

MADE = {"segments": 3.0, "edges": "mirror"}
FORMATS = ["csv", "parquet"]


def draft(table: Path, **made: object) -> TableDraft:
    if table.suffix == ".parquet":
        pytest.importorskip("pyarrow", reason="pyarrow, which Parquet needs, is not installed")
    return TableDraft(table, ["rms_mean", "tempo"], {**MADE, **made})


def row(name: str, value: float = 0.1) -> tuple[str, int, float, float, str]:
    return (name, 66_150, value, 120.0, "pop")


def names(table: Path) -> tuple[str, ...]:
    return read_table(table).names


@pytest.mark.parametrize("suffix", FORMATS)
def test_rows_come_in_the_order_asked_for_and_read_back_exactly(tmp_path: Path, suffix: str) -> None:
    table = tmp_path / "new" / f"a.{suffix}"
    values = [0.1 + 0.2, -1e-17, 1.7976931348623157e308, 5e-324]
    with draft(table) as made:
        made.begin()
        for name, value in zip("dcba", values, strict=True):
            made.add(name, [row(f"{name}__0.wav", value)])
            made.add(name, [row(f"{name}__1.wav", value)])
            made.finish(name)
        assert (made.recordings, made.rows) == (["d", "c", "b", "a"], 8)
        assert not table.exists()
        made.write(["a", "b", "c"])
    # What is not in the order was there before, and stays before.
    assert names(table) == tuple(f"{name}__{number}.wav" for name in "dabc" for number in (0, 1))
    assert read_table(table).values[::2, 0].tolist() == [values[0], *values[:0:-1]]
    assert [path.name for path in table.parent.iterdir()] == [table.name]


def test_names_may_hold_anything(tmp_path: Path) -> None:
    odd = 'a, "b"\nc é 音.wav'
    with draft(tmp_path / "a.csv") as made:
        made.begin()
        made.add(odd, [row(odd)])
        made.finish(odd)
        made.write([odd])
    with (tmp_path / "a.csv").open(newline="", encoding="utf-8") as file:
        assert list(csv.reader(file))[1][0] == odd


def broken_off(table: Path) -> Path:
    """Leave the beginning of a table: a is finished, b is not, c could not be and was begun again."""
    with draft(table) as made:
        made.begin()
        made.add("a", [row("a.wav")])
        made.finish("a")
        made.add("c", [row("c0.wav")])
        made.forget("c")
        made.add("c", [row("c1.wav")])
        made.finish("c")
        made.add("b", [row("b.wav")])
    assert not table.exists()
    return made.hidden


def test_what_is_finished_is_gone_on_with(tmp_path: Path) -> None:
    table = tmp_path / "a.csv"
    assert broken_off(table) == tmp_path / ".a.csv.part"
    with draft(table) as made:
        made.go_on()
        assert made.recordings == ["a", "c"]
        made.add("b", [row("b.wav"), row("b2.wav")])
        made.finish("b")
        made.write(["a", "b", "c"])
    assert names(table) == ("a.wav", "b.wav", "b2.wav", "c1.wav")
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


def test_wherever_it_was_cut_off_what_is_there_is_whole(tmp_path: Path) -> None:
    """A process is killed while it writes: every beginning of the hidden file can be gone on with."""
    table = tmp_path / "a.csv"
    hidden = broken_off(table)
    content = hidden.read_bytes()
    file_of = {"a": "a.wav", "b": "b.wav", "c": "c1.wav"}
    found = []
    for end in range(len(content) + 1):
        hidden.write_bytes(content[:end])
        with draft(table) as made:
            made.go_on()
            found.append(tuple(made.recordings))
            made.add("b", [row("b.wav")])
            made.finish("b")
            made.write(["a", "b", "c"])
        assert names(table) == tuple(file_of[name] for name in sorted({*found[-1], "b"}))
    assert sorted(set(found), key=len) == [(), ("a",), ("a", "c")]


def test_rows_made_in_another_way_are_not_mixed_in(tmp_path: Path) -> None:
    hidden = broken_off(tmp_path / "a.csv")
    before = hidden.read_bytes()
    sentence = r"a\.csv: was begun with edges = mirror, not silence; begin anew with --force"
    with pytest.raises(OutputError, match=sentence), draft(tmp_path / "a.csv", edges="silence") as made:
        made.go_on()
    assert hidden.read_bytes() == before


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda content: b"{}\n" + content, "was begun with other columns"),
        (lambda content: b"x\n" + content, "was begun by something else"),
        (lambda content: content.replace(b'["a", 0', b'["a", 1'), "is damaged at byte"),
        (lambda content: content.replace(b'["c", 1, null', b'["c", 2, null'), "is damaged at byte"),
        (lambda content: content.replace(b'["c", 0, [', b'["c", 0, ', 1), "is damaged at byte"),
        (lambda content: content + b"[1]\n", "is damaged at byte"),
    ],
)
def test_a_damaged_beginning_is_refused_and_left_alone(tmp_path: Path, damage: object, sentence: str) -> None:
    hidden = broken_off(tmp_path / "a.csv")
    content = damage(hidden.read_bytes())  # type: ignore[operator]
    hidden.write_bytes(content)
    with pytest.raises(OutputError, match=sentence), draft(tmp_path / "a.csv") as made:
        made.go_on()
    assert hidden.read_bytes() == content


def test_a_beginning_without_a_finished_recording_is_not_kept(tmp_path: Path) -> None:
    with draft(tmp_path / "a.csv") as made:
        made.begin()
        made.add("a", [row("a.wav")])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_finished_table_is_taken_over(tmp_path: Path, suffix: str) -> None:
    table = tmp_path / f"a.{suffix}"
    rows = [("x__0.mp3", 66_150, 0.1, 120.0, ""), ("x__1.mp3", 40_000, 1 / 3, 0.0, "")]
    with draft(table) as made:
        made.begin()
        made.add("x.mp3", rows)
        made.finish("x.mp3")
        made.write(["x.mp3"])
    before = table.read_bytes()
    with draft(table) as made:
        made.take_over(recording_of)
        assert (made.recordings, made.rows) == (["x.mp3"], 2)
        made.discard()
    assert table.read_bytes() == before
    with draft(table) as made:
        made.take_over(recording_of)
        made.write(["x.mp3"])
    assert table.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == [table.name]


@pytest.mark.parametrize(
    ("text", "error", "sentence"),
    [
        ("filename,length,tempo,label\n", OutputError, "its columns are not those of this table"),
        ("", OutputError, "its columns are not those of this table"),
        ("filename,length,rms_mean,tempo,label\na.wav,7,1,2\n", DatasetError, r"a\.wav has 4 values; expected 5"),
        ("filename,length,rms_mean,tempo,label\na.wav,7,1,x,pop\n", DatasetError, r"a\.wav has what is no number"),
    ],
)
def test_another_table_is_not_taken_over(tmp_path: Path, text: str, error: type[Exception], sentence: str) -> None:
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(error, match=sentence), draft(tmp_path / "a.csv") as made:
        made.take_over(recording_of)
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


def test_places_that_cannot_be_written_are_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"a\.csv: cannot be written"):
        draft(tmp_path / "file" / "a.csv").begin()
    for name in ("a.xlsx", "a"):
        with pytest.raises(OutputError, match=r"a table is written as \.csv or \.parquet"):
            draft(tmp_path / name)


def test_two_runs_do_not_write_one_table(tmp_path: Path) -> None:
    pytest.importorskip("fcntl", reason="files cannot be locked on this system")
    table = tmp_path / "a.csv"
    with draft(table) as made:
        made.begin()
        made.add("a", [row("a.wav")])
        made.finish("a")
        for begin in (TableDraft.begin, TableDraft.go_on):
            with draft(table) as other, pytest.raises(OutputError, match="another run is at work on it"):
                begin(other)
        made.write(["a"])
    assert names(table) == ("a.wav",)


def test_a_disk_that_is_full_is_one_sentence_and_what_is_there_can_be_gone_on_with(tmp_path: Path) -> None:
    pytest.importorskip("resource", reason="the size of files cannot be limited on this system")
    program = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from soundsieve.datasets.table_draft import TableDraft\n"
        "from soundsieve.errors import OutputError\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try:\n"
        f"    with TableDraft(Path(sys.argv[1]), ['rms_mean', 'tempo'], {MADE!r}) as made:\n"
        "        made.begin()\n"
        "        for number in range(100):\n"
        "            made.add(str(number), [(f'{number}.wav', 66150, 0.1, 120.0, 'pop')])\n"
        "            made.finish(str(number))\n"
        "except OutputError as error:\n"
        "    print(error)\n"
    )
    table = tmp_path / "a.csv"
    done = subprocess.run([sys.executable, "-c", program, table], capture_output=True, text=True, check=True)
    assert done.stdout == f"{table}: cannot be written (File too large)\n"
    with draft(table) as made:
        made.go_on()
        kept = made.recordings
        assert kept == [str(number) for number in range(len(kept))]
        assert len(kept) > 5
        made.write(kept)
    assert names(table) == tuple(f"{number}.wav" for number in kept)

"""The table of descriptors from Python: rows, names, labels, what is gone on with and what is refused."""

from __future__ import annotations

import csv
import threading
from pathlib import Path

import numpy as np
import pytest

from recordings import noise
from soundsieve import audio
from soundsieve.datasets.genre_table import read_table
from soundsieve.errors import Cancelled, OutputError, SettingsError
from soundsieve.features.descriptors import NAMES, describe
from soundsieve.inference.music_rows import DescribeSettings
from soundsieve.systems.describe_music import describe_music

RATE = 22_050
PIECES = DescribeSettings(segments=0.1)


@pytest.fixture
def music(tmp_path: Path) -> Path:
    """Five songs in folders of genres, two of one name, one named as in GTZAN, and a file that is no sound."""
    files = ("Folk/song.wav", "Folk/live/song.wav", "jazz.00007.flac", "loose.wav", "polka/song.wav")
    for seed, name in enumerate(files):
        place = tmp_path / "music" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        audio.write(place, noise(4410 + 2205 * seed, seed=seed), RATE)
    (tmp_path / "music" / "polka" / "notes.wav").write_text("no sound")
    return tmp_path / "music"


def rows(table: Path) -> list[dict[str, str]]:
    with table.open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_row_for_each_recording(music: Path, tmp_path: Path) -> None:
    table, errors = tmp_path / "a.csv", []
    found = describe_music([music], table, complain=errors.append)
    assert (found.rows, found.recordings, found.before) == (5, 6, 0)
    assert [(file.name, sentence) for file, sentence in found.failed] == [("notes.wav", str(errors[0]))]
    with table.open() as file:
        assert file.readline() == f"filename,length,{','.join(NAMES)},label\n"
    written = rows(table)
    assert [(row["filename"], row["length"], row["label"]) for row in written] == [
        ("Folk/live/song.wav", "6615", "Folk"),
        ("Folk/song.wav", "4410", "Folk"),
        ("jazz.00007.wav", "8820", "jazz"),
        ("loose.wav", "11025", ""),
        ("polka/song.wav", "13230", "polka"),
    ]
    wave, _ = audio.read(music / "loose.wav")
    np.testing.assert_array_equal([float(written[3][name]) for name in NAMES], describe(wave[0], edges="mirror"))


def test_a_row_for_each_piece_and_its_song_is_the_group(music: Path, tmp_path: Path) -> None:
    table = tmp_path / "a.csv"
    (music / "loose.wav").unlink()
    describe_music([music], table, PIECES)
    read = read_table(table)
    assert read.names[:8] == (
        *(f"Folk/live/song__{number}.wav" for number in range(3)),
        *(f"Folk/song__{number}.wav" for number in range(2)),
        *(f"jazz.00007.{number}.wav" for number in range(3)),
    )
    groups = ("Folk/live/song", "Folk/song", "jazz.00007", "polka/song")
    assert read.groups == tuple(name for name, count in zip(groups, (3, 2, 4, 6), strict=True) for _ in range(count))
    assert read.classes == ("folk", "jazz", "polka")


def test_processes_make_the_same_table(music: Path, tmp_path: Path) -> None:
    describe_music([music], tmp_path / "here.csv", PIECES)
    describe_music([music], tmp_path / "there.csv", PIECES, jobs=3)
    here, there = rows(tmp_path / "here.csv"), rows(tmp_path / "there.csv")
    assert [row["filename"] for row in here] == [row["filename"] for row in there]
    for one, other in zip(here, there, strict=True):
        assert [float(one[name]) for name in NAMES] == pytest.approx([float(other[name]) for name in NAMES], rel=1e-5)


def test_progress_rises_to_the_end_and_a_token_stops_what_is_then_gone_on_with(music: Path, tmp_path: Path) -> None:
    told: list[float] = []
    describe_music([music], tmp_path / "whole.csv", PIECES, progress=lambda done, total: told.append(done))
    assert told == sorted(told)
    assert told[-1] == 6
    token = threading.Event()

    def stop_soon(done: float, total: float | None) -> None:
        if done > 2:
            token.set()

    table = tmp_path / "a.csv"
    with pytest.raises(Cancelled):
        describe_music([music], table, PIECES, progress=stop_soon, cancel=token)
    assert not table.exists()
    with pytest.raises(OutputError, match=r"\.a\.csv\.part: is the beginning of this table; use --resume"):
        describe_music([music], table, PIECES)
    with pytest.raises(OutputError, match=r"was begun with segments = 0\.1, not None"):
        describe_music([music], table, existing="resume")
    found = describe_music([music], table, PIECES, existing="resume")
    assert found.before == 2
    assert table.read_bytes() == (tmp_path / "whole.csv").read_bytes()
    assert not list(tmp_path.glob(".*"))


def test_a_finished_table_is_added_to_in_the_order_of_the_walk(music: Path, tmp_path: Path) -> None:
    table = tmp_path / "a.csv"
    first = describe_music([music], table)
    before = table.stat().st_mtime_ns
    again = describe_music([music], table, existing="resume")
    assert (again.before, again.rows, len(again.failed)) == (5, first.rows, 1)
    assert table.stat().st_mtime_ns == before
    assert not list(tmp_path.glob(".*"))
    audio.write(music / "Folk" / "another.wav", noise(4410), RATE)
    (music / "loose.wav").unlink()
    assert describe_music([music], table, existing="resume").rows == 6
    assert [row["filename"] for row in rows(table)] == [
        "loose.wav",  # it is no longer among the recordings, but it was before
        "Folk/another.wav",
        "Folk/live/song.wav",
        "Folk/song.wav",
        "jazz.00007.wav",
        "polka/song.wav",
    ]


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (DescribeSettings(edges="silence"), r"does not give its row Folk/live/song\.wav"),
        (PIECES, "has no row of these recordings with segments 0.1"),
    ],
)
def test_rows_made_in_another_way_are_not_added_to(
    music: Path, tmp_path: Path, settings: DescribeSettings, sentence: str
) -> None:
    table = tmp_path / "a.csv"
    describe_music([music], table)
    before = table.read_bytes()
    with pytest.raises(OutputError, match=sentence):
        describe_music([music], table, settings, existing="resume")
    assert table.read_bytes() == before
    assert not list(tmp_path.glob(".*"))
    describe_music([music], table, settings, existing="replace")
    assert table.read_bytes() != before


def test_other_recordings_of_the_same_names_are_not_taken_for_those_that_are_there(tmp_path: Path) -> None:
    for seed, folder in enumerate(("one", "two")):
        (tmp_path / folder).mkdir()
        audio.write(tmp_path / folder / "song.wav", 0.5**seed * noise(RATE, seed=seed), RATE)
    describe_music([tmp_path / "one"], tmp_path / "a.csv")
    with pytest.raises(OutputError, match=r"two/song\.wav with .* does not give its row song\.wav"):
        describe_music([tmp_path / "two"], tmp_path / "a.csv", existing="resume")
    with pytest.raises(OutputError, match=r"two/song\.wav: would have the same name .* as .*one/song\.wav"):
        describe_music([tmp_path / "one", tmp_path / "two"], tmp_path / "b.csv")
    assert describe_music([tmp_path], tmp_path / "b.csv").rows == 2


def test_a_name_that_is_no_text_does_not_stop_the_others(music: Path, tmp_path: Path) -> None:
    odd = music / "odd\udcff.wav"
    try:
        (music / "loose.wav").rename(odd)
    except OSError:
        pytest.skip("this file system has no such names")
    found = describe_music([music], tmp_path / "a.csv")
    assert found.rows == 4
    assert [sentence for file, sentence in found.failed if file == odd] == [
        f"{odd}: its name is not UTF-8, so that no table can hold it; rename it"
    ]


def test_where_nothing_can_be_described_there_is_no_table(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_text("no sound")
    found = describe_music([tmp_path / "a.wav"], tmp_path / "a.csv")
    assert (found.rows, len(found.failed)) == (0, 1)
    assert [path.name for path in tmp_path.iterdir()] == ["a.wav"]
    with pytest.raises(SettingsError, match="name at least one recording"):
        describe_music([], tmp_path / "a.csv")


def test_a_table_in_parquet_holds_the_same(music: Path, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="pyarrow, which Parquet needs, is not installed")
    (music / "loose.wav").unlink()
    describe_music([music], tmp_path / "a.csv")
    describe_music([music], tmp_path / "a.parquet")
    one, other = read_table(tmp_path / "a.csv"), read_table(tmp_path / "a.parquet")
    np.testing.assert_array_equal(one.values, other.values)
    assert (one.names, one.columns, one.labels, one.groups) == (other.names, other.columns, other.labels, other.groups)
    audio.write(music / "polka" / "z.wav", noise(4410), RATE)
    assert describe_music([music], tmp_path / "a.parquet", existing="resume").rows == 5


@pytest.mark.shared_data
def test_the_public_table(shared_data: Path, tmp_path: Path) -> None:
    """Copies in WAV are the recordings of the table: no value is off by 0.01 %. One of them is broken, as many are."""
    root = shared_data / "gtzan"
    files = [root / "genres" / genre / f"{genre}.00000.wav" for genre in ("blues", "country", "hiphop", "pop")]
    broken = root / "genres" / "jazz" / "jazz.00054.wav"
    found = describe_music([*files, broken], tmp_path / "a.csv")
    assert [file for file, _ in found.failed] == [broken]
    public = {row["filename"]: row for row in rows(root / "features_30_sec.csv")}
    written = rows(tmp_path / "a.csv")
    assert [row["filename"] for row in written] == [file.name for file in files]
    for row in written:
        expected = public[row["filename"]]
        assert list(row) == list(expected)
        assert (row["length"], row["label"]) == (expected["length"], expected["label"])
        assert [float(row[name]) for name in NAMES] == pytest.approx([float(expected[n]) for n in NAMES], rel=1e-4)

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from soundsieve.datasets import parquet
from soundsieve.datasets.genre_table import label_of, piece_name, read_table, recording_of, row_name
from soundsieve.errors import DatasetError, MissingExtraError

HEADER = "filename,length,rms_mean,rms_var,tempo,label\n"
ROWS = "blues.00000.0.wav,66149,0.1,0.01,120,blues\nblues.00000.1.wav,66149,0.2,0.02,1e2,blues\n"


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_length_is_no_descriptor_and_pieces_belong_to_their_track(tmp_path: Path) -> None:
    table = read_table(
        write(tmp_path / "a.csv", HEADER + ROWS + "my__song.wav,7,0,0,0,Hip-Hop\nother.wav,7,0,0,0,pop\n")
    )
    assert table.columns == ("rms_mean", "rms_var", "tempo")
    np.testing.assert_array_equal(table.values[:2], [[0.1, 0.01, 120], [0.2, 0.02, 100]])
    assert table.groups == ("blues.00000", "blues.00000", "my__song", "other")
    assert table.labels == ("blues", "blues", "hip_hop", "pop")
    assert table.classes == ("blues", "hip_hop", "pop")
    assert table.targets.tolist() == [0, 0, 1, 2]


def test_columns_come_in_the_order_asked_for(tmp_path: Path) -> None:
    table = read_table(write(tmp_path / "a.csv", HEADER + ROWS), ["tempo", "rms_mean"])
    assert table.columns == ("tempo", "rms_mean")
    assert table.values[0].tolist() == [120, 0.1]
    some = table.examples(np.array([1]))
    assert (some.values.tolist(), some.targets.tolist(), some.classes) == ([[100, 0.2]], [0], 1)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (HEADER + "a.wav,7,0,0,fast,pop\n", r"a\.wav has tempo = 'fast'; expected a finite number"),
        (HEADER + "a.wav,7,0,0,nan,pop\n", r"a\.wav has tempo = 'nan'; expected a finite number"),
        (HEADER + "a.wav,7,0,0,,pop\n", "has tempo = ''; expected a finite number"),
        (HEADER + "a.wav,7,0,0,1\n", "line 2 has no value in column 'label'"),
        (HEADER, "the table has a header and no rows"),
        ("filename,length,label\na.wav,7,pop\n", "no column but filename, length, label; expected descriptors"),
        ("length,label\n7,pop\n", "column 'filename' is missing"),
        (HEADER + "a.wav,7,0,0,1,pop\na.wav,7,0,0,1,pop\n", r"a\.wav is in lines 2 and 3"),
        (HEADER + "a.wav,7,0,0,1,--\n", "a label has no letter or digit"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(DatasetError, match=sentence):
        read_table(write(tmp_path / "a.csv", text))


def test_a_column_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="column 'mfcc1_mean' is missing"):
        read_table(write(tmp_path / "a.csv", HEADER + ROWS), ["mfcc1_mean"])


def test_songs_of_one_name_in_different_folders_are_different_songs(tmp_path: Path) -> None:
    names = ["a/song__0.mp3", "a/song__1.mp3", "b/song__0.mp3", "b/song.ogg", "b/my__song.ogg", "__0.mp3", "a.b/c"]
    rows = "".join(f"{name},7,0,0,0,pop\n" for name in names)
    table = read_table(write(tmp_path / "a.csv", HEADER + rows))
    assert table.groups == ("a/song", "a/song", "b/song", "b/song", "b/my__song", "__0", "a.b/c")


@pytest.mark.parametrize(
    ("inside", "name", "piece", "label"),
    [
        ("blues/blues.00000.wav", "blues.00000.wav", "blues.00000.7.wav", "blues"),
        ("genres/jazz/jazz.00054.AU", "jazz.00054.wav", "jazz.00054.7.wav", "jazz"),
        ("blues/blues.00000.3.wav", "blues/blues.00000.3.wav", "blues/blues.00000.3__7.wav", "blues"),
        ("Hip-Hop/live/a song.mp3", "Hip-Hop/live/a song.mp3", "Hip-Hop/live/a song__7.mp3", "Hip-Hop"),
        ("song__0.mp3", "song__0.mp3", "song__0__7.mp3", ""),
        ("01. song", "01. song", "01__7. song", ""),
        ("polka.00000.wav", "polka.00000.wav", "polka.00000__7.wav", ""),
    ],
)
def test_names_of_rows_lead_back_to_their_recording(inside: str, name: str, piece: str, label: str) -> None:
    assert row_name(Path(inside)) == name
    assert piece_name(name, 7) == piece
    assert recording_of(piece) == name
    assert label_of(Path(inside)) == label


def test_a_parquet_table_is_the_same(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="pyarrow, which Parquet needs, is not installed")
    kinds = [("filename", "string"), ("length", "int64"), ("rms_mean", "double"), ("tempo", "double")]
    rows = [("a/x__0.mp3", 66150, 0.1 + 0.2, 1e-300), ("blues.00000.wav", 7, -5e-324, 120.0)]
    labelled = [(*row, label) for row, label in zip(rows, ("Hip-Hop", "blues"), strict=True)]
    parquet.write(tmp_path / "a.parquet", [*kinds, ("label", "string")], [labelled[:1], [], labelled[1:]])
    table = read_table(tmp_path / "a.parquet")
    assert table.columns == ("rms_mean", "tempo")
    assert table.values.tolist() == [[0.1 + 0.2, 1e-300], [-5e-324, 120.0]]
    assert (table.labels, table.groups) == (("hip_hop", "blues"), ("a/x", "blues.00000"))
    with pytest.raises(DatasetError, match="column 'mfcc1_mean' is missing"):
        read_table(tmp_path / "a.parquet", ["mfcc1_mean"])


def test_a_file_that_is_no_parquet_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="pyarrow, which Parquet needs, is not installed")
    with pytest.raises(DatasetError, match=r"a\.parquet: cannot read this table"):
        read_table(write(tmp_path / "a.parquet", HEADER + ROWS))
    with pytest.raises(DatasetError, match="No such file"):
        read_table(tmp_path / "gone.parquet")


def test_without_pyarrow_the_way_to_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'soundsieve\[parquet\]'"):
        read_table(tmp_path / "a.parquet")


@pytest.mark.shared_data
def test_the_public_table(shared_data: Path) -> None:
    table = read_table(shared_data / "gtzan" / "features_30_sec.csv")
    assert table.values.shape == (1000, 57)
    assert set(Counter(table.labels).values()) == {100}
    assert len(set(table.groups)) == 1000
    assert table.columns[:2] + table.columns[-1:] == ("chroma_stft_mean", "chroma_stft_var", "mfcc20_var")

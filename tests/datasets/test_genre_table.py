from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from soundsieve.datasets.genre_table import read_table
from soundsieve.errors import DatasetError

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
    assert table.groups == ("blues.00000", "blues.00000", "my", "other")
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


@pytest.mark.shared_data
def test_the_public_table(shared_data: Path) -> None:
    table = read_table(shared_data / "gtzan" / "features_30_sec.csv")
    assert table.values.shape == (1000, 57)
    assert set(Counter(table.labels).values()) == {100}
    assert len(set(table.groups)) == 1000
    assert table.columns[:2] + table.columns[-1:] == ("chroma_stft_mean", "chroma_stft_var", "mfcc20_var")

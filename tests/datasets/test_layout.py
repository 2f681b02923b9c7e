from __future__ import annotations

from pathlib import Path

import pytest

from layouts import write_tone
from soundsieve.datasets.layout import audio_by_stem, read_rows, require_present
from soundsieve.errors import DatasetError


def table(tmp_path: Path, text: str, encoding: str = "utf-8") -> Path:
    path = tmp_path / "table.csv"
    path.write_bytes(text.encode(encoding))
    return path


def test_reads_rows_by_column(tmp_path: Path) -> None:
    path = table(tmp_path, 'fname,label\r\na.wav, dog \r\nb.wav,"rain, heavy"\r\n', "utf-8-sig")
    assert read_rows(path, ["fname"]) == [
        {"fname": "a.wav", "label": "dog"},
        {"fname": "b.wav", "label": "rain, heavy"},
    ]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "column 'fname' is missing; found an empty file"),
        ("fname,label\n", "the table has a header and no rows"),
        ("name,label\na.wav,dog\n", "column 'fname' is missing; found name, label"),
        ("fname,label\na.wav,dog\nb.wav\n", "line 3 has no value in column 'label'"),
        ("fname,label\n,dog\n", "line 2 has no value in column 'fname'"),
        ("fname,label\na.wav,rain, heavy\n", "line 2 has more values than the header has columns"),
        ("fname,label\na.wav,dog\nb.wav,dog\na.wav,cat\n", "a.wav is in lines 2 and 4; expected it once"),
    ],
)
def test_a_bad_table_is_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    path = table(tmp_path, text)
    with pytest.raises(DatasetError) as caught:
        read_rows(path, ["fname", "label"])
    assert str(caught.value) == f"{path}: {sentence}"


def test_a_table_in_another_encoding_is_an_error(tmp_path: Path) -> None:
    path = table(tmp_path, "fname,label\nä.wav,dog\n", "latin-1")
    with pytest.raises(DatasetError, match="cannot read this table"):
        read_rows(path, ["fname"])


def test_a_missing_table_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"absent\.csv: cannot read this table \(No such file"):
        read_rows(tmp_path / "absent.csv", ["fname"])


def test_a_stem_finds_the_file_whatever_its_suffix(tmp_path: Path) -> None:
    for name in ("a.ogg", "b.WAV", "c.ogg", "c.wav", ".d.wav"):
        write_tone(tmp_path / name)
    (tmp_path / "e.wav").mkdir()
    (tmp_path / "f.txt").write_text("")
    assert {stem: path.name for stem, path in audio_by_stem(tmp_path).items()} == {
        "a": "a.ogg",
        "b": "b.WAV",
        "c": "c.wav",
    }


def test_missing_recordings_are_counted() -> None:
    require_present("esc50", [])
    with pytest.raises(DatasetError, match=r"esc50: 1,234 audio files named .* the first is a\.wav"):
        require_present("esc50", ["a.wav"] * 1234)

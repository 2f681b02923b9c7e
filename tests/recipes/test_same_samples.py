"""Samples that two fonts share, in files of both formats that are written here."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from soundsieve.errors import DatasetError
from soundsieve.recipes.watch.same_samples import main, read_samples


def noise(seed: int, count: int = 3000) -> np.ndarray:
    return np.random.default_rng(seed).integers(-9000, 9000, count).astype(np.int16)


def chunk(name: bytes, data: bytes) -> bytes:
    return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


def write_font(path: Path, samples: dict[str, np.ndarray]) -> Path:
    numbers, headers = b"", b""
    for name, sample in samples.items():
        start = len(numbers) // 2
        headers += struct.pack("<20s5I6x", name.encode(), start, start + len(sample), 0, 0, 44_100)
        numbers += sample.astype("<i2").tobytes()
    headers += struct.pack("<20s26x", b"EOS")
    data = (
        b"sfbk" + chunk(b"LIST", b"INFO" + chunk(b"INAM", b"odd")) + chunk(b"LIST", b"sdta" + chunk(b"smpl", numbers))
    )
    path.write_bytes(chunk(b"RIFF", data + chunk(b"LIST", b"pdta" + chunk(b"shdr", headers))))
    return path


def write_patch(path: Path, samples: list[np.ndarray], flags: int) -> Path:
    data = bytearray(239)
    data[:12], data[198] = b"GF1PATCH110\0", len(samples)
    for sample in samples:
        raw = (sample.astype(np.int32) + 0x8000 * bool(flags & 2)).astype("<u2").tobytes()
        if not flags & 1:
            raw = raw[1::2]  # the upper bytes
        header = bytearray(96)
        struct.pack_into("<I", header, 8, len(raw))
        header[55] = flags
        data += header + raw
    path.write_bytes(bytes(data))
    return path


@pytest.mark.parametrize("flags", [1, 3])
def test_shared_samples_are_found_whatever_their_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], flags: int
) -> None:
    font = write_font(tmp_path / "a.sf2", {"Flute": noise(0), "Harp": noise(1), "Hush": noise(2) // 100})
    other = write_font(tmp_path / "b.sf2", {"Horn": noise(3), "Hush": noise(2) // 100})
    patch = write_patch(tmp_path / "p.pat", [noise(4), noise(1)[300:]], flags)
    assert main([str(font), str(other), str(patch)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        "Harp: 90% of it in p 1",
        "1 of 3 samples of a.sf2 share runs with 4 others",
    ]


def test_samples_are_read_as_they_are(tmp_path: Path) -> None:
    font = write_font(tmp_path / "a.sf2", {"Flute": noise(0), "Harp": noise(1, 1001)})
    assert [name for name, _ in read_samples(font)] == ["Flute", "Harp"]
    for (_, found), written in zip(read_samples(font), (noise(0), noise(1, 1001)), strict=True):
        np.testing.assert_array_equal(found, written)
    for flags, least in ((0, 256), (2, 256), (1, 1), (3, 1)):
        ((name, found),) = read_samples(write_patch(tmp_path / "p.pat", [noise(5)], flags))
        assert name == "p 0"
        assert np.abs(found.astype(int) - noise(5)).max() < least


def test_other_files_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.sf2").write_bytes(b"RIFF....WAVE")
    assert main([str(tmp_path / "a.sf2"), str(tmp_path / "b.sf2")]) == 2
    assert capsys.readouterr().err == f"{tmp_path / 'a.sf2'}: expected a .sf2 soundfont or a .pat patch\n"
    with pytest.raises(DatasetError, match="No such file"):
        read_samples(tmp_path / "b.sf2")
    patch = write_patch(tmp_path / "p.pat", [noise(5)], 1)
    patch.write_bytes(patch.read_bytes()[:245])
    with pytest.raises(DatasetError, match="ends too early"):
        read_samples(patch)

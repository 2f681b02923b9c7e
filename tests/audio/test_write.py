from __future__ import annotations

import importlib
import resource
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from recordings import noise, tone
from soundsieve.audio import FORMATS, Writer, power_db, probe, read, write
from soundsieve.errors import OutputError

# The function of the same name hides the module from an import statement.
write_module = importlib.import_module("soundsieve.audio.write")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(("suffix", "subtype"), [(s, t) for s, types in FORMATS.items() for t in types])
@pytest.mark.parametrize("channels", [1, 2])
def test_what_is_written_is_read(tmp_path: Path, suffix: str, subtype: str, channels: int) -> None:
    path, x = tmp_path / f"a.{suffix}", tone(1000, 0.5, 44_100, channels)
    write(path, x, 44_100, subtype=subtype)
    found, rate = read(path)
    assert (found.shape, rate) == (x.shape, 44_100)
    assert power_db(found - x) < power_db(x) - (30 if suffix in {"ogg", "mp3"} else 80)
    assert names(tmp_path) == [path.name]


def test_the_default_is_the_first_encoding_and_float_for_wav(tmp_path: Path) -> None:
    x = 4 * noise(1_000)
    write(tmp_path / "a.wav", x, 8_000)
    assert probe(tmp_path / "a.wav").subtype == FORMATS["wav"][0] == "FLOAT"
    np.testing.assert_array_equal(read(tmp_path / "a.wav")[0], x)
    write(tmp_path / "a.flac", noise(1_000), 8_000)
    assert probe(tmp_path / "a.flac").subtype == FORMATS["flac"][0] == "PCM_24"


@settings(max_examples=25)
@given(st.lists(st.integers(0, 3_000), min_size=1, max_size=8), st.sampled_from(["wav", "flac"]))
def test_blocks_join_up(tmp_path_factory: pytest.TempPathFactory, sizes: list[int], suffix: str) -> None:
    path, x = tmp_path_factory.mktemp("join") / f"a.{suffix}", noise(sum(sizes) + 1, channels=2)
    with Writer(path, 8_000, 2) as writer:
        for block in np.split(x, np.cumsum(sizes), axis=1):
            writer.write(block)
    assert writer.frames == x.shape[1]
    np.testing.assert_allclose(read(path)[0], x, atol=2**-23)


def test_a_minute_in_one_block_does_not_crash_the_vorbis_encoder(tmp_path: Path) -> None:
    write(tmp_path / "a.ogg", np.zeros((1, 60 * 48_000)), 48_000)
    assert probe(tmp_path / "a.ogg").frames == 60 * 48_000


@pytest.mark.parametrize("precision", [np.float16, np.float32, np.float64])
def test_input_of_any_layout_and_precision(tmp_path: Path, precision: type[np.floating[Any]]) -> None:
    x = noise(1_000, channels=2).astype(precision)
    write(tmp_path / "a.wav", np.asfortranarray(x)[:, ::2], 8_000)
    np.testing.assert_array_equal(read(tmp_path / "a.wav")[0], x[:, ::2].astype(np.float32))


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "PCM_32"])
def test_clipped_samples_are_counted_and_cut_off(tmp_path: Path, subtype: str) -> None:
    x = np.array([[0.5, 1.0, 1.001, -1.0, -7.0], [0.0, 0.0, 2.0, 0.0, 0.0]], dtype=np.float32)
    with Writer(tmp_path / "a.wav", 8_000, 2, subtype=subtype) as writer:
        writer.write(x[:, :3])
        assert writer.clipped == 2
        writer.write(x[:, 3:])
    assert writer.clipped == 3
    np.testing.assert_allclose(read(tmp_path / "a.wav")[0], np.clip(x, -1, 1), atol=2**-14)


@pytest.mark.parametrize("name", ["a.wav", "a.ogg", "a.mp3"])
def test_encodings_in_floating_point_do_not_clip(tmp_path: Path, name: str) -> None:
    with Writer(tmp_path / name, 8_000, 1) as writer:
        writer.write(4 * noise(8_000))
    assert writer.clipped == 0


def test_an_existing_file_is_left_alone_unless_forced(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_text("precious")
    with pytest.raises(OutputError, match="exists already"):
        write(path, noise(10), 8_000)
    assert path.read_text() == "precious"
    write(path, noise(10), 8_000, force=True)
    assert probe(path).frames == 10


def test_a_file_that_appears_meanwhile_is_left_alone_too(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    with pytest.raises(OutputError, match="exists already"), Writer(path, 8_000, 1) as writer:  # noqa: PT012
        writer.write(noise(10))
        path.write_text("precious")
    assert path.read_text() == "precious"
    assert names(tmp_path) == ["a.wav"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("force", [True, False])
def test_after_an_interruption_nothing_has_changed(tmp_path: Path, error: type[BaseException], force: bool) -> None:
    path = tmp_path / "a.flac"
    if force:
        path.write_text("the old one")
    with pytest.raises(error), Writer(path, 8_000, 1, force=force) as writer:  # noqa: PT012
        writer.write(noise(100_000))
        raise error
    assert names(tmp_path) == (["a.flac"] if force else [])
    if force:
        assert path.read_text() == "the old one"


def test_the_file_appears_only_when_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    with Writer(path, 8_000, 1) as writer:
        writer.write(noise(1_000))
        assert not path.exists()
    assert path.exists()


def test_a_writer_that_is_not_entered_leaves_no_trace(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "a.wav", 8_000, 1)
    with pytest.raises(ValueError, match="not open"):
        writer.write(noise(10))
    assert names(tmp_path) == []


def test_the_file_has_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "other").touch()
    write(tmp_path / "a.wav", noise(10), 8_000)
    modes = {name: stat.S_IMODE((tmp_path / name).stat().st_mode) & 0o666 for name in names(tmp_path)}
    assert modes["a.wav"] == modes["other"]


def test_a_name_as_long_as_the_system_allows(tmp_path: Path) -> None:
    path = tmp_path / ("n" * 251 + ".wav")
    write(path, noise(10), 8_000)
    assert probe(path).frames == 10


def test_a_longer_name_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"nnn.wav: cannot be written \(File name too long\)"):
        Writer(tmp_path / ("n" * 252 + ".wav"), 8_000, 1)


@pytest.mark.parametrize(
    ("name", "rate", "channels", "subtype", "sentence"),
    [
        ("a.xyz", 8_000, 1, None, r"a.xyz: cannot write a file of type '.xyz'; choose from .wav, .flac, .ogg, .mp3"),
        ("a", 8_000, 1, None, r"cannot write a file of type ''"),
        ("a.wav", 8_000, 1, "VORBIS", "a.wav: a .wav cannot hold 'VORBIS'; choose from FLOAT, PCM_16"),
        ("a.flac", 8_000, 9, None, "a.flac: a .flac holds 1 to 8 channels, not 9"),
        ("a.wav", 8_000, 0, None, "a.wav: a .wav holds 1 to 1024 channels, not 0"),
        ("a.mp3", 8_000, 3, None, "a.mp3: a .mp3 holds 1 to 2 channels, not 3"),
        ("a.mp3", 96_000, 1, None, "a.mp3: an .mp3 cannot hold 96000 Hz; choose from 8000, .*48000"),
        ("a.mp3", 22_255, 1, None, "a.mp3: an .mp3 cannot hold 22255 Hz"),
        ("a.ogg", 200_001, 1, None, "a.ogg: a .ogg holds 1 to 200000 Hz, not 200001"),
        ("a.wav", 0, 1, None, "a.wav: a .wav holds 1 to .* Hz, not 0"),
        ("none/a.wav", 8_000, 1, None, "none/a.wav: the folder .*none does not exist"),
    ],
)
def test_what_cannot_be_written_is_refused_before_any_work(
    tmp_path: Path, name: str, rate: int, channels: int, subtype: str | None, sentence: str
) -> None:
    with pytest.raises(OutputError, match=sentence):
        Writer(tmp_path / name, rate, channels, subtype=subtype)
    assert names(tmp_path) == []


def test_a_rate_that_only_the_encoder_knows_to_be_impossible(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written"):
        write(tmp_path / "a.flac", noise(5_000), 200_001)
    assert names(tmp_path) == []


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "a.wav").mkdir()
    with pytest.raises(OutputError, match="is a folder"):
        Writer(tmp_path / "a.wav", 8_000, 1, force=True)


def test_a_folder_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The superuser may write anywhere, so the system's answer is replaced, not the folder's mode.
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(OutputError, match="is not writable"):
        Writer(tmp_path / "a.wav", 8_000, 1)


def test_nan_is_never_written(tmp_path: Path) -> None:
    x = noise(100)
    x[0, 50] = np.nan
    with pytest.raises(OutputError, match="NaN or infinite"):
        write(tmp_path / "a.wav", x, 8_000)
    assert names(tmp_path) == []


@pytest.mark.parametrize("shape", [(10,), (2, 10), (1, 1, 10)])
def test_a_block_of_another_shape_is_refused(tmp_path: Path, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="expected a block"), Writer(tmp_path / "a.wav", 8_000, 1) as writer:
        writer.write(np.zeros(shape, dtype=np.float32))
    if len(shape) != 2:
        with pytest.raises(ValueError, match="expected audio"):
            write(tmp_path / "a.wav", np.zeros(shape, dtype=np.float32), 8_000)


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """No file may grow beyond this many bytes, as if the disk were full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, suffix: str) -> None:
    with file_size_limit(30_000), pytest.raises(OutputError, match="full"):
        write(tmp_path / f"a.{suffix}", noise(300_000), 44_100)
    assert names(tmp_path) == []


def test_a_disk_that_fills_up_with_the_last_bytes(tmp_path: Path) -> None:
    # The encoder of FLAC holds samples back until it is closed, and then libsndfile does not ask whether they fit.
    path, x = tmp_path / "a.flac", noise(10_000)
    write(path, x, 44_100)
    size = path.stat().st_size
    path.unlink()
    with file_size_limit(size - 10), pytest.raises(OutputError, match="shorter than it should"):
        write(path, x, 44_100)
    assert names(tmp_path) == []


def test_a_long_wav_becomes_rf64_when_it_is_announced(tmp_path: Path) -> None:
    with Writer(tmp_path / "a.wav", 8_000, 2, frames_hint=2**29) as writer:
        writer.write(noise(1_000, channels=2))
    assert probe(tmp_path / "a.wav").format == "RF64"
    np.testing.assert_array_equal(read(tmp_path / "a.wav")[0], noise(1_000, channels=2))


def test_a_short_wav_stays_a_wav_when_it_is_announced(tmp_path: Path) -> None:
    with Writer(tmp_path / "a.wav", 8_000, 2, frames_hint=2**29 - 1_000) as writer:
        writer.write(noise(10, channels=2))
    assert probe(tmp_path / "a.wav").format == "WAV"


def test_a_wav_that_outgrows_its_header_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write_module, "_WAV_BYTES", 4_000)
    with Writer(tmp_path / "a.wav", 8_000, 1) as writer:
        writer.write(noise(1_000))
    with pytest.raises(OutputError, match="ends at 4 GiB; announce it with frames_hint"):  # noqa: SIM117
        with Writer(tmp_path / "b.wav", 8_000, 1) as writer:
            writer.write(noise(1_001))
    write(tmp_path / "c.wav", noise(1_001), 8_000)  # knows its own length
    assert soundfile.info(tmp_path / "c.wav").format == "RF64"
    assert names(tmp_path) == ["a.wav", "c.wav"]

"""Every way in which a file can fail, and the sentence that says so."""

from __future__ import annotations

import os
import re
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from recordings import mux, noise, tone, truncate
from soundsieve.audio import blocks, probe, read, write
from soundsieve.errors import AudioError


def refuses(path: Path, sentence: str) -> None:
    """The header alone gives the file away, and so do the two ways of reading."""
    for attempt in (probe, read, lambda path: list(blocks(path, 1_000))):
        with pytest.raises(AudioError, match=f"^{re.escape(str(path))}: {sentence}"):
            attempt(path)


def test_missing(tmp_path: Path) -> None:
    refuses(tmp_path / "a.wav", "there is no such file$")


def test_a_folder(tmp_path: Path) -> None:
    refuses(tmp_path, "is a folder, not a recording$")


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.wav")
    refuses(tmp_path / "a.wav", "is a device or a pipe")


def test_a_file_below_a_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    refuses(tmp_path / "a" / "b.wav", "cannot be opened|there is no such file")


@pytest.mark.parametrize("name", ["a.wav", "a.mp3", "a.mp4"])
def test_empty(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    refuses(tmp_path / name, r"is empty \(0 bytes\)$")


@pytest.mark.parametrize("name", ["a.wav", "a.mp3", "a.mp4", "a.ogg", "a"])
def test_text(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("This is not a recording.\n" * 200)
    refuses(tmp_path / name, "is not audio or video that libsndfile or FFmpeg can read")


def test_random_bytes(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(np.random.default_rng(0).bytes(10_000))
    refuses(tmp_path / "a.wav", "is not audio or video")


def test_a_playlist_does_not_reach_the_network(tmp_path: Path) -> None:
    path = tmp_path / "a.m3u8"
    path.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n")
    refuses(path, "is not audio or video|has no sound track")


def test_a_film_without_sound(tmp_path: Path) -> None:
    refuses(mux(tmp_path / "a.mp4", None, pictures=True), "has no sound track$")


def test_a_picture(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    with av.open(str(path), "w", format="image2") as container:
        stream = container.add_stream("png", rate=1)
        stream.width, stream.height, stream.pix_fmt = 16, 16, "rgb24"
        picture = av.VideoFrame.from_ndarray(np.zeros((16, 16, 3), np.uint8), format="rgb24")
        container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    refuses(path, "has no sound track$")


def test_no_samples(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros((0, 1)), 8_000)
    refuses(tmp_path / "a.wav", "holds no samples$")


@pytest.mark.parametrize("name", ["a.wav", "a.aiff", "a.au", "a.w64"])
def test_a_header_that_promises_more_than_the_file_holds(tmp_path: Path, name: str) -> None:
    soundfile.write(tmp_path / name, noise(10_000).T, 8_000)
    refuses(truncate(tmp_path / name), r"is truncated: the header promises \d+ bytes, the file holds \d+$")


def test_a_wav_cut_right_after_its_header(tmp_path: Path) -> None:
    write(tmp_path / "a.wav", noise(10_000), 8_000, subtype="PCM_16")
    refuses(truncate(tmp_path / "a.wav", 44.5 / 20_044), r"is truncated: the header promises 20000 bytes")


def test_a_wav_short_of_one_sample(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    write(path, noise(10_000), 8_000, subtype="PCM_16")
    path.write_bytes(path.read_bytes()[:-2])
    refuses(path, "is truncated: the header promises 20000 bytes, the file holds 19998$")


def test_a_wav_short_of_less_than_a_sample_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    write(path, noise(10_000), 8_000, subtype="PCM_16")
    content = bytearray(path.read_bytes())
    content[40:44] = (20_001).to_bytes(4, "little")
    path.write_bytes(content)
    assert read(path)[0].shape == (1, 10_000)


@pytest.mark.parametrize("size", [0xFFFF_FFFF, 0x7FFF_FFFF, 0x7FFF_F000])
def test_a_wav_from_a_pipe_promises_everything_and_is_whole(tmp_path: Path, size: int) -> None:
    path = tmp_path / "a.wav"
    write(path, noise(10_000), 8_000, subtype="PCM_16")
    content = bytearray(path.read_bytes())
    content[40:44] = size.to_bytes(4, "little")
    path.write_bytes(content)
    assert probe(path).frames == 10_000
    assert read(path)[0].shape == (1, 10_000)


def test_a_truncated_ogg(tmp_path: Path) -> None:
    write(tmp_path / "a.ogg", noise(100_000), 8_000)
    refuses(truncate(tmp_path / "a.ogg"), r"is truncated: the Ogg stream stops after \d+\.\d+ s without an end mark$")


def test_a_truncated_flac_reads_up_to_the_cut(tmp_path: Path) -> None:
    path, x = tmp_path / "a.flac", noise(400_000)
    write(path, x, 8_000)
    truncate(path)
    np.testing.assert_allclose(read(path, duration_s=1.0)[0], x[:, :8_000], atol=2**-23)
    for attempt in (read, lambda path: list(blocks(path, 1_000))):
        with pytest.raises(AudioError, match=r"a.flac: is (truncated|damaged): .* \d+\.\d+ s"):
            attempt(path)


@pytest.mark.parametrize(
    ("name", "codec", "pictures"),
    [("a.mp3", "libmp3lame", False), ("a.mp4", "aac", False), ("a.mp4", "aac", True), ("a.mkv", "aac", True)],
)
def test_a_truncated_film_reads_up_to_the_cut(tmp_path: Path, name: str, codec: str, pictures: bool) -> None:
    path = mux(tmp_path / name, noise(5 * 44_100), codec=codec, pictures=pictures)
    whole, rate = read(path)
    truncate(path)
    np.testing.assert_array_equal(read(path, duration_s=1.0)[0], whole[:, :rate])
    for attempt in (read, lambda path: list(blocks(path, 1_000))):
        with pytest.raises(
            AudioError, match=rf"{name}: is truncated: the header promises 5\.\d+ s, the file holds [23]"
        ):
            attempt(path)


def test_a_film_cut_within_its_index(tmp_path: Path) -> None:
    path = mux(tmp_path / "a.mp4", noise(44_100), pictures=True)
    path.write_bytes(path.read_bytes()[:200])
    refuses(path, "is not audio or video|has no sound track")


def test_an_unknown_encoding(tmp_path: Path) -> None:
    path = mux(tmp_path / "a.mp4", noise(44_100))
    assert b"mp4a" in path.read_bytes()
    path.write_bytes(path.read_bytes().replace(b"mp4a", b"????").replace(b"esds", b"????"))
    refuses(path, "its sound track is in an encoding that FFmpeg does not know$")


@pytest.mark.parametrize(("name", "codec"), [("a.m4a", "aac"), ("a.mkv", "aac"), ("a.mp3", "libmp3lame")])
def test_a_film_damaged_in_the_middle(tmp_path: Path, name: str, codec: str) -> None:
    path = mux(tmp_path / name, noise(5 * 44_100), codec=codec)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 5_000] = b"\xff" * 5_000
    path.write_bytes(content)
    with pytest.raises(AudioError, match=rf"{name}: is damaged: its sound breaks off at 2\.\d+ s"):
        read(path)
    assert read(path, duration_s=1.0)[0].shape == (1, 44_100)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("subtype", ["FLOAT", "DOUBLE"])
def test_a_sample_that_is_no_number_is_found(tmp_path: Path, value: float, subtype: str) -> None:
    path, x = tmp_path / "a.wav", tone(440, 20.0, 8_000, channels=2)
    x[1, 100_000] = value
    x[0, 140_000] = np.nan
    soundfile.write(path, x.T, 8_000, subtype)
    for attempt in (read, lambda path: list(blocks(path, 1_000))):
        with pytest.raises(AudioError, match=r"a.wav: holds a NaN or infinite sample at 12\.500 s"):
            attempt(path)
    with pytest.raises(AudioError, match=r"at 12\.500 s"):
        read(path, start_s=12.0, duration_s=1.0)
    assert read(path, duration_s=12.5)[0].shape == (2, 100_000)


def test_a_double_beyond_the_range_of_float32_is_found(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.array([0.0, 1e300]), 8_000, "DOUBLE")
    with pytest.raises(AudioError, match="infinite"):
        read(tmp_path / "a.wav")


def test_no_sentence_hides_another_error(tmp_path: Path) -> None:
    """A user sees one sentence: no chained traceback of the decoder below it."""
    (tmp_path / "a.wav").write_text("text" * 100)
    with pytest.raises(AudioError) as caught:
        read(tmp_path / "a.wav")
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


@pytest.mark.shared_data
def test_the_known_corrupt_recording_of_gtzan(shared_data: Path) -> None:
    refuses(shared_data / "gtzan" / "genres" / "jazz" / "jazz.00054.wav", "is not audio or video")

"""Reading what only FFmpeg reads: compressed sound, and the sound track of a film."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from recordings import mux, noise, tone
from soundsieve.audio import blocks, power_db, probe, read, write

# File name, codec, and how far its sound may be from the original; a shift by one sample would be -17 dB.
KINDS = [
    ("a.mp4", "aac", -30.0),
    ("a.m4a", "aac", -30.0),
    ("a.m4a", "alac", -80.0),
    ("a.mov", "pcm_s24le", -80.0),
    ("a.mkv", "aac", -30.0),
    ("a.mkv", "pcm_f64le", -140.0),
    ("a.mka", "pcm_s32le", -140.0),
    ("a.avi", "pcm_u8", -35.0),
    ("a.avi", "pcm_s16le", -80.0),
    ("a.mp3", "libmp3lame", -20.0),
]


def sound(rate: int = 44_100, channels: int = 2) -> NDArray[np.float32]:
    """Half a second of silence and then a tone, so that a shift by a few samples shows."""
    x = tone(1000, 1.5, rate, channels)
    x[:, : rate // 2] = 0
    return x


def error_db(found: NDArray[np.float32], expected: NDArray[np.float32]) -> float:
    frames = min(found.shape[1], expected.shape[1])
    return power_db(found[:, :frames] - expected[:, :frames]) - power_db(expected)


@pytest.mark.parametrize(("name", "codec", "limit_db"), KINDS)
@pytest.mark.parametrize("channels", [1, 2])
def test_sound_comes_back_in_step_and_at_its_level(
    tmp_path: Path, name: str, codec: str, limit_db: float, channels: int
) -> None:
    x = sound(channels=channels)
    path = mux(tmp_path / name, x, codec=codec)
    audio, rate = read(path)
    assert audio.dtype == np.float32
    assert (len(audio), rate) == (channels, 44_100)
    assert 0 <= audio.shape[1] - x.shape[1] <= 2_048
    assert error_db(audio, x) < limit_db
    info = probe(path)
    assert (info.sample_rate, info.channels) == (44_100, channels)
    assert info.frames is not None
    assert abs(info.frames - x.shape[1]) <= 2_048


def test_opus_comes_back_in_step(tmp_path: Path) -> None:
    x = sound(48_000)
    audio, _ = read(mux(tmp_path / "a.webm", x, 48_000, codec="libopus"))
    assert audio.shape == x.shape
    assert error_db(audio, x) < -20


@pytest.mark.parametrize("name", ["a.mp4", "a.mp3"])
def test_padding_of_the_encoder_is_cut_off(tmp_path: Path, name: str) -> None:
    path = mux(
        tmp_path / name, sound(), codec="libmp3lame" if name.endswith("mp3") else "aac", pictures=name == "a.mp4"
    )
    assert probe(path).frames == read(path)[0].shape[1] == sound().shape[1]


@pytest.mark.parametrize("rate", [8_000, 22_255, 96_000])
def test_odd_rates_and_six_channels(tmp_path: Path, rate: int) -> None:
    x = sound(rate, channels=6)
    audio, found_rate = read(mux(tmp_path / "a.mov", x, rate, codec="pcm_s16le"))
    assert (audio.shape, found_rate) == (x.shape, rate)
    np.testing.assert_allclose(audio, x, atol=2**-15)


def test_the_header_of_a_film(tmp_path: Path) -> None:
    info = probe(mux(tmp_path / "a.mp4", sound(), pictures=True))
    assert (info.format, info.subtype, info.channels) == ("MP4", "AAC", 2)
    assert info.duration_s == pytest.approx(1.5)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_sound_that_starts_after_the_pictures_keeps_their_time(tmp_path: Path, name: str) -> None:
    path = mux(tmp_path / name, sound(), pictures=True, late_s=0.7)
    audio, rate = read(path)
    onset_s = np.flatnonzero(np.abs(audio[0]) > 0.05)[0] / rate
    assert onset_s == pytest.approx(0.7 + 0.5, abs=0.005)
    frames = probe(path).frames
    assert frames is not None
    assert audio.shape[1] == pytest.approx(frames, abs=2_048)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.mp3"])
def test_a_part_is_the_same_samples_as_in_the_whole(tmp_path: Path, name: str) -> None:
    late_s = 0.0 if name == "a.mp3" else 0.3
    path = tmp_path / name
    codec = "libmp3lame" if name == "a.mp3" else "aac"
    mux(path, noise(150_000, channels=2), codec=codec, pictures=name != "a.mp3", late_s=late_s)
    whole, rate = read(path)
    for start, frames in [(0, 1), (1, 5_000), (13_000, 70_000), (70_000, 66_000), (149_000, 9_999_999)]:
        part, _ = read(path, start_s=start / rate, duration_s=frames / rate)
        np.testing.assert_array_equal(part, whole[:, start : start + frames])
    np.testing.assert_array_equal(np.concatenate(list(blocks(path, 1_234)), axis=1), whole)


@pytest.mark.parametrize("name", ["a.mp4", "a.mp3"])
def test_blocks_need_memory_for_themselves_only(tmp_path: Path, name: str) -> None:
    mux(tmp_path / name, tone(440, 30, 44_100, channels=2), codec="libmp3lame" if name == "a.mp3" else "aac")
    tracemalloc.start()
    try:
        assert sum(block.shape[1] for block in blocks(tmp_path / name, 10_000)) == 30 * 44_100
        assert tracemalloc.get_traced_memory()[1] < 3e6  # the whole is 10.6e6 bytes
    finally:
        tracemalloc.stop()


def test_a_title_in_an_old_encoding_does_not_matter(tmp_path: Path) -> None:
    path = mux(tmp_path / "a.avi", sound(), codec="pcm_s16le", title="Haydn")
    assert b"Haydn" in path.read_bytes()
    path.write_bytes(path.read_bytes().replace(b"Haydn", b"H\xe4ndl"))
    assert read(path)[0].shape == sound().shape


def mp3(path: Path, x: NDArray[np.float32]) -> bytes:
    """Write an MP3 of variable bit rate with its length tag and return its bytes."""
    write(path, x, 44_100)
    return path.read_bytes()


def without_length_tag(content: bytes) -> bytes:
    """Remove the first frame, which holds the tag and no sound."""
    kilobits = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)[content[2] >> 4]
    return content[144_000 * kilobits // 44_100 + (content[2] >> 1 & 1) :]


@pytest.mark.parametrize("quiet_first", [True, False])
def test_an_mp3_without_a_length_tag_reads_to_its_end(tmp_path: Path, quiet_first: bool) -> None:
    # Seen from its loud half, an MP3 of variable bit rate seems half as long as it is.
    path, x = tmp_path / "a.mp3", noise(6 * 44_100)
    x[:, slice(0, 3 * 44_100) if quiet_first else slice(3 * 44_100, None)] = 0
    path.write_bytes(without_length_tag(mp3(path, x)))
    assert probe(path).frames is None
    audio, _ = read(path)
    assert x.shape[1] <= audio.shape[1] <= x.shape[1] + 4 * 1_152
    loud = audio[:, 4 * 44_100 : 5 * 44_100] if quiet_first else audio[:, 44_100 : 2 * 44_100]
    assert power_db(loud) == pytest.approx(power_db(noise(44_100)), abs=1.5)


def test_an_mp3_with_a_cover_picture(tmp_path: Path) -> None:
    path, x = tmp_path / "a.mp3", sound()
    with av.open(str(tmp_path / "cover.png"), "w", format="image2") as container:
        stream = container.add_stream("png", rate=1)
        stream.width, stream.height, stream.pix_fmt = 16, 16, "rgb24"
        picture = av.VideoFrame.from_ndarray(np.zeros((16, 16, 3), np.uint8), format="rgb24")
        container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    cover = b"\0image/png\0\3\0" + (tmp_path / "cover.png").read_bytes()
    frame = b"APIC" + len(cover).to_bytes(4, "big") + b"\0\0" + cover
    size = bytes(len(frame) >> shift & 0x7F for shift in (21, 14, 7, 0))
    plain = read(mux(path, x, codec="libmp3lame"))[0]
    path.write_bytes(b"ID3\3\0\0" + size + frame + path.read_bytes()[_id3_length(path) :])
    with av.open(str(path)) as container:
        assert container.streams.video, "the file of this test has no cover"
    assert probe(path).frames == x.shape[1]
    np.testing.assert_array_equal(read(path)[0], plain)


def _id3_length(path: Path) -> int:
    head = path.read_bytes()[:10]
    return 10 + sum(byte << shift for byte, shift in zip(head[6:], (21, 14, 7, 0), strict=True))


def test_an_mp3_that_changes_from_mono_to_stereo(tmp_path: Path) -> None:
    path = tmp_path / "a.mp3"
    x = tone(1000, 1.0, 44_100, channels=2)
    mono, stereo = (without_length_tag(mp3(tmp_path / f"{len(y)}.mp3", y)) for y in (x[:1], x))
    path.write_bytes(stereo + mono)
    audio, _ = read(path)
    assert audio.shape[0] == probe(path).channels
    assert audio.shape[1] == pytest.approx(2 * 44_100, abs=6 * 1_152)


@pytest.mark.shared_data
def test_real_films_have_sound(shared_data: Path) -> None:
    paths = sorted((shared_data / "av" / "video").glob("*.mp4"))
    assert paths
    for path in paths:
        audio, rate = read(path)
        assert audio.shape[1] == pytest.approx(probe(path).frames, abs=2)
        assert audio.shape[1] > 3 * rate
        assert power_db(audio) > -60

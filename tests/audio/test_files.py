"""Reading what libsndfile reads; `test_films.py` covers FFmpeg, `test_broken_files.py` everything that goes wrong."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from recordings import noise, tone
from soundsieve.audio import AudioInfo, blocks, power_db, probe, read, write
from soundsieve.errors import AudioError, SettingsError

# How far an encoding may move a sample: one step of its quantiser.
WAV_ERRORS = {"PCM_U8": 2**-7, "PCM_16": 2**-15, "PCM_24": 2**-23, "PCM_32": 2**-24, "FLOAT": 0.0, "DOUBLE": 0.0}


@pytest.mark.parametrize("rate", [8_000, 22_255, 44_100, 96_000])
@pytest.mark.parametrize("channels", [1, 2, 6])
@pytest.mark.parametrize("subtype", WAV_ERRORS)
def test_a_wav_of_any_kind_reads_as_it_was(tmp_path: Path, subtype: str, channels: int, rate: int) -> None:
    path, x = tmp_path / "a.wav", noise(1_000, channels)
    # More than two channels, and 24 bits, make it an extensible WAV.
    soundfile.write(path, x.T, rate, subtype, format="WAVEX" if channels > 2 else "WAV")
    info = probe(path)
    assert (info.sample_rate, info.channels, info.frames, info.subtype) == (rate, channels, 1_000, subtype)
    audio, found_rate = read(path)
    assert audio.dtype == np.float32
    assert (audio.shape, found_rate) == ((channels, 1_000), rate)
    assert audio.flags.c_contiguous
    np.testing.assert_allclose(audio, x, atol=WAV_ERRORS[subtype], rtol=0)


@pytest.mark.parametrize("name", ["a.flac", "a.ogg", "a.aiff", "a.au", "a.caf", "a.w64"])
def test_other_formats_read_in_step_and_in_full(tmp_path: Path, name: str) -> None:
    x = tone(1000, 0.5, 44_100, channels=2)
    soundfile.write(tmp_path / name, x.T, 44_100)
    audio, rate = read(tmp_path / name)
    assert (audio.shape, rate) == (x.shape, 44_100)
    assert power_db(audio - x) < power_db(x) - 30


def test_probe_tells_what_the_header_says(tmp_path: Path) -> None:
    path = tmp_path / "a.flac"
    write(path, noise(24_000, channels=2), 48_000)
    assert probe(path) == AudioInfo(path, 48_000, 2, 24_000, "FLAC", "PCM_24")
    assert probe(str(path)).duration_s == 0.5


def test_the_suffix_does_not_matter(tmp_path: Path) -> None:
    x = noise(100)
    for name in ("a.mp4", "a.raw", "a", "a:b.wav", "ä 声.wav"):
        soundfile.write(tmp_path / name, x.T, 8_000, "FLOAT", format="WAV")
        np.testing.assert_array_equal(read(tmp_path / name)[0], x)


def test_samples_beyond_full_scale_are_kept(tmp_path: Path) -> None:
    x = 3 * noise(100)
    write(tmp_path / "a.wav", x, 8_000)
    np.testing.assert_array_equal(read(tmp_path / "a.wav")[0], x)


def test_an_absurdly_large_sample_is_refused_with_its_time(tmp_path: Path) -> None:
    x = np.zeros((2, 40_000), np.float32)
    x[1, 20_000] = -3e30
    soundfile.write(tmp_path / "a.wav", x.T, 8_000, "FLOAT")
    with pytest.raises(AudioError, match=r"a.wav: holds a sample of -3e\+30 at 2.500 s; all must lie between -1e\+06"):
        read(tmp_path / "a.wav")
    with pytest.raises(AudioError, match=r"at 2.500 s"):
        list(blocks(tmp_path / "a.wav", 1_000))


@pytest.fixture(scope="module")
def long_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seven seconds as every type that soundfile seeks in, longer than the stretch at the end of an Ogg."""
    folder = tmp_path_factory.mktemp("long")
    for name in ("a.wav", "a.flac", "a.ogg"):
        write(folder / name, noise(300_123), 44_100)
    return folder


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.ogg"])
def test_a_part_is_the_same_samples_as_in_the_whole(long_files: Path, name: str) -> None:
    whole, rate = read(long_files / name)

    @settings(max_examples=25)
    @given(start=st.integers(0, whole.shape[1] - 1), frames=st.integers(1, 100_000))
    def check(start: int, frames: int) -> None:
        part, _ = read(long_files / name, start_s=start / rate, duration_s=frames / rate)
        np.testing.assert_array_equal(part, whole[:, start : start + frames])

    check()


def test_parts_at_the_end_of_an_ogg_are_not_shifted(long_files: Path) -> None:
    # libsndfile's own seek is wrong by up to a block here.
    whole, rate = read(long_files / "a.ogg")
    for start in range(whole.shape[1] - 12_000, whole.shape[1], 1_500):
        part, _ = read(long_files / "a.ogg", start_s=start / rate)
        np.testing.assert_array_equal(part, whole[:, start:])


def test_a_part_rounds_to_the_nearest_sample_and_holds_one_at_least(tmp_path: Path) -> None:
    write(tmp_path / "a.wav", np.arange(10, dtype=np.float32)[None], 10)
    np.testing.assert_array_equal(read(tmp_path / "a.wav", start_s=0.26, duration_s=0.19)[0], [[3, 4]])
    np.testing.assert_array_equal(read(tmp_path / "a.wav", start_s=0.5, duration_s=1e-9)[0], [[5]])


def test_a_part_ends_where_the_recording_ends(tmp_path: Path) -> None:
    write(tmp_path / "a.wav", noise(1_000), 1_000)
    assert read(tmp_path / "a.wav", start_s=0.9, duration_s=5.0)[0].shape == (1, 100)


@pytest.mark.parametrize(
    ("part", "sentence"),
    [
        ({"start_s": -0.1}, "start_s = -0.1: must be 0 or more"),
        ({"start_s": float("nan")}, "start_s = nan: must be 0 or more"),
        ({"start_s": 1.0}, "start_s = 1.0: .*a.wav ends before that"),
        ({"duration_s": 0.0}, "duration_s = 0.0: must be more than 0"),
        ({"duration_s": float("inf")}, "duration_s = inf: must be more than 0"),
    ],
)
def test_a_part_that_cannot_be(tmp_path: Path, part: dict[str, float], sentence: str) -> None:
    write(tmp_path / "a.wav", noise(1_000), 1_000)
    with pytest.raises(SettingsError, match=sentence):
        read(tmp_path / "a.wav", **part)


@settings(max_examples=40)
@given(frames=st.integers(1, 80_000), size=st.integers(1, 90_000), channels=st.integers(1, 2))
def test_blocks_are_all_of_one_length_but_the_last_and_join_up_to_the_whole(
    tmp_path_factory: pytest.TempPathFactory, frames: int, size: int, channels: int
) -> None:
    path = tmp_path_factory.mktemp("blocks") / "a.wav"
    size = max(size, frames // 100)
    x = noise(frames, channels)
    write(path, x, 8_000)
    found = list(blocks(path, size))
    assert [block.shape[1] for block in found[:-1]] == [size] * (len(found) - 1)
    assert 1 <= found[-1].shape[1] <= size
    np.testing.assert_array_equal(np.concatenate(found, axis=1), x)


def test_a_block_may_be_changed_without_changing_the_next(tmp_path: Path) -> None:
    x = noise(1_000)
    write(tmp_path / "a.wav", x, 8_000)
    kept = []
    for block in blocks(tmp_path / "a.wav", 300):
        kept.append(block.copy())
        block[:] = 7
    np.testing.assert_array_equal(np.concatenate(kept, axis=1), x)


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.ogg"])
def test_blocks_need_memory_for_themselves_only(tmp_path: Path, name: str) -> None:
    frames = 30 * 44_100
    write(tmp_path / name, tone(440, 30, 44_100, channels=2), 44_100)
    tracemalloc.start()
    try:
        assert sum(block.shape[1] for block in blocks(tmp_path / name, 10_000)) == frames
        assert tracemalloc.get_traced_memory()[1] < 3e6  # the whole is 10.6e6 bytes
    finally:
        tracemalloc.stop()


def test_a_block_has_at_least_one_sample(tmp_path: Path) -> None:
    write(tmp_path / "a.wav", noise(10), 8_000)
    with pytest.raises(SettingsError, match="frames = 0"):
        next(blocks(tmp_path / "a.wav", 0))


def test_a_flac_that_does_not_say_how_long_it_is(tmp_path: Path) -> None:
    path, x = tmp_path / "a.flac", noise(100_000)
    write(path, x, 8_000)
    content = bytearray(path.read_bytes())
    content[21] &= 0xF0  # the count of samples: 36 bits at the end of the first metadata block's rate and format
    content[22:26] = bytes(4)
    path.write_bytes(content)
    assert probe(path).frames is None
    assert probe(path).duration_s is None
    whole, _ = read(path)
    np.testing.assert_allclose(whole, x, atol=2**-23)
    np.testing.assert_array_equal(read(path, start_s=9.0, duration_s=1.0)[0], whole[:, 72_000:80_000])


@pytest.mark.shared_data
def test_every_real_recording_reads(shared_data: Path) -> None:
    for name in ("esc10/audio", "fsdkaggle2018", "noises", "stems", "gtzan/genres/rock"):
        paths = [p for p in sorted((shared_data / name).rglob("*")) if p.suffix in {".ogg", ".wav", ".mp3"}]
        assert paths, f"no recordings in {name}"
        for path in paths[::20]:
            info, (audio, rate) = probe(path), read(path)
            assert audio.shape[0] == info.channels
            assert rate == info.sample_rate
            if info.frames is not None:
                assert abs(audio.shape[1] - info.frames) <= 0.1 * rate

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from soundsieve import audio
from soundsieve.errors import AudioError, SettingsError
from soundsieve.inference.source import check_waveform, open_source


@pytest.mark.parametrize(
    ("waveform", "sentence"),
    [
        (np.zeros((2, 100), np.int16), "found int16"),
        (np.zeros(100, complex), "found complex128"),
        (np.float32(1), r"found \(\)"),
        (np.zeros((1, 2, 3)), r"found \(1, 2, 3\)"),
        (np.zeros(0), "no samples"),
        (np.zeros((2, 0)), "no samples"),
        (np.zeros((44_100, 2)), "transpose it"),
        (np.array([0.0, np.nan]), "NaN or infinite"),
        (np.array([0.0, -np.inf]), "NaN or infinite"),
        (np.array([0.0, -1e300]), "a sample of -1e\\+300 at index 1; all must lie between -1e\\+06 and 1e\\+06"),
        (np.array([[0.0, 0.0], [2e6, 0.0]], np.float32), "a sample of 2e\\+06 at index 0;"),
    ],
)
def test_a_waveform_that_cannot_be_used_is_refused_in_a_sentence(waveform: Any, sentence: str) -> None:
    with pytest.raises(AudioError, match=sentence):
        check_waveform(waveform)


def test_an_absurdly_large_sample_is_named_with_its_time() -> None:
    with pytest.raises(AudioError, match=r"a sample of 1e\+20 at 0.500 s"):
        open_source(np.eye(1, 8_000, 4_000) * 1e20, 8_000)
    assert check_waveform(np.array([-1e6, 1e6])).tolist() == [[-1e6, 1e6]]


def test_a_usable_one_becomes_float32_of_channel_and_time() -> None:
    for waveform, shape in ((np.ones(5), (1, 5)), (np.ones((6, 1)), (6, 1)), (np.ones((3, 5))[:, ::2], (3, 3))):
        found = check_waveform(waveform)
        assert found.shape == shape
        assert found.dtype == np.float32
        assert found.flags.c_contiguous


def test_a_file_is_streamed(tmp_path: Path) -> None:
    wave = np.random.default_rng(0).uniform(-1, 1, (2, 2_500)).astype(np.float32)
    audio.write(tmp_path / "a.wav", wave, 1_000)
    source = open_source(str(tmp_path / "a.wav"))
    assert (source.sample_rate, source.channels, source.frames, source.duration_s) == (1_000, 2, 2_500, 2.5)
    assert source.file == tmp_path / "a.wav"
    np.testing.assert_array_equal(np.concatenate(list(source.blocks), axis=1), wave)


def test_the_sample_rate_is_asked_of_a_waveform_and_of_nothing_else(tmp_path: Path) -> None:
    for rate in (None, 0, -8_000):
        with pytest.raises(SettingsError, match="sample_rate = "):
            open_source(np.zeros(10), rate)
    audio.write(tmp_path / "a.wav", np.zeros((1, 10), np.float32), 1_000)
    assert open_source(tmp_path / "a.wav", 1_000).sample_rate == 1_000
    with pytest.raises(SettingsError, match="has 1000 Hz"):
        open_source(tmp_path / "a.wav", 8_000)

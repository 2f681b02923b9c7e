"""Songs of any rate, length and number of channels, through any engine: stems shaped like the song, adding up to it."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from soundsieve.errors import Cancelled
from soundsieve.inference.engines import StemStream
from soundsieve.inference.source import open_source
from soundsieve.inference.unmixing import StreamUnmixer, unmix

Waveform = NDArray[np.float32]
RATE = 8_000


@dataclass(frozen=True)
class Gains:
    """An engine that turns a song down, once for each stem, and says everything a while later."""

    gains: tuple[float, ...] = (0.25, 0.5, 0.0)  # the last is what it makes of what is not asked for
    sample_rate: int = RATE
    card: Mapping[str, Any] = field(default_factory=dict)
    late: int = 700

    @property
    def stems(self) -> tuple[str, ...]:
        return tuple(f"stem {k}" for k in range(len(self.gains)))

    def stream(self, channels: int, cancel: object = None) -> StemStream:
        return GainStream(self, np.zeros((channels, 0), np.float32))


@dataclass
class GainStream:
    engine: Gains
    held: Waveform

    def push(self, mixture: Waveform, last: bool = False) -> Iterator[tuple[Waveform, Waveform]]:
        self.held = np.concatenate([self.held, mixture], axis=1)
        ready = self.held.shape[1] if last else max(0, self.held.shape[1] - self.engine.late)
        ripe, self.held = self.held[:, :ready], self.held[:, ready:]
        for part in np.array_split(ripe, 3, axis=1):  # also empty ones
            yield part, np.asarray(self.engine.gains, np.float32)[:, None, None] * part


def noise(frames: int, channels: int = 1) -> Waveform:
    return (0.1 * np.random.default_rng(frames).standard_normal((channels, frames))).astype(np.float32)


def run(engine: Gains, audio: Waveform, rate: int, **options: Any) -> Waveform:
    parts = list(unmix(StreamUnmixer(engine, rate, len(audio), **options), open_source(audio, rate)))
    assert all(part.shape[-1] > 0 for part in parts)
    return np.concatenate(parts, axis=-1)


@pytest.mark.parametrize("rate", [4_000, 5_513, 8_000, 11_025, 24_000])
@pytest.mark.parametrize("channels", [1, 2, 5])
def test_stems_have_the_songs_shape_and_add_up_to_it(rate: int, channels: int) -> None:
    for frames in (1, 2, 251, 3 * rate + 17):
        audio = noise(frames, channels)
        stems = run(Gains(), audio, rate)
        assert stems.shape == (3, *audio.shape)
        assert stems.dtype == np.float32
        np.testing.assert_allclose(stems.sum(0), audio, atol=1e-7)
        if frames > 250:
            for stem, gain in zip(stems, (0.25, 0.5, 0.25), strict=True):
                np.testing.assert_allclose(stem, gain * audio, atol=2e-3)


def test_at_the_engines_rate_nothing_is_lost_on_the_way() -> None:
    audio = noise(20_000, 2)
    stems = run(Gains(), audio, RATE)
    np.testing.assert_array_equal(stems[:2], [0.25 * audio, 0.5 * audio])
    np.testing.assert_array_equal(stems[2], audio - stems[:2].sum(0))


def test_treble_above_the_engines_bandwidth_is_shared_out_or_left_to_the_last() -> None:
    time = np.arange(48_000) / 24_000
    high = (0.1 * np.sin(2 * np.pi * 9_000 * time)[None] * np.ones((2, 1))).astype(np.float32)
    audio = noise(48_000, 2) + high
    inside = slice(4_000, -4_000)

    def level(stem: Waveform) -> float:
        return float(np.mean(stem[:, inside] * high[:, inside]) / np.mean(high[:, inside] ** 2))

    shared = [level(stem) for stem in run(Gains(), audio, 24_000)]
    left = [level(stem) for stem in run(Gains(), audio, 24_000, extend_treble=False)]
    np.testing.assert_allclose(shared, [0.25, 0.5, 0.25], atol=0.02)
    np.testing.assert_allclose(left, [0, 0, 1], atol=0.02)


def test_memory_is_that_of_what_is_on_its_way() -> None:
    unmixer = StreamUnmixer(Gains(), 11_025, 1)
    pushed = finished = 0
    for _ in range(40):
        finished += unmixer.push(noise(1_000)).shape[-1]
        pushed += 1_000
        assert pushed - finished < 4_000
    assert finished + unmixer.finish().shape[-1] == pushed


def test_progress_and_cancel() -> None:
    steps: list[tuple[float, float | None]] = []
    audio, cancel = noise(5 * RATE), threading.Event()
    done = unmix(StreamUnmixer(Gains(), RATE, 1), open_source(audio, RATE), lambda *step: steps.append(step), cancel)
    next(done)
    next(done)
    assert steps == [((RATE - 700) / RATE, 5.0)]
    cancel.set()
    with pytest.raises(Cancelled, match="cancelled"):
        list(done)


def test_an_engine_of_one_stem_takes_nothing_apart() -> None:
    with pytest.raises(ValueError, match="expected two stems or more, found only 'stem 0'"):
        StreamUnmixer(Gains((1.0,)), RATE, 1)

"""Long recordings, piece by piece: any length, rate and number of channels, no click at the joins."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from soundsieve.errors import Cancelled
from soundsieve.features.object_stft import ObjectSTFT
from soundsieve.inference.object_pieces import ObjectEngine, ObjectPieces
from soundsieve.inference.object_tracks import BasesSeparator, PieceBases
from soundsieve.inference.source import open_source
from soundsieve.inference.unmixing import StreamUnmixer, unmix

Waveform = NDArray[np.float32]
RATE = 8_000


class Gains:
    """Gives each label its share, the same in every piece, and remembers the pieces."""

    def __init__(self, *gains: float) -> None:
        self.gains = np.asarray(gains, np.float32)[:, None, None]
        self.pieces: list[tuple[int, float]] = []

    def __call__(self, piece: Waveform, start_s: float) -> Waveform:
        self.pieces.append((piece.shape[-1], start_s))
        return self.gains * piece


def noise(frames: int, channels: int = 1) -> Waveform:
    return (0.1 * np.random.default_rng(frames).standard_normal((channels, frames))).astype(np.float32)


def streamed(engine: ObjectEngine, audio: Waveform, block: int) -> tuple[Waveform, Waveform]:
    stream = engine.stream(len(audio))
    parts = []
    for start in range(0, audio.shape[1], block):
        parts.extend(stream.push(audio[:, start : start + block], last=start + block >= audio.shape[1]))
    mixtures, tracks = zip(*parts, strict=True)
    return np.concatenate(mixtures, axis=-1), np.concatenate(tracks, axis=-1)


@pytest.mark.parametrize("frames", [1, 2, 999, 1_000, 1_001, 1_799, 1_800, 1_801, 2_600, 7_333])
@pytest.mark.parametrize("fade", [0, 1, 200, 900])
def test_nothing_is_lost_and_nothing_is_twice(frames: int, fade: int) -> None:
    audio = noise(frames, 2)
    for block in (1_000, 377, 100_000):
        separate = Gains(0.25, 0.5)
        pieces = ObjectPieces(sample_rate=RATE, piece_s=1_000 / RATE, fade_s=fade / RATE)
        mixture, tracks = streamed(ObjectEngine(("dog", "flute"), separate, pieces), audio, block)
        np.testing.assert_array_equal(mixture, audio)
        np.testing.assert_allclose(tracks, np.stack([0.25 * audio, 0.5 * audio, 0.25 * audio]), atol=1e-7)
        assert {length for length, _ in separate.pieces} == {min(frames, 1_000)}
        assert separate.pieces[0][1] == 0
        step = 1_000 - min(fade, 500)
        assert len(separate.pieces) == 1 + max(0, -(-(frames - 1_000) // step))
        assert separate.pieces[-1][1] == pytest.approx(max(0, frames - 1_000) / RATE)


@pytest.mark.parametrize("rate", [5_513, 8_000, 44_100])
@pytest.mark.parametrize("channels", [1, 2])
def test_tracks_have_the_recordings_shape_and_add_up_to_it(rate: int, channels: int) -> None:
    for frames in (1, 17, 3 * rate + 5):
        audio = noise(frames, channels)
        engine = ObjectEngine(("dog",), Gains(0.25), ObjectPieces(sample_rate=RATE, piece_s=1, fade_s=0.2))
        unmixer = StreamUnmixer(engine, rate, channels)
        tracks = np.concatenate(list(unmix(unmixer, open_source(audio, rate))), axis=-1)
        assert tracks.shape == (2, channels, frames)
        np.testing.assert_allclose(tracks.sum(0), audio, atol=1e-6)


def test_a_steady_sine_stays_smooth_where_pieces_meet() -> None:
    """Bases that differ in every piece, but are always one object's; an object comes and goes without a click."""
    front_end = ObjectSTFT(sample_rate=RATE, window=400, hop=200)
    sine = np.sin(2 * np.pi * 440 / RATE * np.arange(6 * RATE)).astype(np.float32)[None]

    def describe(magnitudes: torch.Tensor, start_s: float) -> PieceBases:
        bases = torch.rand(201, 3, generator=torch.Generator().manual_seed(round(1_000 * start_s)))
        present = (("dog", bases),) if start_s < 3 else ()
        return PieceBases((("flute", 0.1 * bases), *present) if present else (("flute", bases),))

    def steady(magnitudes: torch.Tensor, start_s: float) -> PieceBases:
        return PieceBases(describe(magnitudes, start_s).objects[:1])

    pieces = ObjectPieces(sample_rate=RATE, piece_s=1, fade_s=0.25)
    separator = BasesSeparator(("dog", "flute"), steady, front_end)
    _, tracks = streamed(ObjectEngine(("dog", "flute"), separator, pieces), sine, 3_000)
    np.testing.assert_allclose(tracks[1], sine, atol=1e-4)
    assert not tracks[0].any()
    # The third difference of a sine of this frequency is small everywhere; that of a jump is as large as the jump.
    coming = BasesSeparator(("dog", "flute"), describe, front_end)
    _, tracks = streamed(ObjectEngine(("dog", "flute"), coming, pieces), sine, 3_000)
    steepest = np.abs(np.diff(sine, 3)).max()
    assert np.abs(np.diff(tracks[:2, 0, 800:-800], 3)).max() < 1.1 * steepest
    assert np.abs(tracks[0, 0, :RATE]).max() > 0.4
    assert not tracks[0, 0, 4 * RATE :].any()
    np.testing.assert_allclose(tracks.sum(0), sine, atol=1e-5)


def test_memory_does_not_grow() -> None:
    engine = ObjectEngine(("dog",), Gains(0.5), ObjectPieces(sample_rate=RATE, piece_s=0.5, fade_s=0.1))
    stream = engine.stream(1)
    held = []
    for _ in range(40):
        list(stream.push(noise(RATE)))
        held.append(len(stream._mixture))
    assert max(held) <= 2 * 0.5 * RATE


def test_a_cancel_token_is_heard_and_wrong_tracks_are_refused() -> None:
    cancel = threading.Event()
    cancel.set()
    pieces = ObjectPieces(sample_rate=RATE, piece_s=1)
    with pytest.raises(Cancelled):
        list(ObjectEngine(("dog",), Gains(1.0), pieces).stream(1, cancel).push(noise(RATE)))
    with pytest.raises(ValueError, match=r"expected shape \(1, 1, 8000\), found \(2, 1, 8000\)"):
        list(ObjectEngine(("dog",), Gains(1.0, 0.5), pieces).stream(1).push(noise(RATE)))

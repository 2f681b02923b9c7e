"""Stems piece by piece: however the stream comes in and however many pieces run at once, those of the whole at once."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from soundsieve import models
from soundsieve.errors import Cancelled, SettingsError
from soundsieve.inference.masked_stems import MaskedStems, PieceSettings
from soundsieve.inference.stems import ChunkedStems, StemNetwork, StemSettings

RATE = 1_000
BASE = {"n_fft": 32, "hop": 8, "filters": [2, 3], "bins": 12, "frames": 8, "step": 6}
VARIANTS = {
    "overlapping": {},
    "side by side": {"step": 8},
    "half": {"step": 4},
    "as Spleeter": {"step": 8, "treble": "none"},
    "long hop": {"hop": 16},
    "short hop": {"n_fft": 64, "hop": 4},  # a window reaches beyond a step
}


def network(variant: str = "overlapping", **settings: object) -> StemNetwork:
    torch.manual_seed(1)
    model = models.build("spleeter_unet", BASE | VARIANTS[variant] | settings, 3).eval()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.bias)  # so that silence is not silence
    return StemNetwork(model, ("vocals", "drums", "other"), RATE)


def noise(frames: int, channels: int = 2) -> NDArray[np.float32]:
    return np.random.default_rng(frames).uniform(-1, 1, (channels, frames)).astype(np.float32)


def at_once(network: StemNetwork, audio: NDArray[np.float32]) -> NDArray[np.float32]:
    with torch.no_grad():
        return network.model(torch.from_numpy(audio)[None])[0].numpy()


def in_pieces(
    network: StemNetwork, audio: NDArray[np.float32], block: int = 10_000, pieces: int = 1
) -> NDArray[np.float32]:
    """The stems, after a look at the mixtures that come with them."""
    masked = MaskedStems(network, len(audio), PieceSettings(pieces=pieces))
    parts = []
    for start in range(0, audio.shape[1], block):
        parts += list(masked.push(audio[:, start : start + block]))
    parts += list(masked.push(audio[:, :0], last=True))
    assert all(mixture.shape == stems.shape[1:] for mixture, stems in parts)
    np.testing.assert_array_equal(np.concatenate([part[0] for part in parts], -1), audio)
    return np.concatenate([part[1] for part in parts], -1)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("frames", [1, 7, 8, 9, 47, 48, 49, 64, 65, 555])
@pytest.mark.parametrize("pieces", [1, 3])
def test_pieces_are_the_whole(variant: str, frames: int, pieces: int) -> None:
    net, audio = network(variant), noise(frames)
    stems = in_pieces(net, audio, pieces=pieces)
    assert stems.shape == (3, *audio.shape)
    np.testing.assert_allclose(stems, at_once(net, audio), atol=1e-5, rtol=0)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("block", [1, 7, 64, 333])
def test_how_the_stream_comes_in_makes_no_difference(variant: str, block: int) -> None:
    net, audio = network(variant), noise(700)
    np.testing.assert_allclose(in_pieces(net, audio, block), at_once(net, audio), atol=1e-5, rtol=0)


def test_it_is_what_chunks_are() -> None:
    """The way that works for any network, and runs this one several times on the same piece."""
    net, audio = network(), noise(900)
    chunked = ChunkedStems(net, 2, StemSettings(segment_s=0.1))
    stems = np.concatenate([stems for _, stems in chunked.push(audio, last=True)], -1)
    np.testing.assert_allclose(in_pieces(net, audio), stems, atol=1e-5, rtol=0)


def test_pieces_that_forget_the_one_before_are_not_the_whole() -> None:
    net, audio = network(), noise(700)
    masked = MaskedStems(net, 2)
    parts = []
    for _, stems in masked.push(audio, last=True):
        parts.append(stems)
        masked._tail = None
    assert np.abs(np.concatenate(parts, -1) - at_once(net, audio)).max() > 1e-3


@pytest.mark.parametrize("channels", [1, 3, 5])
def test_pairs_of_channels_and_the_odd_one_twice(channels: int) -> None:
    net, audio = network(), noise(300, channels)
    pairs = [at_once(net, audio[k : k + 2]) for k in range(0, channels - 1, 2)]
    odd = at_once(net, audio[-1:].repeat(2, axis=0)).mean(axis=1, keepdims=True)
    np.testing.assert_allclose(in_pieces(net, audio), np.concatenate([*pairs, odd], axis=1), atol=1e-5, rtol=0)


def test_nothing_comes_of_nothing() -> None:
    masked = MaskedStems(network(), 2)
    assert list(masked.push(noise(0))) == []
    assert list(masked.push(noise(0), last=True)) == []


def test_memory_does_not_grow_and_each_piece_runs_once() -> None:
    net, seen, held = network(), [], []
    net.model.unets[0].register_forward_pre_hook(lambda _unet, inputs: seen.append(inputs[0].shape))
    masked = MaskedStems(net, 2)
    for _ in range(50):
        list(masked.push(noise(50)))
        held.append(len(masked._mixture))
    list(masked.push(noise(0), last=True))
    assert max(held) < 8 * 8 + 32 + 50
    assert seen == [(1, 2, 8, 12)] * (1 + -(-(1 - (-2_500 // 8) - 8) // 6))


def test_what_is_finished_comes_out_as_soon_as_it_is_known() -> None:
    """A piece needs its last frame whole, and says for good what no later frame reaches."""
    masked, audio = MaskedStems(network(), 2), noise(200)
    needed = 7 * 8 + 16
    assert list(masked.push(audio[:, : needed - 1])) == []
    assert [stems.shape for _, stems in masked.push(audio[:, needed - 1 : needed])] == [(3, 2, 6 * 8 - 16)]


def test_a_cancelled_call_stops_before_the_next_piece() -> None:
    cancel = threading.Event()
    parts = MaskedStems(network(), 2, cancel=cancel).push(noise(1_000))
    next(parts)
    cancel.set()
    with pytest.raises(Cancelled, match="cancelled"):
        next(parts)


def test_no_pieces_at_once_are_refused() -> None:
    with pytest.raises(SettingsError, match="pieces = 0"):
        PieceSettings.parse({"pieces": 0})

import threading

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from networks import Notebook, Strided
from soundsieve import models
from soundsieve.errors import Cancelled, SettingsError
from soundsieve.inference.chunks import ChunkedEstimate, ChunkSettings, Network
from soundsieve.inference.separate import SeparationSettings

RATE = 1_000
SHORT = ChunkSettings(segment_s=0.5, context_s=0.2, fade_s=0.05)


def noise(frames: int, channels: int = 1) -> NDArray[np.float32]:
    return np.random.default_rng(0).standard_normal((channels, frames)).astype(np.float32)


def run(
    model: torch.nn.Module,
    audio: NDArray[np.float32],
    block: int,
    settings: ChunkSettings = SHORT,
    requests: list[tuple[str, ...]] | None = None,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    network = Network(model.eval(), ("a", "b"), RATE)
    chunked = ChunkedEstimate(network, requests or [("a",), ("a", "b")], len(audio), settings)
    pairs = []
    for start in range(0, audio.shape[1], block):
        pairs += list(chunked.push(audio[:, start : start + block]))
    pairs += list(chunked.push(audio[:, :0], last=True))
    return np.concatenate([pair[0] for pair in pairs], -1), np.concatenate([pair[1] for pair in pairs], -1)


@pytest.mark.parametrize("frames", [1, 7, 499, 500, 501, 749, 750, 751, 1_000, 3_333])
@pytest.mark.parametrize("block", [64, 10_000])
def test_chunks_of_a_local_network_are_the_whole(frames: int, block: int) -> None:
    model, audio = Strided(2), noise(frames, 2)
    mixture, estimates = run(model, audio, block)
    with torch.inference_mode():
        wanted = torch.tensor([[[1.0, 0.0], [1.0, 1.0]]]).expand(2, -1, -1)
        whole = model(torch.from_numpy(audio)[:, None], wanted).transpose(0, 1).numpy()
    np.testing.assert_array_equal(mixture, audio)
    np.testing.assert_allclose(estimates, whole, atol=1e-5)


def test_without_enough_context_they_are_not() -> None:
    model, audio = Strided(2), noise(3_000)
    bare = ChunkSettings(segment_s=0.5, context_s=0.0, fade_s=0.0)
    whole = run(model, audio, 500, ChunkSettings(segment_s=100.0))[1]
    assert np.abs(run(model, audio, 500, bare)[1] - whole).max() > 0.01


def test_chunks_of_the_everyday_network_are_the_whole() -> None:
    hyper = {
        "n_fft": 64,
        "hop": 32,
        "bands": 8,
        "channels": [4, 4],
        "context": 4,
        "context_blocks": 1,
        "level_frames": 5,
    }
    model = models.build("mask_unet", hyper, 2).eval()
    assert 200 < model.context_frames < 1_200
    audio = noise(9_000)
    settings = ChunkSettings(segment_s=2.0, context_s=1.2, fade_s=0.1)
    whole = run(model, audio, 9_000, ChunkSettings(segment_s=100.0))[1]
    np.testing.assert_allclose(run(model, audio, 700, settings)[1], whole, atol=1e-4)


def test_two_chunks_that_disagree_are_joined_without_a_step() -> None:
    audio = np.ones((1, 2_000), np.float32)
    estimate = run(Notebook(1.0, 0.5), audio, 100)[1][0, 0]
    assert estimate[:470].tolist() == [1.0] * 470
    assert estimate[530:970].tolist() == [0.5] * 440
    assert np.abs(np.diff(estimate)).max() == pytest.approx(0.5 / 50, rel=0.01)


@pytest.mark.parametrize("frames", [300, 1_100, 1_300, 5_050, 5_249, 5_251])
def test_what_the_network_sees(frames: int) -> None:
    """True ends, no padding; every chunk at least half a segment and at most one and a half, context included."""
    model, audio = Notebook(), noise(frames)
    run(model, audio, 90)
    context = 25 + 1  # half a fade, and the reach of the network
    for index, window in enumerate(model.seen):
        start = max(0, index * 500 - context)
        last = index == len(model.seen) - 1
        end = frames if last else (index + 1) * 500 + context
        np.testing.assert_array_equal(window[0, 0], audio[0, start:end])
        assert end - start <= 750 + 2 * context
        assert end - start >= min(frames, 250)


def test_chunks_begin_at_multiples_of_the_stride() -> None:
    network = Network(Strided(2), ("a", "b"), RATE)
    chunked = ChunkedEstimate(network, [("a",)], 1, ChunkSettings(segment_s=0.501, context_s=0.033))
    assert chunked.core % 8 == chunked.context % 8 == 0
    assert chunked.core >= 501


def test_memory_does_not_grow_with_length() -> None:
    network = Network(Notebook(), ("a", "b"), RATE)
    chunked, held = ChunkedEstimate(network, [("a",)], 1, SHORT), []
    for _ in range(50):
        list(chunked.push(noise(200)))
        network.model.seen.clear()
        held.append(len(chunked._mixture))
    assert max(held) < 1_000


def test_requests_and_channels_share_a_pass_only_where_told() -> None:
    requests: list[tuple[str, ...]] = [("a", "b"), ("a",), ("b",)]
    for one_pass, shapes in ((True, [(2, 3), (2, 3), (1, 3)]), (False, [(1, 2), (1, 1)] * 5)):
        model = Notebook(one_pass=one_pass)
        settings = ChunkSettings(segment_s=0.5, rows=2)
        estimates = run(model, noise(200, 5), 200, settings, requests)[1]
        assert [(len(seen), asked.shape[1]) for seen, asked in zip(model.seen, model.asked, strict=True)] == shapes
        np.testing.assert_array_equal(estimates, np.stack([noise(200, 5)] * 3))


def test_a_cancelled_call_stops_before_the_next_chunk() -> None:
    cancel, model = threading.Event(), Notebook()
    chunked = ChunkedEstimate(Network(model, ("a", "b"), RATE), [("a",)], 1, SHORT, cancel)
    chunks = chunked.push(noise(5_000))
    next(chunks)
    cancel.set()
    with pytest.raises(Cancelled, match="cancelled"):
        next(chunks)
    assert len(model.seen) == 1


@pytest.mark.parametrize("segment_s", [0, -1, float("nan"), float("inf"), 1e9])
def test_a_segment_that_makes_no_sense_is_refused(segment_s: float) -> None:
    with pytest.raises(SettingsError, match="segment_s"):
        SeparationSettings.parse({"chunks": {"segment_s": segment_s}})

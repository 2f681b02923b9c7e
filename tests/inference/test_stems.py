"""Stems in chunks: at any chunk size those of the whole recording at once."""

import threading

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from soundsieve import models
from soundsieve.errors import Cancelled, SettingsError
from soundsieve.inference.stems import ChunkedStems, StemNetwork, StemSettings

RATE = 1_000
VARIANTS = {
    "M1": {"channels": 1, "context": False, "difference": False},
    "M3": {"channels": 1},
    "M6": {},
    "learned": {"upsampling": "learned"},
    "padded": {"context": False},
    "wide kernel going up": {"f_u": 9, "L": 2},
}


def network(variant: str = "M6") -> StemNetwork:
    torch.manual_seed(1)
    model = models.build("wave_unet", {"L": 4, "F_c": 3, "f_d": 5, "f_u": 3} | VARIANTS[variant], 3).eval()
    for name, parameter in model.named_parameters():
        if name.endswith("bias") or name.startswith("upsamplings"):  # so that silence is not silence
            torch.nn.init.normal_(parameter, std=0.5)
    return StemNetwork(model, ("vocals", "drums", "other"), RATE)


def noise(frames: int, channels: int) -> NDArray[np.float32]:
    return np.random.default_rng(frames).uniform(-1, 1, (channels, frames)).astype(np.float32)


def at_once(network: StemNetwork, audio: NDArray[np.float32]) -> NDArray[np.float32]:
    """The network on the whole file, with zeros before and after it: (channel, t) → (stem, channel, t)."""
    model, frames = network.model, audio.shape[1]
    window = np.zeros((len(audio), model.input_length(frames)), np.float32)
    window[:, model.context : model.context + frames] = audio
    with torch.no_grad():
        return model(torch.from_numpy(window)[None])[0, ..., :frames].numpy()


def in_chunks(
    network: StemNetwork, audio: NDArray[np.float32], chunk: int, block: int = 10_000, rows: int = 1
) -> NDArray[np.float32]:
    return run(ChunkedStems(network, len(audio), StemSettings(segment_s=chunk / RATE, rows=rows)), audio, block)


def run(chunked: ChunkedStems, audio: NDArray[np.float32], block: int) -> NDArray[np.float32]:
    """The stems, after a look at the mixtures that come with them."""
    pairs = []
    for start in range(0, audio.shape[1], block):
        pairs += list(chunked.push(audio[:, start : start + block]))
    pairs += list(chunked.push(audio[:, :0], last=True))
    for mixture, stems in pairs:
        assert mixture.shape == stems.shape[1:]
        assert 1 <= mixture.shape[1] <= chunked.core
    np.testing.assert_array_equal(np.concatenate([pair[0] for pair in pairs], -1), audio)
    return np.concatenate([pair[1] for pair in pairs], -1)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("chunk", [1, 17, 100, 333, 512, 5_000])
@pytest.mark.parametrize("frames", [1, 2, 15, 16, 17, 1_001])
def test_chunks_are_the_whole(variant: str, chunk: int, frames: int) -> None:
    net = network(variant)
    audio = noise(frames, net.model.channels)
    stems = in_chunks(net, audio, chunk)
    assert stems.shape == (3, *audio.shape)
    np.testing.assert_allclose(stems, at_once(net, audio), atol=1e-5, rtol=0)


@pytest.mark.parametrize("variant", ["M6", "padded"])
@pytest.mark.parametrize("block", [1, 7, 64, 999])
def test_how_the_stream_comes_in_makes_no_difference(variant: str, block: int) -> None:
    net, audio = network(variant), noise(1_000, 2)
    np.testing.assert_allclose(in_chunks(net, audio, 200, block), at_once(net, audio), atol=1e-5, rtol=0)


@pytest.mark.parametrize("variant", ["M6", "padded"])
@pytest.mark.parametrize(("lacking", "value"), [("core", 90), ("_reach", 1)])
def test_chunks_of_any_length_or_that_know_too_little_are_not(variant: str, lacking: str, value: int) -> None:
    net, audio = network(variant), noise(1_000, 2)
    chunked = ChunkedStems(net, 2, StemSettings(segment_s=0.09))
    assert getattr(chunked, lacking) > value
    setattr(chunked, lacking, value)
    assert np.abs(run(chunked, audio, block=10) - at_once(net, audio)).max() > 1e-3


def test_the_papers_network_in_chunks_is_the_whole() -> None:
    """Its own levels and kernels, with few filters: a stride of 4,096 and 65,527 samples of context."""
    torch.manual_seed(0)
    model = models.build("wave_unet", {"F_c": 1}, 4).eval()
    net = StemNetwork(model, ("bass", "drums", "other", "vocals"), RATE)
    audio = noise(30_001, 2)
    np.testing.assert_allclose(in_chunks(net, audio, 9_000), at_once(net, audio), atol=1e-5, rtol=0)


@pytest.mark.parametrize("variant", ["M6", "padded"])
def test_stems_add_up_to_the_mixture(variant: str) -> None:
    audio = noise(700, 2)
    np.testing.assert_allclose(in_chunks(network(variant), audio, 128).sum(0), audio, atol=1e-6)


def test_a_mono_network_takes_each_channel_alone() -> None:
    net, audio = network("M3"), noise(300, 3)
    whole = np.concatenate([at_once(net, channel[None]) for channel in audio], axis=1)
    for rows in (1, 2, 8):
        np.testing.assert_allclose(in_chunks(net, audio, 100, rows=rows), whole, atol=1e-5, rtol=0)


@pytest.mark.parametrize("channels", [1, 2, 3, 5])
def test_a_stereo_network_takes_pairs_and_the_odd_channel_twice(channels: int) -> None:
    net, audio = network("M6"), noise(300, channels)
    pairs = [at_once(net, audio[k : k + 2]) for k in range(0, channels - 1, 2)]
    odd = [at_once(net, audio[-1:].repeat(2, axis=0)).mean(axis=1, keepdims=True)] if channels % 2 else []
    stems = in_chunks(net, audio, 100)
    np.testing.assert_allclose(stems, np.concatenate([*pairs, *odd], axis=1), atol=1e-5, rtol=0)
    np.testing.assert_allclose(stems.sum(0), audio, atol=1e-6)


def test_nothing_comes_of_nothing() -> None:
    chunked = ChunkedStems(network(), 2)
    assert list(chunked.push(noise(0, 2))) == []
    assert list(chunked.push(noise(0, 2), last=True)) == []


@pytest.mark.parametrize("variant", ["M6", "padded"])
def test_memory_does_not_grow_with_length(variant: str) -> None:
    """Neither what is held nor what the network sees."""
    net, seen, held = network(variant), [], []
    net.model.register_forward_pre_hook(lambda _model, inputs: seen.append(inputs[0].shape))
    chunked = ChunkedStems(net, 2, StemSettings(segment_s=0.2))
    for _ in range(60):
        list(chunked.push(noise(100, 2)))
        held.append(len(chunked._mixture))
    list(chunked.push(noise(0, 2), last=True))
    assert max(held) < chunked.core + 2 * (net.model.reach + net.model.stride) + 100
    assert {shape[:2] for shape in seen} == {(1, 2)}
    assert max(shape[2] for shape in seen) < chunked.core + 2 * net.model.reach + 2 * net.model.stride


def test_what_is_finished_comes_out_as_soon_as_all_that_matters_is_known() -> None:
    net, audio = network(), noise(1_000, 2)
    chunked = ChunkedStems(net, 2, StemSettings(segment_s=0.16))
    needed = 160 + net.model.reach
    assert list(chunked.push(audio[:, : needed - 1])) == []
    assert [stems.shape for _, stems in chunked.push(audio[:, needed - 1 : needed])] == [(3, 2, 160)]


def test_chunks_are_whole_strides() -> None:
    for segment_s, core in ((0.001, 16), (0.0001, 16), (0.016, 16), (0.017, 32), (0.5, 512)):
        assert ChunkedStems(network(), 2, StemSettings(segment_s=segment_s)).core == core


def test_a_cancelled_call_stops_before_the_next_chunk() -> None:
    cancel = threading.Event()
    chunks = ChunkedStems(network(), 2, StemSettings(segment_s=0.1), cancel).push(noise(1_000, 2))
    next(chunks)
    cancel.set()
    with pytest.raises(Cancelled, match="cancelled"):
        next(chunks)


@pytest.mark.parametrize("wrong", [{"segment_s": 0}, {"segment_s": float("nan")}, {"segment_s": 1e9}, {"rows": 0}])
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(SettingsError, match=next(iter(wrong))):
        StemSettings.parse(wrong)

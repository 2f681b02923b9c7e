import threading
import tracemalloc

import numpy as np
import pytest
from numpy.typing import NDArray

from networks import Notebook, Shares
from soundsieve.errors import AudioError, Cancelled
from soundsieve.inference.chunks import Network
from soundsieve.inference.separate import Mode, SeparationSettings, StreamSeparator, separate
from soundsieve.inference.source import open_source

MODEL_HZ = 4_000
SHORT = SeparationSettings.parse({"chunks": {"segment_s": 0.5, "context_s": 0.1, "fade_s": 0.05}})


def noise(frames: int, channels: int = 1) -> NDArray[np.float32]:
    return (0.1 * np.random.default_rng(0).standard_normal((channels, frames))).astype(np.float32)


def run(
    audio: NDArray[np.float32],
    rate: int,
    *shares: float,
    asked: tuple[str, ...] = ("a",),
    mode: Mode = "keep",
    settings: SeparationSettings = SHORT,
) -> tuple[NDArray[np.float32], NDArray[np.float32], StreamSeparator]:
    network = Network(Shares(*shares), ("a", "b", "c")[: len(shares)], MODEL_HZ)
    separator = StreamSeparator(network, asked, rate, len(audio), mode=mode, settings=settings)
    parts = list(separate(separator, open_source(audio, rate)))
    assert all(selected.shape == rest.shape and selected.shape[1] > 0 for selected, rest in parts)
    selected, rest = (np.concatenate(part, axis=1) for part in zip(*parts, strict=True))
    return selected, rest, separator


@pytest.mark.parametrize("rate", [2_000, 4_000, 5_513, 8_000, 11_025, 24_000])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_the_parts_have_the_inputs_shape_and_add_up_to_it(rate: int, channels: int) -> None:
    for frames in (1, 2, 251, 3 * rate + 17):
        audio = noise(frames, channels)
        selected, rest, _ = run(audio, rate, 0.5)
        assert selected.shape == rest.shape == audio.shape
        np.testing.assert_allclose(selected + rest, audio, atol=1e-6)
        if frames > 250:
            np.testing.assert_allclose(selected, 0.5 * audio, atol=2e-3)


def test_remove_is_the_other_side_of_keep() -> None:
    audio = noise(9_000, 2)
    kept, left, _ = run(audio, 8_000, 0.3, 0.7)
    cleaned, removed, _ = run(audio, 8_000, 0.3, 0.7, mode="remove")
    np.testing.assert_array_equal(kept, removed)
    np.testing.assert_array_equal(left, cleaned)


def test_several_classes_are_their_sum_and_each_is_measured() -> None:
    selected, _, separator = run(noise(9_000), 4_000, 0.3, 0.5, 0.001, asked=("b", "a", "c"))
    np.testing.assert_allclose(selected, 0.8 * noise(9_000), atol=1e-3)  # c is absent
    found = separator.presence()
    assert list(found) == ["b", "a", "c"]
    assert [found[name].present for name in "abc"] == [True, True, False]
    assert found["a"].level_db == pytest.approx(20 * np.log10(0.3), abs=1e-3)


def test_what_is_absent_leaves_the_whole_input_in_the_rest() -> None:
    audio = noise(20_000, 2)
    selected, rest, separator = run(audio, 8_000, 0.05)
    assert not separator.presence()["a"].present
    assert np.abs(selected).max() == 0
    np.testing.assert_array_equal(rest, audio)


def test_a_threshold_of_the_network_comes_before_the_default() -> None:
    for threshold_db, present in ((-30.0, True), (-10.0, False)):
        network = Network(Shares(0.1), ("a",), MODEL_HZ, thresholds_db={"a": threshold_db})
        separator = StreamSeparator(network, ("a",), MODEL_HZ, 1)
        separator.push(noise(8_000))
        separator.finish()
        assert separator.presence()["a"].present is present


def test_a_silent_channel_stays_silent_and_channels_are_not_mixed() -> None:
    audio = noise(12_000, 3)
    audio[1] = 0
    audio[2] *= -0.5
    selected, _, _ = run(audio, 8_000, 1.0)
    assert np.abs(selected[1]).max() == 0
    np.testing.assert_allclose(selected, audio, atol=1e-4)


@pytest.mark.parametrize("block", [1, 100, 5_000])
def test_the_size_of_the_blocks_does_not_matter(block: int) -> None:
    audio = noise(6_001, 2)[:, : 6_001 if block > 1 else 801]
    network = Network(Shares(0.4), ("a",), MODEL_HZ)
    separator = StreamSeparator(network, ("a",), 6_000, 2, settings=SHORT)
    parts = [separator.push(audio[:, start : start + block]) for start in range(0, audio.shape[1], block)]
    selected = np.concatenate([part[0] for part in [*parts, separator.finish()]], axis=1)
    np.testing.assert_allclose(selected, run(audio, 6_000, 0.4)[0], atol=1e-6)


def test_memory_does_not_grow_with_length() -> None:
    def peak(seconds: int) -> int:
        network = Network(Shares(0.5), ("a",), MODEL_HZ)
        separator = StreamSeparator(network, ("a",), 8_000, 2, settings=SHORT)
        block = noise(8_000, 2)
        tracemalloc.start()
        for _ in range(seconds):
            separator.push(block)
        separator.finish()
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    short, long = peak(10), peak(100)
    assert long < 1.3 * short


def test_progress_is_told_up_to_the_end() -> None:
    audio, told = noise(20_000), []
    separator = StreamSeparator(Network(Shares(1.0), ("a",), MODEL_HZ), ("a",), 4_000, 1, settings=SHORT)
    list(separate(separator, open_source(audio, 4_000), lambda done_s, total_s: told.append((done_s, total_s))))
    assert {total_s for _, total_s in told} == {5.0}
    done = [done_s for done_s, _ in told]
    assert len(done) > 3
    assert done == sorted(done)
    assert done[-1] == 5.0


def test_cancelling_stops_at_once() -> None:
    cancel, model = threading.Event(), Notebook()
    separator = StreamSeparator(Network(model, ("a",), MODEL_HZ), ("a",), 4_000, 1, settings=SHORT, cancel=cancel)
    parts = separate(separator, open_source(noise(40_000), 4_000), cancel=cancel)
    next(parts)
    cancel.set()
    with pytest.raises(Cancelled):
        next(parts)
    assert len(model.seen) < 10


def test_a_damaged_source_is_told() -> None:
    def broken():
        yield noise(4_000)
        raise AudioError("x.wav: is truncated")

    source = open_source(noise(4_000), 4_000)
    object.__setattr__(source, "blocks", broken())
    separator = StreamSeparator(Network(Shares(1.0), ("a",), MODEL_HZ), ("a",), 4_000, 1)
    with pytest.raises(AudioError, match="truncated"):
        list(separate(separator, source))

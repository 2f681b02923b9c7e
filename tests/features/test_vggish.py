"""VGGish's front end against the published definition, its framing to the sample, and its settings."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from soundsieve.errors import SettingsError
from soundsieve.features.vggish import VGGishExamples, VGGishExamplesSettings

FRONT_END = VGGishExamples(VGGishExamplesSettings())
STEP, REACH = 15_360, 15_600  # 96 hops of 160; 95 hops and a window of 400


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return 0.1 * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def sine(hz: float, samples: int) -> torch.Tensor:
    return torch.sin(2 * torch.pi * hz / 16_000 * torch.arange(samples, dtype=torch.float64)).float()


def oracle(waveform: NDArray[np.float32]) -> NDArray[np.float64]:
    """The definition, one frame at a time, in float64: (t,) → (n, 96, 64)."""

    def mel(hz: float) -> float:
        return 1127.0 * math.log(1.0 + hz / 700.0)

    window = [0.5 - 0.5 * math.cos(2 * math.pi * n / 400) for n in range(400)]
    low, high = mel(125.0), mel(7500.0)
    corners = [low + (high - low) * k / 65 for k in range(66)]
    weights = np.zeros((64, 257))
    for band in range(64):
        left, centre, right = corners[band : band + 3]
        for k in range(257):
            place = mel(k * 16_000 / 512)
            if left < place <= centre:
                weights[band, k] = (place - left) / (centre - left)
            elif centre < place < right:
                weights[band, k] = (right - place) / (right - centre)
    rows = []
    for start in range(0, len(waveform) - 399, 160):
        spectrum = np.abs(np.fft.rfft(waveform[start : start + 400].astype(np.float64) * window, 512))
        rows.append(np.log(weights @ spectrum + 0.01))
    whole = len(rows) // 96 * 96
    return np.array(rows[:whole]).reshape(-1, 96, 64)


def test_a_tone_has_the_published_figures() -> None:
    examples = FRONT_END(sine(1000, 48_000))
    assert examples.shape == (3, 96, 64)
    assert examples.dtype == torch.float32
    assert examples.mean().item() == pytest.approx(-3.4296, abs=5e-5)
    assert examples.std(correction=0).item() == pytest.approx(2.1266, abs=5e-5)
    assert examples.mean((0, 1)).argmax() == 19


def test_every_level_is_that_of_the_definition() -> None:
    """A sweep of levels and tones over two examples, with a stretch of silence in it."""
    samples = STEP + REACH + 100
    waveform = noise(samples) * torch.logspace(-4, 0, samples) + 0.3 * sine(3210, samples)
    waveform[5_000:7_000] = 0
    expected = oracle(waveform.numpy())
    assert expected.shape == (2, 96, 64)
    assert expected.min() == pytest.approx(math.log(0.01), abs=1e-6), "silence must be in it"
    found = FRONT_END(waveform).numpy()
    # Noise 60 dB under a tone is where float32 has the fewest digits left.
    np.testing.assert_allclose(found, expected, atol=4e-4, rtol=0)
    assert np.abs(found - expected).mean() < 2e-5


def test_silence_is_the_logarithm_of_the_offset() -> None:
    torch.testing.assert_close(FRONT_END(torch.zeros(REACH)), torch.full((1, 96, 64), math.log(0.01)))


@pytest.mark.parametrize(
    ("samples", "count"),
    [
        (1, 1),
        (399, 1),
        (REACH - 1, 1),
        (REACH, 1),
        (REACH + STEP - 1, 1),
        (REACH + STEP, 2),
        (48_000, 3),
        (480_000, 31),
    ],
)
def test_only_whole_examples_count_and_there_is_one_at_least(samples: int, count: int) -> None:
    assert FRONT_END.examples_of(samples) == count
    assert FRONT_END(noise(samples)).shape == (count, 96, 64)


def test_a_short_recording_is_lengthened_with_silence_at_its_end() -> None:
    waveform = noise(9_000)
    torch.testing.assert_close(FRONT_END(waveform), FRONT_END(torch.cat([waveform, torch.zeros(REACH - 9_000)])))
    assert (FRONT_END(waveform)[0, -30:] == math.log(0.01)).float().mean() > 0.99


def test_it_says_what_an_example_looks_at() -> None:
    assert (FRONT_END.step, FRONT_END.reach) == (STEP, REACH)
    waveform = noise(2 * STEP + REACH)
    whole = FRONT_END(waveform)
    for k in range(3):
        own = waveform[k * STEP : k * STEP + REACH]
        torch.testing.assert_close(FRONT_END(own)[0], whole[k], atol=1e-5, rtol=0)
    # Its first and its last sample meet the ends of a window, where it is nearly 0; those beside them count.
    for place in (1, REACH - 1):
        other = waveform[:REACH].clone()
        other[place] += 1e4
        assert (FRONT_END(other)[0] - whole[0]).abs().max() > 0.1, place


def test_recordings_in_a_batch_are_what_they_are_alone() -> None:
    batch = noise(2, 3, 20_000)
    together = FRONT_END(batch)
    assert together.shape == (2, 3, 1, 96, 64)
    torch.testing.assert_close(together[1, 2], FRONT_END(batch[1, 2]), atol=1e-5, rtol=0)


def test_precision_is_that_of_float32_under_autocast() -> None:
    waveform = 1e-3 * noise(REACH)
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(FRONT_END(waveform), FRONT_END(waveform.double()), atol=1e-6, rtol=0)


def test_gradients_reach_the_sound() -> None:
    waveform = noise(REACH)
    waveform[:2_000] = 0  # silence has no direction to go, but no NaN either
    waveform.requires_grad_()
    FRONT_END(waveform).sum().backward()
    assert waveform.grad is not None
    assert waveform.grad.isfinite().all()
    assert (waveform.grad[2_400:] != 0).float().mean() > 0.99


def test_nothing_of_it_is_kept_but_its_settings() -> None:
    assert not FRONT_END.state_dict()
    s = VGGishExamplesSettings(mels=32, frames=48, offset=0.1)
    again = VGGishExamples(VGGishExamplesSettings.parse(s.model_dump(mode="json")))
    torch.testing.assert_close(again(noise(20_000)), VGGishExamples(s)(noise(20_000)), atol=0, rtol=0)
    assert again(noise(20_000)).shape == (2, 48, 32)


@pytest.mark.parametrize("waveform", [torch.zeros(0), torch.zeros(2, 0), torch.tensor(1.0), torch.zeros(9).short()])
def test_what_is_no_waveform_is_refused_and_quoted(waveform: torch.Tensor) -> None:
    with pytest.raises(ValueError, match=r"waveform: expected floating-point shape .*, found torch\.\w+ \("):
        FRONT_END(waveform)


def test_no_recording_has_no_samples() -> None:
    with pytest.raises(ValueError, match="found 0"):
        FRONT_END.examples_of(0)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"n_fft": 256}, r"win_length = 400: expected at most n_fft \(256\)"),
        ({"f_max_hz": 8001}, r"f_max_hz = 8001: expected more than f_min_hz \(125\) and at most half .* \(8000\)"),
        ({"f_min_hz": 7500}, r"f_max_hz = 7500.0: expected more than f_min_hz \(7500\)"),
        ({"f_max_hz": float("nan")}, "f_max_hz = nan"),
        ({"frames": 0}, "frames = 0"),
        ({"offset": 0}, "offset = 0"),
        ({"n_mels": 64}, "unknown key 'n_mels': did you mean 'mels'"),
    ],
)
def test_impossible_settings_are_refused(wrong: dict[str, object], sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        VGGishExamplesSettings.parse(wrong)

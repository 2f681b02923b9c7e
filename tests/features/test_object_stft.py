from __future__ import annotations

import math

import pytest
import torch

from soundsieve.errors import SettingsError
from soundsieve.features.object_stft import ObjectSTFT


def test_the_published_size() -> None:
    front_end = ObjectSTFT()
    assert front_end.analyse(torch.zeros(2, 480_000)).shape == (2, 2_401, 201)
    assert (front_end.bins, front_end.piece) == (2_401, 480_000)


@pytest.mark.parametrize("length", [1, 2, 99, 100, 101, 199, 200, 3_217])
@pytest.mark.parametrize("hop", [100, 50, 37])
def test_there_and_back(length: int, hop: int) -> None:
    front_end = ObjectSTFT(window=200, hop=hop)
    waveform = torch.randn(2, 3, length, generator=torch.Generator().manual_seed(0))
    spectrum = front_end.analyse(waveform)
    assert spectrum.shape == (2, 3, 101, front_end.frames(length))
    torch.testing.assert_close(front_end.synthesise(spectrum, length), waveform, rtol=0, atol=2e-6)


def test_a_sine_stands_in_its_bin() -> None:
    time_s = torch.arange(48_000) / 48_000
    level = ObjectSTFT().analyse(torch.sin(2 * math.pi * 1_000 * time_s)).abs()
    assert level[:, 5].argmax().item() == 100  # bins are 10 Hz apart
    assert level[100, 5].item() == pytest.approx(1_200, rel=1e-3)  # half the sum of the window


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(SettingsError, match="half the window"):
        ObjectSTFT.parse({"window": 100, "hop": 51})
    with pytest.raises(SettingsError, match="even"):
        ObjectSTFT.parse({"window": 101, "hop": 10})
    front_end = ObjectSTFT(window=8, hop=4)
    with pytest.raises(ValueError, match="expected samples"):
        front_end.analyse(torch.zeros(2, 0))
    with pytest.raises(ValueError, match=r"expected \(5, 3\) for 8 samples, found \(5, 4\)"):
        front_end.synthesise(torch.zeros(5, 4, dtype=torch.complex64), 8)

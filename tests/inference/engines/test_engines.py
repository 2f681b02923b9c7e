"""Engines are found by file name, and our own networks are one of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from soundsieve import checkpoint, models
from soundsieve.checkpoint import Checkpoint
from soundsieve.errors import CheckpointError, UnknownNameError
from soundsieve.inference import engines
from soundsieve.inference.engines.checkpoint import from_checkpoint
from soundsieve.inference.masked_stems import MaskedStems
from soundsieve.inference.stems import ChunkedStems

NETWORKS = {
    "wave_unet": {"L": 3, "F_c": 2},
    "spleeter_unet": {"n_fft": 32, "hop": 8, "filters": [2, 3], "bins": 12, "frames": 8, "step": 6},
}
STEMS = ("vocals", "accompaniment")


def small(name: str, task: str = "unmix") -> Checkpoint:
    torch.manual_seed(0)
    weights = models.build(name, NETWORKS[name], 2).state_dict()
    return Checkpoint(task, name, NETWORKS[name], STEMS, 8_000, {"licence": "MIT"}, weights=weights)


@pytest.mark.parametrize(("name", "kind"), [("wave_unet", ChunkedStems), ("spleeter_unet", MaskedStems)])
def test_a_checkpoint_is_an_engine(name: str, kind: type, tmp_path: Path) -> None:
    checkpoint.save(tmp_path / "a.safetensors", small(name))
    engine = engines.load("checkpoint", tmp_path / "a.safetensors", "cpu")
    assert (engine.stems, engine.sample_rate, engine.card["licence"]) == (STEMS, 8_000, "MIT")
    stream = engine.stream(channels=2)
    assert isinstance(stream, kind)
    audio = np.random.default_rng(0).standard_normal((2, 500)).astype(np.float32)
    pairs = list(stream.push(audio, last=True))
    np.testing.assert_array_equal(np.concatenate([mixture for mixture, _ in pairs], -1), audio)
    stems = np.concatenate([stems for _, stems in pairs], -1)
    np.testing.assert_allclose(stems.sum(0), audio, atol=1e-5)
    assert np.abs(stems[0] - stems[1]).max() > 1e-3


def test_other_checkpoints_are_none() -> None:
    with pytest.raises(CheckpointError, match="a wave_unet is for select: expected a model for unmix"):
        from_checkpoint(small("wave_unet", task="select"))


def test_an_engine_that_is_not_there_is_named_with_its_neighbours() -> None:
    with pytest.raises(UnknownNameError, match="unknown engine 'spleter': did you mean 'spleeter'"):
        engines.load("spleter")

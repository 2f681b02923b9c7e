"""A tiny experiment: three classes of generated sounds, a tiny network, seconds of training."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import yaml

RATE = 8000
TONES_HZ = {"low": 200.0, "middle": 900.0, "high": 3000.0}


@pytest.fixture
def sounds(tmp_path: Path) -> Path:
    """A folder with one sub-folder a class; each class is a tone of its own with some noise."""
    rng = np.random.default_rng(0)
    for label, hz in TONES_HZ.items():
        folder = tmp_path / "data" / "sounds" / label
        folder.mkdir(parents=True)
        for take in range(10):
            time_s = np.arange(2 * RATE) / RATE
            wave = np.sin(2 * np.pi * hz * (1 + 0.02 * take) * time_s) + 0.01 * rng.standard_normal(len(time_s))
            soundfile.write(folder / f"{take}.wav", 0.3 * wave, RATE)
    return tmp_path / "data"


@pytest.fixture
def recipe() -> dict[str, Any]:
    """A recipe that learns to tell the tones apart within a few epochs."""
    return yaml.safe_load(
        """
        sample_rate: 8000
        model:
          name: mask_unet
          hyper: {n_fft: 256, hop: 128, bands: 32, channels: [8, 12], context: 16, context_blocks: 1, level_frames: 31}
        corpus:
          events: [{dataset: folder, root: sounds, fractions: {train: 0.6, validation: 0.2, test: 0.2}}]
        mixture: &short {duration_s: 1.0, events: 3, classes: [2, 3], event_s: [0.4, 0.8]}
        protocol: *short
        queries: {each: true, several: 1, absent: 1}
        training:
          epochs: 3
          mixtures_per_epoch: 32
          validation_mixtures: 8
          batch: 4
          workers: 0
          optimiser: {learning_rate: 1.0e-2, schedule: cosine}
        """
    )

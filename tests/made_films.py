"""Bags of sounds whose objects can be told apart: each label is a tone or noise in a band of its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from soundsieve import audio
from soundsieve.datasets.object_groups import GROUPS, NAMES
from soundsieve.training.bags import Bag, BagEntry, BagIndex, write_bag, write_index

RATE_HZ = 4000
LABELS = ("dog", "violin")
LENGTH_S = 1.5
_NO_OBJECT = 970  # of ImageNet: an alp


def sound(label: str, rng: np.random.Generator, length_s: float = LENGTH_S) -> NDArray[np.float32]:
    """A low tone that comes and goes for a violin, high noise for a dog, clicks in the middle for anything else."""
    frames = round(length_s * RATE_HZ)
    time_s = np.arange(frames) / RATE_HZ
    if label == "violin":
        wave = np.sin(2 * np.pi * rng.uniform(150, 500) * time_s) * (1 + np.sin(2 * np.pi * rng.uniform(1, 3) * time_s))
        return np.asarray(0.1 * wave, np.float32)
    low, high = {"dog": (1200, 2000)}.get(label, (650, 950))
    spectrum = np.fft.rfft(rng.standard_normal(frames))
    hz = np.fft.rfftfreq(frames, 1 / RATE_HZ)
    return np.asarray(0.3 * np.fft.irfft(np.where((hz > low) & (hz < high), spectrum, 0), frames), np.float32)


def write_films(folder: Path, counts: dict[str, int]) -> Path:
    """Write bags and the sounds they are of; in every fourth video nothing is seen, and no bag says what is heard."""
    rng = np.random.default_rng(3)
    videos = []
    for part, count in counts.items():
        for number in range(count):
            label = ("dog", "violin", "dog+violin", "")[number % 4] if part == "train" else LABELS[number % 2]
            seen = tuple(label.split("+")) if label else ()
            name = f"{part}-{number:03}"
            waveform = sum(sound(each, rng) for each in seen or ("",))
            folder.mkdir(parents=True, exist_ok=True)
            audio.write(folder / f"{name}.wav", np.stack([waveform, waveform]), RATE_HZ)
            said = torch.zeros(1000)
            said[[GROUPS[each][0] for each in seen] or _NO_OBJECT] = 20
            write_bag(folder / f"{name}.safetensors", Bag(torch.ones(4, 2), said[None]))
            videos.append(
                BagEntry(name=name, path=f"{name}.wav", part=part, bag=f"{name}.safetensors", duration_s=LENGTH_S)
            )
    write_index(folder, BagIndex(viewer="made", labels=NAMES, videos=tuple(videos)))
    return folder

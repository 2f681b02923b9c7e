"""Banks and folders of generated recordings for tests of mixtures: every class has a pitch of its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
import torch
from numpy.typing import NDArray

from soundsieve import checkpoint, models
from soundsieve.mixing import Bank, Recording, Source
from soundsieve.mixing.bank import recording

RATE_HZ = 4000
LABELS = ("bell", "buzz", "chirp", "hum", "ping", "tick", "whir")


def sound(label: str, take: int, duration_s: float = 4.0, rate: int = RATE_HZ) -> NDArray[np.float32]:
    """A tone with some noise, shape (time,); another take is a little higher and louder."""
    number = LABELS.index(label)
    time_s = np.arange(round(duration_s * rate)) / rate
    hz = 150 * 1.45**number * (1 + 0.02 * take)
    noise = np.random.default_rng([number, take]).standard_normal(len(time_s))
    wave = 0.05 * (1 + take) * (np.sin(2 * np.pi * hz * time_s) + 0.05 * noise)
    return wave.astype(np.float32)


def event_bank(labels: tuple[str, ...] = LABELS, takes: int = 3, *, others: int = 0) -> Bank:
    """Events: takes of 2.5 s to 5 s of each class, and recordings of no class."""
    made = [_recording(label, take, 2.5 + 1.25 * (take % 3)) for label in labels for take in range(takes)]
    rng = np.random.default_rng(5)
    noise = [rng.standard_normal(3 * RATE_HZ).astype(np.float32) for _ in range(others)]
    unlabelled = [
        recording(0.1 * x, RATE_HZ, label="", source=Source(Path(f"other/{k}.wav"), "")) for k, x in enumerate(noise)
    ]
    return Bank(RATE_HZ, (*made, *unlabelled))


def background_bank(count: int = 3, duration_s: float = 8.0) -> Bank:
    """Backgrounds: steady noise, each of its own level."""
    made = []
    for number in range(count):
        wave = np.random.default_rng([99, number]).standard_normal(round(duration_s * RATE_HZ))
        source = Source(Path(f"noise/{number}.wav"), "noise")
        made.append(recording((0.02 * (1 + number) * wave).astype(np.float32), RATE_HZ, label="noise", source=source))
    return Bank(RATE_HZ, tuple(made))


def write_sounds(root: Path, labels: tuple[str, ...] = LABELS[:5], takes: int = 8) -> Path:
    """Write `root/sounds/<class>/<take>.wav` and `root/noises/<take>.wav`; returns `root`."""
    for label in labels:
        folder = root / "sounds" / label
        folder.mkdir(parents=True)
        for take in range(takes):
            soundfile.write(folder / f"{take}.wav", sound(label, take, 1.5), RATE_HZ)
    (root / "noises").mkdir()
    for take in range(takes):
        noise = np.random.default_rng([7, take]).standard_normal(2 * RATE_HZ)
        soundfile.write(root / "noises" / f"{take}.wav", 0.02 * noise, RATE_HZ)
    return root


TINY = {"n_fft": 128, "hop": 64, "bands": 16, "channels": [4, 4], "context": 4, "context_blocks": 1, "level_frames": 15}
"""A mask U-Net that computes in a moment."""


def tiny_recipe() -> dict[str, object]:
    """A recipe on what `write_sounds` writes, with mixtures of one second."""
    thirds = {"train": 0.5, "validation": 0.25, "test": 0.25}
    mixture = {"duration_s": 1.0, "event_s": [0.3, 0.6]}
    return {
        "sample_rate": RATE_HZ,
        "model": {"name": "mask_unet", "hyper": TINY},
        "corpus": {
            "events": [{"dataset": "folder", "root": "sounds", "fractions": thirds}],
            "backgrounds": [{"dataset": "noise_folder", "root": "noises", "fractions": thirds}],
        },
        "mixture": mixture,
        "protocol": mixture,
    }


def write_model(path: Path, classes: tuple[str, ...], **recipe: object) -> None:
    """Write an untrained selector whose recipe divides what `write_sounds` writes."""
    torch.manual_seed(0)
    weights = models.build("mask_unet", TINY, len(classes)).state_dict()
    whole = {**tiny_recipe(), **recipe}
    made = checkpoint.Checkpoint("select", "mask_unet", TINY, classes, RATE_HZ, recipe=whole, weights=weights)
    checkpoint.save(path, made)


def _recording(label: str, take: int, duration_s: float) -> Recording:
    source = Source(Path(f"{label}/{take}.wav"), label)
    return recording(sound(label, take, duration_s), RATE_HZ, label=label, source=source)

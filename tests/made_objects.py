"""Made videos whose objects have spectra of their own, and a network that knows which."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import torch
from numpy.typing import NDArray

from made_bags import SEEN, UNSEEN
from soundsieve import checkpoint, models
from soundsieve.checkpoint import Checkpoint
from soundsieve.datasets.object_groups import GROUPS
from soundsieve.features.object_stft import ObjectSTFT
from soundsieve.recipes.watch.manifest import FORMAT
from tiny_videos import RATE_HZ, write_video

FRONT_END = ObjectSTFT(sample_rate=RATE_HZ, window=400, hop=200, components=6, piece_s=3.0)
LENGTH_S = 2.4
LABELS = ("dog", "violin", "car")
TONES = {"dog": (300, 500), "violin": (1_500, 2_100), "car": (2_900, 3_400), "unseen": (1_000, 1_060)}
GREYS = {"dog": 40, "violin": 100, "car": 160, "nothing": 220}


def sound(label: str, length_s: float = LENGTH_S, level: float = 0.1, seed: int = 0) -> NDArray[np.float32]:
    """Two tones that no other object has, which come and go, in whole steps of 16 bits."""
    rng = np.random.default_rng([seed, *label.encode()])
    time_s = np.arange(round(length_s * RATE_HZ)) / RATE_HZ
    # Loud for some tenths of a second and soft for others, by chance, so that bases can tell the objects apart.
    loud = np.repeat(rng.permutation([0.02, 1.0] * 10), len(time_s) // 20 + 1)[: len(time_s)]
    parts = [np.sin(2 * np.pi * hz * time_s) * loud for hz in TONES[label]]
    return np.asarray(np.round(level * np.sum(parts, 0) * 32_768) / 32_768, np.float32)


def write_made(folder: Path, videos: Mapping[str, tuple[Sequence[str], Sequence[str]]], *, part: str = "test") -> Path:
    """Write made videos: name → what is seen, one after the other, and what is heard."""
    rows: list[dict[str, Any]] = []
    for number, (name, (seen, heard)) in enumerate(videos.items()):
        tracks = {label: sound(label, seed=number) for label in heard}
        mixed = np.sum([*tracks.values()], 0)
        greys = tuple(GREYS[label] for label in seen) or (GREYS["nothing"],)
        write_video(folder / part / f"{name}.mkv", samples=np.round(mixed * 32_768), greys=greys)
        for label, track in tracks.items():
            soundfile.write(folder / part / f"{name}.{label}.flac", track, RATE_HZ)
        rows.append({"name": name, "part": part, "seen": [*seen], "heard": [*heard], "duration_s": LENGTH_S})
    (folder / "made.json").write_text(json.dumps({"format": FORMAT, "videos": rows}), encoding="utf-8")
    return folder


def write_network(path: Path, *, swapped: bool = False, labels: tuple[str, ...] = LABELS) -> Path:
    """Write a network that gives each base to the object whose tones it has; or, swapped, to the next one."""
    hyper = {"bins": FRONT_END.bins, "hidden": len(labels), "sub_concepts": 1}
    model: Any = models.build("miml", hyper, len(labels))
    with torch.no_grad():
        model.first.weight.zero_()
        model.second.weight.zero_()
        for row, label in enumerate(labels):
            low, high = (round(hz * FRONT_END.window / RATE_HZ) for hz in TONES[label])
            model.first.weight[row, low - 4 : high + 5] = 1
            model.second.weight[(row + swapped) % len(labels), row] = 1
    path.parent.mkdir(parents=True, exist_ok=True)
    checkpoint.save(
        path,
        Checkpoint(
            "watch",
            "miml",
            hyper,
            labels,
            RATE_HZ,
            {"licence": "MIT", "choice": {"kind": "best", "rest": "none"}},
            weights=model.state_dict(),
            front_end=FRONT_END.model_dump(mode="json"),
        ),
    )
    return path


class GreyViewer:
    """Knows objects by the grey of their picture."""

    name, card = "grey", {}

    def logits(self, images: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Name each picture: (picture, 1000)."""
        values = np.full((len(images), 1000), UNSEEN, np.float32)
        for row, image in zip(values, images, strict=True):
            label = min(GREYS, key=lambda name: abs(GREYS[name] - float(image.mean())))
            shown = list(GROUPS[label]) if label in GROUPS else [999]
            row[shown] = SEEN - float(np.log(len(shown)))
        return values

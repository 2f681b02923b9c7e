"""What turns a window of music into a row of numbers: descriptors, or the embedding of a network, averaged over time.

Axes: k column, n window, t sample.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from soundsieve import audio, checkpoint
from soundsieve.errors import CheckpointError
from soundsieve.features.descriptor_front_end import DescriberName
from soundsieve.features.descriptors import NAMES, SAMPLE_RATE, Edges, describe
from soundsieve.inference import embed
from soundsieve.inference.classify import Classifier
from soundsieve.models.tag_lite import TagLite
from soundsieve.models.tag_small import TagSmall

Window = NDArray[np.float32]


class Describer(Protocol):
    """Describes windows of music.

    Attributes:
        sample_rate: Of the windows, in Hz.
        names: Of the columns.
    """

    sample_rate: int
    names: tuple[str, ...]

    def describe(self, windows: Sequence[Window]) -> NDArray[np.float64]:
        """Return a row for each window (t,): (n, k)."""
        ...


class Descriptors:
    """The 57 descriptors; see `soundsieve.features.descriptors`."""

    sample_rate = SAMPLE_RATE
    names = NAMES

    def __init__(self, edges: Edges = "mirror") -> None:
        self.edges = edges

    def describe(self, windows: Sequence[Window]) -> NDArray[np.float64]:
        """Describe windows."""
        return np.stack([describe(window, edges=self.edges) for window in windows])


class VGGishMeans:
    """Embeddings of VGGish, the mean over time: 128 columns.

    Args:
        weights: Its file, as published or a checkpoint of ours; None fetches the published one, once.
        device: auto, cpu, cuda, …

    Raises:
        DownloadError: when it is not here and there is no network.
        CheckpointError: when a file is none of VGGish's weights.
        SettingsError: when this machine has no such device.
    """

    def __init__(self, weights: Path | None = None, device: str = "auto") -> None:
        found = embed.published() if weights is None else embed.read(weights)
        self._embedder = embed.Embedder(found, device)
        self.sample_rate = self._embedder.sample_rate
        self.names = tuple(f"vggish{column:03d}" for column in range(self._embedder.size))

    def describe(self, windows: Sequence[Window]) -> NDArray[np.float64]:
        """Describe windows."""
        return np.stack([self._embedder.embed(window).mean(0, dtype=np.float64) for window in windows])


class TaggerMeans:
    """What a tagger's network knows of each quarter of a second before it decides: mean and deviation over time.

    Args:
        model: A tagger, by released name or path.
        device: auto, cpu, cuda, …

    Raises:
        CheckpointError: when there is no such model, or it has no segments.
        SettingsError: when this machine has no such device.
    """

    def __init__(self, model: str | Path = "tag", device: str = "auto") -> None:
        found = checkpoint.load(checkpoint.locate(model))
        self._classifier = Classifier(found, device)
        if not isinstance(self._classifier.model, TagSmall | TagLite):
            raise CheckpointError(f"{model}: a {found.model} has no segments; expected a tag_small or tag_lite")
        self._network = self._classifier.model
        self.sample_rate = found.sample_rate
        hidden = self._network.settings.hidden
        self.names = tuple(f"tag{column:03d}_{kind}" for kind in ("mean", "dev") for column in range(hidden))

    def describe(self, windows: Sequence[Window]) -> NDArray[np.float64]:
        """Describe windows."""
        rows = []
        with torch.inference_mode():
            for window in windows:
                waveform = torch.tensor(window, device=self._classifier.device)[None]
                segments, _ = self._network.segments(*self._classifier.front_end(waveform))
                x = segments[0].double()
                rows.append(torch.cat([x.mean(1), x.std(1, unbiased=False)]).cpu().numpy())
        return np.stack(rows)


def open_describer(
    name: DescriberName, *, edges: Edges = "mirror", weights: Path | None = None, device: str = "auto"
) -> Describer:
    """Make a describer ready.

    Args:
        name: Which.
        edges: Of descriptors.
        weights: Of a network: VGGish's file, or a tagger's; None takes the published or released one.
        device: For networks: auto, cpu, cuda, …

    Raises:
        DownloadError, CheckpointError, SettingsError: as the describers do.
    """
    match name:
        case "descriptors":
            return Descriptors(edges)
        case "vggish":
            return VGGishMeans(weights, device)
        case "tag":
            return TaggerMeans("tag" if weights is None else weights, device)


def windows_of(recording: Path, sample_rate: int, window_s: float) -> list[Window]:
    """Cut a recording into windows (t,), one after the other; an end shorter than half a window is left out.

    Of a recording as long as one window and at most half of another there is one window, all of it.

    Raises:
        AudioError: when it cannot be read.
    """
    samples, rate = audio.read(recording)
    waveform = audio.resample(samples.mean(axis=0, dtype=np.float32)[None], rate, sample_rate)[0]
    length = round(window_s * sample_rate)
    count = max(1, round(len(waveform) / length))
    if count == 1:
        return [waveform]
    return [waveform[first * length : (first + 1) * length] for first in range(count)]

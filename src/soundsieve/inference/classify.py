"""A trained classifier at work: waveforms in, calibrated scores out, many windows at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray

from soundsieve.checkpoint import Checkpoint
from soundsieve.features import trim
from soundsieve.inference.device import pick_device
from soundsieve.metrics.calibration import Kind, probabilities
from soundsieve.models._classifier import NamesSegments

Waveform = NDArray[np.float32]


class Classifier:
    """Front end and network of a checkpoint.

    Args:
        checkpoint: A trained classifier, with its weights.
        device: auto, cpu, cuda, …

    Attributes:
        classes: In the order of the scores.
        sample_rate: Of the waveforms, in Hz.
        stretch: Samples of each answer where it says when; 0 where a window has one answer.

    Raises:
        CheckpointError: when the weights do not fit.
        SettingsError: when this machine has no such device.
    """

    def __init__(self, checkpoint: Checkpoint, device: str = "auto") -> None:
        self.device = pick_device(device)
        self.front_end = checkpoint.build_front_end().to(self.device)
        self.model = checkpoint.build().to(self.device)
        self.classes = checkpoint.classes
        self.sample_rate = checkpoint.sample_rate
        self.kind: Kind = "each" if checkpoint.card.get("scores") == "each" else "one"
        self.temperature = float(checkpoint.card.get("temperature", 1.0))
        self.stretch = int(checkpoint.card.get("stretch", 0))

    def logits(self, waveforms: Sequence[Waveform]) -> NDArray[np.float32]:
        """Name clips (time,) of any lengths: (n, c)."""
        with torch.inference_mode():
            clips = [trim(waveform, self.front_end.settings) for waveform in waveforms]
            named: torch.Tensor = self.model(*self.front_end(*(x.to(self.device) for x in _batch(clips))))
            return np.asarray(named.float().cpu().numpy())

    def stretch_scores(self, waveforms: Sequence[Waveform], count: int) -> NDArray[np.float64]:
        """Calibrated probabilities in each of the first stretches of clips (time,), 0 past a clip's end: (n, count, c).

        Where the network has one answer for a clip, every stretch has it.
        """
        if not self.stretch:
            return np.repeat(self.scores(waveforms)[:, None], count, axis=1)
        with torch.inference_mode():
            features, frames = self.front_end(*(x.to(self.device) for x in _batch(waveforms)))
            named, _ = cast(NamesSegments, self.model).frame_logits(features, frames)
        scores = probabilities(named.float().cpu().numpy().transpose(0, 2, 1), self.kind, self.temperature)
        result = np.zeros((len(waveforms), count, len(self.classes)))
        for row, waveform in enumerate(waveforms):
            own = min(count, -(-len(waveform) // self.stretch), scores.shape[1])
            result[row, :own] = scores[row, :own]
        return result

    def scores(self, waveforms: Sequence[Waveform]) -> NDArray[np.float64]:
        """Calibrated probabilities of clips (time,) of any lengths: (n, c).

        Where the network says when, each class's are those of the stretch in which it is heard most clearly.
        """
        if self.stretch:
            count = max(-(-len(waveform) // self.stretch) for waveform in waveforms)
            return np.asarray(self.stretch_scores(waveforms, count).max(1))
        return probabilities(self.logits(waveforms), self.kind, self.temperature)


def _batch(waveforms: Sequence[Waveform]) -> tuple[torch.Tensor, torch.Tensor]:
    """Clips padded at the end to the longest, and their lengths."""
    batch = torch.nn.utils.rnn.pad_sequence([torch.from_numpy(w) for w in waveforms], batch_first=True)
    return batch, torch.tensor([len(w) for w in waveforms])

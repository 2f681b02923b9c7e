"""A trained classifier at work: waveforms in, calibrated scores out, many windows at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import expit, logit

from soundsieve.checkpoint import Checkpoint
from soundsieve.features import trim
from soundsieve.inference.device import pick_device
from soundsieve.metrics.calibration import Kind, probabilities
from soundsieve.models._classifier import NamesSegments

Waveform = NDArray[np.float32]
_ALMOST_0 = 1e-9


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
        own = checkpoint.card.get("clip", {})  # where it says when, whole clips have a calibration of their own
        self.clip_temperature = float(own.get("temperature", self.temperature))
        self.clip_offset = float(own.get("offset", 0.0))
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
        result = np.zeros((len(waveforms), count, len(self.classes)))
        for row, named in enumerate(self.stretch_logits(waveforms)):
            scores = probabilities(named[:count], self.kind, self.temperature)
            result[row, : len(scores)] = scores
        return result

    def stretch_logits(self, waveforms: Sequence[Waveform]) -> list[NDArray[np.float32]]:
        """Name each stretch of clips (time,), for a network that says when: one array (stretch, c) for each clip."""
        with torch.inference_mode():
            features, frames = self.front_end(*(x.to(self.device) for x in _batch(waveforms)))
            named, _ = cast(NamesSegments, self.model).frame_logits(features, frames)
        logits = named.float().cpu().numpy().transpose(0, 2, 1)
        # A frame centred on the end of a clip may begin one stretch more.
        return [row[: -(-len(waveform) // self.stretch)] for row, waveform in zip(logits, waveforms, strict=True)]

    def clip_logits(self, waveforms: Sequence[Waveform]) -> NDArray[np.float32]:
        """Name clips (time,) of any lengths: (n, c); where it says when, by the stretch that is clearest."""
        if self.stretch:
            return np.stack([rows.max(0) for rows in self.stretch_logits(waveforms)])
        return self.logits(waveforms)

    def scores(self, waveforms: Sequence[Waveform]) -> NDArray[np.float64]:
        """Calibrated probabilities of clips (time,) of any lengths: (n, c)."""
        return probabilities(self.clip_logits(waveforms), self.kind, self.clip_temperature, self.clip_offset)

    def heard_at_all(self, highest: NDArray[np.floating]) -> NDArray[np.float64]:
        """Probabilities that classes are heard at all, from those in the stretch where each is clearest: (…, c).

        The clearest of many stretches is surer of itself than it is right.
        """
        if not self.stretch:
            return np.asarray(highest, np.float64)
        logits = logit(np.clip(highest, _ALMOST_0, 1 - _ALMOST_0)) * self.temperature
        return probabilities(logits, self.kind, self.clip_temperature, self.clip_offset)

    def peaks(self, least: Mapping[str, float]) -> dict[str, float]:
        """What a segment must reach somewhere: the score at which a class is more likely than not heard at all.

        Args:
            least: Class → the score from which it counts as heard; a peak is never lower.
        """
        if not self.stretch:
            return dict(least)
        even = float(expit(-self.clip_offset * self.clip_temperature / self.temperature))
        return {name: max(score, even) for name, score in least.items()}


def _batch(waveforms: Sequence[Waveform]) -> tuple[torch.Tensor, torch.Tensor]:
    """Clips padded at the end to the longest, and their lengths."""
    batch = torch.nn.utils.rnn.pad_sequence([torch.from_numpy(w) for w in waveforms], batch_first=True)
    return batch, torch.tensor([len(w) for w in waveforms])

"""A convolution, a GRU and attention: a keyword spotter asked to name sounds.

Changhao Shan, Junbo Zhang, Yujun Wang, Lei Xie, "Attention-based End-to-End Models for Small-Footprint Keyword
Spotting", Interspeech 2018 (arXiv:1803.10916); its convolution is that of Sercan Ö. Arık et al., "Convolutional
Recurrent Neural Networks for Small-Footprint Keyword Spotting", Interspeech 2017 (arXiv:1703.05390): 20 frames long
every 8, 5 bands high every 2.

The attention weights of a clip add up to one and its classes are linear in what is attended to. So the logits of the
clip are the attended average of logits that each state has by itself, which `frame_logits` gives.

Axes: b batch, c class, k channel, h hidden, m band, l frame.
"""

from __future__ import annotations

import torch
from pydantic import Field, ValidationInfo, field_validator
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from soundsieve.models._classifier import NO_SCORE, as_images, attention_over_time, fill_padding, frames_after
from soundsieve.settings import Settings


class TagCRNNSettings(Settings):
    """Hyper-parameters; pairs are (bands, frames)."""

    mels: int = Field(64, ge=1, description="bands of the features")
    channels: int = Field(8, ge=1, description="filters of the convolution")
    kernel: tuple[int, int] = Field((5, 20), validate_default=True, description="size of these filters")
    stride: tuple[int, int] = Field((2, 8), validate_default=True, description="steps of these filters")
    hidden: int = Field(64, ge=1, description="size of the GRU's state and of the attention")
    layers: int = Field(2, ge=1, description="GRU layers")
    dropout: float = Field(0.0, ge=0, lt=1, description="dropout between the layers and before the classes")

    @field_validator("kernel", "stride")
    @classmethod
    def _at_least_one(cls, value: tuple[int, int]) -> tuple[int, int]:
        if min(value) < 1:
            raise ValueError("expected two numbers of at least 1, bands and frames")
        return value

    @field_validator("kernel")
    @classmethod
    def _fits(cls, value: tuple[int, int], info: ValidationInfo) -> tuple[int, int]:
        mels = info.data.get("mels")  # not there when it is wrong itself
        if mels is not None and value[0] > mels:
            raise ValueError(f"expected at most {mels} bands, the mels of the features")
        return value


class TagCRNN(nn.Module):
    """Names a clip from the states of a GRU, the telling ones weighted most.

    Shape:
        - features: (b, m, l), any l ≥ 1; clips shorter than the kernel are lengthened with zeros to its length
        - frames: (b,), the length of each clip
        - output: logits (b, c)

    Raises:
        ValueError: when a shape does not fit, quoting it.

    >>> model = TagCRNN(TagCRNNSettings(), classes=50)
    >>> features, frames = torch.zeros(2, 64, 862), torch.tensor([862, 300])
    >>> tuple(model(features, frames).shape)
    (2, 50)
    >>> logits, hop_frames = model.frame_logits(features, frames)
    >>> tuple(logits.shape), hop_frames
    ((2, 50, 106), 8)
    """

    def __init__(self, settings: TagCRNNSettings, classes: int) -> None:
        super().__init__()
        s = self.settings = settings
        self.classes = classes
        self.conv = nn.Conv2d(1, s.channels, s.kernel, s.stride)
        bands = (s.mels - s.kernel[0]) // s.stride[0] + 1
        between = s.dropout if s.layers > 1 else 0.0
        self.gru = nn.GRU(s.channels * bands, s.hidden, s.layers, batch_first=True, dropout=between)
        self.energy = nn.Sequential(nn.Linear(s.hidden, s.hidden), nn.Tanh(), nn.Linear(s.hidden, 1, bias=False))
        self.dropout = nn.Dropout(s.dropout)
        self.linear = nn.Linear(s.hidden, classes)

    def forward(self, features: Tensor, frames: Tensor) -> Tensor:
        """Name each clip."""
        states, counts = self._states(features, frames)
        attended = attention_over_time(states.transpose(1, 2), self.energy(states).transpose(1, 2), counts)  # b, h
        logits: Tensor = self.linear(self.dropout(attended))
        return logits

    def frame_logits(self, features: Tensor, frames: Tensor) -> tuple[Tensor, int]:
        """Name each state of the GRU; see `NamesSegments`."""
        states, counts = self._states(features, frames)
        return fill_padding(self.linear(states).transpose(1, 2), counts, NO_SCORE), self.settings.stride[1]

    def _states(self, features: Tensor, frames: Tensor) -> tuple[Tensor, Tensor]:
        s = self.settings
        x, counts = as_images(features, frames, mels=s.mels, least=s.kernel[1])
        x = torch.relu(self.conv(x)).flatten(1, 2).transpose(1, 2)  # b, l, k·m
        counts = frames_after(counts, s.kernel[1], s.stride[1])
        packed, _ = self.gru(pack_padded_sequence(x, counts, batch_first=True, enforce_sorted=False))
        states, _ = pad_packed_sequence(packed, batch_first=True)  # b, l, h
        return states, counts


TASK = "tag"
SETTINGS = TagCRNNSettings
MODEL = TagCRNN

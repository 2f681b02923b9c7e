"""Our own classifier for few recordings: the early layers of a network for photographs, and attention over time.

With some forty clips of a class, what a network has learnt elsewhere decides how good it gets, and edges and textures
are what the early layers of a network for photographs know about; its late ones know dogs by their looks. So:

- The first stages of EfficientNet-Lite0 (see `soundsieve.models.tag_efficientnet`), which may start from ImageNet's
  weights. Five of the seven halve time four times, so a segment is 16 frames, and have a fifth of the weights.
- Then what `soundsieve.models.tag_small` ends with: the last bands are not averaged but mixed by weights of their own,
  for a sound moved in frequency is another sound; and attention for each class over segments (Qiuqiang Kong et al.,
  "Audio Set Classification with Attention Model", ICASSP 2018), for a bark of 0.2 s in 5 s should not be averaged away.

Axes: b batch, c class, k channel, m band, l frame or segment.
"""

from __future__ import annotations

import math
from pathlib import Path

import torch
from pydantic import Field
from torch import Tensor, nn

from soundsieve.models._classifier import NO_SCORE, ConvNorm, as_images, attention_over_time, fill_padding
from soundsieve.models._imagenet import take_over
from soundsieve.models.tag_efficientnet import FIRST, Trunk, installed_weights, own_name
from soundsieve.settings import Settings


class TagLiteSettings(Settings):
    """Hyper-parameters."""

    mels: int = Field(64, ge=1, description="bands of the features")
    stages: int = Field(5, ge=1, le=7, description="how many of EfficientNet-Lite0's seven stages")
    hidden: int = Field(256, ge=1, description="channels that describe a segment")
    dropout: float = Field(0.2, ge=0, lt=1, description="dropout before the classes")


class TagLite(nn.Module):
    """Names a clip, and each 16 frames of it (with five stages).

    Shape:
        - features: (b, m, l), any l ≥ 1
        - frames: (b,), the length of each clip
        - output: logits (b, c)

    Raises:
        ValueError: when a shape does not fit, quoting it.

    >>> model = TagLite(TagLiteSettings(), classes=50).eval()
    >>> features, frames = torch.zeros(2, 64, 100), torch.tensor([100, 30])
    >>> tuple(model(features, frames).shape)
    (2, 50)
    >>> logits, hop_frames = model.frame_logits(features, frames)
    >>> tuple(logits.shape), hop_frames
    ((2, 50, 7), 16)
    """

    def __init__(self, settings: TagLiteSettings, classes: int) -> None:
        super().__init__()
        s = self.settings = settings
        self.classes = classes
        self.trunk = Trunk(s.stages)
        bands = math.ceil(s.mels / self.trunk.stride)
        self.mix = ConvNorm(self.trunk.channels * bands, s.hidden, 1)
        self.dropout = nn.Dropout(s.dropout)
        self.attention = nn.Conv1d(s.hidden, classes, 1)
        self.scores = nn.Conv1d(s.hidden, classes, 1)

    def forward(self, features: Tensor, frames: Tensor) -> Tensor:
        """Name each clip."""
        segments, counts = self.segments(features, frames)
        return attention_over_time(self.scores(segments), self.attention(segments), counts)

    def frame_logits(self, features: Tensor, frames: Tensor) -> tuple[Tensor, int]:
        """Name each segment; see `NamesSegments`."""
        segments, counts = self.segments(features, frames)
        return fill_padding(self.scores(segments), counts, NO_SCORE), self.trunk.stride

    def load_imagenet(self, path: Path | None = None) -> None:
        """Take over the stages from a file, or from the package of ImageNet's weights; see `StartsFromImageNet`.

        Raises:
            MissingExtraError: when no file is named and the package is not installed.
        """
        file = installed_weights() if path is None else path
        take_over(self, file, first=FIRST, last=("mix", "attention", "scores"), rename=own_name)

    def segments(self, features: Tensor, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Describe each segment: (b, hidden, segment), and how many of them each clip has."""
        x, counts = as_images(features, frames, mels=self.settings.mels)
        x, counts = self.trunk(x, counts)
        x, counts = self.mix(x.flatten(1, 2)[:, :, None], counts)  # b, k, 1, l
        return self.dropout(torch.relu(x[:, :, 0])), counts


TASK = "tag"
SETTINGS = TagLiteSettings
MODEL = TagLite

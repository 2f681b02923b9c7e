"""The smallest network of a study of six on ESC-50: three convolutions and three dense layers.

Convolutions 3×3 of 8 channels, each with a max-pool of 4, then three dense layers. The study flattens the last image,
which fixes the length of a clip. Here the time of that image is averaged into as many columns as a clip of
`clip_frames` has: for clips of that length nothing changes and the flatten is the study's; any other length works as
well. That a pool follows each convolution, and the sizes of the first two dense layers, are our reading and choice.

Axes: b batch, c class, k channel, m band, l frame.
"""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor, nn

from soundsieve.models._classifier import adaptive_pool, as_images, max_pool
from soundsieve.settings import Settings

POOL = 4
LAYERS = 3
REACH = POOL**LAYERS  # bands and frames in one cell of the last image


class TagBaselineSettings(Settings):
    """Hyper-parameters; the defaults are for 5 s at 44.1 kHz with a hop of 256 samples."""

    mels: int = Field(64, ge=REACH, description="bands of the features")
    channels: int = Field(8, ge=1, description="channels of each convolution")
    clip_frames: int = Field(862, ge=REACH, description="length of clip at which nothing is averaged, in frames")
    dense: tuple[int, int] = Field((128, 64), description="sizes of the first two dense layers")


class TagBaseline(nn.Module):
    """Names a clip from a coarse picture of it.

    Shape:
        - features: (b, m, l), any l ≥ 1; clips under 64 frames are lengthened with zeros to 64
        - frames: (b,), the length of each clip
        - output: logits (b, c)

    Raises:
        ValueError: when a shape does not fit, quoting it.

    >>> model = TagBaseline(TagBaselineSettings(), classes=50)
    >>> tuple(model(torch.zeros(2, 64, 862), torch.tensor([862, 300])).shape)
    (2, 50)
    """

    def __init__(self, settings: TagBaselineSettings, classes: int) -> None:
        super().__init__()
        s = self.settings = settings
        self.classes = classes
        self.convs = nn.ModuleList(
            nn.Conv2d(1 if layer == 0 else s.channels, s.channels, 3, padding=1) for layer in range(LAYERS)
        )
        self.size = (s.mels // REACH, s.clip_frames // REACH)
        first, second = s.dense
        self.dense = nn.Sequential(
            nn.Linear(s.channels * self.size[0] * self.size[1], first),
            nn.ReLU(),
            nn.Linear(first, second),
            nn.ReLU(),
            nn.Linear(second, classes),
        )

    def forward(self, features: Tensor, frames: Tensor) -> Tensor:
        """Name each clip."""
        x, counts = as_images(features, frames, mels=self.settings.mels, least=REACH)
        for conv in self.convs:
            x, counts = max_pool(torch.relu(conv(x)), counts, POOL)
        logits: Tensor = self.dense(adaptive_pool(x, counts, self.size).flatten(1))
        return logits


TASK = "tag"
SETTINGS = TagBaselineSettings
MODEL = TagBaseline

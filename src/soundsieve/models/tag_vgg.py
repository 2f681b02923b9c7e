"""A deeper network in the manner of VGG, with batch normalisation and dropout, the filters doubling block by block.

Karen Simonyan and Andrew Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", ICLR 2015,
for the blocks of two 3×3 convolutions and a max-pool of 2. The end is that of the CNN10 and CNN14 of Qiuqiang Kong et
al., "PANNs: Large-Scale Pretrained Audio Neural Networks for Audio Pattern Recognition", TASLP 2020: an average over
the bands, then the mean and the peak over time added up, so that any length works. In training, batch normalisation
counts only frames inside the clips.

Axes: b batch, c class, k channel, m band, l frame.
"""

from __future__ import annotations

import torch
from pydantic import Field, ValidationInfo, field_validator
from torch import Tensor, nn

from soundsieve.models._classifier import ConvNorm, as_images, max_over_time, max_pool, mean_over_time
from soundsieve.settings import Settings


class TagVGGSettings(Settings):
    """Hyper-parameters."""

    mels: int = Field(64, ge=1, description="bands of the features")
    channels: int = Field(32, ge=1, description="filters of the first block; each further block has twice as many")
    blocks: int = Field(4, ge=1, le=8, validate_default=True, description="blocks, each halving bands and frames")
    dense: int = Field(256, ge=1, description="size of the dense layer before the classes")
    block_dropout: float = Field(0.1, ge=0, lt=1, description="dropout of whole channels after each block")
    dropout: float = Field(0.3, ge=0, lt=1, description="dropout around the dense layer")

    @field_validator("blocks")
    @classmethod
    def _leaves_a_band(cls, value: int, info: ValidationInfo) -> int:
        mels = info.data.get("mels")  # not there when it is wrong itself
        if mels is not None and mels < 2**value:
            raise ValueError(f"expected so few that halving {mels} mels leaves one")
        return value


class TagVGG(nn.Module):
    """Names a clip from blocks of two 3×3 convolutions.

    Shape:
        - features: (b, m, l), any l ≥ 1; clips under 2^blocks frames are lengthened with zeros to that
        - frames: (b,), the length of each clip
        - output: logits (b, c)

    Raises:
        ValueError: when a shape does not fit, quoting it.

    >>> model = TagVGG(TagVGGSettings(channels=4), classes=50)
    >>> tuple(model(torch.zeros(2, 64, 200), torch.tensor([200, 30])).shape)
    (2, 50)
    """

    def __init__(self, settings: TagVGGSettings, classes: int) -> None:
        super().__init__()
        s = self.settings = settings
        self.classes = classes
        filters = [s.channels * 2**block for block in range(s.blocks)]
        self.convs = nn.ModuleList()
        for channels_in, channels in zip([1, *filters], filters, strict=False):
            self.convs += [ConvNorm(channels_in, channels), ConvNorm(channels, channels)]
        self.block_dropout = nn.Dropout2d(s.block_dropout)
        self.dense = nn.Sequential(
            nn.Dropout(s.dropout),
            nn.Linear(filters[-1], s.dense),
            nn.ReLU(),
            nn.Dropout(s.dropout),
            nn.Linear(s.dense, classes),
        )

    def forward(self, features: Tensor, frames: Tensor) -> Tensor:
        """Name each clip."""
        x, counts = as_images(features, frames, mels=self.settings.mels, least=2**self.settings.blocks)
        for index, conv in enumerate(self.convs):
            x, counts = conv(x, counts)
            x = torch.relu(x)
            if index % 2:
                x, counts = max_pool(x, counts, 2)
                x = self.block_dropout(x)
        x = x.mean(2)  # b, k, l
        logits: Tensor = self.dense(mean_over_time(x, counts) + max_over_time(x, counts))
        return logits


TASK = "tag"
SETTINGS = TagVGGSettings
MODEL = TagVGG

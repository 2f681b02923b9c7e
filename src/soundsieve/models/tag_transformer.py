"""A transformer over square patches of the log-mel picture.

Yuan Gong, Yu-An Chung, James Glass, "AST: Audio Spectrogram Transformer", Interspeech 2021, made small: the width and
heads of its tiny variant and a third of the depth. Two things differ, so that any length works. Positions in time are
the sinusoids of Vaswani et al., "Attention Is All You Need", NeurIPS 2017; positions in frequency are learned, as in
AST. The clip is the average of its patches instead of an extra token.

Axes: b batch, c class, d width, m band or patch along the bands, l frame or patch along the frames.
"""

from __future__ import annotations

import math

import torch
from pydantic import Field, ValidationInfo, field_validator
from torch import Tensor, nn

from soundsieve.models._classifier import as_images, frames_after, mean_over_time, padding_mask
from soundsieve.settings import Settings


class TagTransformerSettings(Settings):
    """Hyper-parameters."""

    mels: int = Field(64, ge=1, description="bands of the features")
    patch: int = Field(16, ge=1, validate_default=True, description="bands and frames in a patch")
    stride: int = Field(16, ge=1, description="bands and frames from one patch to the next; AST's 10 overlap")
    width: int = Field(192, ge=2, multiple_of=2, description="numbers that describe a patch")
    heads: int = Field(3, ge=1, validate_default=True, description="attention heads, a divisor of width")
    layers: int = Field(4, ge=1, description="transformer layers")
    inner: int = Field(4, ge=1, description="width inside a layer's dense part, in multiples of width")
    dropout: float = Field(0.1, ge=0, lt=1, description="dropout inside the layers and before the classes")

    @field_validator("patch")
    @classmethod
    def _fits(cls, value: int, info: ValidationInfo) -> int:
        mels = info.data.get("mels")  # not there when it is wrong itself
        if mels is not None and value > mels:
            raise ValueError(f"expected at most {mels}, the mels of the features")
        return value

    @field_validator("heads")
    @classmethod
    def _divides(cls, value: int, info: ValidationInfo) -> int:
        width = info.data.get("width")  # not there when it is wrong itself
        if width is not None and width % value:
            raise ValueError(f"expected a divisor of width ({width})")
        return value


def sinusoids(length: int, width: int) -> Tensor:
    """Positions in time as sines and cosines whose wavelengths grow from 2π to 10,000 · 2π: (length, width).

    >>> sinusoids(100, 8)[0].tolist()
    [0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0]
    """
    rates = torch.exp(torch.arange(width // 2) * (-math.log(10_000.0) / (width // 2)))
    angles = torch.arange(length)[:, None] * rates
    return torch.cat([angles.sin(), angles.cos()], dim=1)


class TagTransformer(nn.Module):
    """Names a clip from patches that attend to each other.

    Shape:
        - features: (b, m, l), any l ≥ 1; clips shorter than a patch are lengthened with zeros to one
        - frames: (b,), the length of each clip
        - output: logits (b, c)

    Raises:
        ValueError: when a shape does not fit, quoting it.

    >>> model = TagTransformer(TagTransformerSettings(width=24, layers=1), classes=50)
    >>> tuple(model(torch.zeros(2, 64, 200), torch.tensor([200, 30])).shape)
    (2, 50)
    """

    def __init__(self, settings: TagTransformerSettings, classes: int) -> None:
        super().__init__()
        s = self.settings = settings
        self.classes = classes
        bands = (s.mels - s.patch) // s.stride + 1
        self.patches = nn.Conv2d(1, s.width, s.patch, s.stride)
        self.band_position = nn.Parameter(torch.randn(s.width, bands, 1) * 0.02)
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(
                s.width, s.heads, s.inner * s.width, s.dropout, "gelu", batch_first=True, norm_first=True
            )
            for _ in range(s.layers)
        )
        self.norm = nn.LayerNorm(s.width)
        self.dropout = nn.Dropout(s.dropout)
        self.linear = nn.Linear(s.width, classes)

    def forward(self, features: Tensor, frames: Tensor) -> Tensor:
        """Name each clip."""
        s = self.settings
        x, counts = as_images(features, frames, mels=s.mels, least=s.patch)
        counts = frames_after(counts, s.patch, s.stride)
        x = self.patches(x)  # b, d, m, l
        bands, columns = x.shape[2:]
        x = x + self.band_position + sinusoids(columns, s.width).T[:, None].to(x)
        tokens = x.flatten(2).transpose(1, 2)  # b, m·l, d
        past = padding_mask(counts, x).repeat(1, bands)  # b, m·l
        for layer in self.layers:
            tokens = layer(tokens, src_key_padding_mask=past)
        x = self.norm(tokens).transpose(1, 2).unflatten(2, (bands, columns))
        logits: Tensor = self.linear(self.dropout(mean_over_time(x.mean(2), counts)))
        return logits


TASK = "tag"
SETTINGS = TagTransformerSettings
MODEL = TagTransformer

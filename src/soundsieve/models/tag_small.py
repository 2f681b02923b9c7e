"""Our own classifier: inverted residuals over log-mel and the position in frequency, and attention over time.

Made for a few thousand clips and a processor without an accelerator. What it is made of, and why:

- Two blocks of plain 3×3 convolutions where the picture is large, then inverted residuals, most of whose work is 1×1
  convolutions: depthwise ones save little where channels are few (Mark Sandler et al., "MobileNetV2", CVPR 2018;
  Mingxing Tan and Quoc V. Le, "EfficientNetV2", ICML 2021).
- A second input channel that says how high a band is. A convolution cannot tell a rumble from a hiss of the same shape;
  a sound moved in frequency is another sound (Khaled Koutini et al., "Receptive-Field-Regularized CNN Variants for
  Acoustic Scene Classification", DCASE 2019, call such a network frequency-aware). For the same reason the last bands
  are not averaged but mixed by weights of their own.
- Attention for each class over segments (Qiuqiang Kong et al., "Audio Set Classification with Attention Model", ICASSP
  2018): a bark of 0.2 s in 5 s should not be averaged away. The logits of the clip are the attended average of the
  segments', which `frame_logits` gives; so training on clips teaches where in the clip.
- No squeeze-and-excitation: it looks at the whole clip, and a segment's score should be about the segment.

In training, batch normalisation counts only frames inside the clips.

Axes: b batch, c class, k channel, m band, l frame or segment.
"""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from soundsieve.models._classifier import NO_SCORE, ConvNorm, as_images, attention_over_time, fill_padding
from soundsieve.settings import Settings

Count = Annotated[int, Field(ge=1)]


class TagSmallSettings(Settings):
    """Hyper-parameters."""

    mels: int = Field(64, ge=1, description="bands of the features")
    stem: int = Field(24, ge=1, description="channels of the first convolution")
    channels: tuple[Count, Count, Count] = Field((40, 80, 144), description="channels of the three stages")
    blocks: tuple[Count, Count, Count] = Field((2, 3, 3), description="blocks in each stage")
    expand: tuple[Count, Count, Count] = Field((3, 4, 4), description="channels inside a block for each one outside")
    hidden: int = Field(256, ge=1, description="channels that describe a segment")
    dropout: float = Field(0.2, ge=0, lt=1, description="dropout before the classes")


class Residual(nn.Module):
    """Wide in the middle: to more channels, a 3×3 convolution, back to few, around a shortcut where shapes allow.

    Where `plain`, one full 3×3 convolution does the first two.

    Shape:
        - x: (b, k_in, m, l), 0 past each clip's end, and counts (b,)
        - output: (b, k_out, m, l), or half of m and l where the stride is 2, rounded up, and the frames left (b,)
    """

    def __init__(self, channels_in: int, channels_out: int, *, expand: int, stride: int, plain: bool) -> None:
        super().__init__()
        wide = expand * channels_in
        if plain:
            inner = [ConvNorm(channels_in, wide, stride=stride)]
        else:
            inner = [ConvNorm(channels_in, wide, 1), ConvNorm(wide, wide, stride=stride, groups=wide)]
        self.inner = nn.ModuleList(inner)
        self.project = ConvNorm(wide, channels_out, 1)
        self.shortcut = stride == 1 and channels_in == channels_out

    def forward(self, x: Tensor, counts: Tensor) -> tuple[Tensor, Tensor]:
        """Add the body to the shortcut."""
        y = x
        for conv in self.inner:
            y, counts = conv(y, counts)
            y = torch.relu(y)
        y, counts = self.project(y, counts)
        return (x + y if self.shortcut else y), counts


class TagSmall(nn.Module):
    """Names a clip, and each 16 frames of it.

    Shape:
        - features: (b, m, l), any l ≥ 1
        - frames: (b,), the length of each clip
        - output: logits (b, c)

    Raises:
        ValueError: when a shape does not fit, quoting it.

    >>> model = TagSmall(TagSmallSettings(), classes=50).eval()
    >>> features, frames = torch.zeros(2, 64, 100), torch.tensor([100, 30])
    >>> tuple(model(features, frames).shape)
    (2, 50)
    >>> logits, hop_frames = model.frame_logits(features, frames)
    >>> tuple(logits.shape), hop_frames
    ((2, 50, 7), 16)
    """

    position: Tensor

    def __init__(self, settings: TagSmallSettings, classes: int) -> None:
        super().__init__()
        s = self.settings = settings
        self.classes = classes
        self.register_buffer("position", torch.linspace(-1, 1, s.mels)[None, None, :, None], persistent=False)
        self.stem = ConvNorm(2, s.stem, stride=2)
        self.blocks = nn.ModuleList()
        before = s.stem
        for stage, (channels, blocks, expand) in enumerate(zip(s.channels, s.blocks, s.expand, strict=True)):
            for block in range(blocks):
                stride = 2 if block == 0 else 1
                self.blocks.append(Residual(before, channels, expand=expand, stride=stride, plain=stage == 0))
                before = channels
        self.hop_frames = 2 ** (1 + len(s.channels))
        bands = -(-s.mels // self.hop_frames)  # halved and rounded up as often
        self.mix = ConvNorm(before * bands, s.hidden, 1)
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
        return fill_padding(self.scores(segments), counts, NO_SCORE), self.hop_frames

    def segments(self, features: Tensor, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Describe each segment: (b, hidden, segment), and how many of them each clip has."""
        x, counts = as_images(features, frames, mels=self.settings.mels)
        x = fill_padding(torch.cat([x, self.position.expand_as(x)], dim=1), counts)
        x, counts = self.stem(x, counts)
        x = torch.relu(x)
        for block in self.blocks:
            x, counts = block(x, counts)
        x, counts = self.mix(x.flatten(1, 2)[:, :, None], counts)  # b, k, 1, l
        return self.dropout(torch.relu(x[:, :, 0])), counts


TASK = "tag"
SETTINGS = TagSmallSettings
MODEL = TagSmall

"""The network of Kumar et al. for weakly labelled audio, which scores segments and averages their scores.

Anurag Kumar, Maksim Khadkevich, Christian Fügen, "Knowledge transfer from weakly labeled audio using convolutional
neural network for sound events and scenes", ICASSP 2018 (arXiv:1711.01369). Pairs of 3×3 convolutions of 16, 32, 64,
128 and 256 channels, each pair with a max-pool of 2; one of 512 with a max-pool; a 2×2 convolution to 1024; a 1×1
convolution to the classes; batch normalisation and ReLU after all but the last. With 128 mels the six pools leave 2
bands, and the 2×2 convolution makes one row of segments, 128 frames long every 64. The paper averages sigmoids, as its
clips have several classes; the logits are averaged here, for a softmax over classes. In training, batch normalisation
counts only frames inside the clips.

Axes: b batch, c class, k channel, m band, l frame or segment.
"""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field, ValidationInfo, field_validator
from torch import Tensor, nn

from soundsieve.models._classifier import NO_SCORE, ConvNorm, as_images, fill_padding, max_pool, mean_over_time
from soundsieve.settings import Settings


class TagKumarSettings(Settings):
    """Hyper-parameters; the defaults are the paper's."""

    mels: int = Field(128, ge=1, description="bands of the features")
    channels: tuple[Annotated[int, Field(ge=1)], ...] = Field(
        (16, 32, 64, 128, 256, 512),
        min_length=1,
        validate_default=True,
        description="channels before each max-pool, after two convolutions or, before the last, one",
    )
    hidden: int = Field(1024, ge=1, description="channels of the 2×2 convolution")

    @field_validator("channels")
    @classmethod
    def _leave_two_bands(cls, value: tuple[int, ...], info: ValidationInfo) -> tuple[int, ...]:
        mels = info.data.get("mels")  # not there when it is wrong itself
        if mels is not None and mels // 2 ** len(value) != 2:
            raise ValueError(
                f"expected as many as halve {mels} mels to 2 bands, for the 2×2 convolution to make one row of segments"
            )
        return value


class TagKumar(nn.Module):
    """Names a clip by the average of what its segments are.

    Shape:
        - features: (b, m, l), any l ≥ 1; clips shorter than a segment (128 frames) are lengthened with zeros to one
        - frames: (b,), the length of each clip
        - output: logits (b, c)

    Raises:
        ValueError: when a shape does not fit, quoting it.

    >>> model = TagKumar(TagKumarSettings(), classes=50)
    >>> sum(p.numel() for p in model.parameters())
    4513122
    >>> logits, hop_frames = model.eval().frame_logits(torch.zeros(1, 128, 400), torch.tensor([400]))
    >>> tuple(logits.shape), hop_frames
    ((1, 50, 5), 64)
    """

    def __init__(self, settings: TagKumarSettings, classes: int) -> None:
        super().__init__()
        s = self.settings = settings
        self.classes = classes
        self.hop_frames = 2 ** len(s.channels)
        self.convs = nn.ModuleList()
        before, self.pooled = 1, []  # whether a max-pool follows
        for channels in s.channels[:-1]:
            self.convs += [ConvNorm(before, channels, bias=True), ConvNorm(channels, channels, bias=True)]
            self.pooled += [False, True]
            before = channels
        self.convs.append(ConvNorm(before, s.channels[-1], bias=True))
        self.pooled.append(True)
        self.segments = ConvNorm(s.channels[-1], s.hidden, 2, padding=0, bias=True)
        self.scores = nn.Conv1d(s.hidden, classes, 1)

    def forward(self, features: Tensor, frames: Tensor) -> Tensor:
        """Name each clip."""
        return mean_over_time(*self._score(features, frames))

    def frame_logits(self, features: Tensor, frames: Tensor) -> tuple[Tensor, int]:
        """Name each segment, two hops long; see `NamesSegments`."""
        return fill_padding(*self._score(features, frames), NO_SCORE), self.hop_frames

    def _score(self, features: Tensor, frames: Tensor) -> tuple[Tensor, Tensor]:
        x, counts = as_images(features, frames, mels=self.settings.mels, least=2 * self.hop_frames)
        for conv, pooled in zip(self.convs, self.pooled, strict=True):
            x, counts = conv(x, counts)
            x = torch.relu(x)
            if pooled:
                x, counts = max_pool(x, counts, 2)
        x, counts = self.segments(x, counts)  # b, 1024, 1, l
        return self.scores(torch.relu(x[:, :, 0])), counts


TASK = "tag"
SETTINGS = TagKumarSettings
MODEL = TagKumar

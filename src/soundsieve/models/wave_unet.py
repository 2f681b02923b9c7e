"""Wave-U-Net: a U-Net over samples that separates a mixture into its sources.

Daniel Stoller, Sebastian Ewert, Simon Dixon, "Wave-U-Net: A Multi-Scale Neural Network for End-to-End Audio Source
Separation", ISMIR 2018. What the paper leaves open is as in the authors' program: LeakyReLU of slope 0.2, Glorot's
initial weights. Learned upsampling starts as linear.

Every level halves the time axis by keeping each second sample and doubles it again by interpolation that keeps the
known samples where they are, so the output lies exactly in the middle of the input. With input context no convolution
is padded: the output is shorter than the input and has no edges of its own. The difference output layer estimates all
sources but the last, which is what remains of the mixture, and so they add up to it.

Axes: b batch, s source, c channel, k filter, t time.
"""

from __future__ import annotations

from typing import Any, Literal

import torch
from pydantic import Field, field_validator
from torch import Tensor, nn

from soundsieve.errors import SettingsError
from soundsieve.settings import Settings

SLOPE = 0.2  # of LeakyReLU below 0


class WaveUNetSettings(Settings):
    """Hyper-parameters in the paper's letters; the defaults are those of M4 and M6.

    The paper's other variants are in `CONFIGURATIONS`.
    """

    L: int = Field(12, ge=1, le=24, description="levels; the stride is 2^L")
    F_c: int = Field(24, ge=1, description="filters added at each level")
    f_d: int = Field(15, ge=1, description="kernel of the convolutions going down (odd)")
    f_u: int = Field(5, ge=1, description="kernel of the convolutions going up (odd)")
    channels: int = Field(2, ge=1, description="channels of a mixture, and of each source")
    context: bool = Field(True, description="no padding: the input is longer than the output; else zeros are padded")
    difference: bool = Field(True, description="the last source is the mixture less all others; else it is estimated")
    upsampling: Literal["linear", "learned"] = Field("linear", description="how time is doubled going up")

    @field_validator("f_d", "f_u")
    @classmethod
    def _odd(cls, value: int) -> int:
        if value % 2 == 0:
            raise ValueError("expected an odd number, so that a kernel has a middle")
        return value


CONFIGURATIONS: dict[str, dict[str, Any]] = {
    "M1": {"channels": 1, "context": False, "difference": False},
    "M2": {"channels": 1, "context": False},
    "M3": {"channels": 1},
    "M4": {},
    "M5": {"upsampling": "learned"},
    "M6": {},
}
"""The paper's variants: M1 to M5 with two sources (accompaniment, vocals), M6 is M4 with four."""


class Upsampling(nn.Module):
    """Doubles time: between two neighbours goes their average, weighted for each filter where that is learned.

    Args:
        filters: How many.
        learned: Whether each filter has a weight, kept between 0 and 1 by a sigmoid; else all are ½.
        whole: Whether a sample follows the last one, a copy of it, so that t becomes 2t and not 2t − 1.

    Shape:
        - input: (b, k, t)
        - output: (b, k, 2t − 1) or (b, k, 2t)

    >>> Upsampling(1, learned=False, whole=True)(torch.tensor([[[1.0, 3.0]]])).tolist()
    [[[1.0, 2.0, 3.0, 3.0]]]
    """

    def __init__(self, filters: int, *, learned: bool, whole: bool) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(filters, 1)) if learned else None
        self.whole = whole

    def forward(self, x: Tensor) -> Tensor:
        """Interleave the samples with what lies between them."""
        after = torch.cat((x[..., 1:], x[..., -1:]), dim=-1)
        between = torch.lerp(after, x, 0.5 if self.weight is None else torch.sigmoid(self.weight).to(x.dtype))
        doubled = torch.stack((x, between), dim=-1).flatten(-2)  # b, k, 2t
        return doubled if self.whole else doubled[..., :-1]


class WaveUNet(nn.Module):
    """Separates a mixture into its sources.

    Args:
        settings: The paper's letters.
        classes: How many sources there are.

    Attributes:
        stride: The output follows a shift of the input by a multiple of it: 2^L.
        context: Samples on each side of the input that have no output of their own; 0 without input context.
        reach: Samples on each side that can influence a stretch of output between two multiples of `stride`.

    Shape:
        - mixture: (b, c, t), where t is an `input_length`
        - output: (b, s, c, t − 2·context)

    Raises:
        SettingsError: when a single source is to be the difference to all others.
        ValueError: when a shape does not fit, quoting it.

    >>> model = WaveUNet(WaveUNetSettings(L=3, F_c=4), classes=4)
    >>> model.input_length(100), model.context, model.stride
    (339, 119, 8)
    >>> tuple(model(torch.zeros(1, 2, 339)).shape)
    (1, 4, 2, 101)
    """

    def __init__(self, settings: WaveUNetSettings, classes: int) -> None:
        super().__init__()
        s = settings
        if s.difference and classes < 2:
            raise SettingsError(f"difference = True: expected two sources or more, found {classes}")
        self.sources, self.channels, self.difference = classes, s.channels, s.difference
        self.stride: int = 2**s.L
        self._shortest, sides = _shortest(s)
        self.context = sides if s.context else 0
        self.reach = sides + s.f_u
        *counts, widest = (s.F_c * level for level in range(1, s.L + 2))
        inputs = [s.channels, *counts[:-1]]
        self.down = nn.ModuleList(_convolution(k, j, s.f_d, s) for k, j in zip(inputs, counts, strict=True))
        self.bottleneck = _convolution(counts[-1], widest, s.f_d, s)
        learned, whole = s.upsampling == "learned", not s.context
        self.upsamplings = nn.ModuleList(Upsampling(k + s.F_c, learned=learned, whole=whole) for k in reversed(counts))
        self.up = nn.ModuleList(_convolution(k + s.F_c + k, k, s.f_u, s) for k in reversed(counts))
        self.estimated = classes - int(s.difference)
        self.output = nn.Conv1d(s.channels + s.F_c, self.estimated * s.channels, 1)
        self._start()

    def forward(self, mixture: Tensor) -> Tensor:
        """Estimate every source in the middle of the mixture."""
        length = self._check(mixture)
        features, skips = mixture, []
        for convolve in self.down:
            features = convolve(features)
            skips.append(features)
            features = features[..., ::2]
        features = self.bottleneck(features)
        for upsample, convolve in zip(self.upsamplings, self.up, strict=True):
            features = upsample(features)
            features = convolve(torch.cat((_middle(skips.pop(), features.shape[-1]), features), dim=1))
        seen = _middle(mixture, length)
        estimates: Tensor = torch.tanh(self.output(torch.cat((seen, features), dim=1)))  # b, s·c, t
        sources = estimates.reshape(-1, self.estimated, self.channels, length)
        if not self.difference:
            return sources
        return torch.cat((sources, (seen - sources.sum(1))[:, None]), dim=1)

    def input_length(self, output: int) -> int:
        """Return how long a mixture must be for at least so many samples of output.

        Raises:
            ValueError: when no sample is asked for.
        """
        if output < 1:
            raise ValueError(f"output: expected one sample or more, found {output}")
        beyond = max(0, output + 2 * self.context - self._shortest)
        return self._shortest - (-beyond // self.stride) * self.stride

    def _check(self, mixture: Tensor) -> int:
        """Refuse shapes that do not fit; return how long the output is."""
        if mixture.ndim != 3 or mixture.shape[1] != self.channels or not mixture.numel():
            found = tuple(mixture.shape)
            raise ValueError(f"mixture: expected shape (batch ≥ 1, {self.channels} channels, time), found {found}")
        time = mixture.shape[-1]
        if time < self._shortest or (time - self._shortest) % self.stride:
            raise ValueError(
                f"mixture: expected {self._shortest} samples and any multiple of {self.stride} more, found {time}"
            )
        return time - 2 * self.context

    @torch.no_grad()
    def _start(self) -> None:
        """Draw Glorot's weights, those of each source alone; biases are 0."""
        for module in self.modules():
            if isinstance(module, nn.Conv1d):
                parts = self.estimated if module is self.output else 1
                for weight in module.weight.chunk(parts):
                    nn.init.xavier_uniform_(weight)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)


def _convolution(inputs: int, outputs: int, kernel: int, s: WaveUNetSettings) -> nn.Sequential:
    padding = 0 if s.context else kernel // 2
    return nn.Sequential(nn.Conv1d(inputs, outputs, kernel, padding=padding), nn.LeakyReLU(SLOPE, inplace=True))


def _middle(x: Tensor, length: int) -> Tensor:
    """Cut off as much on both sides: (…, t) → (…, length)."""
    start = (x.shape[-1] - length) // 2
    return x[..., start : start + length]


def _shortest(s: WaveUNetSettings) -> tuple[int, int]:
    """Return the shortest mixture, and how many samples on each side of its output unpadded convolutions look at."""
    # Going up, b samples become 2b − f_u: with f_u of them at the bottleneck, every level has f_u, and so the output.
    seen = s.f_u + s.f_d - 1
    for _ in range(s.L):
        seen = 2 * seen - 1 + s.f_d - 1
    return (seen if s.context else 2**s.L), (seen - s.f_u) // 2


TASK = "unmix"
SETTINGS = WaveUNetSettings
MODEL = WaveUNet

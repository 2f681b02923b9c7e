"""Conv-TasNet conditioned on the wanted classes.

Tsubasa Ochiai, Marc Delcroix, Yuma Koizumi, Hiroaki Ito, Keisuke Kinoshita, Shoko Araki, "Listen to What You Want:
Neural Network-based Universal Sound Selector", Interspeech 2020; the network under it is Yi Luo and Nima Mesgarani,
"Conv-TasNet: Surpassing Ideal Time-Frequency Magnitude Masking for Speech Separation", TASLP 2019.

Axes: b batch, q query, c class, n basis (N), f frame, t time.
"""

from __future__ import annotations

import torch
from pydantic import Field, field_validator
from torch import Tensor, nn

from soundsieve.models._selector import check_inputs
from soundsieve.settings import Settings


class ConvTasNetSettings(Settings):
    """Hyper-parameters in the paper's letters; the defaults are the paper's."""

    N: int = Field(256, ge=1, description="filters of the encoder and decoder")
    L: int = Field(20, ge=2, multiple_of=2, description="length of these filters, in samples; the stride is L/2")
    B: int = Field(256, ge=1, description="channels of the bottleneck and the residual paths")
    H: int = Field(512, ge=1, description="channels inside a convolutional block")
    P: int = Field(3, ge=1, description="kernel of the depthwise convolutions (odd)")
    X: int = Field(8, ge=1, description="convolutional blocks in a repeat, dilated 1, 2, …, 2^(X-1)")
    R: int = Field(4, ge=1, description="repeats")
    D: int = Field(256, ge=1, description="size of the class embedding")

    @field_validator("P")
    @classmethod
    def _odd(cls, value: int) -> int:
        if value % 2 == 0:
            raise ValueError("expected an odd number, so that a block keeps the number of frames")
        return value


class ConvBlock(nn.Module):
    """One dilated block: 1×1 → PReLU → gLN → depthwise → PReLU → gLN → 1×1 residual and 1×1 skip.

    Shape:
        - input: (b, channels, f)
        - output: residual (b, channels, f) or None, and skip (b, skip, f)
    """

    def __init__(self, channels: int, hidden: int, skip: int, *, kernel: int, dilation: int, residual: bool) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv1d(channels, hidden, 1),
            nn.PReLU(),
            _global_layer_norm(hidden),
            nn.Conv1d(hidden, hidden, kernel, padding=dilation * (kernel - 1) // 2, dilation=dilation, groups=hidden),
            nn.PReLU(),
            _global_layer_norm(hidden),
        )
        self.residual = nn.Conv1d(hidden, channels, 1) if residual else None
        self.skip = nn.Conv1d(hidden, skip, 1)

    def forward(self, features: Tensor) -> tuple[Tensor | None, Tensor]:
        """Return what is added to the trunk (None where the trunk ends) and what is added to the sum of skips."""
        hidden = self.layers(features)  # b, H, f
        return (None if self.residual is None else self.residual(hidden)), self.skip(hidden)


class MaskGenerator(nn.Module):
    """The separator: R repeats of X blocks whose skips are summed into one sigmoid mask.

    Shape:
        - input: (b, D, f)
        - output: (b, N, f), from 0 to 1
    """

    def __init__(self, s: ConvTasNetSettings) -> None:
        super().__init__()
        self.input_norm = _global_layer_norm(s.D)
        self.input_conv = nn.Conv1d(s.D, s.B, 1)
        last = s.R * s.X - 1
        self.blocks = nn.ModuleList(
            ConvBlock(s.B, s.H, s.B, kernel=s.P, dilation=2 ** (k % s.X), residual=k != last) for k in range(last + 1)
        )
        self.output_prelu = nn.PReLU()
        self.output_conv = nn.Conv1d(s.B, s.N, 1)

    def forward(self, features: Tensor) -> Tensor:
        """Turn conditioned features into a mask over the encoder's frames."""
        trunk = self.input_conv(self.input_norm(features))  # b, B, f
        skips = torch.zeros_like(trunk)
        for block in self.blocks:
            residual, skip = block(trunk)
            skips = skips + skip
            if residual is not None:
                trunk = trunk + residual
        return torch.sigmoid(self.output_conv(self.output_prelu(skips)))


class ConvTasNetSelector(nn.Module):
    """Selects the sum of the wanted classes from a mixture.

    Args:
        settings: The paper's letters.
        classes: How many classes can be asked for.

    Shape:
        - mixture: (b, 1, t), any t ≥ 1
        - wanted: (b, q, c), 1 for each wanted class, else 0
        - output: (b, q, t)

    Raises:
        ValueError: when a shape does not fit, quoting it.

    >>> small = ConvTasNetSettings(N=16, L=16, B=16, H=32, X=2, R=1, D=16)
    >>> model = ConvTasNetSelector(small, classes=3)
    >>> tuple(model(torch.zeros(2, 1, 1000), torch.eye(3).expand(2, 3, 3)).shape)
    (2, 3, 1000)
    """

    def __init__(self, settings: ConvTasNetSettings, classes: int) -> None:
        super().__init__()
        s = settings
        self.classes = classes
        self.one_pass = False  # each query is a pass through the mask generator
        self.stride = s.L // 2
        reach = (s.P - 1) // 2 * s.R * (2**s.X - 1) + (s.P - 1) // 2  # frames seen on each side of one frame
        self.context_frames = reach * self.stride + s.L
        self.encoder = nn.Conv1d(1, s.N, s.L, stride=self.stride, padding=self.stride, bias=False)
        self.before = ConvBlock(s.N, s.H, s.D, kernel=s.P, dilation=1, residual=False)
        self.embedding = nn.Linear(classes, s.D, bias=False)
        self.mask_generator = MaskGenerator(s)
        self.decoder = nn.ConvTranspose1d(s.N, 1, s.L, stride=self.stride, padding=self.stride, bias=False)

    def forward(self, mixture: Tensor, wanted: Tensor) -> Tensor:
        """Estimate the sum of the wanted classes, one estimate a query."""
        check_inputs(mixture, wanted, self.classes)
        batch, queries, _ = wanted.shape
        time = mixture.shape[-1]
        padded = nn.functional.pad(mixture, (0, -time % self.stride))
        encoded = self.encoder(padded)  # b, N, f
        _, skip = self.before(encoded)  # b, D, f
        asked = self.embedding(wanted)  # b, q, D
        conditioned = (skip[:, None] * asked[..., None]).flatten(0, 1)  # b·q, D, f
        mask = self.mask_generator(conditioned).unflatten(0, (batch, queries))  # b, q, N, f
        estimate: Tensor = self.decoder((mask * encoded[:, None]).flatten(0, 1))  # b·q, 1, t
        return estimate.reshape(batch, queries, -1)[..., :time]


def _global_layer_norm(channels: int) -> nn.GroupNorm:
    """Global layer normalisation (gLN): over channels and frames together, with a gain and bias for each channel."""
    return nn.GroupNorm(1, channels, eps=1e-8)


TASK = "select"
SETTINGS = ConvTasNetSettings
MODEL = ConvTasNetSelector

"""Spleeter's separator: a U-Net over the spectrogram for each stem, and a mask that shares every cell among them.

Romain Hennequin, Anis Khlif, Felix Voituret, Manuel Moussallam, "Spleeter: a fast and efficient music source separation
tool with pre-trained models", JOSS 2020; the network is that of Andreas Jansson et al., "Singing Voice Separation with
Deep U-Net Convolutional Networks", ISMIR 2017. What the papers leave open is as in Deezer's program for two stems:
convolutions 5×5 of stride 2 that pad as TensorFlow does, LeakyReLU of slope 0.2 going down and ReLU before batch
normalisation going up, skips taken before normalisation, dilated 4×4 kernels and a sigmoid at the end. Published
weights, and how they come here, are in `soundsieve.inference.engines.spleeter`.

Each network turns the magnitudes of the lowest `bins` of a piece of `frames` frames into those of its stem. A stem's
mask is its share in the sum of all estimates, raised to `exponent`. Two things can be chosen without other weights:

- `step`: Spleeter cuts a song into pieces that do not overlap. A network sees silence beyond its piece, so its masks
  jump where two pieces meet, far more than from one frame to the next. With a step of less than `frames` the pieces
  overlap and their masks are cross-faded; the default does it over 32 frames and costs 7 % more.
- `treble`: whose the bins above the networks' (11 kHz) are. "top" gives each stem its share in the energy of the eighth
  just below, "mean" its average mask over all bins below, as Spleeter's `mask_extension: average` does, "none" gives
  it nothing, as Spleeter does by default, and the stems no longer add up to the mixture.

The first frame is centred on the first sample, as in the program's ports to PyTorch. Deezer's own begins two frames
earlier, with silence.

Axes: b batch, s stem, c channel, k filter, l frame, f bin, t time.
"""

from __future__ import annotations

import math
from typing import Annotated, Literal

import torch
from pydantic import Field, ValidationInfo, field_validator
from torch import Tensor, nn
from torch.nn.functional import pad

from soundsieve.settings import Settings

SLOPE = 0.2  # of LeakyReLU below 0
EPSILON = 1e-10  # added to the sum of the estimates, divided among the stems: silence is shared alike
NORM_EPS, NORM_MOMENTUM = 1e-3, 0.01  # TensorFlow's
DROPOUT, DROPOUTS = 0.5, 3  # of the narrowest blocks going up, so many of them


class SpleeterUNetSettings(Settings):
    """Hyper-parameters; the defaults are Spleeter's but for `step` and `treble`, with which it has 512 and "none"."""

    n_fft: int = Field(4096, ge=16, multiple_of=4, description="window of the STFT, in samples (periodic Hann)")
    hop: int = Field(1024, ge=1, validate_default=True, description="hop of the STFT, in samples")
    filters: tuple[Annotated[int, Field(ge=1)], ...] = Field(
        (16, 32, 64, 128, 256, 512), min_length=2, max_length=8, description="filters of each convolution going down"
    )
    bins: int = Field(1024, ge=4, validate_default=True, description="lowest bins, which the networks see")
    frames: int = Field(512, ge=4, validate_default=True, description="frames of a piece")
    step: int = Field(480, ge=1, validate_default=True, description="frames from one piece to the next")
    channels: int = Field(2, ge=1, description="channels of a mixture, and of each stem")
    exponent: float = Field(2.0, gt=0, le=8, description="what the estimates are raised to before they share a cell")
    treble: Literal["top", "mean", "none"] = Field("top", description="whose the bins above the lowest are")

    @field_validator("hop")
    @classmethod
    def _overlaps(cls, value: int, info: ValidationInfo) -> int:
        n_fft = info.data.get("n_fft")  # not there when it is wrong itself
        if n_fft is not None and (value > n_fft // 2 or n_fft % value):
            raise ValueError(f"expected n_fft ({n_fft}) divided by 2 or more")
        return value

    @field_validator("bins", "frames")
    @classmethod
    def _halves(cls, value: int, info: ValidationInfo) -> int:
        filters, n_fft = info.data.get("filters"), info.data.get("n_fft")
        if filters is not None and value % 2 ** len(filters):
            raise ValueError(f"expected a multiple of {2 ** len(filters)}, which {len(filters)} convolutions halve")
        if info.field_name == "bins" and n_fft is not None and value > n_fft // 2:
            raise ValueError(f"expected at most half of n_fft ({n_fft // 2})")
        return value

    @field_validator("step")
    @classmethod
    def _covers(cls, value: int, info: ValidationInfo) -> int:
        frames = info.data.get("frames")
        if frames is not None and not frames / 2 <= value <= frames:
            raise ValueError(f"expected {frames // 2} to {frames}, half of frames to all of them")
        return value


class Down(nn.Module):
    """A convolution that halves both axes, and what makes of it the next one's input.

    Shape:
        - x: (b, k_in, l, f)
        - output: the convolution (b, k_out, l/2, f/2), which is the skip, and the same normalised but for the last one
    """

    def __init__(self, filters_in: int, filters_out: int, *, norm: bool) -> None:
        super().__init__()
        self.conv = nn.Conv2d(filters_in, filters_out, 5, stride=2)
        self.norm = _norm(filters_out) if norm else None

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Pad as TensorFlow does an even length, one less in front; convolve; normalise."""
        skip = self.conv(pad(x, (1, 2, 1, 2)))
        return skip, skip if self.norm is None else nn.functional.leaky_relu(self.norm(skip), SLOPE)


class Up(nn.Module):
    """A transposed convolution that doubles both axes, then ReLU, norm and perhaps dropout, in this order.

    Shape:
        - x: (b, k_in, l, f)
        - output: (b, k_out, 2l, 2f)
    """

    def __init__(self, filters_in: int, filters_out: int, dropout: float) -> None:
        super().__init__()
        self.conv = nn.ConvTranspose2d(filters_in, filters_out, 5, stride=2)
        self.norm = _norm(filters_out)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Double, and cut off what the padding going down had put there."""
        doubled = self.conv(x)[..., 1:-2, 1:-2]
        result: Tensor = self.dropout(self.norm(torch.relu(doubled)))
        return result


class StemUNet(nn.Module):
    """Estimates the magnitudes of one stem from those of the mixture, which it never exceeds.

    Args:
        filters: Of each convolution going down.
        channels: Of the mixture.

    Shape:
        - magnitudes: (b, c, l, f), both multiples of 2 to the number of convolutions
        - output: the same

    >>> unet = StemUNet((4, 8), channels=2)
    >>> tuple(unet(torch.ones(1, 2, 8, 12)).shape)
    (1, 2, 8, 12)
    """

    def __init__(self, filters: tuple[int, ...], channels: int) -> None:
        super().__init__()
        inner = filters[:-1]
        self.down = nn.ModuleList(
            Down(k, j, norm=at < len(inner)) for at, (k, j) in enumerate(zip((channels, *inner), filters, strict=True))
        )
        inputs = (filters[-1], *(2 * k for k in reversed(inner)))
        outputs = (*reversed(inner), 1)
        self.up = nn.ModuleList(
            Up(k, j, DROPOUT if at < DROPOUTS else 0.0) for at, (k, j) in enumerate(zip(inputs, outputs, strict=True))
        )
        self.mask = nn.Conv2d(1, channels, 4, dilation=2, padding=3)

    def forward(self, magnitudes: Tensor) -> Tensor:
        """See the class."""
        x, skips = magnitudes, []
        for down in self.down:
            skip, x = down(x)
            skips.append(skip)
        x = skips.pop()
        for up in self.up:
            x = up(x)
            if skips:
                x = torch.cat((skips.pop(), x), dim=1)
        return torch.sigmoid(self.mask(x)) * magnitudes


class SpleeterUNet(nn.Module):
    """Separates a mixture into its stems.

    Args:
        settings: Hyper-parameters.
        classes: How many stems there are.

    Attributes:
        stride: The output follows a shift of the input by a multiple of it: one step.
        context: 0; the mixture is padded with silence where it begins and ends.
        reach: Samples on each side that can influence a stretch of output between two multiples of `stride`.

    Shape:
        - mixture: (b, c, t), any t ≥ 1
        - output: (b, s, c, t)

    Raises:
        ValueError: when a shape does not fit, quoting it.

    >>> small = SpleeterUNetSettings(n_fft=64, hop=16, filters=(4, 8), bins=16, frames=16, step=12)
    >>> model = SpleeterUNet(small, classes=2).eval()
    >>> mixture = torch.randn(1, 2, 1000)
    >>> stems = model(mixture)
    >>> tuple(stems.shape), bool(torch.allclose(stems.sum(1), mixture, atol=1e-5))
    ((1, 2, 2, 1000), True)
    """

    window: Tensor
    rise: Tensor

    def __init__(self, settings: SpleeterUNetSettings, classes: int) -> None:
        super().__init__()
        s = self.settings = settings
        self.sources, self.channels, self.context = classes, s.channels, 0
        self.stride: int = s.step * s.hop
        # The frames at both ends of a stretch are in pieces that reach so far beyond it, half a window included.
        self.reach = s.frames * s.hop + s.n_fft
        self.register_buffer("window", torch.hann_window(s.n_fft), persistent=False)
        # How a piece sets in where the one before it goes on.
        fade = s.frames - s.step
        self.register_buffer("rise", (torch.arange(fade) + 0.5)[:, None] / max(1, fade), persistent=False)
        self.unets = nn.ModuleList(StemUNet(s.filters, s.channels) for _ in range(classes))
        self._start()

    def forward(self, mixture: Tensor) -> Tensor:
        """Estimate every stem."""
        s = self.settings
        if mixture.ndim != 3 or mixture.shape[1] != s.channels or not mixture.numel():
            found = tuple(mixture.shape)
            raise ValueError(f"mixture: expected shape (batch ≥ 1, {s.channels} channels, time ≥ 1), found {found}")
        time = mixture.shape[-1]
        whole = pad(mixture, (0, -time % s.hop)).flatten(0, 1)
        spectrum = torch.stft(whole, s.n_fft, s.hop, window=self.window, pad_mode="constant", return_complex=True)
        cells = spectrum.mT.reshape(len(mixture), s.channels, -1, s.n_fft // 2 + 1)  # b, c, l, f
        frames = cells.shape[2]
        lacking = (s.frames - frames) % s.step if frames > s.frames else s.frames - frames
        masks = self.masks(pad(cells.abs(), (0, 0, 0, lacking)))[..., :frames, :]
        masked = masks * cells[:, None]  # b, s, c, l, f
        stems = torch.istft(masked.flatten(0, 2).mT, s.n_fft, s.hop, window=self.window)
        return stems.reshape(*masked.shape[:3], -1)[..., :time]

    def masks(self, magnitudes: Tensor, tail: Tensor | None = None) -> Tensor:
        """Share the cells of whole pieces, each a step after the other, among the stems, and cross-fade them.

        Args:
            magnitudes: (b, c, l, f), where l is `frames` and any multiple of `step` more.
            tail: What this returned for the pieces just before, its last `frames` − `step` frames.

        Returns:
            Masks (b, s, c, l, f).
        """
        s = self.settings
        pieces = magnitudes.unfold(2, s.frames, s.step).movedim(2, 0).mT  # piece, b, c, frames, f
        parts = []
        for shares in torch.split(self._shares(pieces.flatten(0, 1)), len(magnitudes)):
            begin = shares[..., : s.frames - s.step, :]
            if tail is not None:
                begin = torch.lerp(tail, begin, self.rise)
            joined = torch.cat((begin, shares[..., s.frames - s.step :, :]), dim=-2)
            parts.append(joined[..., : s.step, :])
            tail = joined[..., s.step :, :]
        return torch.cat((*parts, joined[..., s.step :, :]), dim=-2)

    def _shares(self, magnitudes: Tensor) -> Tensor:
        """Share the cells of a piece: (b, c, `frames`, f) → (b, s, c, `frames`, f)."""
        low = magnitudes[..., : self.settings.bins]
        estimates = torch.stack([unet(low) ** self.settings.exponent for unet in self.unets], dim=1)
        masks = (estimates + EPSILON / self.sources) / (estimates.sum(1, keepdim=True) + EPSILON)
        return torch.cat((masks, self._treble(masks, low, magnitudes.shape[-1] - low.shape[-1])), dim=-1)

    def _treble(self, masks: Tensor, low: Tensor, above: int) -> Tensor:
        """Say whose the bins above are: one number a frame, so often."""
        s = self.settings
        if s.treble == "top":
            top = s.bins * 7 // 8
            energy = low[:, None, ..., top:].square()
            explained = (masks[..., top:] * energy).sum(-1, keepdim=True)
            share = (explained + EPSILON / self.sources) / (energy.sum(-1, keepdim=True) + EPSILON)
        else:
            share = masks.mean(-1, keepdim=True) * (s.treble == "mean")
        return share.expand(*share.shape[:-1], above)

    def input_length(self, output: int) -> int:
        """Return how long a mixture must be for at least so many samples of output: as long.

        Raises:
            ValueError: when no sample is asked for.
        """
        if output < 1:
            raise ValueError(f"output: expected one sample or more, found {output}")
        return output

    @torch.no_grad()
    def _start(self) -> None:
        """Draw He's weights; biases are 0."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
                # Transposed convolutions keep their inputs first.
                inputs = module.weight.shape[0 if isinstance(module, nn.ConvTranspose2d) else 1]
                bound = math.sqrt(6 / (inputs * module.weight[0, 0].numel()))
                nn.init.uniform_(module.weight, -bound, bound)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)


def _norm(filters: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(filters, eps=NORM_EPS, momentum=NORM_MOMENTUM)


TASK = "unmix"
SETTINGS = SpleeterUNetSettings
MODEL = SpleeterUNet

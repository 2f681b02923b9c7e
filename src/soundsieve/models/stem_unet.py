"""A U-Net over the spectrogram that shares every cell of a song among its stems.

The small separator: where Wave-U-Net learns from samples, this one is told what a spectrum is, and learns in an hour on
a processor what that one takes days for. Every cell of each channel is divided by a softmax over the stems, so that
they add up to the song. What it sees of a cell is its level against the average of the seconds around it, in each
channel, in their sum and in their difference: where in the stereo picture an instrument sits is a part of the evidence.

The parts are known ones: a residual U-Net (Kong et al., "Decoupling Magnitude and Phase Estimation with Deep ResUNet
for Music Source Separation", ISMIR 2021), dilated convolutions over time where it is narrowest (Conv-TasNet), bands
that widen with frequency. Batch normalisation is an affine map once trained, so the output is the same however a song
is cut.

Axes: b batch, s stem, c channel, v view, k filter, f bin, m band, l frame, t time.
"""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field, ValidationInfo, field_validator
from torch import Tensor, nn
from torch.nn.functional import avg_pool1d, pad

from soundsieve.models._spectral import (
    ResidualBlock,
    SpectralSettings,
    TemporalNetwork,
    band_matrix,
    climb,
    seen_frames,
)

# With fewer, torch 2.13 corrupts memory in the gradient of a strided 1×1 convolution of images in this order.
_LEAST_CHANNELS_LAST = 16


class StemUNetSettings(SpectralSettings):
    """Hyper-parameters; the defaults are those of the released model, which works at 22,050 Hz."""

    n_fft: int = Field(2048, ge=16, multiple_of=4, description="window of the STFT, in samples")
    bands: int = Field(320, ge=8, validate_default=True, description="bands the bins are gathered into")
    level_frames: int = Field(127, ge=1, description="frames over which the level is averaged (odd)")
    channels: int = Field(2, ge=1, description="channels of a mixture, and of each stem")
    filters: tuple[Annotated[int, Field(ge=1)], ...] = Field(
        (16, 32, 48, 64, 96, 128), min_length=1, description="filters at each level of the U-Net"
    )
    time_levels: int = Field(3, ge=0, description="how many of the levels halve the frames as well as the bands")

    @field_validator("bands")
    @classmethod
    def _has_bins(cls, value: int, info: ValidationInfo) -> int:
        n_fft = info.data.get("n_fft")
        if n_fft is not None and value > n_fft // 2 + 1:
            raise ValueError(f"expected at most one for each bin ({n_fft // 2 + 1})")
        return value


class StemUNet(nn.Module):
    """Separates a mixture into its stems.

    Args:
        settings: Hyper-parameters.
        classes: How many stems there are.

    Attributes:
        stride: The output follows a shift of the input by a multiple of it.
        context: 0; the mixture is padded with silence where it begins and ends.
        reach: Samples on each side that can influence one output sample.

    Shape:
        - mixture: (b, c, t), any t ≥ 1
        - output: (b, s, c, t)

    Raises:
        ValueError: when a shape does not fit, quoting it.

    >>> small = StemUNetSettings(n_fft=256, hop=128, bands=32, filters=(4, 8), context=8, context_blocks=1)
    >>> model = StemUNet(small, classes=4).eval()
    >>> mixture = torch.randn(1, 2, 1000)
    >>> stems = model(mixture)
    >>> tuple(stems.shape), bool(torch.allclose(stems.sum(1), mixture, atol=1e-5))
    ((1, 4, 2, 1000), True)
    """

    window: Tensor
    bands: Tensor
    position: Tensor

    def __init__(self, settings: StemUNetSettings, classes: int) -> None:
        super().__init__()
        s = self.settings = settings
        self.sources, self.channels, self.context = classes, s.channels, 0
        levels = len(s.filters) - 1
        self.strides = [(2, 2 if level < s.time_levels else 1) for level in range(levels)]
        self.halvings = min(levels, s.time_levels)
        self.stride: int = s.hop * 2**self.halvings
        self.register_buffer("window", torch.hann_window(s.n_fft).sqrt(), persistent=False)
        self.register_buffer("bands", band_matrix(s.n_fft // 2 + 1, s.bands), persistent=False)
        self.register_buffer("position", torch.linspace(-1, 1, s.bands)[None, None, :, None], persistent=False)
        views = s.channels + 2 * (s.channels == 2)
        self.norm = nn.BatchNorm1d(s.bands)
        self.enter = nn.Conv2d(views + 1, s.filters[0], (5, 3), padding=(2, 1))
        pairs = list(zip(s.filters[:-1], s.filters[1:], strict=True))
        self.down = nn.ModuleList(ResidualBlock(*pair, at) for pair, at in zip(pairs, self.strides, strict=True))
        narrow = s.bands
        for _ in pairs:
            narrow = (narrow + 1) // 2
        self.middle = TemporalNetwork((s.filters[-1], narrow), s)
        self.up = nn.ModuleList(nn.Conv2d(b, a, 1, bias=False) for a, b in pairs)
        self.merge = nn.ModuleList(ResidualBlock(2 * a, a) for a, _ in pairs)
        self.head = nn.Conv2d(s.filters[0], classes * s.channels, 1)

    @property
    def reach(self) -> int:
        """See the class."""
        s = self.settings
        frames = 1 + seen_frames(self.strides, s.context_blocks)
        return (frames + s.level_frames // 2) * s.hop + s.n_fft

    def forward(self, mixture: Tensor) -> Tensor:
        """Estimate every stem."""
        if mixture.ndim != 3 or mixture.shape[1] != self.channels or not mixture.numel():
            found = tuple(mixture.shape)
            raise ValueError(f"mixture: expected shape (batch ≥ 1, {self.channels} channels, time ≥ 1), found {found}")
        spectrum = self.spectrum(mixture)
        masked = self.cell_masks(spectrum) * spectrum[:, None]  # b, s, c, f, l
        s = self.settings
        stems = torch.istft(masked.flatten(0, 2), s.n_fft, s.hop, window=self.window)
        return stems.reshape(*masked.shape[:3], -1)[..., : mixture.shape[-1]]

    def spectrum(self, waveform: Tensor) -> Tensor:
        """Transform waveforms: (…, t) → (…, f, l), complex."""
        s = self.settings
        padded = pad(waveform, (0, -waveform.shape[-1] % s.hop)).flatten(0, -2)
        spectrum = torch.stft(padded, s.n_fft, s.hop, window=self.window, pad_mode="constant", return_complex=True)
        return spectrum.reshape(*waveform.shape[:-1], *spectrum.shape[-2:])

    def cell_masks(self, spectrum: Tensor) -> Tensor:
        """Share every cell of a mixture among the stems: (b, c, f, l) → (b, s, c, f, l)."""
        shares = torch.softmax(self.logits(spectrum).float(), dim=1)  # b, s, c, m, l
        return torch.einsum("bscml,mf->bscfl", shares, self.bands)

    def logits(self, spectrum: Tensor) -> Tensor:
        """Say how much speaks for each stem in each band: (b, c, f, l) → (b, s, c, m, l)."""
        frames = spectrum.shape[-1]
        seen = pad(self._seen(spectrum), (0, -frames % 2**self.halvings))
        if min(self.settings.filters) >= _LEAST_CHANNELS_LAST:
            seen = seen.contiguous(memory_format=torch.channels_last)  # a processor learns a quarter faster so
        x = self.enter(seen)
        skips = []
        for block in self.down:
            skips.append(x)
            x = block(x)
        x = climb(self.middle(x), *(reversed(part) for part in (skips, self.up, self.merge, self.strides)))
        named: Tensor = self.head(x)[..., :frames]
        return named.reshape(len(named), self.sources, self.channels, -1, frames)

    def input_length(self, output: int) -> int:
        """Return how long a mixture must be for at least so many samples of output: as long.

        Raises:
            ValueError: when no sample is asked for.
        """
        if output < 1:
            raise ValueError(f"output: expected one sample or more, found {output}")
        return output

    def _seen(self, spectrum: Tensor) -> Tensor:
        """Levels of the bands against those around, in every view: (b, v + 1, m, l); the last says which band it is."""
        views = spectrum
        if self.channels == 2:
            left, right = spectrum[:, :1], spectrum[:, 1:]
            views = torch.cat([spectrum, (left + right) / 2, (left - right) / 2], dim=1)
        power = views.real.square() + views.imag.square()  # b, v, f, l
        around = self.settings.level_frames
        average = avg_pool1d(
            power[:, : self.channels].mean((1, 2))[:, None], around, 1, around // 2, count_include_pad=False
        )
        banded = torch.einsum("mf,bvfl->bvml", self.bands, power)
        level = torch.log10(banded / (average[:, None] + 1e-12) + 1e-6)
        level = self.norm(level.flatten(0, 1)).reshape(level.shape)
        return torch.cat([level, self.position.expand(len(level), 1, -1, level.shape[-1])], dim=1)


TASK = "unmix"
SETTINGS = StemUNetSettings
MODEL = StemUNet

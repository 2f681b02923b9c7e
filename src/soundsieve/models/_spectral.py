"""What U-Nets over spectrograms share: their settings, bands that widen with frequency, and the parts of the network.

Axes: b batch, k channel, f bin, m band, l frame.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from pydantic import Field, ValidationInfo, field_validator
from torch import Tensor, nn

from soundsieve.settings import Settings


class SpectralSettings(Settings):
    """Hyper-parameters of every U-Net over spectrograms."""

    n_fft: int = Field(1024, ge=16, multiple_of=4, description="window of the STFT, in samples")
    hop: int = Field(512, ge=4, validate_default=True, description="hop of the STFT, in samples")
    bands: int = Field(192, ge=8, description="bands the bins are gathered into; narrow ones are single bins")
    context: int = Field(256, ge=1, description="channels of the temporal network at the narrowest point")
    context_blocks: int = Field(4, ge=0, description="dilated blocks of that network")
    level_frames: int = Field(251, ge=1, description="frames over which the level is averaged (odd)")
    dropout: float = Field(0.1, ge=0, lt=1, description="dropout of whole channels at the narrowest point")

    @field_validator("hop")
    @classmethod
    def _overlaps(cls, value: int, info: ValidationInfo) -> int:
        n_fft = info.data.get("n_fft")  # not there when it is wrong itself
        if n_fft is not None and value > n_fft // 2:
            raise ValueError(f"expected at most half of n_fft ({n_fft // 2})")
        return value

    @field_validator("level_frames")
    @classmethod
    def _odd(cls, value: int) -> int:
        if value % 2 == 0:
            raise ValueError("expected an odd number, so that the average is centred on its frame")
        return value


def band_matrix(bins: int, bands: int) -> Tensor:
    """Triangular bands, one bin wide at low frequencies and widening upwards, that add up to one in every bin.

    Shape:
        - output: (bands, bins)

    >>> matrix = band_matrix(513, 192)
    >>> bool(torch.allclose(matrix.sum(0), torch.ones(513)))
    True
    """
    # Centres follow i + growth·i³, the growth chosen so that the last centre is the last bin.
    index = torch.arange(bands, dtype=torch.float64)
    centres = index + (bins - bands) * (index / (bands - 1)) ** 3
    bin_index = torch.arange(bins, dtype=torch.float64)
    upper = torch.searchsorted(centres, bin_index).clamp(1, bands - 1)
    share = ((bin_index - centres[upper - 1]) / (centres[upper] - centres[upper - 1])).clamp(0, 1)
    matrix = torch.zeros(bands, bins, dtype=torch.float64)
    columns = torch.arange(bins)
    matrix[upper, columns] = share
    matrix[upper - 1, columns] += 1 - share
    return matrix.float()


class ResidualBlock(nn.Module):
    """Two 3×3 convolutions with batch normalisation around a shortcut.

    Shape:
        - input: (b, k_in, m, l)
        - output: (b, k_out, m, l), or half of m (and l) where the stride is 2, rounded up
    """

    def __init__(self, channels_in: int, channels_out: int, stride: tuple[int, int] = (1, 1)) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels_in, channels_out, 3, stride=stride, padding=1, bias=False),
            nn.BatchNorm2d(channels_out),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels_out, channels_out, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels_out),
        )
        plain = stride == (1, 1) and channels_in == channels_out
        self.shortcut = nn.Identity() if plain else nn.Conv2d(channels_in, channels_out, 1, stride=stride, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        """Add the body to the shortcut."""
        return torch.relu(self.body(features) + self.shortcut(features))


class TemporalNetwork(nn.Module):
    """Dilated convolutions over time at the narrowest point, where a frame holds the whole spectrum.

    Shape:
        - features: (b, k, m, l)
        - output: the same
    """

    def __init__(self, shape: tuple[int, int], s: SpectralSettings) -> None:
        super().__init__()
        self.shape = shape
        size, hidden = shape[0] * shape[1], s.context
        self.enter = nn.Conv1d(size, hidden, 1)
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.BatchNorm1d(hidden),
                nn.ReLU(),
                nn.Conv1d(hidden, hidden, 3, padding=2**k, dilation=2**k),
            )
            for k in range(s.context_blocks)
        )
        self.dropout = nn.Dropout1d(s.dropout)
        self.leave = nn.Conv1d(hidden, size, 1)

    def trunk(self, features: Tensor) -> Tensor:
        """Look around in time: (b, hidden, l)."""
        trunk: Tensor = self.enter(features.flatten(1, 2))
        for block in self.blocks:
            trunk = trunk + block(trunk)
        dropped: Tensor = self.dropout(torch.relu(trunk))
        return dropped

    def cells(self, trunk: Tensor) -> Tensor:
        """Turn what is known of each frame into what is said of each cell: (b, k, m, l)."""
        said: Tensor = self.leave(trunk)
        return said.reshape(len(said), *self.shape, -1)

    def forward(self, features: Tensor) -> Tensor:
        """Add what the neighbourhood in time says to every cell."""
        return features + self.cells(self.trunk(features))


def climb(
    x: Tensor,
    skips: Iterable[Tensor],
    up: Iterable[nn.Module],
    merge: Iterable[nn.Module],
    strides: Iterable[tuple[int, int]],
) -> Tensor:
    """Go up the levels of a U-Net: double, join what came down at that level, merge; all are given from below."""
    for skip, narrow, block, (bands, frames) in zip(skips, up, merge, strides, strict=True):
        raised = nn.functional.interpolate(narrow(x), scale_factor=(float(bands), float(frames)), mode="nearest")
        x = block(torch.cat([raised[:, :, : skip.shape[2]], skip], dim=1))
    return x


def seen_frames(strides: Iterable[tuple[int, int]], context_blocks: int) -> int:
    """Return how many frames on each side a cell of such a network's output may depend on."""
    frames, step = 1, 1
    for _, halved in strides:
        # Two 3-wide convolutions down, two up, and the resizing, each at its own level's step.
        frames, step = frames + 3 * step * 2, step * halved
    return int(frames + step * sum(2**k for k in range(context_blocks)) + 2 * step)

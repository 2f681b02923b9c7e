"""What networks over spectrograms share: bands that widen with frequency, and the block of a residual U-Net.

Axes: b batch, k channel, f bin, m band, l frame.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


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

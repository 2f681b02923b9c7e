"""A network that scores bases as `miml` does, but hears their shape over the logarithm of frequency.

There a note's partials stand in one pattern at any pitch, so a few convolutions learn from some hundreds of videos what
a layer with a weight for each of 2401 bins has to learn once for each note. A base goes through narrow bands, a scale
in decibels, convolutions that halve the number of bands, and two layers that know where on the scale they are. From so
few videos chance decides much of what a network learns, so several can be asked and their answers averaged.

Ours; the bag of bases and what is learned from are those of Gao, Feris and Grauman, "Learning to Separate Object Sounds
by Watching Unlabeled Video" (ECCV 2018).

Axes: b bag, f bin, m base, n band, l label.
"""

from __future__ import annotations

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from soundsieve.settings import Settings

_FLOOR_DB = 80.0  # below a base's largest bin: what counts as nothing


class BaseCNNSettings(Settings):
    """Hyper-parameters."""

    bins: int = Field(2401, ge=2, description="f: bins of a base")
    bands: int = Field(192, ge=2, description="n")
    lowest_bin: int = Field(4, ge=1, description="where the lowest band is; the highest is at the last bin")
    filters: tuple[int, ...] = Field((24, 48, 64, 96), min_length=1, description="of each convolution")
    kernel: int = Field(7, ge=1, description="bands that a convolution sees; odd")
    hidden: int = Field(128, ge=1)
    dropout: float = Field(0.4, ge=0, lt=1, description="before each of the last two layers")
    members: int = Field(
        1, ge=1, description="networks that begin differently, learn side by side and agree in the end"
    )

    @model_validator(mode="after")
    def _fits(self) -> BaseCNNSettings:
        if self.lowest_bin >= self.bins - 1:
            raise ValueError(f"lowest_bin: expected one below the last, {self.bins - 1}, found {self.lowest_bin}")
        if not self.kernel % 2:
            raise ValueError(f"kernel: expected an odd number, found {self.kernel}")
        return self


class BaseCNN(nn.Module):
    """Draws the map of bases and objects.

    Args:
        settings: Hyper-parameters.
        classes: How many objects there are.

    Shape:
        - bases: (b, f, m), any m ≥ 1, not negative, each with its largest bin at 1
        - output: (b, l, m), the logarithms of how probable each object is, which add up to 1 over the objects

    Raises:
        ValueError: when a shape does not fit, quoting it.

    >>> model = BaseCNN(BaseCNNSettings(), classes=23)
    >>> tuple(model(torch.rand(2, 2401, 25)).shape), sum(p.numel() for p in model.parameters()) < 300_000
    ((2, 23, 25), True)
    """

    to_bands: Tensor

    def __init__(self, settings: BaseCNNSettings, classes: int) -> None:
        super().__init__()
        s = self.settings = settings
        self.register_buffer("to_bands", band_matrix(s.bins, s.bands, s.lowest_bin), persistent=False)
        self.members = nn.ModuleList(_member(s, classes) for _ in range(s.members))

    def forward(self, bases: Tensor) -> Tensor:
        """Score every base for every object, by the geometric mean of what the members say."""
        return self.each(bases).mean(0).log_softmax(1)

    def each(self, bases: Tensor) -> Tensor:
        """Return what every member says, (member, b, l, m); each is trained by itself."""
        s = self.settings
        if bases.ndim != 3 or bases.shape[1] != s.bins or not bases.shape[0] or not bases.shape[2]:
            found = tuple(bases.shape)
            raise ValueError(f"bases: expected shape (batch ≥ 1, {s.bins} bins, base ≥ 1), found {found}")
        bands = self.to_bands @ bases.clamp(min=0)
        levels = 1 + 20 * bands.clamp(min=10 ** (-_FLOOR_DB / 20)).log10() / _FLOOR_DB  # b, n, m; 0 to 1
        rows = levels.transpose(1, 2).reshape(-1, 1, s.bands)
        scores = torch.stack([member(rows) for member in self.members])  # member, b·m, l
        return scores.reshape(s.members, len(bases), bases.shape[2], -1).transpose(2, 3).log_softmax(2)


def _member(s: BaseCNNSettings, classes: int) -> nn.Module:
    layers: list[nn.Module] = []
    given, length = 1, s.bands
    for filters in s.filters:
        layers += [nn.Conv1d(given, filters, s.kernel, stride=2, padding=s.kernel // 2, bias=False)]
        layers += [nn.BatchNorm1d(filters), nn.ReLU()]
        given, length = filters, (length + 1) // 2
    body = nn.Sequential(*layers, nn.Flatten())
    head = nn.Sequential(
        nn.Dropout(s.dropout), nn.Linear(given * length, s.hidden), nn.BatchNorm1d(s.hidden), nn.ReLU(),
        nn.Dropout(s.dropout), nn.Linear(s.hidden, classes),
    )  # fmt: skip
    return nn.Sequential(body, head)


def band_matrix(bins: int, bands: int, lowest_bin: int) -> Tensor:
    """Weights that average bins to bands at even steps of the logarithm of frequency, shape (n, f); rows add up to 1.

    A band is a triangle between its neighbours, and where those are nearer than a bin, between bins.

    >>> band_matrix(9, 4, 1).argmax(1).tolist()
    [1, 2, 4, 8]
    """
    step = ((bins - 1) / lowest_bin) ** (1 / (bands - 1))
    centre = lowest_bin * step ** torch.arange(bands, dtype=torch.float64)
    below, above = (centre * (1 - 1 / step)).clamp(min=1), (centre * (step - 1)).clamp(min=1)
    away = torch.arange(bins, dtype=torch.float64) - centre[:, None]
    weights = (1 - torch.where(away < 0, -away / below[:, None], away / above[:, None])).clamp(min=0)
    return (weights / weights.sum(1, keepdim=True)).float()


TASK = "bases"
SETTINGS = BaseCNNSettings
MODEL = BaseCNN

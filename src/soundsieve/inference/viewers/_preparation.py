"""Pictures of any size as the square ones that classifiers were trained on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor
from torch.nn.functional import interpolate

from soundsieve.settings import Settings

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_DEVIATION = (0.229, 0.224, 0.225)
BATCH = 16


class Preparation(Settings):
    """How a classifier wants its pictures: the shorter side made `resize` long, a square cut out, colours scaled."""

    size: int = Field(224, ge=1, description="sides of the square")
    resize: int = Field(256, ge=1, description="shorter side of the picture that the square is cut out of")
    mean: tuple[float, float, float] = Field(IMAGENET_MEAN, description="taken off red, green, blue from 0 to 1")
    deviation: tuple[float, float, float] = Field(IMAGENET_DEVIATION, description="by which they are then divided")


def prepare(image: NDArray[np.uint8], preparation: Preparation) -> Tensor:
    """Prepare one picture: (height, width, 3) → (3, size, size).

    Making it smaller is bicubic and does not alias, as with Pillow, which most classifiers were evaluated with.

    Raises:
        ValueError: when the shape does not fit, quoting it.

    >>> picture = np.full((300, 400, 3), 255, np.uint8)
    >>> prepared = prepare(picture, Preparation(mean=(0.5, 0.5, 0.5), deviation=(0.5, 0.5, 0.5)))
    >>> prepared.shape, round(float(prepared.min()), 3), round(float(prepared.max()), 3)
    (torch.Size([3, 224, 224]), 1.0, 1.0)
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or not image.size:
        raise ValueError(f"image: expected uint8 (height, width, 3), found {image.dtype} {image.shape}")
    shorter = max(preparation.resize, preparation.size)
    share = shorter / min(image.shape[:2])
    height, width = (max(shorter, round(side * share)) for side in image.shape[:2])
    colours = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None].float()
    whole = interpolate(colours, (height, width), mode="bicubic", antialias=True)[0].round_().clamp_(0, 255)
    top, left = (height - preparation.size) // 2, (width - preparation.size) // 2
    square = whole[:, top : top + preparation.size, left : left + preparation.size] / 255
    mean, deviation = (torch.tensor(values)[:, None, None] for values in (preparation.mean, preparation.deviation))
    return (square - mean) / deviation


def batches(images: Sequence[Any], preparation: Preparation, most: int = BATCH) -> Iterator[Tensor]:
    """Yield pictures prepared, (b, 3, size, size), so many at once."""
    for start in range(0, len(images), most):
        yield torch.stack([prepare(image, preparation) for image in images[start : start + most]])

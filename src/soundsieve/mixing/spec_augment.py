"""SpecAugment: stripes of a spectrogram are hidden, drawn with an explicit generator.

Source: Park et al., "SpecAugment: A Simple Data Augmentation Method for Automatic Speech Recognition" (Interspeech
2019), section 2. Its time warping is left out: the paper finds that it adds little and costs most.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from pydantic import Field
from torch import Tensor

from soundsieve.settings import Settings


class SpecAugmentSettings(Settings):
    """How much of a spectrogram is hidden; the defaults are the paper's mild policy SM (table 1, made for 80 mels)."""

    mel_masks: int = Field(2, ge=0)
    mel_width: int = Field(15, ge=0)  # F: most bands that one mask hides
    frame_masks: int = Field(2, ge=0)
    frame_width: int = Field(70, ge=0)  # T: most frames that one mask hides
    frame_share: float = Field(0.2, ge=0, le=1)  # p: and no more than this share of the clip
    fill: Literal["mean", "zero"] = "mean"


@dataclass(frozen=True, slots=True)
class Masks:
    """Which stripes are hidden, each (first, width); widths may be 0 and stripes may overlap.

    Attributes:
        mels: Bands, through all frames of the clip.
        frames: Frames, through all bands.
    """

    mels: tuple[tuple[int, int], ...] = ()
    frames: tuple[tuple[int, int], ...] = ()


def draw_masks(mels: int, frames: int, settings: SpecAugmentSettings, rng: np.random.Generator) -> Masks:
    """Draw the masks of one clip; the same generator state gives the same ones.

    Widths are drawn evenly from 0 to the widest, then the place evenly from where the mask fits. No mask is wider than
    the spectrogram is.

    Args:
        mels: Number of bands.
        frames: True length of the clip, without padding.
        settings: The policy.
        rng: Decides.

    >>> masks = draw_masks(64, 500, SpecAugmentSettings(), np.random.default_rng(0))
    >>> len(masks.mels), len(masks.frames)
    (2, 2)
    """
    widest = min(settings.frame_width, int(settings.frame_share * frames))
    return Masks(
        mels=tuple(_stripe(mels, settings.mel_width, rng) for _ in range(settings.mel_masks)),
        frames=tuple(_stripe(frames, widest, rng) for _ in range(settings.frame_masks)),
    )


def spec_augment(features: Tensor, frames: int, settings: SpecAugmentSettings, rng: np.random.Generator) -> Tensor:
    """Hide random stripes of one clip's features.

    Args:
        features: Shape (mel, frame), padded at the end.
        frames: How many frames are the clip; the padding after them is not touched.
        settings: The policy.
        rng: Decides the masks.

    Returns:
        A copy, same shape. What is hidden has the mean of the clip (without its padding), or 0.

    Raises:
        ValueError: when the features have other axes, or fewer frames than `frames`.

    >>> import torch
    >>> hidden = spec_augment(torch.ones(64, 500), 400, SpecAugmentSettings(fill="zero"), np.random.default_rng(0))
    >>> bool((hidden[:, :400] == 0).any()), bool((hidden[:, 400:] == 1).all())
    (True, True)
    """
    if features.ndim != 2 or not 0 <= frames <= features.shape[1]:
        raise ValueError(f"expected features of shape (mel, {frames} or more), found shape {tuple(features.shape)}")
    masks = draw_masks(features.shape[0], frames, settings, rng)
    result = features.clone()
    clip = result[:, :frames]
    value = features[:, :frames].mean() if settings.fill == "mean" and frames else 0.0
    for first, width in masks.mels:
        clip[first : first + width] = value
    for first, width in masks.frames:
        clip[:, first : first + width] = value
    return result


def _stripe(size: int, widest: int, rng: np.random.Generator) -> tuple[int, int]:
    width = int(rng.integers(min(widest, size) + 1))
    return int(rng.integers(size - width + 1)), width

"""Which bases of a recording belong to which of the objects seen in it.

Axes: l label, s label that is seen, m base, n recording.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor

from soundsieve.settings import Settings

_LEAST_SPREAD = 0.1  # of all labels' spread: what a label's own is taken for at least


class BasisChoice(Settings):
    """How bases are given to objects; the default is the published rule."""

    kind: Literal["threshold", "best", "share"] = Field(
        "threshold",
        description="threshold: a base goes to the objects whose softmax over the bases passes one; best: to the "
        "object with the best score; share: to all objects, in shares",
    )
    threshold: float = Field(
        0.04, ge=0, le=1, description="threshold: what must be passed; 0.04 is an even share of 25 bases"
    )
    rest: Literal["none", "level", "unseen"] = Field(
        "unseen",
        description="best, share: what an object must beat, or the base is left to the rest; none: nothing; level: the "
        "margin; unseen: the best object that is not seen, by the margin",
    )
    margin: float = Field(
        0.0, allow_inf_nan=False, description="in calibrated scores: 0 is a base of something else, 1 the best of many"
    )
    sharpness: float = Field(5.0, gt=0, allow_inf_nan=False, description="share: factor of the scores in the softmax")
    together: float = Field(
        0.0,
        ge=0,
        le=1,
        description="best, share: how much of a base's score is that of the bases that come and go with it",
    )
    likeness: float = Field(
        20.0, gt=0, allow_inf_nan=False, description="together: factor of the correlation of two bases, in an exponent"
    )
    power: float = Field(
        1.0,
        gt=0,
        allow_inf_nan=False,
        description="of what each object's bases make of a cell, before its shares are taken; 2 is Wiener's filter",
    )
    centre: tuple[float, ...] = Field((), description="calibration: each label's score that counts as 0")
    scale: tuple[float, ...] = Field((), description="calibration: from there to what counts as 1")


def assign(base_map: Tensor, seen: Sequence[int], settings: BasisChoice, loudness: Tensor | None = None) -> Tensor:
    """Give each base to the objects that are seen; what is left of it is the rest's.

    Source of `threshold`: Gao, Feris and Grauman, "Learning to Separate Object Sounds by Watching Unlabeled Video"
    (ECCV 2018), section 3.4; a base that passes for several objects is divided evenly between them.

    Args:
        base_map: The network's scores, before any softmax, shape (l, m).
        seen: The labels that are seen, as rows of the map.
        settings: The rule.
        loudness: Of each base over time, shape (m, l), for `settings.together`; None: each base by itself.

    Returns:
        Weights from 0 to 1, shape (s, m); those of a base add up to 1 at most.

    Raises:
        ValueError: when a label is no row of the map or named twice, or the calibration is of other labels.

    >>> base_map = torch.tensor([[3.0, 0.0, 0.1], [0.0, 4.0, 0.1], [0.0, 0.0, 2.0]])
    >>> assign(base_map, [0, 1], BasisChoice(kind="best")).tolist()
    [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    >>> assign(base_map, [0, 1], BasisChoice(kind="best", rest="none")).sum(0).tolist()
    [1.0, 1.0, 1.0]
    """
    if base_map.ndim != 2:
        raise ValueError(f"base_map: expected shape (label, base), found {tuple(base_map.shape)}")
    rows = list(seen)
    if len(set(rows)) < len(rows) or not all(0 <= row < len(base_map) for row in rows):
        raise ValueError(f"seen: expected different labels from 0 to {len(base_map) - 1}, found {rows}")
    if not rows:
        return base_map.new_zeros(0, base_map.shape[1])
    if settings.kind == "threshold":
        passed = (base_map[rows].softmax(1) > settings.threshold).to(base_map.dtype)
        return passed / passed.sum(0).clamp(min=1)
    scores = calibrated(base_map, settings)
    if settings.together and loudness is not None:
        scores = torch.lerp(scores, scores @ companions(loudness, settings.likeness).T, settings.together)
    to_beat = _to_beat(scores, rows, settings)
    if settings.kind == "best":
        wins = scores[rows].amax(0) > to_beat
        # One of several equal ones gets the base, the first: it cannot be given twice.
        best = torch.nn.functional.one_hot(scores[rows].argmax(0), len(rows)).T
        return best.to(base_map.dtype) * wins
    return (settings.sharpness * torch.cat([scores[rows], to_beat[None]])).softmax(0)[:-1]


def calibrated(base_map: Tensor, settings: BasisChoice) -> Tensor:
    """Make the scores (…, l, m) of different labels comparable; as they are where there is no calibration.

    Raises:
        ValueError: when the calibration is of another number of labels.
    """
    if not settings.centre and not settings.scale:
        return base_map
    if not len(settings.centre) == len(settings.scale) == base_map.shape[-2]:
        found = f"{len(settings.centre)} and {len(settings.scale)}"
        raise ValueError(f"centre and scale: expected {base_map.shape[-2]} numbers, one a label, found {found}")
    centre, scale = (base_map.new_tensor(values)[:, None] for values in (settings.centre, settings.scale))
    return (base_map - centre) / scale


def companions(loudness: Tensor, likeness: float) -> Tensor:
    """Say which bases come and go together: what strikes, breathes or bows at once is of one object.

    Args:
        loudness: Of each base over time, shape (m, l).
        likeness: Factor of the correlation in the exponent: the larger, the fewer companions count.

    Returns:
        Shares (m, m): how much each other base tells of one; rows add up to 1, of a single base to 0. Louder bases tell
        more.

    >>> loudness = torch.tensor([[1.0, 0, 1, 0], [2.0, 0, 2, 0], [0.0, 1, 0, 1]])
    >>> companions(loudness, 20.0).round(decimals=2).tolist()
    [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.41, 0.59, 0.0]]
    """
    roots = loudness.clamp(min=0).sqrt()  # so that single loud moments do not decide
    about = roots - roots.mean(1, keepdim=True)
    unit = about / about.norm(dim=1, keepdim=True).clamp(min=1e-9)
    shares = (likeness * (unit @ unit.T - 1)).exp() * loudness.sum(1).sqrt()
    shares = shares * (1 - torch.eye(len(shares), dtype=shares.dtype, device=shares.device))
    told: Tensor = shares / shares.sum(1, keepdim=True).clamp(min=torch.finfo(shares.dtype).tiny)
    return told


def _to_beat(scores: Tensor, seen: list[int], settings: BasisChoice) -> Tensor:
    """What an object's score has to pass for each base, shape (m,)."""
    count = scores.shape[1]
    unseen = [row for row in range(len(scores)) if row not in seen]
    if settings.rest == "level":
        return scores.new_full((count,), settings.margin)
    if settings.rest == "unseen" and unseen:
        return scores[unseen].amax(0) + settings.margin
    return scores.new_full((count,), -torch.inf)


def fit_calibration(base_maps: Tensor, seen: Tensor) -> dict[str, tuple[float, ...]]:
    """Find the settings `centre` and `scale`: 0 is what bases of recordings without a label score for it, on average.

    And 1 is what the best base of a recording with it scores, on average. A label that never or always occurs is taken
    for the average of the others.

    Args:
        base_maps: Of recordings that the network was not trained on, shape (n, l, m).
        seen: True for the labels of each, shape (n, l).

    >>> base_maps = torch.tensor([[[9.0, 1.0], [1.0, 1.0]], [[3.0, 3.0], [2.0, 4.0]]])
    >>> fit_calibration(base_maps, torch.tensor([[True, False], [False, True]]))
    {'centre': (3.0, 1.0), 'scale': (6.0, 3.0)}
    """
    have, lack = seen.to(base_maps.dtype), (~seen).to(base_maps.dtype)
    low = (base_maps.mean(2) * lack).sum(0) / lack.sum(0)
    high = (base_maps.amax(2) * have).sum(0) / have.sum(0)
    centre = torch.where(low.isfinite(), low, low.nanmean().nan_to_num(0.0))
    spread = high - centre
    known = spread[spread.isfinite()]
    usual = float(known.mean()) if len(known) else 1.0
    usual = usual if usual > 0 else 1.0
    scale = torch.where(spread.isfinite(), spread, usual).clamp(min=_LEAST_SPREAD * usual)
    return {
        "centre": tuple(round(float(value), 6) for value in centre),
        "scale": tuple(round(float(value), 6) for value in scale),
    }

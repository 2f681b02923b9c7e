"""How well a classifier says when: every stretch of mixtures whose times are known, one class at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torchmetrics.functional.classification import binary_average_precision

from soundsieve.metrics.calibration import decision_error


@dataclass(frozen=True)
class Said:
    """Probabilities of each class, after calibration and before it.

    Attributes:
        scores: In each stretch, shape (mixture, stretch, class).
        scores_before: The same before.
        mixture_scores: Of being heard at all, shape (mixture, class).
        mixture_scores_before: The same before.
    """

    scores: NDArray[np.floating]
    scores_before: NDArray[np.floating]
    mixture_scores: NDArray[np.floating]
    mixture_scores_before: NDArray[np.floating]


@dataclass(frozen=True)
class HeardClass:
    """One class; a ratio of nothing to nothing is None.

    Attributes:
        label: The class.
        stretches: In how many it is heard.
        average_precision: Over all thresholds.
        precision: At the class's own threshold: of the stretches it was said of, the share in which it is heard.
        recall: Of the stretches in which it is heard, the share it was said of.
        f1: Their harmonic mean.
    """

    label: str
    stretches: int
    average_precision: float | None
    precision: float | None
    recall: float | None
    f1: float | None


@dataclass(frozen=True)
class Heard:
    """All classes.

    Attributes:
        mixtures: How many were gone through.
        stretch_s: How long a stretch is.
        classes: Each of them.
        average_precision: Mean over the classes that are heard at all.
        f1: Of all classes' decisions together.
        low: The 95 % interval of the F1, whole mixtures resampled.
        high: Its other end.
        error: How far scores and how often they are right are apart; see `decision_error`.
        error_before: The same before calibration.
        mixture_error: As `error`, of whether a class is heard at all in a mixture.
        mixture_error_before: The same before calibration.
    """

    mixtures: int
    stretch_s: float
    classes: tuple[HeardClass, ...]
    average_precision: float
    f1: float
    low: float
    high: float
    error: float
    error_before: float
    mixture_error: float
    mixture_error_before: float

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def judge(
    said: Said,
    heard: NDArray[np.bool_],
    classes: Sequence[str],
    thresholds: Mapping[str, float],
    *,
    stretch_s: float,
) -> Heard:
    """Compare scores with what is heard.

    Args:
        said: What the classifier said of each mixture.
        heard: The truth, shape (mixture, stretch, class).
        classes: Their names.
        thresholds: Class → the score from which it counts as heard.
        stretch_s: How long a stretch is.

    >>> scores = np.array([[[0.9], [0.6]], [[0.7], [0.1]]])
    >>> heard = np.array([[[True], [False]], [[True], [False]]])
    >>> said = Said(scores, scores, scores.max(1), scores.max(1))
    >>> found = judge(said, heard, ["dog"], {"dog": 0.5}, stretch_s=0.5)
    >>> found.average_precision, found.classes[0].precision, found.classes[0].recall, round(found.f1, 3)
    (1.0, 0.6666666666666666, 1.0, 0.8)
    >>> round(found.error, 3), round(found.mixture_error, 3)
    (0.275, 0.2)
    """
    scores = said.scores
    at_all = np.asarray(heard.any(axis=1))
    yes = scores >= np.array([thresholds[name] for name in classes])
    rows = tuple(_judge_class(name, scores[..., k], yes[..., k], heard[..., k]) for k, name in enumerate(classes))
    known = [row.average_precision for row in rows if row.average_precision is not None]
    hits, wrong = (yes & heard).sum((1, 2)), (yes ^ heard).sum((1, 2))
    low, high = _f1_interval(hits, wrong)
    return Heard(
        mixtures=len(scores),
        stretch_s=stretch_s,
        classes=rows,
        average_precision=float(np.mean(known)) if known else float("nan"),
        f1=_f1(int(hits.sum()), int(wrong.sum())),
        low=low,
        high=high,
        error=decision_error(scores, heard),
        error_before=decision_error(said.scores_before, heard),
        mixture_error=decision_error(said.mixture_scores, at_all),
        mixture_error_before=decision_error(said.mixture_scores_before, at_all),
    )


def _judge_class(
    label: str, scores: NDArray[np.floating], said: NDArray[np.bool_], heard: NDArray[np.bool_]
) -> HeardClass:
    hit, count, there = int((said & heard).sum()), int(said.sum()), int(heard.sum())
    precision = None
    if there:
        tensors = torch.from_numpy(np.asarray(scores, np.float64).ravel()), torch.from_numpy(heard.ravel().astype(int))
        precision = float(binary_average_precision(*tensors))
    return HeardClass(
        label=label,
        stretches=there,
        average_precision=precision,
        precision=hit / count if count else None,
        recall=hit / there if there else None,
        f1=2 * hit / (count + there) if count + there else None,
    )


def _f1(hits: int, wrong: int) -> float:
    return 2 * hits / (2 * hits + wrong) if hits + wrong else float("nan")


def _f1_interval(hits: NDArray[np.int64], wrong: NDArray[np.int64], draws: int = 2000) -> tuple[float, float]:
    """As `bootstrap_interval`, of a ratio of sums and not of a mean."""
    picked = np.random.default_rng(0).integers(0, len(hits), (draws, len(hits)))
    double = 2 * hits[picked].sum(1)
    values = double / np.maximum(double + wrong[picked].sum(1), 1)
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)

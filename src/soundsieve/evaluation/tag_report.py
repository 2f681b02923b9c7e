"""From what a classifier said to a report: accuracy with intervals, calibration, each class, the worst mistakes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from soundsieve.evaluation.heard import Heard
from soundsieve.evaluation.predictions import Predictions, joined
from soundsieve.evaluation.report_folder import check_folder, write_report
from soundsieve.metrics import bootstrap_interval
from soundsieve.metrics.calibration import Kind, calibration_error, probabilities
from soundsieve.metrics.classification import ClassScore, class_scores, confusion_matrix, mean_interval

PROTOCOLS = {
    "choose": "one fold tests, another one chose the epoch, the others trained",
    "published": "one fold tests and also chose the epoch, so optimistic as most published numbers; the others trained",
    "subsets": "training, choosing and testing recordings set apart",
    "random": "680 of 1,000 rows trained, 170 chose, 150 tested, drawn at random: artists straddle the split",
    "grouped": "whole tracks drawn at random to train, choose and test: artists straddle the split",
    "folds": "one fold of tracks tests, a fifth of the others chose: artists straddle the split",
    "fault-filtered": "published lists without repeated and mislabelled tracks; no artist straddles the split",
}
_WORST = 12


@dataclass(frozen=True)
class Outcome:
    """What one trained model said.

    Attributes:
        test: Of the clips it is tested on.
        last: The same with the weights of the last epoch, which nothing chose; None where these are not kept.
        temperature: Chosen on other clips than those tested.
        thresholds: Class → the least probability with which it counts as heard; chosen likewise.
        offset: As the temperature; see `probabilities`.
    """

    test: Predictions
    last: Predictions | None
    temperature: float
    thresholds: Mapping[str, float]
    offset: float = 0.0


@dataclass(frozen=True)
class Accuracy:
    """The share of clips that were named rightly.

    Attributes:
        weights: Which epoch's weights.
        clips: How many clips.
        mean: Over all of them.
        low: The 95 % interval had clips of other sources been tested.
        high: Its other end.
        of_folds: Of each fold.
        folds_low: Student's 95 % interval of the folds' mean; None for fewer than two folds.
        folds_high: Its other end.
    """

    weights: str
    clips: int
    mean: float
    low: float
    high: float
    of_folds: tuple[float, ...]
    folds_low: float | None
    folds_high: float | None


@dataclass(frozen=True)
class Calibration:
    """Whether probabilities mean what they say.

    Attributes:
        temperatures: Of each fold.
        error_before: Expected calibration error without a temperature.
        error_after: And with it.
    """

    temperatures: tuple[float, ...]
    error_before: float
    error_after: float


@dataclass(frozen=True)
class Unknown:
    """How sounds of no class are answered.

    Attributes:
        clips: How many there were.
        rejected: Share of them answered "unknown": no class reached its threshold.
        known_rejected: Share of the clips that are of a class, answered so all the same.
    """

    clips: int
    rejected: float
    known_rejected: float


@dataclass(frozen=True)
class Mistake:
    """A clip that was named wrongly, with certainty."""

    file: str
    label: str
    said: str
    score: float
    score_of_label: float


@dataclass(frozen=True)
class TagReport:
    """An evaluation of a classifier.

    Attributes:
        protocol: What was measured, on what, how: everything needed to repeat it.
        accuracy: With the chosen epoch's weights and, where kept, with the last one's.
        calibration: Of the probabilities.
        unknown: None where no sound of no class was tested.
        classes: Each class.
        confusion: Clips, row the right class, column the one said.
        mistakes: The most certain ones first.
        scores: Calibrated probabilities of the clips that are of a class, shape (n, c).
        truth: Row of each one's class, shape (n,).
        times: When each class is heard; None for a model that does not say.
    """

    protocol: Mapping[str, Any]
    accuracy: tuple[Accuracy, ...]
    calibration: Calibration
    unknown: Unknown | None
    classes: tuple[ClassScore, ...]
    confusion: NDArray[np.int64]
    mistakes: tuple[Mistake, ...]
    scores: NDArray[np.float64]
    truth: NDArray[np.int64]
    times: Heard | None = None

    @property
    def mean_recall(self) -> float:
        """Recall averaged over the classes tested: accuracy had each as many clips."""
        return float(np.mean([row.recall for row in self.classes if row.recall is not None]))

    def to_json(self) -> dict[str, Any]:
        """Plain values; a number that does not exist is None."""
        return {
            "protocol": dict(self.protocol),
            "accuracy": [asdict(row) for row in self.accuracy],
            "mean_recall": self.mean_recall,
            "calibration": asdict(self.calibration),
            "unknown": None if self.unknown is None else asdict(self.unknown),
            "classes": [asdict(row) for row in self.classes],
            "confusion": self.confusion.tolist(),
            "mistakes": [asdict(row) for row in self.mistakes],
            "times": None if self.times is None else self.times.to_json(),
        }

    def save(self, folder: Path, *, force: bool = False, pictures: Mapping[str, bytes] | None = None) -> list[Path]:
        """Write report.json and pictures (name → PNG).

        Raises:
            OutputError: when the folder holds a report already and `force` is not set, or cannot be written.
        """
        check_folder(folder, force=force)
        return write_report(folder, self.to_json(), pictures or {})


def summarise(outcomes: Sequence[Outcome], kind: Kind, protocol: Mapping[str, Any]) -> TagReport:
    """Summarise what the models of all folds said, each clip by the model that was tested on it.

    Args:
        outcomes: One a fold, or one.
        kind: Whether one class is right, or each by itself.
        protocol: Printed beside the numbers.
    """
    known = [outcome.test.known() for outcome in outcomes]
    tested = joined(known)
    truth = tested.truth
    raw = probabilities(tested.logits, kind)
    calibrated = [
        probabilities(part.logits, kind, outcome.temperature, outcome.offset)
        for part, outcome in zip(known, outcomes, strict=True)
    ]
    scores = np.concatenate(calibrated)
    confusion = confusion_matrix(estimate=scores.argmax(1), reference=truth, classes=len(tested.classes))
    rows = [_accuracy("chosen epoch", known)]
    last = [outcome.last.known() for outcome in outcomes if outcome.last is not None]
    if len(last) == len(outcomes):
        rows.append(_accuracy("last epoch", last))
    return TagReport(
        protocol=protocol,
        accuracy=tuple(rows),
        calibration=Calibration(
            tuple(outcome.temperature for outcome in outcomes),
            calibration_error(raw, truth),
            calibration_error(scores, truth),
        ),
        unknown=_unknown(outcomes, kind),
        classes=class_scores(confusion, tested.classes),
        confusion=confusion,
        mistakes=_mistakes(tested, scores),
        scores=scores,
        truth=truth,
    )


def _accuracy(weights: str, parts: Sequence[Predictions]) -> Accuracy:
    together = joined(list(parts))
    low, high = bootstrap_interval(together.correct.astype(float), groups=np.array(together.sources))
    of_folds = tuple(float(part.correct.mean()) for part in parts)
    folds = [None if math.isnan(end) else end for end in mean_interval(of_folds)]
    return Accuracy(weights, len(together), float(together.correct.mean()), low, high, of_folds, folds[0], folds[1])


def _unknown(outcomes: Sequence[Outcome], kind: Kind) -> Unknown | None:
    others: list[NDArray[np.bool_]] = []
    known: list[NDArray[np.bool_]] = []
    for outcome in outcomes:
        least = np.array([outcome.thresholds.get(name, 0.5) for name in outcome.test.classes])
        scores = probabilities(outcome.test.logits, kind, outcome.temperature, outcome.offset)
        silent: NDArray[np.bool_] = np.all(scores < least, axis=1)
        others.append(silent[outcome.test.truth < 0])
        known.append(silent[outcome.test.truth >= 0])
    rejected = np.concatenate(others)
    if not len(rejected):
        return None
    return Unknown(len(rejected), float(rejected.mean()), float(np.concatenate(known).mean()))


def _mistakes(tested: Predictions, scores: NDArray[np.float64]) -> tuple[Mistake, ...]:
    truth, said = tested.truth, scores.argmax(1)
    wrong = np.flatnonzero(said != truth)
    worst = sorted(wrong.tolist(), key=lambda row: (-scores[row, said[row]], tested.files[row]))[:_WORST]
    return tuple(
        Mistake(
            tested.files[row],
            tested.labels[row],
            tested.classes[said[row]],
            round(float(scores[row, said[row]]), 4),
            round(float(scores[row, truth[row]]), 4),
        )
        for row in worst
    )

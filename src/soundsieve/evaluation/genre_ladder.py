"""The leakage ladder of a table: every model under every way to divide it, so that one sees what a division is worth.

Two ways to say how sure a mean is, each with its own meaning. Where splits are drawn anew, Student's interval of the
mean over splits: what other draws from these very tracks would give. Where each row is tested once or the split is
fixed, the bootstrap over tracks: what other tracks would give.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from soundsieve.datasets.genre_table import Examples, GenreTable
from soundsieve.evaluation.genre_protocol import Division, Split, leaked
from soundsieve.inference.progress import CancelToken, Progress, check_cancel
from soundsieve.metrics import bootstrap_interval
from soundsieve.metrics.classification import mean_interval

Floats = NDArray[np.float64]


class Predict(Protocol):
    """A trained model."""

    def __call__(self, values: Floats, /) -> Floats:
        """Return a score of each class, shape (n, class), of rows (n, column)."""
        ...


class Learner(Protocol):
    """A way to train."""

    def __call__(self, train: Examples, validation: Examples, seed: int, /) -> Predict:
        """Train on rows, choosing by others."""
        ...


@dataclass(frozen=True)
class LadderRow:
    """One model under one division.

    Attributes:
        model: which.
        division: which.
        splits: how many trainings are behind it.
        tested: rows tested in each of them, on average.
        leaked: share of the tested rows with another row of their track in training.
        mean: share of the tested rows that were named rightly, 0 to 1.
        low, high: its 95 % interval.
        interval: of the mean over `splits`, or over `tracks`.
        by_track: share of the tracks named rightly when their rows' scores are averaged; `mean` where each has one.
        validation: the mean on the rows chosen by.
        of_splits: accuracy of each split.
    """

    model: str
    division: str
    splits: int
    tested: float
    leaked: float
    mean: float
    low: float
    high: float
    interval: Literal["splits", "tracks"]
    by_track: float
    validation: float
    of_splits: tuple[float, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def ladder(
    table: GenreTable,
    learners: Mapping[str, Learner],
    divisions: Sequence[Division],
    *,
    repeats: int = 1,
    seed: int = 0,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> tuple[LadderRow, ...]:
    """Train every model under every division.

    Args:
        table: descriptors.
        learners: name → way to train.
        divisions: from the most optimistic to the most honest.
        repeats: trainings on a fixed split, from as many seeds; the scores of a row are the means over them.
        seed: of the first training.
        progress: called after each training with how many are done, and of how many.
        cancel: stops it.

    Returns:
        A row for each division and model, divisions outermost.

    Raises:
        Cancelled: it was stopped.
    """
    total = len(learners) * sum(len(_runs(division, repeats)) for division in divisions)
    rows, done = [], 0
    for division in divisions:
        for name, learner in learners.items():
            runs = []
            for number, split in enumerate(_runs(division, repeats)):
                check_cancel(cancel)
                runs.append(_run(table, learner, split, seed + number))
                done += 1
                if progress is not None:
                    progress(done, total)
            rows.append(_row(table, name, division, runs))
    return tuple(rows)


@dataclass(frozen=True)
class _Run:
    split: Split
    right: NDArray[np.bool_]
    by_track: float
    validation: float


def _runs(division: Division, repeats: int) -> tuple[Split, ...]:
    return division.splits * (repeats if division.kind == "fixed" else 1)


def _run(table: GenreTable, learner: Learner, split: Split, seed: int) -> _Run:
    targets, owners = table.targets, np.array(table.groups)
    predict = learner(table.examples(split.train), table.examples(split.validation), seed)
    scores = predict(table.values[split.test])
    tracks, of_row = np.unique(owners[split.test], return_inverse=True)
    summed = np.zeros((len(tracks), scores.shape[1]))
    np.add.at(summed, of_row, scores)
    truth = np.zeros(len(tracks), np.int64)
    truth[of_row] = targets[split.test]
    return _Run(
        split,
        scores.argmax(1) == targets[split.test],
        float((summed.argmax(1) == truth).mean()),
        float((predict(table.values[split.validation]).argmax(1) == targets[split.validation]).mean()),
    )


def _row(table: GenreTable, name: str, division: Division, runs: Sequence[_Run]) -> LadderRow:
    of_splits = tuple(float(run.right.mean()) for run in runs)
    tested = np.concatenate([run.split.test for run in runs])
    right = np.concatenate([run.right for run in runs]).astype(float)
    over_splits = division.kind == "repeated" and len(runs) > 1
    if over_splits:
        mean = float(np.mean(of_splits))
        low, high = mean_interval(of_splits)
    else:
        mean = float(right.mean())
        low, high = bootstrap_interval(right, groups=np.array(table.groups)[tested])
    return LadderRow(
        model=name,
        division=division.name,
        splits=len(runs),
        tested=len(tested) / len(runs),
        leaked=float(np.mean([leaked(table, run.split) for run in runs])),
        mean=mean,
        low=low,
        high=high,
        interval="splits" if over_splits else "tracks",
        by_track=float(np.mean([run.by_track for run in runs])),
        validation=float(np.mean([run.validation for run in runs])),
        of_splits=of_splits,
    )

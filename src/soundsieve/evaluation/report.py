"""From measurements to a report: means, medians and intervals, per condition and per class, beside their protocol."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from soundsieve.evaluation.plain_values import plain_values
from soundsieve.evaluation.presence import SILENCE_DB, Level, area_under_curve
from soundsieve.evaluation.report_folder import check_folder, write_report
from soundsieve.evaluation.select import KEEP, TASKS, UNSEEN, Evaluation, Score
from soundsieve.metrics import bootstrap_interval, reweighted_interval

DEFINITIONS = {
    "SDR": "10·log10(‖x‖² / ‖x − x̂‖²), no distortion allowed; SI-SDR: the same after the best scaling of x",
    "gain": "improvement: SDR of the estimate − SDR of the mixture; the mixture handed back unchanged gains 0 dB",
    "keep": "asked for the wanted classes; x = the wanted classes' events",
    "remove directly": "asked for all other classes; x = mixture − wanted, so the background counts as missing",
    "remove by subtraction": "mixture − the estimate of keep; x = mixture − wanted",
    "silence": "what handing back nothing would score: it has an SDR of 0 dB, so it 'improves' every input below 0 dB",
    "ideal mask": "|x|² / (|x|² + |mixture − x|²) of the true x on an STFT of 1024 samples, hop 512: a ceiling",
    "interval": "95 % percentile bootstrap of the mean, whole mixtures resampled",
    "by recording": "95 % interval of the mean SDR gain had other recordings of the wanted classes been tested",
}


@dataclass(frozen=True)
class Gain:
    """An improvement in dB: mean, median and the 95 % interval of the mean."""

    mean: float
    median: float
    low: float
    high: float


@dataclass(frozen=True)
class Summary:
    """Many queries in a few numbers, in dB.

    Attributes:
        queries: How many queries.
        mixtures: Of how many mixtures.
        unanswered: How many got silence; these have no SI-SDR and are left out of it, but count in the SDR.
        input_sdr: Mean SDR of the mixture.
        output_sdr: Mean SDR of the estimate.
        sdr: SDR improvement.
        by_recording: Its interval when the wanted recordings, not the mixtures, are resampled.
        si_sdr: SI-SDR improvement.
        silence: Mean SDR improvement of silence.
        ideal_sdr: Mean SDR improvement of the ideal ratio mask.
        ideal_si_sdr: Mean SI-SDR improvement of the ideal ratio mask.
    """

    queries: int
    mixtures: int
    unanswered: int
    input_sdr: float
    output_sdr: float
    sdr: Gain
    by_recording: tuple[float, float]
    si_sdr: Gain
    silence: float
    ideal_sdr: float
    ideal_si_sdr: float


@dataclass(frozen=True)
class ConditionRow:
    """One condition and task."""

    recordings: str
    condition: str
    task: str
    summary: Summary


@dataclass(frozen=True)
class ClassRow:
    """One class, kept alone out of mixtures of the tested recordings.

    Attributes:
        label: The class.
        summary: Its queries.
        absent_db: Median level of the estimate where the class is absent.
        auc: Chance that its level is higher where it is present.
    """

    label: str
    summary: Summary
    absent_db: float
    auc: float


@dataclass(frozen=True)
class Leakage:
    """What is handed over when an absent class is asked for, and how well its level tells it from a present one.

    Attributes:
        recordings: `unseen` or `seen`.
        queries: How many absent classes were asked for.
        median_db: Median energy of the estimate against the mixture.
        high_db: Its 95th percentile.
        silenced: Share of the queries that were answered with silence.
        present_median_db: The median where the class is present.
        present_low_db: The 5th percentile where it is present.
        auc: Chance that a present class has the higher level, all classes together.
        auc_per_class: The mean of each class's own.
    """

    recordings: str
    queries: int
    median_db: float
    high_db: float
    silenced: float
    present_median_db: float
    present_low_db: float
    auc: float
    auc_per_class: float


@dataclass(frozen=True)
class Report:
    """An evaluation, summarised.

    Attributes:
        protocol: What was measured, on what, how: everything needed to repeat it.
        conditions: One row for each condition and task.
        classes: One row for each class, from the condition "one class" with the most classes in a mixture.
        leakage: Absent classes, on unseen and on seen recordings.
        evaluation: The single measurements.
    """

    protocol: Mapping[str, Any]
    conditions: tuple[ConditionRow, ...]
    classes: tuple[ClassRow, ...]
    leakage: tuple[Leakage, ...]
    evaluation: Evaluation

    @property
    def recordings(self) -> str:
        """What the recordings under test are called; `seen` ones stand beside them for comparison."""
        return self.conditions[0].recordings if self.conditions else UNSEEN

    def to_json(self) -> dict[str, Any]:
        """Plain values; a number that does not exist is None."""
        tables = {name: [asdict(row) for row in getattr(self, name)] for name in ("conditions", "classes", "leakage")}
        result: dict[str, Any] = plain_values(
            {"protocol": dict(self.protocol), "units": "dB", "definitions": DEFINITIONS, **tables}, _number
        )
        return result

    def save(self, folder: Path, *, force: bool = False) -> list[Path]:
        """Write report.json and the figures.

        Raises:
            OutputError: when the folder holds a report already and `force` is not set, or cannot be written.
            MissingExtraError: when matplotlib is not installed.
        """
        from soundsieve.evaluation import figures

        check_folder(folder, force=force)
        return write_report(folder, self.to_json(), figures.draw(self))


def summarise(evaluation: Evaluation, protocol: Mapping[str, Any]) -> Report:
    """Summarise an evaluation; `protocol` is printed beside the numbers."""
    asked = dict.fromkeys((s.recordings, s.condition) for s in evaluation.scores)
    of_row: dict[tuple[str, str, str], list[Score]] = {(*row, task): [] for row in asked for task in TASKS}
    for score in evaluation.scores:
        of_row[score.recordings, score.condition, score.task].append(score)
    conditions = [ConditionRow(*row, summary(scores)) for row, scores in of_row.items() if scores]
    leakage = [
        _leakage(name, [level for level in evaluation.levels if level.recordings == name])
        for name in dict.fromkeys(level.recordings for level in evaluation.levels)
    ]
    return Report(protocol, tuple(conditions), _class_rows(evaluation), tuple(leakage), evaluation)


def summary(scores: Sequence[Score]) -> Summary:
    """Summarise scores of one kind."""
    table = {name: np.array([getattr(s, name) for s in scores]) for name in _LEVELS}
    mixtures = np.array([s.mixture for s in scores])
    return Summary(
        queries=len(scores),
        mixtures=len(set(mixtures.tolist())),
        unanswered=int(np.isnan(table["si_sdr"]).sum()),
        input_sdr=_mean(table["input_sdr"]),
        output_sdr=_mean(table["sdr"]),
        sdr=_gain(table["sdr"] - table["input_sdr"], mixtures),
        by_recording=reweighted_interval(table["sdr"] - table["input_sdr"], members=[s.heard_in for s in scores]),
        si_sdr=_gain(table["si_sdr"] - table["input_si_sdr"], mixtures),
        silence=_mean(-table["input_sdr"]),
        ideal_sdr=_mean(table["ideal_sdr"] - table["input_sdr"]),
        ideal_si_sdr=_mean(table["ideal_si_sdr"] - table["input_si_sdr"]),
    )


_LEVELS = ("input_sdr", "sdr", "ideal_sdr", "input_si_sdr", "si_sdr", "ideal_si_sdr")


def _gain(values: np.ndarray[tuple[int], np.dtype[np.float64]], groups: np.ndarray[Any, Any]) -> Gain:
    known = values[~np.isnan(values)]
    median = float(np.median(known)) if len(known) else math.nan
    return Gain(_mean(values), median, *bootstrap_interval(values, groups=groups))


def _mean(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else math.nan


def _class_rows(evaluation: Evaluation) -> tuple[ClassRow, ...]:
    if not evaluation.scores:
        return ()
    tested = evaluation.scores[0].recordings
    single = [s for s in evaluation.scores if len(s.wanted) == 1 and s.task == KEEP and s.recordings == tested]
    richest = [s for s in single if s.condition == single[-1].condition]
    rows = []
    for label in sorted({s.wanted[0] for s in richest}):
        levels = [x for x in evaluation.levels if x.label == label and x.recordings == tested]
        absent = np.array([x.level_db for x in levels if not x.present])
        auc = area_under_curve([x.level_db for x in levels], [x.present for x in levels])
        own = summary([s for s in richest if s.wanted[0] == label])
        rows.append(ClassRow(label, own, _quantile(absent, 0.5), auc))
    return tuple(rows)


def _leakage(recordings: str, levels: Sequence[Level]) -> Leakage:
    x = np.array([level.level_db for level in levels])
    present = np.array([level.present for level in levels])
    labels = np.array([level.label for level in levels])
    own = [area_under_curve(x[labels == label], present[labels == label]) for label in sorted(set(labels.tolist()))]
    return Leakage(
        recordings=recordings,
        queries=int((~present).sum()),
        median_db=_quantile(x[~present], 0.5),
        high_db=_quantile(x[~present], 0.95),
        silenced=_mean((x[~present] <= SILENCE_DB).astype(np.float64)),
        present_median_db=_quantile(x[present], 0.5),
        present_low_db=_quantile(x[present], 0.05),
        auc=area_under_curve(x, present),
        auc_per_class=_mean(np.array(own)),
    )


def _quantile(values: np.ndarray[Any, np.dtype[np.float64]], share: float) -> float:
    return float(np.quantile(values, share)) if len(values) else math.nan


def _number(value: float) -> float | None:
    """JSON has no NaN: what does not exist is None."""
    return round(value, 4) if math.isfinite(value) else None

"""From the figures of videos to those of objects, pairs of objects, rules and maps."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from soundsieve.evaluation.watch_report import FalseRow, LabelRow, MapAccuracy, ObjectRow, Over, WatchEvaluation
from soundsieve.evaluation.watch_scores import (
    ENGINE,
    GAINS,
    MEASURES,
    MIXTURE,
    ORACLE,
    RULES,
    SYSTEMS,
    MapScores,
    ObjectScores,
    VideoScores,
)
from soundsieve.metrics import bootstrap_interval


@dataclass(frozen=True)
class _Scored:
    """An object with the figures of all systems."""

    video: int
    label: str
    by: Mapping[str, ObjectScores]

    @property
    def found(self) -> bool:
        return self.by[ENGINE].found


def summarise(
    videos: Sequence[VideoScores], protocol: Mapping[str, Any], *, failed: Sequence[tuple[str, str]] = ()
) -> WatchEvaluation:
    """Summarise videos; `protocol` is printed beside the numbers.

    Args:
        videos: One or more, all measured with one engine.
        protocol: What was measured, on what, how.
        failed: Videos that could not be measured, and why.
    """
    scored = [
        _Scored(number, label, {score.system: score for score in video.scores if score.label == label})
        for number, video in enumerate(videos)
        for label in dict.fromkeys(score.label for score in video.scores)
    ]
    by_label: dict[str, list[_Scored]] = {}
    by_pair: dict[str, list[_Scored]] = {}
    for number in range(len(videos)):
        here = {each.label: each for each in scored if each.video == number}
        for label in sorted(here):
            by_label.setdefault(label, []).append(here[label])
        for one, other in combinations(sorted(here), 2):
            by_pair.setdefault(f"{one} + {other}", []).extend([here[one], here[other]])
    return WatchEvaluation(
        protocol=protocol,
        overall=_row("all", scored),
        labels=tuple(_row(name, by_label[name]) for name in sorted(by_label)),
        pairs=tuple(_row(name, by_pair[name]) for name in sorted(by_pair)),
        seeing=tuple(row for rule in RULES for row in _seeing(rule, videos)),
        false=tuple(row for visible in (True, False) for row in _false(visible, videos)),
        base_map=_base_map(videos),
        alone=sum(not video.scores for video in videos),
        videos=tuple(videos),
        failed=tuple(failed),
    )


def _row(name: str, scored: Sequence[_Scored]) -> ObjectRow:
    found = [each for each in scored if each.found]

    def over(chosen: Sequence[_Scored], value: Callable[[_Scored], float]) -> Over:
        return _over([value(each) for each in chosen], [each.video for each in chosen])

    def level(system: str, measure: str, chosen: Sequence[_Scored]) -> Over:
        return over(chosen, lambda each: float(getattr(each.by[system], measure)))

    def gain(system: str, measure: str, chosen: Sequence[_Scored], floor: str = MIXTURE) -> Over:
        return over(chosen, lambda each: getattr(each.by[system], measure) - getattr(each.by[floor], measure))

    better = [system for system in SYSTEMS if system != MIXTURE]
    return ObjectRow(
        name=name,
        videos=len({each.video for each in scored}),
        objects=len(scored),
        missed=len(scored) - len(found),
        levels={system: {measure: level(system, measure, found) for measure in MEASURES} for system in SYSTEMS},
        gains={system: {measure: gain(system, measure, found) for measure in GAINS} for system in better},
        below_oracle=gain(ENGINE, "sdr", found, ORACLE),
        all_levels={system: level(system, "sdr", scored) for system in SYSTEMS},
        all_gains={system: gain(system, "sdr", scored) for system in better},
    )


def _seeing(rule: str, videos: Sequence[VideoScores]) -> list[LabelRow]:
    looked = [(set(video.seen[rule]), set(video.visible)) for video in videos if rule in video.seen]
    if not looked:
        return []
    right = sum(len(seen & visible) for seen, visible in looked)
    wrong = sum(len(seen - visible) for seen, visible in looked)
    missed = sum(len(visible - seen) for seen, visible in looked)
    return [
        LabelRow(
            rule=rule,
            videos=len(looked),
            right=right,
            wrong=wrong,
            missed=missed,
            precision=_share(right, right + wrong),
            recall=_share(right, right + missed),
            f1=_share(2 * right, 2 * right + wrong + missed),
            whole=_share(sum(seen == visible for seen, visible in looked), len(looked)),
        )
    ]


def _false(visible: bool, videos: Sequence[VideoScores]) -> list[FalseRow]:
    levels, owners = [], []
    for number, video in enumerate(videos):
        for track in video.false:
            if track.visible == visible:
                levels.append(track.level_db)
                owners.append(number)
    if not levels:
        return []
    quiet = sum(level < -20 for level in levels)
    return [FalseRow("visible" if visible else "not there", _over(levels, owners), quiet / len(levels))]


def _base_map(videos: Sequence[VideoScores]) -> MapAccuracy | None:
    known = [video.base_map for video in videos if video.base_map is not None]
    if not known:
        return None
    total = sum(known, start=MapScores())
    return MapAccuracy(
        bases=total.bases,
        right=_share(total.right, total.bases),
        right_energy=_share(total.right_energy, total.energy),
        rest=_share(total.rest, total.bases),
        guess=_share(total.guess, total.bases),
        foreign=total.foreign,
        foreign_taken=_share(total.foreign_taken, total.foreign),
    )


def _over(values: Sequence[float], videos: Sequence[int]) -> Over:
    x, owner = np.array(values, np.float64), np.array(videos, np.int64)
    known = ~np.isnan(x)
    x, owner = x[known], owner[known]
    if not len(x):
        return Over(math.nan, math.nan, math.nan, math.nan, 0)
    several = len(set(owner.tolist())) > 1  # one video says nothing about others
    low, high = bootstrap_interval(x, groups=owner) if several else (math.nan, math.nan)
    return Over(float(np.median(x)), float(x.mean()), low, high, len(x))


def _share(part: float, whole: float) -> float:
    return part / whole if whole else math.nan

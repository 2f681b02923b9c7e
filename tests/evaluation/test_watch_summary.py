"""From videos to tables: every figure of a summary is one that can be worked out by hand."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest

from soundsieve.evaluation.watch_scores import (
    ENGINE,
    SYSTEMS,
    FalseSound,
    MapScores,
    ObjectScores,
    VideoScores,
)
from soundsieve.evaluation.watch_summary import summarise
from soundsieve.evaluation.watch_tables import objects_csv

NONE = math.nan
LEVELS = {"mixture": 0.0, "true choice": 8.0, "oracle bases": 10.0, "ideal mask": 12.0}


def video(name: str, engine: dict[str, float | None], **more: object) -> VideoScores:
    """A video whose objects the engine scores so; None where it was not told of one."""
    scores = []
    for label, value in engine.items():
        for system in SYSTEMS:
            level = LEVELS.get(system, 0.0 if value is None else value)
            rest = NONE if system == ENGINE and value is None else level + 1
            scores.append(ObjectScores(label, system, value is not None, level, rest, rest, rest, rest))
    told = tuple(label for label, value in engine.items() if value is not None)
    made = VideoScores(
        name, (name,), tuple(sorted(engine)), tuple(sorted(engine)), told, {}, False, 10.0, 2.0, tuple(scores), ()
    )
    return replace(made, **more)  # type: ignore[arg-type]


def test_levels_gains_and_what_is_missed() -> None:
    found = summarise([video("a", {"dog": 6.0, "car": 2.0}), video("b", {"dog": 4.0, "cat": None})], {})
    all_of = found.overall
    assert (all_of.objects, all_of.missed, all_of.videos) == (4, 1, 2)
    ours = all_of.levels[ENGINE]["sdr"]
    assert (ours.median, ours.mean, ours.objects) == (4.0, 4.0, 3)
    assert (ours.low, ours.high) == (4.0, 4.0)  # both videos have the same mean
    assert all_of.gains[ENGINE]["sdr"].mean == 4.0
    assert all_of.levels[ENGINE]["sir"].mean == 5.0
    assert "sar" not in all_of.gains[ENGINE]
    assert all_of.below_oracle.mean == -6.0
    assert all_of.all_levels[ENGINE].mean == 3.0  # the cat's track is silence, 0 dB
    assert (found.compute_s, found.duration_s) == (4.0, 20.0)
    dog, cat = (next(row for row in found.labels if row.name == name) for name in ("dog", "cat"))
    assert (dog.videos, dog.levels[ENGINE]["sdr"].mean, dog.gains["oracle bases"]["sdr"].mean) == (2, 5.0, 10.0)
    assert (dog.levels[ENGINE]["sdr"].low, dog.levels[ENGINE]["sdr"].high) == (4.0, 6.0)
    assert (cat.missed, math.isnan(cat.levels[ENGINE]["sdr"].mean), cat.all_levels[ENGINE].mean) == (1, True, 0.0)
    assert {row.name: row.levels[ENGINE]["sdr"].mean for row in found.pairs} == {"car + dog": 4.0, "cat + dog": 4.0}
    assert len(objects_csv(found).splitlines()) == 1 + 4 * len(SYSTEMS)


def test_three_objects_are_three_pairs() -> None:
    found = summarise([video("a", {"dog": 6.0, "car": 2.0, "cat": 1.0})], {})
    assert [row.name for row in found.pairs] == ["car + cat", "car + dog", "cat + dog"]
    assert math.isnan(found.overall.levels[ENGINE]["sdr"].low)  # one video says nothing about others


def test_what_is_seen() -> None:
    one = video("a", {"dog": 1.0, "car": 1.0}, seen={"evidence": ("car", "dog"), "published": ("cat", "dog")})
    two = video("b", {"dog": 1.0, "cat": 1.0}, seen={"evidence": ("dog",), "published": ("cat", "dog", "car")})
    evidence, published = summarise([one, two], {}).seeing
    assert (evidence.right, evidence.wrong, evidence.missed, evidence.precision) == (3, 0, 1, 1.0)
    assert (evidence.recall, evidence.f1, evidence.whole) == (0.75, pytest.approx(6 / 7), 0.5)
    assert (published.right, published.wrong, published.missed, published.whole) == (3, 2, 1, 0.0)
    assert published.precision == 0.6


def test_false_sound_and_maps() -> None:
    one = video("a", {"dog": 1.0, "car": 1.0}, false=(FalseSound("cat", True, -30.0),))
    one = replace(one, base_map=MapScores(10, 6, 1, 5, 100.0, 80.0, 5, 1))
    two = video("b", {"dog": 1.0, "car": 1.0}, false=(FalseSound("cat", True, -10.0), FalseSound("harp", False, -6.0)))
    two = replace(two, base_map=MapScores(10, 8, 1, 5, 300.0, 300.0))
    found = summarise([one, two, video("c", {})], {})
    visible, absent = found.false
    assert (visible.kind, visible.level.mean, visible.silent) == ("visible", -20.0, 0.5)
    assert (absent.kind, absent.level.objects, absent.silent) == ("not there", 1, 0.0)
    base_map = found.base_map
    assert base_map is not None
    assert (base_map.bases, base_map.right, base_map.right_energy, base_map.rest) == (20, 0.7, 0.95, 0.1)
    assert (base_map.guess, base_map.foreign, base_map.foreign_taken) == (0.5, 5, 0.2)
    assert found.alone == 1
    json.dumps(found.to_json(), allow_nan=False)

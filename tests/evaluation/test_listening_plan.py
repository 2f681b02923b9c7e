from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from soundsieve.errors import SettingsError
from soundsieve.evaluation.listening_material import Item, Material, Question
from soundsieve.evaluation.listening_plan import plan_trials

ITEMS = tuple(Item(name, Path(name)) for name in "abc")
QUESTIONS = tuple(
    Question(f"song {k}", stem, ITEMS, reference=Path("r"), mixture=Path("m")) for k in range(4) for stem in ("x", "y")
)
MATERIAL = Material(("a", "b", "c"), QUESTIONS)


def test_a_listener_has_the_same_trials_every_time_and_nobody_else_has_them() -> None:
    first = plan_trials(MATERIAL, "Vera", seed=3)
    assert plan_trials(MATERIAL, "Vera", seed=3) == first
    assert plan_trials(MATERIAL, "Wim", seed=3) != first
    assert plan_trials(MATERIAL, "Vera", seed=4) != first


def test_every_stem_comes_once_with_every_system_and_the_hidden_reference() -> None:
    trials = plan_trials(MATERIAL, "Vera")
    assert sorted(trial.key for trial in trials) == sorted((q.song, q.stem) for q in QUESTIONS)
    assert [trial.number for trial in trials] == list(range(1, 9))
    assert {tuple(sorted(item.system for item in trial.order)) for trial in trials} == {("a", "b", "c", "reference")}


def test_every_system_stands_in_every_place_equally_often() -> None:
    for listener in ("Vera", "Wim", "Xenia"):
        trials = plan_trials(MATERIAL, listener, seed=1)
        places = Counter((item.system, place) for trial in trials for place, item in enumerate(trial.order))
        assert len(places) == 16
        assert set(places.values()) == {2}  # 8 trials, 4 places


def test_over_listeners_every_stem_comes_first_and_neighbours_change() -> None:
    plans = [plan_trials(MATERIAL, f"listener {k}") for k in range(200)]
    firsts = Counter(plan[0].key for plan in plans)
    assert len(firsts) == 8
    assert max(firsts.values()) < 50  # 25 expected
    orders = Counter(tuple(item.system for item in plan[0].order) for plan in plans)
    assert len(orders) > 15  # of 24


def test_the_mixture_is_rated_only_where_asked_for() -> None:
    trials = plan_trials(MATERIAL, "Vera", anchor=True)
    assert all("mixture" in {item.system for item in trial.order} for trial in trials)
    without = Material(("a",), (replace(QUESTIONS[0], mixture=None),))
    with pytest.raises(
        SettingsError, match=r"song 0: there is no mixture to be the anchor; expected mixture/song 0\.wav"
    ):
        plan_trials(without, "Vera", anchor=True)


def test_at_most_so_many_trials_drawn_for_each_listener() -> None:
    plans = [plan_trials(MATERIAL, f"listener {k}", most=2) for k in range(60)]
    assert {len(plan) for plan in plans} == {2}
    assert len({trial.key for plan in plans for trial in plan}) == 8
    with pytest.raises(SettingsError, match="trials = 0"):
        plan_trials(MATERIAL, "Vera", most=0)

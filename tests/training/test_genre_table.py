from __future__ import annotations

import sys

import numpy as np
import pytest
import torch

from soundsieve import models
from soundsieve.datasets.genre_table import Examples
from soundsieve.errors import DatasetError, MissingExtraError, SettingsError, UnknownNameError
from soundsieve.training import genre_baselines, genre_table
from soundsieve.training.genre_table import TableTraining

FAST = TableTraining(epochs=30, batch=16, learning_rate=3e-3)


def clouds(seed: int, rows: int = 90) -> Examples:
    """Three clouds of points in four columns: two that tell them apart, a huge one that is noise, a constant one."""
    rng = np.random.default_rng(seed)
    targets = np.arange(rows) % 3
    centres = np.array([[0.0, 0.0], [4.0, 0.0], [0.0, 4.0]])
    told = centres[targets] + rng.standard_normal((rows, 2)) * 0.5
    values = np.column_stack([told, 1e6 * rng.standard_normal(rows), np.full(rows, 661_794.0)])
    return Examples(values, targets.astype(np.int64), 3, ("a", "b", "noise", "length"))


def accuracy(predict: object, examples: Examples) -> float:
    scores = predict(examples.values)  # type: ignore[operator]
    assert scores.shape == (len(examples.values), examples.classes)
    return float((scores.argmax(1) == examples.targets).mean())


@pytest.mark.parametrize("name", models.names("genre"))
def test_every_network_tells_clouds_apart(name: str) -> None:
    settings = FAST.model_copy(update={"views": ("plain", "plain")}) if name == "genre_committee" else FAST
    run = genre_table.train(name, {}, clouds(0), clouds(1), settings)
    assert accuracy(run, clouds(2)) >= 0.95
    np.testing.assert_allclose(np.exp(run(clouds(2).values)).sum(1), 1, atol=1e-5)


@pytest.mark.parametrize("levels", ["log", "level-free"])
def test_levels_are_taken_as_asked(levels: str) -> None:
    """Rows that differ in loudness alone: seen by logarithms, not without the level."""
    rng = np.random.default_rng(0)
    targets = np.arange(90) % 3
    rms = 10.0**-targets * rng.uniform(0.8, 1.2, 90)
    values = np.column_stack([rms, rms**2 * rng.uniform(0.5, 2, 90), rng.standard_normal(90)])
    loud = Examples(values, targets.astype(np.int64), 3, ("rms_mean", "rms_var", "mfcc2_mean"))
    settings = FAST.model_copy(update={"views": (levels,)})
    found = accuracy(genre_table.train("genre_mlp", {}, loud, loud, settings), loud)
    assert found > 0.95 if levels == "log" else found < 0.8


def test_length_is_no_clue() -> None:
    run = genre_table.train("genre_mlp", {}, clouds(0), clouds(1), FAST)
    other = clouds(2).values
    other[:, 3] = 66_149
    np.testing.assert_array_equal(run(other), run(clouds(2).values))


def test_a_seed_decides_everything_and_leaves_the_callers_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    one, same, other = (genre_table.train("genre_mlp", {}, clouds(0), clouds(1), FAST, seed=s) for s in (0, 0, 1))
    assert torch.rand(1) == expected
    np.testing.assert_array_equal(one(clouds(2).values), same(clouds(2).values))
    assert np.abs(one(clouds(2).values) - other(clouds(2).values)).max() > 1e-4


def test_curves_have_a_value_an_epoch_and_fall() -> None:
    run = genre_table.train("genre_mlp", {}, clouds(0), clouds(1), FAST)
    assert {len(curve) for curve in run.curves.values()} == {30}
    assert run.curves["train loss"][-1] < 0.5 * run.curves["train loss"][0]


def test_the_best_epoch_is_that_of_the_choosing_rows() -> None:
    """Labels turned round in the rows to choose by: the less is learnt, the better."""
    wrong = clouds(1)
    turned = Examples(wrong.values, (wrong.targets + 1) % 3, 3, wrong.columns)
    slow = TableTraining(epochs=40, batch=16, learning_rate=2e-4)
    best = genre_table.train("genre_mlp", {}, clouds(0), turned, slow.model_copy(update={"keep": "best"}))
    last = genre_table.train("genre_mlp", {}, clouds(0), turned, slow)
    assert accuracy(best, turned) == max(best.curves["validation accuracy"])
    assert accuracy(last, turned) == last.curves["validation accuracy"][-1] < accuracy(best, turned)


def test_a_penalty_makes_weights_smaller() -> None:
    plain = genre_table.train("genre_mlp", {}, clouds(0), clouds(1), FAST).model
    for penalty in ("l1", "l2"):
        hyper = {"penalty": penalty, "strength": 0.01}
        punished = genre_table.train("genre_mlp", hyper, clouds(0), clouds(1), FAST).model
        assert punished.second.weight.abs().sum() < 0.8 * plain.second.weight.abs().sum()


def test_fewer_rows_than_a_batch_are_refused() -> None:
    with pytest.raises(DatasetError, match="9 rows to learn from: expected at least a batch of 16"):
        genre_table.train("genre_mlp", {}, clouds(0, rows=9), clouds(1), FAST)


def test_wrong_names_and_settings_are_refused() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'genre_mlp'"):
        genre_table.train("genre_mpl", {}, clouds(0), clouds(1), FAST)
    with pytest.raises(SettingsError, match="unknown key 'wide'"):
        genre_table.train("genre_mlp", {"wide": 3}, clouds(0), clouds(1), FAST)


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("name", genre_baselines.names())
def test_every_baseline_tells_clouds_apart(name: str, log: bool) -> None:
    pytest.importorskip("sklearn")
    assert accuracy(genre_baselines.learner(name, log=log)(clouds(0), clouds(1), 0), clouds(2)) >= 0.95


def test_a_baseline_gives_a_class_that_it_never_saw_no_chance() -> None:
    pytest.importorskip("sklearn")
    four = Examples(clouds(0).values, clouds(0).targets, 4, clouds(0).columns)
    for name in ("svm", "logistic"):
        scores = genre_baselines.learner(name)(four, four, 0)(clouds(2).values)
        assert scores.shape == (90, 4)
        assert (scores[:, 3] == -np.inf).all()


def test_an_unknown_baseline_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="choose from discriminant, forest, logistic, svm, trees"):
        genre_baselines.learner("zzz")


def test_without_scikit_learn_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'soundsieve\[baselines\]'"):
        genre_baselines.learner("svm")

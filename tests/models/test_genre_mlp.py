"""The study's perceptron and 1-D network: sizes, penalties, order of the layers."""

import pytest
import torch

from soundsieve import models
from soundsieve.errors import SettingsError
from soundsieve.models.genre_mlp import VARIANTS, GenreMLP, GenreMLPSettings


@pytest.mark.parametrize(("columns", "expected"), [(57, 49_546), (58, 49_802)])
def test_parameters_of_the_perceptron(columns: int, expected: int) -> None:
    """57·256 + 256 + 2·256 + 256·128 + 128 + 128·10 + 10, and 256 more for a column more."""
    model = models.build("genre_mlp", {"columns": columns}, 10)
    assert sum(p.numel() for p in model.parameters()) == expected


@pytest.mark.parametrize(("columns", "expected"), [(57, 64_394), (58, 64_394), (60, 68_490)])
def test_parameters_of_the_1d_network(columns: int, expected: int) -> None:
    """32·3 + 32 + 64·32·3 + 64 + 64·14·64 + 64 + 64·10 + 10; two pools drop what does not fill them."""
    model = models.build("genre_cnn1d", {"columns": columns}, 10)
    assert sum(p.numel() for p in model.parameters()) == expected


@torch.no_grad()
def test_the_perceptron_is_the_studys_formula() -> None:
    model = GenreMLP(GenreMLPSettings(columns=4, hidden=(3, 2)), 5).eval()
    model.norm.running_mean.normal_()
    model.norm.running_var.uniform_(0.5, 2)
    rows = torch.randn(6, 4)
    hidden = (rows @ model.first.weight.T + model.first.bias).relu()
    hidden = (hidden - model.norm.running_mean) / (model.norm.running_var + model.norm.eps).sqrt()
    hidden = (hidden @ model.second.weight.T + model.second.bias).relu()
    torch.testing.assert_close(model(rows), hidden @ model.last.weight.T + model.last.bias)


@pytest.mark.parametrize(
    ("variant", "expected"),
    [
        ("base", 0.0),
        ("l1 on both", 5e-4 * (2 * 12 + 3 * 6)),
        ("l2 on both", 5e-4 * (4 * 12 + 9 * 6)),
        ("l2 on the second", 5e-4 * 9 * 6),
    ],
)
def test_each_variant_punishes_the_weights_it_says(variant: str, expected: float) -> None:
    model = models.build("genre_mlp", {**VARIANTS[variant], "columns": 4, "hidden": [3, 2]}, 5)
    torch.nn.init.constant_(model.first.weight, -2.0)  # 12 of them
    torch.nn.init.constant_(model.second.weight, 3.0)  # 6 of them
    torch.nn.init.constant_(model.last.weight, 100.0)
    assert model.penalty().item() == pytest.approx(expected)


@pytest.mark.parametrize(
    ("name", "wrong", "sentence"),
    [
        ("genre_mlp", {"columns": 0}, "columns = 0"),
        ("genre_mlp", {"penalty": "l3"}, "penalty = 'l3'"),
        ("genre_mlp", {"dropout": 1}, "dropout = 1"),
        ("genre_cnn1d", {"columns": 3}, "columns = 3"),
    ],
)
def test_impossible_hyper_parameters_are_refused(name: str, wrong: dict[str, object], sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        models.build(name, wrong, 10)

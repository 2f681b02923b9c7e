"""The study's network on embeddings: its size, its formula, its penalty."""

import pytest
import torch

from soundsieve import models
from soundsieve.errors import SettingsError
from soundsieve.models._table import Punishes
from soundsieve.models.genre_vggish import GenreVGGish, GenreVGGishSettings


def test_parameters() -> None:
    """128·128 + 128 + 2·128 + 128·64 + 64 + 64·16 + 16 + 16·10 + 10."""
    model = models.build("genre_vggish", {}, 10)
    assert sum(p.numel() for p in model.parameters()) == 26_234


@torch.no_grad()
def test_it_is_the_studys_formula() -> None:
    model = GenreVGGish(GenreVGGishSettings(columns=4, hidden=(6, 5, 3)), 2).eval()
    model.norm.running_mean.normal_()
    model.norm.running_var.uniform_(0.5, 2)
    rows = torch.randn(6, 4)
    hidden = (rows @ model.first.weight.T + model.first.bias).relu()
    hidden = (hidden - model.norm.running_mean) / (model.norm.running_var + model.norm.eps).sqrt()
    hidden = (hidden @ model.second.weight.T + model.second.bias).relu()
    hidden = (hidden @ model.third.weight.T + model.third.bias).relu()
    torch.testing.assert_close(model(rows), hidden @ model.last.weight.T + model.last.bias)


@torch.no_grad()
def test_half_of_the_second_and_third_layer_drop_out_in_training() -> None:
    model = GenreVGGish(GenreVGGishSettings(columns=2, hidden=(4, 1000, 1)), 1).train()
    for layer in (model.first, model.second, model.third, model.last):
        torch.nn.init.zeros_(layer.weight)
        torch.nn.init.ones_(layer.bias)
    torch.nn.init.constant_(model.third.weight, 1e-3)
    model.third.bias.zero_()
    model.last.weight.fill_(1.0)
    model.last.bias.zero_()
    torch.manual_seed(0)
    found = model(torch.zeros(400, 2))[:, 0]  # the mean of 1000 units of 2 or 0, times 2 or 0
    dropped = found == 0
    assert 0.4 < dropped.float().mean() < 0.6
    assert (found[~dropped] - 2).abs().max() < 0.3
    assert found[~dropped].std() > 0.02


def test_the_weights_of_hidden_layers_are_punished() -> None:
    model = models.build("genre_vggish", {"columns": 4, "hidden": [3, 2, 5]}, 7)
    assert isinstance(model, Punishes)
    for layer, value in ((model.first, -2.0), (model.second, 3.0), (model.third, 1.0), (model.last, 100.0)):
        torch.nn.init.constant_(layer.weight, value)
    assert model.penalty().item() == pytest.approx(5e-4 * (4 * 12 + 9 * 6 + 10))
    model.penalty().backward()
    torch.testing.assert_close(model.second.weight.grad, torch.full((2, 3), 2 * 5e-4 * 3))
    assert models.build("genre_vggish", {"strength": 0}, 10).penalty().item() == 0


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"hidden": [128, 64]}, "hidden.2"),
        ({"hidden": [128, 64, 0]}, "hidden.2 = 0"),
        ({"dropout": 1}, "dropout = 1"),
        ({"strength": -1}, "strength = -1"),
    ],
)
def test_impossible_hyper_parameters_are_refused(wrong: dict[str, object], sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        models.build("genre_vggish", wrong, 10)

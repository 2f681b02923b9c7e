"""The network of bases and objects: the paper's sizes, its map by the plain formula, bases that stay apart."""

import pytest
import torch

from soundsieve.errors import SettingsError
from soundsieve.models.miml import MIML, MIMLSettings, bag_scores

SMALL = MIMLSettings(bins=20, hidden=12, sub_concepts=3)


@pytest.fixture
def model() -> MIML:
    torch.manual_seed(0)
    model = MIML(SMALL, classes=5)
    for norm in (model.first_norm, model.second_norm):
        norm.running_mean.normal_(0, 0.1)
        norm.running_var.uniform_(0.01, 0.1)
    return model.eval()


@pytest.mark.parametrize(("labels", "parameters"), [(23, 2_556_180), (15, 2_523_316)])
def test_the_paper_s_network_has_the_paper_s_size(labels: int, parameters: int) -> None:
    model = MIML(MIMLSettings(), labels)
    assert sum(parameter.numel() for parameter in model.parameters()) == parameters
    for layer in (model.first, model.second):
        assert layer.weight.std().item() == pytest.approx(0.02, rel=0.02)
        assert abs(layer.weight.mean().item()) < 1e-3


@torch.no_grad()
def test_the_map_is_the_most_of_the_sub_concepts(model: MIML) -> None:
    """Against the plain formula, base by base; a bag's scores are its best bases'."""
    bases = torch.rand(2, 20, 7)
    base_map = model(bases)
    for bag in range(2):
        for base in range(7):
            hidden = model.first.weight[:, :, 0] @ bases[bag, :, base] + model.first.bias
            norm = model.first_norm
            hidden = norm.weight * (hidden - norm.running_mean) / (norm.running_var + norm.eps).sqrt() + norm.bias
            said = model.second.weight[:, :, 0] @ hidden.relu() + model.second.bias
            norm = model.second_norm
            said = norm.weight * (said - norm.running_mean) / (norm.running_var + norm.eps).sqrt() + norm.bias
            torch.testing.assert_close(base_map[bag, :, base], said.relu().reshape(3, 5).max(0).values)
    torch.testing.assert_close(bag_scores(base_map), base_map.max(2).values)
    assert base_map.std() > 0.01


@torch.no_grad()
def test_bases_do_not_see_each_other(model: MIML) -> None:
    bases = torch.rand(1, 20, 9)
    order = torch.randperm(9)
    torch.testing.assert_close(model(bases[..., order]), model(bases)[..., order])
    torch.testing.assert_close(model(bases[..., :1]), model(bases)[..., :1])


@torch.no_grad()
def test_a_power_lifts_what_is_quiet(model: MIML) -> None:
    lifting = MIML(SMALL.model_copy(update={"power": 0.5}), 5).eval()
    lifting.load_state_dict(model.state_dict())
    bases = torch.rand(1, 20, 4)
    torch.testing.assert_close(lifting(bases), model(bases.sqrt()))


def test_dropout_is_for_training_only() -> None:
    torch.manual_seed(0)
    model = MIML(SMALL.model_copy(update={"dropout": 0.5}), 5)
    bases = torch.rand(4, 20, 6)
    assert not torch.equal(model(bases), model(bases))
    model.eval()
    assert torch.equal(model(bases), model(bases))


@pytest.mark.parametrize("wrong", [{"bins": 0}, {"sub_concepts": 0}, {"dropout": 1.0}, {"power": 0}, {"hidden": -1}])
def test_impossible_hyper_parameters_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(SettingsError, match=f"{next(iter(wrong))} = "):
        MIMLSettings.parse(wrong)

"""One suite over every architecture in the package: a new model file is tested by being there."""

import pytest
import torch

from soundsieve import models
from soundsieve.errors import SettingsError, UnknownNameError

SMALL = {
    "conv_tasnet": {"N": 8, "L": 16, "B": 8, "H": 8, "X": 2, "R": 1, "D": 8},
    "mask_unet": {"n_fft": 128, "hop": 64, "bands": 16, "channels": [4, 6], "context": 4, "context_blocks": 1},
}


@pytest.fixture(params=models.names())
def model(request: pytest.FixtureRequest) -> torch.nn.Module:
    torch.manual_seed(0)
    return models.build(request.param, SMALL.get(request.param, {}), 3)


def test_output_has_a_row_for_each_query_and_the_inputs_length(model: torch.nn.Module) -> None:
    for time in (1, 63, 1000):
        assert model.eval()(torch.randn(2, 1, time), torch.eye(3)[:2].expand(2, 2, 3)).shape == (2, 2, time)


def test_every_parameter_learns(model: torch.nn.Module) -> None:
    estimate = model.train()(torch.randn(2, 1, 2000), torch.eye(3).expand(2, 3, 3))
    (estimate - torch.randn(2, 3, 2000)).square().mean().backward()
    stuck = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert stuck == []


def test_a_batch_is_its_rows(model: torch.nn.Module) -> None:
    model.eval()
    mixture, wanted = torch.randn(3, 1, 1500), torch.eye(3)[None].expand(3, 3, 3)
    whole = model(mixture, wanted)
    for row in range(3):
        torch.testing.assert_close(whole[row], model(mixture[row : row + 1], wanted[:1])[0], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(
    ("mixture", "wanted"),
    [
        ((2, 1000), (2, 1, 3)),
        ((2, 2, 1000), (2, 1, 3)),
        ((2, 1, 1000), (2, 3)),
        ((2, 1, 1000), (2, 1, 4)),
        ((1, 1, 0), (1, 1, 3)),
    ],
)
def test_a_wrong_shape_is_refused_and_quoted(
    model: torch.nn.Module, mixture: tuple[int, ...], wanted: tuple[int, ...]
) -> None:
    with pytest.raises(ValueError, match=r"expected shape .*, found \("):
        model(torch.zeros(mixture), torch.zeros(wanted))


def test_it_says_how_far_it_reaches(model: torch.nn.Module) -> None:
    assert model.stride >= 1
    assert model.context_frames >= model.stride


def test_names_and_settings_are_checked() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'conv_tasnet'"):
        models.build("convtasnet", {}, 3)
    with pytest.raises(SettingsError, match="unknown key 'n'"):
        models.build("conv_tasnet", {"n": 3}, 3)

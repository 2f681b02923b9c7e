"""The network of bases over the logarithm of frequency: its bands by the definition, bases that stay apart."""

import math

import pytest
import torch

from soundsieve.errors import SettingsError
from soundsieve.models.base_cnn import BaseCNN, BaseCNNSettings, band_matrix

SMALL = BaseCNNSettings(bins=300, bands=48, lowest_bin=2, filters=(4, 6), hidden=8)


@pytest.fixture
def model() -> BaseCNN:
    torch.manual_seed(0)
    model = BaseCNN(SMALL, classes=5)
    model(torch.rand(8, 300, 9) ** 4)  # so that the norms know something
    return model.eval()


@pytest.mark.parametrize(("bins", "bands", "lowest"), [(2401, 192, 4), (300, 48, 2), (9, 4, 1)])
def test_bands_average_the_bins_around_them(bins: int, bands: int, lowest: int) -> None:
    weights = band_matrix(bins, bands, lowest)
    torch.testing.assert_close(weights.sum(1), torch.ones(bands))
    assert weights.min() >= 0
    first = weights[0] @ torch.arange(bins).float()
    assert first == pytest.approx(lowest, rel=0.05)
    assert weights[-1].argmax() == bins - 1
    assert ((weights @ torch.arange(bins).float()).diff() > 0).all()
    assert (weights.sum(0)[lowest:] > 0).all()  # no bin is passed over


def test_a_pattern_moves_as_a_whole_with_its_pitch() -> None:
    """Partials of two notes an octave apart: the same levels, so many bands higher."""
    weights = band_matrix(2401, 192, 4)
    notes = torch.zeros(2, 2401)
    for row, bin_of_note in enumerate((40, 80)):
        for partial in range(1, 6):
            notes[row, bin_of_note * partial] = 1
    low, high = (notes @ weights.T > 0).float()
    octave = 191 * math.log(2) / math.log(2400 / 4)
    scores = [float((low[: 192 - shift] * high[shift:]).sum()) for shift in range(60)]
    assert scores.index(max(scores)) == pytest.approx(octave, abs=2)


@torch.no_grad()
def test_bases_do_not_see_each_other(model: BaseCNN) -> None:
    bases = torch.rand(1, 300, 9)
    order = torch.randperm(9)
    torch.testing.assert_close(model(bases[..., order]), model(bases)[..., order])
    torch.testing.assert_close(model(bases[..., :1]), model(bases)[..., :1])
    assert model(bases).std() > 1e-3
    torch.testing.assert_close(model(bases).exp().sum(1), torch.ones(1, 9))


@torch.no_grad()
def test_what_lies_below_the_floor_is_nothing(model: BaseCNN) -> None:
    bases = torch.zeros(1, 300, 1)
    bases[0, 50] = 1
    quiet = bases.clone()
    quiet[0, 100:] = 5e-5
    torch.testing.assert_close(model(quiet), model(bases))
    quiet[0, 100:] = 1e-2
    assert (model(quiet) - model(bases)).abs().max() > 1e-3


def test_everything_learns() -> None:
    torch.manual_seed(0)
    model = BaseCNN(SMALL, classes=3)
    model(torch.rand(4, 300, 5) ** 4).square().sum().backward()
    hidden_bias = "members.0.1.1.bias"  # the norm behind it takes it away again
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for n, p in model.named_parameters() if n != hidden_bias)


def test_members_agree_on_the_mean_of_what_each_says() -> None:
    torch.manual_seed(0)
    model = BaseCNN(SMALL.model_copy(update={"members": 3}), classes=5)
    bases = torch.rand(2, 300, 9) ** 4
    model(bases)
    model.eval()
    each = model.each(bases)
    assert each.shape == (3, 2, 5, 9)
    assert (each[0] - each[1]).abs().max() > 1e-3  # each from its own start
    for member, said in zip(model.members, each, strict=True):
        alone = BaseCNN(SMALL, classes=5).eval()
        alone.members[0].load_state_dict(member.state_dict())
        torch.testing.assert_close(alone(bases), said)
    together = model(bases).exp()
    torch.testing.assert_close(together.sum(1), torch.ones(2, 9))
    product = each.exp().prod(0) ** (1 / 3)
    torch.testing.assert_close(together, product / product.sum(1, keepdim=True))


@pytest.mark.parametrize("shape", [(2, 299, 3), (300, 3), (2, 300, 0), (0, 300, 3)])
def test_other_shapes_are_refused(model: BaseCNN, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="expected shape"):
        model(torch.zeros(shape))


@pytest.mark.parametrize(
    "wrong", [{"bins": 1}, {"bands": 1}, {"kernel": 4}, {"lowest_bin": 2400}, {"filters": []}, {"dropout": 1}]
)
def test_impossible_hyper_parameters_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(SettingsError):
        BaseCNNSettings.parse(wrong)

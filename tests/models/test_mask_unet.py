"""The everyday selector: shares that add up, levels that do not matter, cuts that do not show."""

import pytest
import torch

from soundsieve.errors import SettingsError
from soundsieve.models._spectral import band_matrix
from soundsieve.models.mask_unet import MaskUNet, MaskUNetSettings

SMALL = MaskUNetSettings(n_fft=256, hop=128, bands=32, channels=(4, 6, 8), context=8, context_blocks=1, level_frames=9)


@pytest.fixture(params=[None, 1])
def model(request: pytest.FixtureRequest) -> MaskUNet:
    torch.manual_seed(1)
    model = MaskUNet(SMALL.model_copy(update={"time_levels": request.param}), classes=3)
    for module in model.modules():  # untrained statistics would make every share alike
        if isinstance(module, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.2)
            module.running_var.uniform_(0.5, 2)
    torch.nn.init.normal_(model.head.weight, std=2.0)
    return model.eval()


@pytest.mark.parametrize(("bins", "bands"), [(513, 128), (513, 192), (129, 32), (513, 513)])
def test_bands_share_every_bin_and_begin_one_bin_wide(bins: int, bands: int) -> None:
    matrix = band_matrix(bins, bands)
    torch.testing.assert_close(matrix.sum(0), torch.ones(bins))
    assert (matrix >= 0).all()
    assert (matrix.sum(1) > 0).all(), "a band without a bin"
    assert matrix[0, 0] == 1


@torch.no_grad()
def test_masks_are_the_wanted_share_of_a_softmax(model: MaskUNet) -> None:
    """Against the plain formula: softmax over classes of cell logits plus evidence, the wanted ones added up."""
    wanted = torch.tensor([[[1.0, 0, 0], [0, 1, 1], [1, 1, 1], [0, 0, 0]]])
    spectrum = model._stft(torch.randn(1, 4096))
    features = model._features(spectrum)
    frames = features.shape[-1]
    features = torch.nn.functional.pad(features, (0, -frames % 2**model.halvings))
    cells, evidence = model._body(features, wanted)
    evidence = torch.nn.functional.interpolate(evidence[0], size=cells.shape[-1], mode="linear")[None]
    shares = torch.softmax(cells[:, None] + evidence[:, :, :, None], dim=2)
    plain = (shares[:, :, :-1] * wanted[..., None, None]).sum(2)
    plain = torch.nn.functional.interpolate(plain, size=(32, plain.shape[-1]), mode="bilinear")[..., :frames]
    masks = model.masks(spectrum, wanted)
    torch.testing.assert_close(masks, plain, atol=1e-5, rtol=0)
    assert 0 <= masks.min() <= masks.max() <= 1
    assert not masks[:, 3].any(), "asking for nothing gives nothing"
    assert (1 - masks[:, 2]).max() > 1e-3, "something must be left for 'anything else'"


@torch.no_grad()
def test_what_was_asked_for_weighs_on_every_cell(model: MaskUNet) -> None:
    one, two, both = model(torch.randn(1, 1, 5000), torch.tensor([[[1.0, 0, 0], [0, 1, 0], [1, 1, 0]]]))[0]
    assert (one + two - both).abs().max() > 1e-4
    assert (one - two).abs().max() > 1e-3


@torch.no_grad()
def test_a_mask_of_ones_gives_the_mixture_back(model: MaskUNet) -> None:
    mixture = torch.randn(1, 1, 4096)
    torch.testing.assert_close(model._istft(model._stft(mixture[:, 0])[:, None], 4096), mixture, atol=1e-5, rtol=0)


@torch.no_grad()
@pytest.mark.parametrize("gain", [1e-3, 0.1, 8.0])
def test_the_recordings_level_does_not_matter(model: MaskUNet, gain: float) -> None:
    mixture, wanted = torch.randn(1, 1, 6000), torch.eye(3)[None]
    torch.testing.assert_close(model(gain * mixture, wanted) / gain, model(mixture, wanted), atol=2e-4, rtol=0)


@torch.no_grad()
def test_samples_out_of_reach_have_no_influence(model: MaskUNet) -> None:
    """What makes chunked output equal to whole output: `context_frames` bounds the reach, on both sides."""
    reach = model.context_frames
    middle = reach // model.stride * model.stride + model.stride
    mixture, wanted = torch.randn(1, 1, 2 * middle + 2048), torch.eye(3)[None]
    changed = mixture.clone()
    changed[..., : middle - reach] = torch.randn(middle - reach)
    changed[..., middle + reach :] = torch.randn(changed.shape[-1] - middle - reach)
    torch.testing.assert_close(
        model(changed, wanted)[..., middle], model(mixture, wanted)[..., middle], atol=1e-5, rtol=0
    )
    near = mixture.clone()
    near[..., middle - 200 : middle] += 1
    assert (model(near, wanted)[..., middle] - model(mixture, wanted)[..., middle]).abs().max() > 1e-4


@torch.no_grad()
@pytest.mark.parametrize("time", [1, 100, 128, 12_345])
def test_silence_gives_silence_at_any_length(model: MaskUNet, time: int) -> None:
    estimate = model(torch.zeros(1, 1, time), torch.eye(3)[None])
    assert estimate.shape == (1, 3, time)
    assert not estimate.any()


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"level_frames": 250}, "level_frames = 250: expected an odd number"),
        ({"hop": 600}, "hop = 600: expected at most half of n_fft"),
        ({"n_fft": 512}, "hop = 512: expected at most half of n_fft"),
        ({"channels": []}, "channels = "),
        ({"channels": [8, 0]}, "channels.1 = 0"),
    ],
)
def test_impossible_hyper_parameters_are_refused(wrong: dict[str, object], sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        MaskUNetSettings.parse(wrong)


@torch.no_grad()
def test_naming_cells_changes_no_estimate_and_names_as_if_nothing_was_asked(model: MaskUNet) -> None:
    mixture, wanted = torch.randn(2, 1, 5000), torch.eye(3).expand(2, 3, 3)
    estimate, logits = model.estimate_and_name(mixture, wanted)
    torch.testing.assert_close(estimate, model(mixture, wanted))
    power = model.cell_power(mixture.expand(2, 2, 5000))
    assert logits.shape == (2, 4, *power.shape[2:])
    cells, evidence = model._analyse(model._stft(mixture[:, 0]), torch.zeros(2, 1, 3))
    torch.testing.assert_close(logits, (cells + evidence[:, 0, :, None])[..., : logits.shape[-1]])


def test_cells_hold_the_power_of_their_bands(model: MaskUNet) -> None:
    """A steady tone lies in the cell of its band; twice the level is four times the power."""
    tone = torch.sin(2 * torch.pi * 10 / 256 * torch.arange(4096))  # bin 10
    power = model.cell_power(torch.stack([tone, 2 * tone])[None])[0, :, :, 5:-5]
    band = int((model.bands[:, 10] > 0.5).nonzero()[0])
    assert (power[0].argmax(0) == band // 2).all()
    torch.testing.assert_close(power[1], 4 * power[0])


def test_time_levels_keep_frames_where_bands_are_narrow() -> None:
    models = [MaskUNet(SMALL.model_copy(update={"time_levels": levels}), 3) for levels in (None, 1, 0)]
    assert [m.stride // SMALL.hop for m in models] == [4, 2, 1]
    assert len({sum(p.numel() for p in m.parameters()) for m in models}) == 1

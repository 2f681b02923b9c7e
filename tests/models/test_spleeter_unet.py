"""Spleeter's network: its counts, TensorFlow's padding, its masks, and where its pieces meet."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from soundsieve.errors import SettingsError
from soundsieve.models.spleeter_unet import SpleeterUNet, SpleeterUNetSettings, StemUNet

SMALL = SpleeterUNetSettings(n_fft=64, hop=16, filters=(4, 8), bins=16, frames=16, step=12)


class Gains(nn.Module):
    """In place of a U-Net: a gain for each frame and bin of a piece."""

    def __init__(self, gains: Tensor) -> None:
        super().__init__()
        self.gains = gains

    def forward(self, magnitudes: Tensor) -> Tensor:
        return magnitudes * self.gains


def with_gains(*gains: Tensor, **settings: object) -> SpleeterUNet:
    model = SpleeterUNet(SMALL.model_copy(update=settings), len(gains)).eval()
    model.unets = nn.ModuleList(map(Gains, gains))
    return model


def trained(model: nn.Module) -> nn.Module:
    """With statistics that are not those of an untrained one."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean, std=0.3)
            nn.init.uniform_(module.running_var, 0.5, 2)
            nn.init.uniform_(module.weight, 0.5, 2)
            nn.init.normal_(module.bias, std=0.3)
    return model.eval()


def test_it_has_spleeters_number_of_parameters() -> None:
    """Those of the program less 1,024 of a normalisation that nothing follows."""
    with torch.device("meta"):
        model = SpleeterUNet(SpleeterUNetSettings(), 2)
    assert [sum(p.numel() for p in unet.parameters()) for unet in model.unets] == [9_822_725] * 2
    down, up = (
        [(m.conv.in_channels, m.conv.out_channels) for m in part] for part in (model.unets[0].down, model.unets[0].up)
    )
    assert down == [(2, 16), (16, 32), (32, 64), (64, 128), (128, 256), (256, 512)]
    assert up == [(512, 256), (512, 128), (256, 64), (128, 32), (64, 16), (32, 1)]
    assert [m.dropout.p for m in model.unets[0].up] == [0.5, 0.5, 0.5, 0, 0, 0]
    norms = [m for m in model.modules() if isinstance(m, nn.BatchNorm2d)]
    assert len(norms) == 2 * 11
    assert {(m.eps, m.momentum) for m in norms} == {(1e-3, 0.01)}
    assert (model.stride, model.reach) == (480 * 1024, 512 * 1024 + 4096)


@torch.no_grad()
def test_convolutions_pad_as_tensorflow_does() -> None:
    """An output of stride 2 looks at one sample in front of its own two and two behind; going up is the transpose."""
    unet = StemUNet((3, 5), channels=2).eval()
    conv = unet.down[1].conv
    nn.init.ones_(conv.weight)
    nn.init.zeros_(conv.bias)
    x = torch.zeros(1, 3, 8, 8)
    x[..., 4, 3] = 1
    seen, _ = unet.down[1](x)
    assert (seen[0, 0] != 0).nonzero().tolist() == [[row, column] for row in (1, 2) for column in (0, 1, 2)]

    up = unet.up[0].conv  # 5 → 3, as the second one down is 3 → 5
    nn.init.normal_(conv.weight)
    up.weight.copy_(conv.weight)
    x, y = torch.randn(1, 3, 8, 12), torch.randn(1, 5, 4, 6)
    nn.init.zeros_(up.bias)
    raised = functional.conv_transpose2d(y, up.weight, stride=2)[..., 1:-2, 1:-2]
    torch.testing.assert_close((unet.down[1](x)[0] * y).sum(), (x * raised).sum(), atol=1e-3, rtol=1e-4)
    expected = unet.up[0].norm(raised.relu())
    torch.testing.assert_close(unet.up[0](y), expected)


@torch.no_grad()
def test_it_is_the_formula() -> None:
    torch.manual_seed(0)
    unet = trained(StemUNet((3, 4, 6, 5), channels=2))
    w, magnitudes = unet.state_dict(), torch.rand(2, 2, 32, 48)

    def norm(x: Tensor, name: str) -> Tensor:
        mean, var, scale, shift = (
            w[f"{name}.norm.{part}"][:, None, None] for part in ("running_mean", "running_var", "weight", "bias")
        )
        return (x - mean) / (var + 1e-3).sqrt() * scale + shift

    x, skips = magnitudes, []
    for k in range(4):
        padded = functional.pad(x, (1, 2, 1, 2))
        skips.append(torch.conv2d(padded, w[f"down.{k}.conv.weight"], w[f"down.{k}.conv.bias"], stride=2))
        if k < 3:
            x = norm(skips[-1], f"down.{k}")
            x = torch.where(x > 0, x, 0.2 * x)
    x = skips[3]
    for k in range(4):
        whole = torch.conv_transpose2d(x, w[f"up.{k}.conv.weight"], w[f"up.{k}.conv.bias"], stride=2)
        x = norm(whole[..., 1:-2, 1:-2].clamp(min=0), f"up.{k}")
        if k < 3:
            x = torch.cat((skips[2 - k], x), dim=1)
    mask = torch.conv2d(x, w["mask.weight"], w["mask.bias"], padding=3, dilation=2).sigmoid()
    torch.testing.assert_close(unet(magnitudes), mask * magnitudes, atol=1e-6, rtol=1e-5)
    assert mask.std() > 1e-3, "a mask that is all alike would prove nothing"


def test_a_mask_is_the_share_of_the_estimates_powers() -> None:
    magnitudes = torch.rand(1, 2, 16, 33) + 0.1
    for exponent, shares in ((1.0, (1 / 3, 2 / 3)), (2.0, (1 / 5, 4 / 5)), (3.0, (1 / 9, 8 / 9))):
        model = with_gains(torch.tensor(0.4), torch.tensor(0.8), exponent=exponent)
        masks = model.masks(magnitudes)
        for stem, share in enumerate(shares):
            torch.testing.assert_close(masks[:, stem], torch.full_like(magnitudes, share))


def test_silence_is_shared_alike() -> None:
    for treble in ("top", "mean"):
        masks = with_gains(*torch.rand(4, 1, 1), treble=treble).masks(torch.zeros(1, 2, 16, 33))
        torch.testing.assert_close(masks, torch.full_like(masks, 0.25))


def test_bins_above_the_networks_are_whose_they_are_said_to_be() -> None:
    first, second = torch.ones(16), torch.ones(16)
    first[:14], second[14:] = 0, 0  # the first has the top eighth and only that
    first[15], second[15] = 0.5, 0.5
    magnitudes = torch.ones(1, 2, 16, 33)
    magnitudes[..., 15] = 2.0
    top = (1 * 1.0 + 4 * 0.5) / (1 + 4)
    for treble, share in (("top", top), ("mean", (1 + 0.5) / 16), ("none", 0.0)):
        masks = with_gains(first, second, treble=treble).masks(magnitudes)
        torch.testing.assert_close(masks[:, 0, ..., 16:], torch.full((1, 2, 16, 17), share))
        total = 0.0 if treble == "none" else 1.0
        torch.testing.assert_close(masks.sum(1)[..., 16:], torch.full((1, 2, 16, 17), total))
        torch.testing.assert_close(masks.sum(1)[..., :16], torch.ones(1, 2, 16, 16))


def test_pieces_are_cross_faded_where_they_overlap() -> None:
    """One network's stem falls from all to nothing in the course of a piece, the other's rises."""
    falling = torch.linspace(1, 0, 16)[:, None]
    magnitudes = torch.ones(1, 2, 16 + 2 * 12, 33)
    model = with_gains(falling, 1 - falling, exponent=1.0)
    mask = model.masks(magnitudes)[0, 0, 0, :, 0]
    piece = falling[:, 0]
    rise = torch.tensor([1, 3, 5, 7]) / 8
    meet = (1 - rise) * piece[12:] + rise * piece[:4]
    torch.testing.assert_close(mask, torch.cat((piece[:12], meet, piece[4:12], meet, piece[4:])), atol=1e-6, rtol=0)

    apart = with_gains(falling, 1 - falling, exponent=1.0, step=16).masks(magnitudes[:, :, :32])[0, 0, 0, :, 0]
    torch.testing.assert_close(apart, piece.repeat(2), atol=1e-6, rtol=0)


def test_pieces_one_after_the_other_are_all_at_once() -> None:
    torch.manual_seed(0)
    model, magnitudes = trained(SpleeterUNet(SMALL, 3)), torch.rand(2, 2, 16 + 2 * 12, 33)
    whole = model.masks(magnitudes)
    first = model.masks(magnitudes[:, :, : 16 + 12])
    after = model.masks(magnitudes[:, :, 24:], first[..., 24:, :])
    torch.testing.assert_close(torch.cat((first[..., :24, :], after), dim=-2), whole, atol=1e-6, rtol=1e-5)


@torch.no_grad()
def test_with_spleeters_settings_it_is_spleeters_separation() -> None:
    """The program's own steps: transform, pieces side by side, networks, ratio of squares, zeros above, and back."""
    torch.manual_seed(0)
    model = trained(SpleeterUNet(SMALL.model_copy(update={"step": 16, "treble": "none"}), 2))
    mixture = torch.randn(2, 40 * 16)  # 41 frames: two pieces and a part of the third
    window = 0.5 - 0.5 * torch.cos(2 * torch.pi * torch.arange(64) / 64)
    padded = functional.pad(mixture, (32, 32))
    spectrum = torch.stack([torch.fft.rfft(padded[:, k * 16 : k * 16 + 64] * window) for k in range(41)], dim=1)
    low = functional.pad(spectrum.abs()[..., :16], (0, 0, 0, 7)).reshape(2, 3, 16, 16).transpose(0, 1)
    powers = torch.stack([unet(low).square() for unet in model.unets])
    masks = ((powers + 0.5e-10) / (powers.sum(0) + 1e-10)).transpose(1, 2).reshape(2, 2, 48, 16)[:, :, :41]
    frames = torch.fft.irfft(functional.pad(masks * spectrum[None, ..., :16], (0, 17)), 64) * window
    summed, weights = torch.zeros(2, 2, padded.shape[1]), torch.zeros(padded.shape[1])
    for k in range(41):
        summed[..., k * 16 : k * 16 + 64] += frames[:, :, k]
        weights[k * 16 : k * 16 + 64] += window.square()
    expected = (summed / weights.clamp(min=1e-6))[..., 32:-32]
    torch.testing.assert_close(model(mixture[None])[0], expected, atol=1e-5, rtol=1e-4)
    assert (expected[0] - expected[1]).abs().max() > 1e-2, "stems that are alike would prove nothing"


@torch.no_grad()
@pytest.mark.parametrize("time", [1, 15, 16, 17, 255, 256, 257, 1_001])
@pytest.mark.parametrize("treble", ["top", "mean"])
def test_stems_of_any_length_add_up_to_the_mixture(time: int, treble: str) -> None:
    torch.manual_seed(0)
    model = trained(SpleeterUNet(SMALL.model_copy(update={"treble": treble}), 4))
    mixture = torch.randn(2, 2, time)
    stems = model(mixture)
    assert stems.shape == (2, 4, 2, time)
    torch.testing.assert_close(stems.sum(1), mixture, atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"hop": 3000}, r"hop = 3000: .*expected n_fft \(4096\) divided by 2 or more"),
        ({"hop": 1000}, "hop = 1000"),
        ({"bins": 1000}, "bins = 1000: .*expected a multiple of 64, which 6 convolutions halve"),
        ({"bins": 2112}, r"bins = 2112: .*expected at most half of n_fft \(2048\)"),
        ({"frames": 500}, "frames = 500: .*expected a multiple of 64"),
        ({"step": 513}, "step = 513: .*expected 256 to 512"),
        ({"step": 255}, "step = 255"),
        ({"frames": 256}, "step = 480: .*expected 128 to 256"),
        ({"exponent": 0}, "exponent = 0"),
        ({"treble": "zeros"}, "treble = 'zeros'"),
        ({"filters": [16]}, "filters"),
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, object], sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        SpleeterUNetSettings.parse(wrong)


def test_no_output_needs_no_input() -> None:
    model = SpleeterUNet(SMALL, 2)
    assert model.input_length(77) == 77
    with pytest.raises(ValueError, match="output: expected one sample or more, found 0"):
        model.input_length(0)

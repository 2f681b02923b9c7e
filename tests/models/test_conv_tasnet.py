"""The selector of the paper: its counts, its shapes, and its forward pass computed once more from first principles."""

import numpy as np
import pytest
import torch

from soundsieve import models
from soundsieve.errors import SettingsError
from soundsieve.models.conv_tasnet import ConvTasNetSelector, ConvTasNetSettings

PAPER_CLASSES = 41
SMALL = ConvTasNetSettings(N=6, L=8, B=6, H=10, P=3, X=3, R=2, D=6)


def count(module: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def test_the_papers_configuration_has_the_published_number_of_parameters() -> None:
    model = models.build("conv_tasnet", {}, PAPER_CLASSES)
    assert count(model) == 13_035_331
    assert count(model.mask_generator) == 12_747_585
    assert count(model.before) == 267_010
    assert count(model.encoder) == count(model.decoder) == 5_120
    assert count(model.embedding) == 10_496
    # Without conditioning it is the plain one-source Conv-TasNet.
    assert count(model) - count(model.before) - count(model.embedding) == 12_757_825


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        ("encoder", (256, 1, 20)),
        ("decoder", (256, 1, 20)),
        ("embedding", (256, 41)),
        ("before.layers.0", (512, 256, 1)),
        ("before.layers.3", (512, 1, 3)),
        ("before.skip", (256, 512, 1)),
        ("mask_generator.input_conv", (256, 256, 1)),
        ("mask_generator.blocks.0.layers.0", (512, 256, 1)),
        ("mask_generator.blocks.0.residual", (256, 512, 1)),
        ("mask_generator.blocks.31.skip", (256, 512, 1)),
        ("mask_generator.output_conv", (256, 256, 1)),
    ],
)
def test_layer_shapes(layer: str, shape: tuple[int, ...]) -> None:
    with torch.device("meta"):
        model = ConvTasNetSelector(ConvTasNetSettings(), PAPER_CLASSES)
    assert tuple(model.get_submodule(layer).weight.shape) == shape


def test_dilations_double_within_a_repeat_and_the_last_block_ends_the_trunk() -> None:
    with torch.device("meta"):
        blocks = ConvTasNetSelector(ConvTasNetSettings(), PAPER_CLASSES).mask_generator.blocks
    assert [block.layers[3].dilation[0] for block in blocks] == [2**k for k in range(8)] * 4
    assert [block.residual is None for block in blocks] == [False] * 31 + [True]


def test_receptive_field_of_the_mask_generator_is_2041_frames() -> None:
    """Measured with gradients; normalisation is made local first, because gLN sees the whole recording."""
    settings = ConvTasNetSettings(N=2, L=20, B=2, H=2, P=3, X=8, R=4, D=2)
    generator = ConvTasNetSelector(settings, 2).mask_generator.double()
    for name, module in list(generator.named_modules()):
        if isinstance(module, torch.nn.GroupNorm):
            generator.set_submodule(name, torch.nn.Identity())
    frames = 2401
    features = torch.randn(1, 2, frames, dtype=torch.float64, requires_grad=True)
    torch.manual_seed(0)
    generator(features)[0, :, frames // 2].sum().backward()
    seen = features.grad.abs().sum((0, 1)).nonzero()
    assert int(seen.max() - seen.min()) + 1 == 2041
    assert 2041 * 10 - 10 + 20 == 20_420  # in samples: 2,041 overlapping windows of 20 with stride 10


def referee(model: ConvTasNetSelector, s: ConvTasNetSettings, y: np.ndarray, o: np.ndarray) -> np.ndarray:
    """The forward pass for one mixture (time,) and one o-vector, in loops over frames and taps."""
    w = {name: tensor.double().numpy() for name, tensor in model.state_dict().items()}
    stride = s.L // 2

    def norm(x: np.ndarray, name: str) -> np.ndarray:
        x = (x - x.mean()) / np.sqrt(x.var() + 1e-8)
        return x * w[name + ".weight"][:, None] + w[name + ".bias"][:, None]

    def prelu(x: np.ndarray, name: str) -> np.ndarray:
        return np.where(x > 0, x, w[name + ".weight"] * x)

    def pointwise(x: np.ndarray, name: str) -> np.ndarray:
        return w[name + ".weight"][:, :, 0] @ x + w[name + ".bias"][:, None]

    def block(x: np.ndarray, name: str, dilation: int) -> np.ndarray:
        h = norm(prelu(pointwise(x, name + ".layers.0"), name + ".layers.1"), name + ".layers.2")
        kernel, bias = w[name + ".layers.3.weight"][:, 0], w[name + ".layers.3.bias"]
        out = np.zeros_like(h)
        for frame in range(h.shape[1]):
            for tap in range(s.P):
                source = frame + (tap - s.P // 2) * dilation
                if 0 <= source < h.shape[1]:
                    out[:, frame] += kernel[:, tap] * h[:, source]
        return norm(prelu(out + bias[:, None], name + ".layers.4"), name + ".layers.5")

    time = len(y)
    padded = np.pad(y, (stride, stride + -time % stride))
    frames = (len(padded) - s.L) // stride + 1
    encoded = np.stack([w["encoder.weight"][:, 0] @ padded[f * stride : f * stride + s.L] for f in range(frames)], 1)
    x = pointwise(block(encoded, "before", 1), "before.skip") * (w["embedding.weight"] @ o)[:, None]
    x = pointwise(norm(x, "mask_generator.input_norm"), "mask_generator.input_conv")
    total = np.zeros_like(x)
    for k in range(s.R * s.X):
        name = f"mask_generator.blocks.{k}"
        h = block(x, name, 2 ** (k % s.X))
        total += pointwise(h, name + ".skip")
        if k < s.R * s.X - 1:
            x = x + pointwise(h, name + ".residual")
    mask = pointwise(prelu(total, "mask_generator.output_prelu"), "mask_generator.output_conv")
    masked = encoded / (1 + np.exp(-mask))
    out = np.zeros(len(padded))
    for f in range(frames):
        out[f * stride : f * stride + s.L] += masked[:, f] @ w["decoder.weight"][:, 0]
    return out[stride : stride + time]


@pytest.mark.parametrize("time", [64, 61, 203])
def test_forward_pass_agrees_with_the_referee(time: int) -> None:
    torch.manual_seed(3)
    model = ConvTasNetSelector(SMALL, classes=3).double().eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    mixture = torch.randn(2, 1, time, dtype=torch.float64)
    wanted = torch.tensor([[[1.0, 0, 0], [0, 1, 1]], [[0, 0, 1], [1, 1, 1]]], dtype=torch.float64)
    with torch.no_grad():
        estimate = model(mixture, wanted).numpy()
    for b in range(2):
        for q in range(2):
            again = referee(model, SMALL, mixture[b, 0].numpy(), wanted[b, q].numpy())
            np.testing.assert_allclose(estimate[b, q], again, atol=1e-9)


def test_asking_for_nothing_is_not_asking_for_something() -> None:
    torch.manual_seed(0)
    model = ConvTasNetSelector(SMALL, classes=3).eval()
    mixture = torch.randn(1, 1, 400)
    one, other = model(mixture, torch.eye(3)[None, :2])[0]
    assert not torch.allclose(one, other, atol=1e-4)


def test_an_even_kernel_is_refused() -> None:
    with pytest.raises(SettingsError, match="P = 4: expected an odd number"):
        models.settings("conv_tasnet", {"P": 4})

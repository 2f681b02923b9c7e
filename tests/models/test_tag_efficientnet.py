"""EfficientNet-Lite0 computes what the package of its weights computes, and takes them over."""

from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from soundsieve.errors import CheckpointError, MissingExtraError
from soundsieve.models import tag_efficientnet
from soundsieve.models.tag_efficientnet import SameConvNorm, TagEfficientNet, TagEfficientNetSettings, installed_weights

# Block by block, from the published table: kernel, stride, expansion, channels in and out.
BLOCKS = [
    (3, 1, 1, 32, 16),
    (3, 2, 6, 16, 24),
    (3, 1, 6, 24, 24),
    (5, 2, 6, 24, 40),
    (5, 1, 6, 40, 40),
    (3, 2, 6, 40, 80),
    *[(3, 1, 6, 80, 80)] * 2,
    (5, 1, 6, 80, 112),
    *[(5, 1, 6, 112, 112)] * 2,
    (5, 2, 6, 112, 192),
    *[(5, 1, 6, 192, 192)] * 3,
    (3, 1, 6, 192, 320),
]
CLASSES_OF_IMAGENET = 13  # fewer than there are, for speed


def random_weights() -> dict[str, Tensor]:
    """Weights under the package's names and in its shapes, all different from each other."""
    weights: dict[str, Tensor] = {}

    def layer(convolution: str, norm: str, *shape: int) -> None:
        weights[f"{convolution}.weight"] = torch.randn(shape) * (2 / (shape[1] * shape[2] ** 2)) ** 0.5
        weights[f"{norm}.weight"] = torch.rand(shape[0]) + 0.5
        weights[f"{norm}.bias"] = torch.randn(shape[0]) * 0.2
        weights[f"{norm}.running_mean"] = torch.randn(shape[0]) * 0.2
        weights[f"{norm}.running_var"] = torch.rand(shape[0]) + 0.5
        weights[f"{norm}.num_batches_tracked"] = torch.tensor(7)

    layer("_conv_stem", "_bn0", 32, 3, 3, 3)
    for index, (kernel, _, expand, before, after) in enumerate(BLOCKS):
        block, wide = f"_blocks.{index}", expand * before
        if expand > 1:
            layer(f"{block}._expand_conv", f"{block}._bn0", wide, before, 1, 1)
        layer(f"{block}._depthwise_conv", f"{block}._bn1", wide, 1, kernel, kernel)
        layer(f"{block}._project_conv", f"{block}._bn2", after, wide, 1, 1)
    layer("_conv_head", "_bn1", 1280, 320, 1, 1)
    weights["_fc.weight"] = torch.randn(CLASSES_OF_IMAGENET, 1280) * 0.03
    weights["_fc.bias"] = torch.randn(CLASSES_OF_IMAGENET)
    return weights


def reference(image: Tensor, weights: dict[str, Tensor]) -> Tensor:
    """The published network on an image (b, 3, height, width), written out layer by layer."""

    def layer(x: Tensor, convolution: str, norm: str, stride: int = 1, groups: int = 1) -> Tensor:
        kernel = weights[f"{convolution}.weight"]
        both = [max((-(-size // stride) - 1) * stride + kernel.shape[-1] - size, 0) for size in x.shape[2:]]  # "SAME"
        x = functional.pad(x, (both[1] // 2, -(-both[1] // 2), both[0] // 2, -(-both[0] // 2)))
        x = functional.conv2d(x, kernel, stride=stride, groups=groups)
        mean, variance, scale, offset = (
            weights[f"{norm}.{kind}"][:, None, None] for kind in ("running_mean", "running_var", "weight", "bias")
        )
        return (x - mean) / (variance + 1e-3).sqrt() * scale + offset

    x = layer(image, "_conv_stem", "_bn0", 2).clamp(0, 6)
    for index, (_, stride, expand, before, after) in enumerate(BLOCKS):
        block, y = f"_blocks.{index}", x
        if expand > 1:
            y = layer(y, f"{block}._expand_conv", f"{block}._bn0").clamp(0, 6)
        y = layer(y, f"{block}._depthwise_conv", f"{block}._bn1", stride, y.shape[1]).clamp(0, 6)
        y = layer(y, f"{block}._project_conv", f"{block}._bn2")
        x = x + y if stride == 1 and before == after else y
    x = layer(x, "_conv_head", "_bn1").clamp(0, 6)
    return functional.linear(x.mean((2, 3)), weights["_fc.weight"], weights["_fc.bias"])


def with_last_layer(model: TagEfficientNet, weights: dict[str, Tensor]) -> TagEfficientNet:
    model.linear.load_state_dict({"weight": weights["_fc.weight"], "bias": weights["_fc.bias"]})
    return model.eval()


@torch.no_grad()
def test_a_grey_picture_is_to_it_what_it_is_to_the_published_network(tmp_path: Path) -> None:
    torch.manual_seed(0)
    weights = random_weights()
    torch.save(weights, tmp_path / "lite0.pth")
    model = TagEfficientNet(TagEfficientNetSettings(mels=64), CLASSES_OF_IMAGENET)
    last = model.linear.weight.clone()
    model.load_imagenet(tmp_path / "lite0.pth")
    torch.testing.assert_close(model.linear.weight, last, atol=0, rtol=0)  # still its own
    features = torch.randn(2, 64, 96)  # halved five times without a rest, as photographs are
    expected = reference(features[:, None].expand(-1, 3, -1, -1), weights)
    found = with_last_layer(model, weights)(features, torch.tensor([96, 96]))
    assert expected.std() > 0.1
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_imagenets_weights_give_what_their_own_package_gives() -> None:
    peer = pytest.importorskip("efficientnet_lite_pytorch", reason="the package efficientnet-lite-pytorch is not here")
    pytest.importorskip(tag_efficientnet.PACKAGE, reason="the package with ImageNet's weights is not here")
    weights = torch.load(installed_weights(), weights_only=True)
    network = peer.EfficientNet.from_name("efficientnet-lite0").eval()
    network.load_state_dict(weights)
    model = TagEfficientNet(TagEfficientNetSettings(mels=224), 1000)
    model.load_imagenet()
    features = torch.randn(1, 224, 224, generator=torch.Generator().manual_seed(0))
    expected = network(features[:, None].expand(-1, 3, -1, -1))
    found = with_last_layer(model, weights)(features, torch.tensor([224]))
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_a_clip_is_the_average_of_its_segments() -> None:
    model = TagEfficientNet(TagEfficientNetSettings(mels=16), 3).eval()
    features, frames = torch.randn(2, 16, 200), torch.tensor([200, 70])
    segments, hop_frames = model.frame_logits(features, frames)
    assert (segments.shape[-1], hop_frames) == (7, 32)
    expected = torch.stack([segments[0].mean(-1), segments[1, :, :3].mean(-1)])
    torch.testing.assert_close(model(features, frames), expected)


@pytest.mark.parametrize("kernel", [3, 5])
@pytest.mark.parametrize("length", [1, 2, 7, 8])
def test_a_stride_of_two_rounds_up(kernel: int, length: int) -> None:
    layer = SameConvNorm(1, 1, kernel, stride=2).eval()
    y, left = layer(torch.randn(1, 1, 6, length), torch.tensor([length]))
    assert y.shape == (1, 1, 3, -(-length // 2))
    assert left.tolist() == [y.shape[-1]]


def test_without_a_file_or_the_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tag_efficientnet, "PACKAGE", "a_package_that_is_not_there")
    with pytest.raises(MissingExtraError, match=r"soundsieve\[pretrained\]"):
        TagEfficientNet(TagEfficientNetSettings(), 2).load_imagenet()


def test_other_weights_are_refused(tmp_path: Path) -> None:
    torch.save({"_conv_stem.weight": torch.zeros(32, 3, 3, 3)}, tmp_path / "other.pth")
    with pytest.raises(CheckpointError, match=r"other\.pth: .*TagEfficientNet, found none for 'trunk\.stem\.norm"):
        TagEfficientNet(TagEfficientNetSettings(), 2).load_imagenet(tmp_path / "other.pth")

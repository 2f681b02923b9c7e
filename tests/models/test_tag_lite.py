"""The trunk of EfficientNet-Lite0 under attention: it takes over the trunk's weights and no others."""

from pathlib import Path

import pytest
import torch

from soundsieve.errors import CheckpointError
from soundsieve.models.tag_efficientnet import TagEfficientNet, TagEfficientNetSettings, Trunk
from soundsieve.models.tag_lite import TagLite, TagLiteSettings


@pytest.fixture
def model() -> TagLite:
    torch.manual_seed(0)
    return TagLite(TagLiteSettings(mels=16, stages=4, hidden=12), classes=3).eval()


def under_the_packages_names(trunk: Trunk) -> dict[str, torch.Tensor]:
    norms = {"expand": "_bn0", "depthwise": "_bn1", "project": "_bn2"}
    found = {"_fc.weight": torch.zeros(2, 2)}  # what is of no use here is passed over
    for name, tensor in trunk.state_dict().items():
        parts = name.split(".")
        if parts[0] == "stem":
            own = {"conv": "_conv_stem", "norm": "_bn0"}[parts[1]]
        else:
            layer, kind = parts[2:4]
            own = f"_blocks.{parts[1]}." + (f"_{layer}_conv" if kind == "conv" else norms[layer])
        value = torch.rand_like(tensor) if tensor.is_floating_point() else tensor
        found[f"{own}.{parts[-1]}"] = value.expand(-1, 3, -1, -1) / 3 if name == "stem.conv.weight" else value
    return found


@torch.no_grad()
def test_a_clip_is_the_average_of_its_segments_weighted_by_attention(model: TagLite) -> None:
    features, frames = torch.randn(1, 16, 200), torch.tensor([200])
    hidden, _ = model.segments(features, frames)
    segments, hop_frames = model.frame_logits(features, frames)
    assert (segments.shape[-1], hop_frames) == (13, 16)
    weights = model.attention(hidden).softmax(-1)
    torch.testing.assert_close(model(features, frames), (weights * segments).sum(-1))


@pytest.mark.parametrize(("stages", "channels", "stride"), [(1, 16, 2), (3, 40, 8), (5, 112, 16), (7, 320, 32)])
def test_more_stages_are_deeper_and_coarser(stages: int, channels: int, stride: int) -> None:
    trunk = Trunk(stages)
    assert (trunk.channels, trunk.stride) == (channels, stride)
    y, counts = trunk(torch.randn(1, 1, 64, 64), torch.tensor([64]))
    assert y.shape == (1, channels, 64 // stride, 64 // stride)
    assert counts.tolist() == [64 // stride]


@torch.no_grad()
def test_imagenets_weights_fill_the_trunk_and_leave_the_rest(model: TagLite, tmp_path: Path) -> None:
    torch.manual_seed(1)
    weights = under_the_packages_names(model.trunk)
    torch.save(weights, tmp_path / "lite0.pth")
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    model.load_imagenet(tmp_path / "lite0.pth")
    after = model.state_dict()
    stem = weights["_conv_stem.weight"].sum(1, keepdim=True)
    torch.testing.assert_close(after["trunk.stem.conv.weight"], stem)
    torch.testing.assert_close(
        after["trunk.blocks.5.depthwise.conv.weight"], weights["_blocks.5._depthwise_conv.weight"]
    )
    for name in before:
        own = not name.startswith("trunk.")
        assert torch.equal(before[name], after[name]) == (own or name.endswith("num_batches_tracked")), name


def test_a_file_that_lacks_a_stage_is_refused_and_nothing_changes(model: TagLite, tmp_path: Path) -> None:
    weights = under_the_packages_names(model.trunk)
    del weights["_blocks.5._bn2.bias"]
    torch.save(weights, tmp_path / "less.pth")
    before = model.trunk.stem.conv.weight.clone()
    with pytest.raises(CheckpointError, match=r"found none for 'trunk.blocks.5.project.norm.bias'"):
        model.load_imagenet(tmp_path / "less.pth")
    assert torch.equal(model.trunk.stem.conv.weight, before)


@torch.no_grad()
def test_its_trunk_is_that_of_the_whole_network() -> None:
    torch.manual_seed(0)
    whole = TagEfficientNet(TagEfficientNetSettings(mels=16), 2).eval()
    part = Trunk(5).eval()
    part.load_state_dict(whole.trunk.state_dict(), strict=False)
    x, counts = torch.randn(1, 1, 16, 40), torch.tensor([40])
    seen = []
    whole.trunk.blocks[10].register_forward_hook(lambda module, inputs, output: seen.append(output[0]))
    whole.trunk(x, counts)
    torch.testing.assert_close(part(x, counts)[0], seen[0])

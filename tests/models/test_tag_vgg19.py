"""VGG19: its layers in torchvision's order, and weights for photographs, taken over or refused with a reason."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from soundsieve.errors import CheckpointError
from soundsieve.models.tag_vgg19 import TagVGG19, TagVGG19Settings

SMALL = TagVGG19Settings(channels=(3, 4, 5, 6, 7), dense=8)
CLASSES_OF_IMAGENET = 11  # fewer than there are, for speed


def torchvision_network() -> nn.Module:
    """Configuration E as torchvision lays it out, narrow: `features` and `classifier`, untrained."""
    layers: list[nn.Module] = []
    before = 3
    for width, convolutions in zip((3, 4, 5, 6, 7), (2, 2, 4, 4, 4), strict=True):
        for _ in range(convolutions):
            layers += [nn.Conv2d(before, width, 3, padding=1), nn.ReLU()]
            before = width
        layers.append(nn.MaxPool2d(2, 2))
    dense = [nn.Linear(7 * 49, 8), nn.ReLU(), nn.Dropout(), nn.Linear(8, 8), nn.ReLU(), nn.Dropout()]
    network = nn.Sequential()
    network.add_module("features", nn.Sequential(*layers))
    network.add_module("pool", nn.AdaptiveAvgPool2d(7))
    network.add_module("flatten", nn.Flatten())
    network.add_module("classifier", nn.Sequential(*dense, nn.Linear(8, CLASSES_OF_IMAGENET)))
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=0.3)
    return network.eval()


@pytest.fixture
def theirs() -> nn.Module:
    torch.manual_seed(0)
    return torchvision_network()


def as_timm(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """The same weights as timm names and shapes them: its dense layers are convolutions."""
    named = {}
    for name, tensor in weights.items():
        name = name.replace("classifier.0.", "pre_logits.fc1.").replace("classifier.3.", "pre_logits.fc2.")
        name = name.replace("classifier.6.", "head.fc.")
        if name == "pre_logits.fc1.weight":
            tensor = tensor.reshape(8, 7, 7, 7)
        elif name == "pre_logits.fc2.weight":
            tensor = tensor[:, :, None, None]
        named[name] = tensor.contiguous()
    return named


@torch.no_grad()
@pytest.mark.parametrize("kind", ["torchvision", "timm"])
def test_a_grey_picture_is_to_it_what_it_is_to_the_network_whose_weights_it_took(
    theirs: nn.Module, tmp_path: Path, kind: str
) -> None:
    if kind == "torchvision":
        path = tmp_path / "vgg19.pth"
        torch.save(theirs.state_dict(), path)
    else:
        path = tmp_path / "model.safetensors"
        save_file(as_timm(theirs.state_dict()), path)
    model = TagVGG19(SMALL, CLASSES_OF_IMAGENET).eval()
    last = model.classifier[6].weight.clone()
    model.load_imagenet(path)
    torch.testing.assert_close(model.classifier[6].weight, last, atol=0, rtol=0)  # still its own
    model.classifier[6].load_state_dict(theirs.classifier[6].state_dict())
    features = torch.randn(2, 64, 224)
    expected = theirs(features[:, None].expand(-1, 3, -1, -1))
    torch.testing.assert_close(model(features, torch.tensor([224, 224])), expected, atol=1e-5, rtol=1e-4)


def test_weights_that_do_not_fit_are_refused_and_change_nothing(theirs: nn.Module, tmp_path: Path) -> None:
    model = TagVGG19(TagVGG19Settings(channels=(3, 4, 5, 6, 7), dense=9), 2)
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    path = tmp_path / "vgg19.pth"
    torch.save(theirs.state_dict(), path)
    with pytest.raises(
        CheckpointError, match=r"'classifier.0.weight': expected shape \(9, 343\), found \(8, 343\): only"
    ):
        model.load_imagenet(path)
    torch.save({"features.0.weight": torch.zeros(3, 3, 3, 3)}, path)
    with pytest.raises(CheckpointError, match=r"vgg19\.pth: .*weights of TagVGG19, found none for 'features\.0\.bias'"):
        model.load_imagenet(path)
    torch.testing.assert_close(model.state_dict(), before, atol=0, rtol=0)


@pytest.mark.parametrize("name", ["weights.pth", "weights.safetensors"])
def test_a_file_that_is_not_of_weights_is_refused(tmp_path: Path, name: str) -> None:
    model, path = TagVGG19(SMALL, 2), tmp_path / name
    with pytest.raises(CheckpointError, match=r"weights\.\w+: no such file"):
        model.load_imagenet(path)
    for content in (b"", b"not weights"):
        path.write_bytes(content)
        with pytest.raises(CheckpointError, match=r"weights\.\w+: not a file of weights \(\S+"):
            model.load_imagenet(path)


@pytest.mark.parametrize("content", [[1, 2], {"epoch": 3}, {"model": {"features.0.weight": torch.zeros(1)}}])
def test_a_file_of_something_else_is_refused(tmp_path: Path, content: object) -> None:
    path = tmp_path / "run.pth"
    torch.save(content, path)
    with pytest.raises(CheckpointError, match=r"run\.pth: not a file of weights, expected names and tensors"):
        TagVGG19(SMALL, 2).load_imagenet(path)


def test_code_in_a_file_does_not_run(tmp_path: Path) -> None:
    path, proof = tmp_path / "evil.pth", tmp_path / "proof"
    torch.save({"features.0.weight": Touch(proof)}, path)
    with pytest.raises(CheckpointError, match=r"evil\.pth: not a file of weights"):
        TagVGG19(SMALL, 2).load_imagenet(path)
    assert not proof.exists()


class Touch:
    """Leaves a file where it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.path,)

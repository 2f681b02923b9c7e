"""Viewers: how pictures are prepared, and that each gives what its own network gives."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from soundsieve.errors import CheckpointError, DownloadError, MissingExtraError, SettingsError, UnknownNameError
from soundsieve.inference import viewers
from soundsieve.inference.viewers import efficientnet_lite0, onnx_file, open_viewer
from soundsieve.inference.viewers._preparation import Preparation, prepare
from soundsieve.inference.viewers.onnx_file import OnnxViewer
from soundsieve.models import tag_efficientnet
from soundsieve.models.view_efficientnet import ViewEfficientNet, ViewEfficientNetSettings
from soundsieve.video import frames_every

PLAIN = {"mean": [0, 0, 0], "deviation": [1, 1, 1]}


def photograph(height: int = 300, width: int = 400) -> NDArray[np.uint8]:
    """A smooth picture that is different everywhere, in each colour."""
    y, x = np.mgrid[:height, :width] / 50
    waves = [np.sin(x + 2 * y), np.cos(3 * x), np.sin(y * x / 3)]
    return np.round(127 + 100 * np.stack(waves, axis=-1)).astype(np.uint8)


# Preparation


@pytest.mark.parametrize("shape", [(300, 400), (700, 333), (100, 120), (1080, 1920)])
def test_pictures_are_what_pillow_makes_of_them(shape: tuple[int, int]) -> None:
    image_module = pytest.importorskip("PIL.Image", reason="Pillow is not here")
    picture = photograph(*shape)
    found = prepare(picture, Preparation.parse(PLAIN)).permute(1, 2, 0).numpy() * 255
    share = 256 / min(shape)
    height, width = (max(256, round(side * share)) for side in shape)
    resized = np.asarray(image_module.fromarray(picture).resize((width, height), image_module.Resampling.BICUBIC))
    top, left = (height - 224) // 2, (width - 224) // 2
    expected = resized[top : top + 224, left : left + 224]
    assert np.abs(found - expected).max() <= 1.01


def test_colours_are_scaled_one_by_one() -> None:
    picture = np.zeros((300, 300, 3), np.uint8) + np.array([255, 51, 0], np.uint8)
    prepared = prepare(picture, Preparation(mean=(0.5, 0.1, 0), deviation=(0.5, 0.2, 1)))
    torch.testing.assert_close(prepared.amax((1, 2)), torch.tensor([1.0, 0.5, 0.0]))


@pytest.mark.parametrize("bad", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8)])
def test_what_is_no_picture_is_refused(bad: NDArray[Any]) -> None:
    with pytest.raises(ValueError, match="expected uint8"):
        prepare(bad, Preparation())


# EfficientNet-Lite0


def saved_network(folder: Path) -> tuple[Path, ViewEfficientNet]:
    """A network with random weights, and the file in which they have the package's names."""
    torch.manual_seed(0)
    network = ViewEfficientNet(ViewEfficientNetSettings(), 1000).eval()
    for module in network.modules():
        if isinstance(module, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(module.weight)  # or pictures would hardly reach the end
    theirs = {}
    for place in ("trunk.stem", "head", *(f"trunk.blocks.{index}" for index in range(16))):
        for name, weight in network.state_dict().items():
            if name.startswith(f"{place}."):
                theirs[package_name(name)] = weight
    theirs |= {"_fc.weight": network.linear.weight, "_fc.bias": network.linear.bias}
    torch.save(theirs, folder / "weights.pth")
    return folder / "weights.pth", network


def package_name(name: str) -> str:
    kind = name.rpartition(".")[2]
    convolution = ".conv." in name
    if name.startswith("trunk.stem"):
        return f"{'_conv_stem' if convolution else '_bn0'}.{kind}"
    if name.startswith("head"):
        return f"{'_conv_head' if convolution else '_bn1'}.{kind}"
    _, _, block, layer, _, _ = name.split(".")
    norm = {"expand": "_bn0", "depthwise": "_bn1", "project": "_bn2"}[layer]
    return f"_blocks.{block}.{f'_{layer}_conv' if convolution else norm}.{kind}"


@torch.no_grad()
def test_efficientnet_gives_what_its_network_gives(tmp_path: Path) -> None:
    path, network = saved_network(tmp_path)
    viewer = efficientnet_lite0.load(path, "cpu")
    assert sum(weight.numel() for weight in network.parameters()) == 4_652_008  # published: 4.7 million
    pictures = [photograph(), photograph(200, 500)]
    found = viewer.logits(pictures)
    assert (found.shape, found.dtype) == ((2, 1000), np.float32)
    levels = prepare(pictures[1], Preparation.parse(PLAIN)) * 255
    expected = network((levels[None] - 127) / 128)[0].numpy()
    np.testing.assert_allclose(found[1], expected, atol=1e-4)
    assert np.abs(found[0] - found[1]).max() > 1e-3
    assert viewer.logits([]).shape == (0, 1000)


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tag_efficientnet, "PACKAGE", "a_package_that_is_not_there")
    with pytest.raises(MissingExtraError, match=r"soundsieve\[pretrained\]"):
        open_viewer("efficientnet-lite0")


@pytest.mark.shared_data
def test_efficientnet_names_real_pictures(shared_data: Path) -> None:
    """Each dog is another breed; all 70 pictures are in docs."""
    pytest.importorskip(tag_efficientnet.PACKAGE, reason="the package with ImageNet's weights is not here")
    paths = sorted((shared_data / "vision" / "images").glob("*.jpg"))[::7]
    pictures = [next(frames_every(path, longest_side=None)).pixels for path in paths]
    order = np.argsort(-open_viewer(device="cpu").logits(pictures), axis=1)
    true = np.array([int(path.name[:4]) for path in paths])
    assert (order[:, 0] == true).sum() >= 8
    assert (order[:, :5] == true[:, None]).any(1).sum() >= 9


# ResNet-152


def test_resnet_is_read_from_a_folder(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers", reason="transformers is not here")
    config = transformers.ResNetConfig(embedding_size=4, hidden_sizes=[4, 4, 4, 4], depths=[1] * 4, num_labels=1000)
    torch.manual_seed(0)
    network = transformers.ResNetForImageClassification(config).eval()
    network.save_pretrained(tmp_path)
    settings = {"size": 224, "crop_pct": 0.875, "image_mean": [0.4, 0.5, 0.6], "image_std": [0.2, 0.3, 0.4]}
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(settings))
    viewer = open_viewer(str(tmp_path), "cpu")
    pictures = [photograph(), photograph(200, 500)]
    preparation = Preparation(mean=(0.4, 0.5, 0.6), deviation=(0.2, 0.3, 0.4))
    with torch.no_grad():
        expected = network(torch.stack([prepare(picture, preparation) for picture in pictures])).logits.numpy()
    np.testing.assert_allclose(viewer.logits(pictures), expected, atol=1e-5)
    transformers.ResNetForImageClassification(
        transformers.ResNetConfig(embedding_size=4, hidden_sizes=[4] * 4, depths=[1] * 4, num_labels=7)
    ).save_pretrained(tmp_path)
    with pytest.raises(CheckpointError, match="names 7 classes, expected ImageNet's 1000"):
        open_viewer(str(tmp_path))
    (tmp_path / "config.json").unlink()
    with pytest.raises(CheckpointError, match="not a classifier of pictures as transformers saves it"):
        open_viewer(str(tmp_path))


def test_without_a_network_resnet_says_so_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("transformers", reason="transformers is not here")
    from soundsieve.inference.viewers import resnet152

    monkeypatch.setattr(resnet152, "_reachable", lambda: False)
    with pytest.raises(DownloadError, match="neither a folder here nor to be fetched from Hugging Face"):
        open_viewer("nobody/nothing-of-this-name")


@pytest.mark.parametrize(("module", "extra"), [("transformers", "vision-large"), ("onnxruntime", "onnx")])
def test_missing_extras_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, module: str, extra: str) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    (tmp_path / "a.onnx").touch()
    with pytest.raises(MissingExtraError, match=rf"soundsieve\[{extra}\]"):
        open_viewer("resnet152" if module == "transformers" else str(tmp_path / "a.onnx"))


# ONNX


class MeanLevels:
    """A session that names a picture by its mean levels: its first three numbers, after a background if any."""

    def __init__(
        self, shape: list[Any], kind: str = "tensor(float)", classes: int = 1000, *, softmax: bool = False
    ) -> None:
        self.shape, self.kind, self.classes, self.softmax = shape, kind, classes, softmax
        self.batches: list[int] = []

    def get_inputs(self) -> list[SimpleNamespace]:
        return [SimpleNamespace(name="x", shape=self.shape, type=self.kind)]

    def run(self, _: None, inputs: dict[str, NDArray[Any]]) -> list[NDArray[Any]]:
        x = inputs["x"]
        assert {"tensor(float)": np.float32, "tensor(uint8)": np.uint8}[self.kind] == x.dtype
        assert all(isinstance(want, str) or want == have for want, have in zip(self.shape, x.shape, strict=True))
        self.batches.append(len(x))
        scores = np.zeros((len(x), self.classes), np.float32)
        scores[:, self.classes - 1000 :][:, :3] = x.mean((2, 3) if self.shape[1] == 3 else (1, 2))
        if self.softmax:
            scores = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
        return [scores]


@pytest.mark.parametrize("shape", [["n", 3, 224, 224], [1, 224, 224, 3], ["n", 3, "h", "w"], [4, 3, 160, 160]])
@pytest.mark.parametrize("kind", ["tensor(float)", "tensor(uint8)"])
@pytest.mark.parametrize("classes", [1000, 1001])
def test_every_shape_of_input_and_output(shape: list[Any], kind: str, classes: int) -> None:
    session = MeanLevels(shape, kind, classes)
    viewer = OnnxViewer(Path("a.onnx"), session, PLAIN)
    pictures = [photograph(), photograph(400, 300), photograph(224, 224)]
    found = viewer.logits(pictures)
    scale = 255 if kind == "tensor(uint8)" else 1
    expected = np.stack([prepare(picture, viewer.preparation).mean((1, 2)).numpy() for picture in pictures]) * scale
    np.testing.assert_allclose(found[:, :3], expected, rtol=1e-4)
    assert found.shape == (3, 1000)
    assert not found[:, 3:].any()
    assert session.batches == ([3] if shape[0] == "n" else [1, 1, 1] if shape[0] == 1 else [4])


def test_probabilities_become_logits() -> None:
    plain, softened = (
        OnnxViewer(Path("a.onnx"), MeanLevels(["n", 3, 224, 224], softmax=on), {}) for on in (False, True)
    )
    difference = plain.logits([photograph()]) - softened.logits([photograph()])
    np.testing.assert_allclose(difference, difference[0, 0], atol=1e-4)


def test_files_that_are_something_else_are_refused() -> None:
    with pytest.raises(CheckpointError, match="expected pictures"):
        OnnxViewer(Path("a.onnx"), MeanLevels(["n", 4096]), {})
    with pytest.raises(CheckpointError, match=r"takes tensor\(int64\)"):
        OnnxViewer(Path("a.onnx"), MeanLevels(["n", 3, 224, 224], "tensor(int64)"), {})
    with pytest.raises(CheckpointError, match="gives 1024 numbers, expected 1000 or 1001"):
        OnnxViewer(Path("a.onnx"), MeanLevels(["n", 3, 224, 224], classes=1024), {}).logits([photograph()])
    with pytest.raises(SettingsError, match="unknown key 'means'"):
        OnnxViewer(Path("a.onnx"), MeanLevels(["n", 3, 224, 224]), {"means": [0, 0, 0]})


def test_an_onnx_file_with_settings_beside_it(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx", reason="onnx is not here")
    pytest.importorskip("onnxruntime", reason="onnxruntime is not here")
    floats = onnx.TensorProto.FLOAT
    wide = np.zeros((3, 1001), np.float32)
    wide[[0, 1, 2], [1, 2, 3]] = 1
    graph = onnx.helper.make_graph(
        [
            onnx.helper.make_node("GlobalAveragePool", ["x"], ["means"]),
            onnx.helper.make_node("Flatten", ["means"], ["flat"]),
            onnx.helper.make_node("MatMul", ["flat", "wide"], ["y"]),
        ],
        "means",
        [onnx.helper.make_tensor_value_info("x", floats, ["n", 3, 224, 224])],
        [onnx.helper.make_tensor_value_info("y", floats, ["n", 1001])],
        [onnx.numpy_helper.from_array(wide, "wide")],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, str(tmp_path / "a.onnx"))
    (tmp_path / "a.json").write_text(json.dumps(PLAIN))
    found = open_viewer(str(tmp_path / "a.onnx"), "cpu").logits([photograph()])
    np.testing.assert_allclose(found[0, :3], prepare(photograph(), Preparation.parse(PLAIN)).mean((1, 2)), rtol=1e-4)
    (tmp_path / "a.json").write_text("[]")
    with pytest.raises(CheckpointError, match=r"a\.json: expected an object"):
        open_viewer(str(tmp_path / "a.onnx"))
    (tmp_path / "b.onnx").write_bytes(b"nothing of the kind")
    with pytest.raises(CheckpointError, match=r"b\.onnx: not an ONNX file"):
        open_viewer(str(tmp_path / "b.onnx"))


def test_choices() -> None:
    assert set(viewers.names()) == {"efficientnet_lite0", "onnx_file", "resnet152"}
    with pytest.raises(UnknownNameError, match="did you mean 'efficientnet-lite0'"):
        open_viewer("efficientnet-lite1")
    with pytest.raises(CheckpointError, match="no such file"):
        open_viewer("none.onnx")
    with pytest.raises(CheckpointError, match=r"name one that ends in \.onnx"):
        onnx_file.load()

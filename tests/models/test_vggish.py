"""VGGish: its size, its order of flattening, AudioSet's postprocessing, and torchvggish's files."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from soundsieve.errors import CheckpointError, SettingsError
from soundsieve.models.vggish import VGGish, VGGishSettings, Whitening, published_weights, quantise

SMALL = VGGishSettings(frames=32, mels=16, channels=(2, 3, 4, 5), dense=6, size=4)


def small(output: str = "embedding") -> VGGish:
    torch.manual_seed(0)
    model = VGGish(SMALL.model_copy(update={"output": output})).eval()
    for name, parameter in model.named_parameters():
        if name.endswith("weight"):
            torch.nn.init.kaiming_normal_(parameter)  # so that what goes in is not lost on its way through 9 layers
    return model


def pca_arrays(size: int = 4) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {"pca_eigen_vectors": rng.standard_normal((size, size)), "pca_means": rng.standard_normal((size, 1))}


def test_the_published_network_has_the_published_size_and_names() -> None:
    with torch.device("meta"):  # 289 MB that nobody looks at
        state = VGGish(VGGishSettings()).state_dict()
    assert sum(tensor.numel() for tensor in state.values()) == 72_141_184
    convolutions = {0: (64, 1), 3: (128, 64), 6: (256, 128), 8: (256, 256), 11: (512, 256), 13: (512, 512)}
    dense = {0: (4096, 12_288), 2: (4096, 4096), 4: (128, 4096)}
    expected = {f"features.{k}.weight": (*shape, 3, 3) for k, shape in convolutions.items()}
    expected |= {f"embeddings.{k}.weight": shape for k, shape in dense.items()}
    expected |= {name.replace("weight", "bias"): shape[:1] for name, shape in expected.items()}
    assert {name: tuple(tensor.shape) for name, tensor in state.items()} == expected


@torch.no_grad()
def test_cells_are_flattened_by_height_width_and_channel() -> None:
    """The order matters to TensorFlow's weights: all channels of a cell, all cells of a row, row after row."""
    model = VGGish(VGGishSettings(frames=32, mels=48, channels=(2, 2, 2, 3), dense=18, size=1)).eval()
    cells = torch.arange(18.0).reshape(1, 3, 2, 3)  # channel, row in time, column in frequency
    flattened: list[Tensor] = []
    model.features.register_forward_hook(lambda module, given, made: cells)
    model.embeddings.register_forward_pre_hook(lambda module, given: flattened.append(given[0]))
    model(torch.randn(1, 32, 48))
    assert flattened[0].shape == (1, 18)
    for channel in range(3):
        for row in range(2):
            for column in range(3):
                assert flattened[0][0, (row * 3 + column) * 3 + channel] == cells[0, channel, row, column]


@torch.no_grad()
def test_it_is_the_formula() -> None:
    model, examples = small(), torch.randn(5, 32, 16)  # the model first: it sets the seed
    x = examples[:, None]
    weights = dict(model.named_parameters())
    for conv, pooled in ((0, True), (3, True), (6, False), (8, True), (11, False), (13, True)):
        x = torch.conv2d(x, weights[f"features.{conv}.weight"], weights[f"features.{conv}.bias"], padding=1).relu()
        if pooled:
            x = x.unflatten(3, (-1, 2)).amax(4).unflatten(2, (-1, 2)).amax(3)
    x = x.permute(0, 2, 3, 1).reshape(5, -1)
    for layer in (0, 2, 4):
        x = x @ weights[f"embeddings.{layer}.weight"].T + weights[f"embeddings.{layer}.bias"]
        x = x.relu() if layer < 4 else x
    torch.testing.assert_close(model(examples), x, atol=1e-6, rtol=1e-5)
    assert (x < 0).any(), "without a negative number a ReLU at the end would not show"


def test_whitening_and_8_bits_are_audiosets() -> None:
    """Against the published order: means off, matrix from the left, clip, scale to 255, cut off the fraction."""
    arrays = pca_arrays(128)
    embeddings = 0.3 * np.random.default_rng(1).standard_normal((50, 128)) + arrays["pca_means"].T
    turned = (arrays["pca_eigen_vectors"] @ (embeddings.T - arrays["pca_means"])).T
    clipped = np.minimum(np.maximum(turned, -2.0), 2.0)
    assert 0.05 < (np.abs(clipped) == 2).mean() < 0.9
    whitening = Whitening(128)
    state = {"eigenvectors": arrays["pca_eigen_vectors"], "means": arrays["pca_means"][:, 0]}
    whitening.load_state_dict({name: torch.from_numpy(value) for name, value in state.items()})
    whitened = whitening(torch.from_numpy(embeddings).float())
    np.testing.assert_allclose(whitened.numpy(), clipped, atol=1e-4)
    bits = quantise(whitened)
    assert bits.dtype == torch.uint8
    exact = (clipped + 2) * 255 / 4
    clear = np.abs(exact - np.round(exact)) > 0.01  # rounding may decide the others
    assert clear.mean() > 0.2
    np.testing.assert_array_equal(bits.numpy()[clear], np.floor(exact)[clear])


@torch.no_grad()
def test_output_goes_as_far_as_asked() -> None:
    plain, whitened, quantised = (small(output) for output in ("embedding", "whitened", "quantised"))
    examples = torch.randn(6, 32, 16)
    for model in (whitened, quantised):
        model.whitening.eigenvectors.copy_(3 * torch.randn(4, 4, generator=torch.Generator().manual_seed(2)))
        model.whitening.means.copy_(plain(examples).mean(0))
    torch.testing.assert_close(whitened(examples), whitened.whitening(plain(examples)))
    assert whitened(examples).abs().max() <= 2
    assert 0 < (whitened(examples).abs() == 2).float().mean() < 0.9
    torch.testing.assert_close(quantised(examples), quantise(whitened(examples)))


# Files


def save_as(path: Path, values: Mapping[str, Any], kind: str = "zip") -> Path:
    """Write a file as PyTorch does now, as it did in 2019, or as safetensors."""
    if kind == "safetensors":
        save_file({name: torch.as_tensor(value) for name, value in values.items()}, path)
    else:
        torch.save(dict(values), path, _use_new_zipfile_serialization=kind == "zip")
    return path


@pytest.mark.parametrize(("kind", "suffix"), [("zip", ".pth"), ("legacy", ".pth"), ("safetensors", ".safetensors")])
def test_the_network_is_read_from_a_file(tmp_path: Path, kind: str, suffix: str) -> None:
    model, examples = small(), torch.randn(2, 32, 16)
    weights = published_weights(save_as(tmp_path / f"a{suffix}", model.state_dict(), kind), settings=SMALL)
    other = VGGish(SMALL)
    assert not torch.equal(other(examples), model(examples))
    other.load_state_dict(weights)
    torch.testing.assert_close(other(examples), model(examples), atol=0, rtol=0)


@pytest.mark.parametrize("kind", ["zip", "legacy"])
@pytest.mark.parametrize("column", [True, False])
def test_pca_is_read_from_a_file_of_arrays_or_tensors(tmp_path: Path, kind: str, column: bool) -> None:
    """The published file holds numpy arrays; in others they are tensors, and the means a plain vector."""
    expected = pca_arrays()
    arrays: dict[str, Any] = dict(expected)
    if not column:
        arrays = {
            "pca_eigen_vectors": torch.from_numpy(arrays["pca_eigen_vectors"]),
            "pca_means": arrays["pca_means"][:, 0],
        }
    pca = save_as(tmp_path / "pca.pth", arrays, kind)
    network = save_as(tmp_path / "network.pth", small().state_dict())
    settings = SMALL.model_copy(update={"output": "whitened"})
    weights = published_weights(network, pca, settings)
    model = VGGish(settings)
    model.load_state_dict(weights)
    np.testing.assert_allclose(model.whitening.eigenvectors, expected["pca_eigen_vectors"], rtol=1e-6)
    np.testing.assert_allclose(model.whitening.means, expected["pca_means"][:, 0], rtol=1e-6)
    assert all(tensor.dtype == torch.float32 for tensor in weights.values())
    assert not any("whitening" in name for name in published_weights(network, pca, SMALL))


def test_arrays_written_before_numpy_2_are_read(tmp_path: Path) -> None:
    """Then the module that rebuilds them had another name."""
    written = io.BytesIO()
    torch.save(pca_arrays(), written, _use_new_zipfile_serialization=False)
    new, old = b"numpy._core.multiarray", b"numpy.core.multiarray"
    assert new in written.getvalue()
    (tmp_path / "pca.pth").write_bytes(written.getvalue().replace(new, old))
    network = save_as(tmp_path / "network.pth", small().state_dict())
    settings = SMALL.model_copy(update={"output": "quantised"})
    weights = published_weights(network, tmp_path / "pca.pth", settings)
    np.testing.assert_allclose(weights["whitening.means"], pca_arrays()["pca_means"][:, 0], rtol=1e-6)


class Trap:
    """What unpickles into a call."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def test_nothing_in_a_file_is_run(tmp_path: Path) -> None:
    file = save_as(tmp_path / "a.pth", {"features.0.weight": Trap(tmp_path / "sprung")})
    with pytest.raises(CheckpointError, match=r"a\.pth: not a file of weights \("):
        published_weights(file, settings=SMALL)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"features.3.bias": None}, r"expected the weights of VGGish, found none for 'features\.3\.bias'"),
        ({"head.weight": torch.zeros(3)}, r"expected the weights of VGGish, found 'head\.weight', which it does not"),
        ({"embeddings.4.bias": torch.zeros(5)}, r"'embeddings\.4\.bias': expected shape \(4,\), found \(5,\)"),
        ({"features.0.weight": "noise"}, "not a file of weights, expected names and tensors"),
    ],
)
def test_files_of_something_else_are_refused(tmp_path: Path, change: dict[str, Any], sentence: str) -> None:
    values = {name: value for name, value in {**small().state_dict(), **change}.items() if value is not None}
    with pytest.raises(CheckpointError, match=rf"a\.pth: {sentence}"):
        published_weights(save_as(tmp_path / "a.pth", values), settings=SMALL)


def test_missing_and_damaged_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"none\.pth: no such file"):
        published_weights(tmp_path / "none.pth")
    (tmp_path / "broken.pth").write_bytes(b"not weights")
    with pytest.raises(CheckpointError, match=r"broken\.pth: not a file of weights"):
        published_weights(tmp_path / "broken.pth")


def test_what_whitens_must_be_there_where_it_is_wanted(tmp_path: Path) -> None:
    network = save_as(tmp_path / "network.pth", small().state_dict())
    settings = SMALL.model_copy(update={"output": "quantised"})
    with pytest.raises(CheckpointError, match="output = 'quantised' needs a file of PCA parameters"):
        published_weights(network, settings=settings)
    pca = save_as(tmp_path / "pca.pth", {"pca_means": pca_arrays()["pca_means"]})
    with pytest.raises(CheckpointError, match=r"pca\.pth: .* found none for 'whitening\.eigenvectors'"):
        published_weights(network, pca, settings)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"frames": 100}, "frames = 100: .*multiple of 16"),
        ({"mels": 0}, "mels = 0"),
        ({"channels": [1, 2, 3]}, "channels.3"),
        ({"output": "pca"}, "output = 'pca': input should be 'embedding', 'whitened' or 'quantised'"),
    ],
)
def test_impossible_hyper_parameters_are_refused(wrong: dict[str, object], sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        VGGishSettings.parse(wrong)

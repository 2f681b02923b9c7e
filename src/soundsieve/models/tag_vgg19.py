"""VGG19, to be started from weights that name photographs and trained to name log-mel pictures.

Karen Simonyan and Andrew Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", ICLR 2015,
configuration E: 16 convolutions 3×3 in five blocks with a max-pool of 2 after each, an average into 7×7 cells, three
dense layers. The first layer takes one channel in place of three colours and the last has as many outputs as classes.
The parameters are named as torchvision names them, so public ImageNet weights fit; `load_imagenet` reads them from a
file, such as

    https://download.pytorch.org/models/vgg19-dcbb9e9d.pth (torchvision)
    https://huggingface.co/timm/vgg19.tv_in1k/resolve/main/model.safetensors (the same, named by timm)

Axes: b batch, c class, k channel, m band, l frame.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field
from torch import Tensor, nn

from soundsieve.errors import CheckpointError
from soundsieve.models._classifier import adaptive_pool, as_images, fill_padding, max_pool
from soundsieve.models._imagenet import take_over
from soundsieve.settings import Settings

CONVOLUTIONS = (2, 2, 4, 4, 4)  # in each block
CELLS = (7, 7)
SOURCE = "https://huggingface.co/timm/vgg19.tv_in1k"
TIMM_NAMES = {"pre_logits.fc1": "classifier.0", "pre_logits.fc2": "classifier.3", "head.fc": "classifier.6"}

Channels = Annotated[int, Field(ge=1)]


class TagVGG19Settings(Settings):
    """Hyper-parameters; only the defaults fit ImageNet's weights."""

    mels: int = Field(64, ge=2 ** len(CONVOLUTIONS), description="bands of the features")
    channels: tuple[Channels, Channels, Channels, Channels, Channels] = Field(
        (64, 128, 256, 512, 512), description="filters in each block"
    )
    dense: int = Field(4096, ge=1, description="size of the first two dense layers")
    dropout: float = Field(0.5, ge=0, lt=1, description="dropout after each of them")


class TagVGG19(nn.Module):
    """Names a clip as if its log-mel features were a grey picture.

    Shape:
        - features: (b, m, l), any l ≥ 1; clips under 32 frames are lengthened with zeros to 32
        - frames: (b,), the length of each clip
        - output: logits (b, c)

    Raises:
        ValueError: when a shape does not fit, quoting it.

    >>> import torch
    >>> model = TagVGG19(TagVGG19Settings(channels=(4, 4, 8, 8, 8), dense=16), classes=50)
    >>> tuple(model(torch.zeros(2, 64, 100), torch.tensor([100, 30])).shape)
    (2, 50)
    """

    def __init__(self, settings: TagVGG19Settings, classes: int) -> None:
        super().__init__()
        s = self.settings = settings
        self.classes = classes
        layers: list[nn.Module] = []
        before = 1
        for channels, convolutions in zip(s.channels, CONVOLUTIONS, strict=True):
            for _ in range(convolutions):
                layers += [nn.Conv2d(before, channels, 3, padding=1), nn.ReLU(inplace=True)]
                before = channels
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(
            nn.Linear(before * CELLS[0] * CELLS[1], s.dense),
            nn.ReLU(inplace=True),
            nn.Dropout(s.dropout),
            nn.Linear(s.dense, s.dense),
            nn.ReLU(inplace=True),
            nn.Dropout(s.dropout),
            nn.Linear(s.dense, classes),
        )
        for module in self.features:
            if isinstance(module, nn.Conv2d):  # 16 layers without normalisation would otherwise fade
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, features: Tensor, frames: Tensor) -> Tensor:
        """Name each clip."""
        x, counts = as_images(features, frames, mels=self.settings.mels, least=2 ** len(CONVOLUTIONS))
        for layer in self.features:
            if isinstance(layer, nn.MaxPool2d):
                x, counts = max_pool(x, counts, 2)
            elif isinstance(layer, nn.Conv2d):
                x = fill_padding(layer(x), counts)
            else:
                x = layer(x)
        logits: Tensor = self.classifier(adaptive_pool(x, counts, CELLS).flatten(1))
        return logits

    def load_imagenet(self, path: Path | None) -> None:
        """Take over all but the last layer from one of the files named above; see `StartsFromImageNet`."""
        if path is None:
            raise CheckpointError(
                f"VGG19: its ImageNet weights come in no package; name the file, that of {SOURCE} say"
            )
        last = f"classifier.{len(self.classifier) - 1}"
        take_over(self, path, first="features.0.weight", last=(last,), rename=_torchvision_name)


def _torchvision_name(name: str) -> str:
    layer, _, kind = name.rpartition(".")
    return f"{TIMM_NAMES.get(layer, layer)}.{kind}"


TASK = "tag"
SETTINGS = TagVGG19Settings
MODEL = TagVGG19

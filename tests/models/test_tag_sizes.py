"""How many parameters each classifier has as documented, for ESC-50's 50 classes."""

import pytest
import torch

from soundsieve import models


def dense(inputs: int, outputs: int) -> int:
    return inputs * outputs + outputs


def recurrent(gates: int, inputs: int, hidden: int) -> int:
    return gates * hidden * (inputs + hidden + 2)  # each gate has two biases


def normed(inputs: int, outputs: int, kernel: int) -> int:
    """A convolution without bias, and a scale and an offset for each of its channels."""
    return kernel**2 * inputs * outputs + 2 * outputs


def residual(inputs: int, outputs: int, wide: int) -> int:
    return normed(inputs, wide, 1) + normed(1, wide, 3) + normed(wide, outputs, 1)


SIZES = {
    # What is left is 8 channels × 1 band × 13 columns.
    "tag_baseline": dense(9, 8) + 2 * dense(72, 8) + dense(104, 128) + dense(128, 64) + dense(64, 50),
    "tag_lstm": recurrent(4, 64, 128) + recurrent(4, 128, 128) + dense(128, 50),
    # What is left is 8 filters × 30 bands; then the attention and the classes.
    "tag_crnn": dense(100, 8) + recurrent(3, 240, 64) + recurrent(3, 64, 64) + dense(64, 64) + 64 + dense(64, 50),
    "tag_vgg": sum(normed(k // 2 if k > 32 else 1, k, 3) + normed(k, k, 3) for k in (32, 64, 128, 256))
    + dense(256, 256)
    + dense(256, 50),
    "tag_kumar": 4_513_122,
    # torchvision's has 143,667,240 for three colours and 1,000 classes.
    "tag_vgg19": 143_667_240 - 2 * 9 * 64 - 950 * 4097,
    # The package that its weights come from has 4,652,008 for three colours and 1,000 classes.
    "tag_efficientnet": 4_652_008 - 2 * 9 * 32 - 950 * 1281,
    # Patches and positions in four bands; layers of attention and a dense part, two norms in each; a norm; classes.
    "tag_transformer": (dense(256, 192) + 4 * 192)
    + 4 * (4 * dense(192, 192) + dense(192, 768) + dense(768, 192) + 4 * 192)
    + (2 * 192 + dense(192, 50)),
    # Stem; three stages, the first of plain convolutions; four bands mixed; attention and scores.
    "tag_small": normed(2, 24, 3)
    + (normed(24, 72, 3) + normed(72, 40, 1) + normed(40, 120, 3) + normed(120, 40, 1))
    + (residual(40, 80, 160) + 2 * residual(80, 80, 320))
    + (residual(80, 144, 320) + 2 * residual(144, 144, 576))
    + (normed(4 * 144, 256, 1) + 2 * dense(256, 50)),
}
# The first five stages of EfficientNet-Lite0: stem; inverted residuals, wide inside; then as `tag_small` ends.
SIZES["tag_lite"] = (
    (normed(1, 32, 3) + normed(1, 32, 3) + normed(32, 16, 1))
    + sum(
        normed(before, 6 * before, 1) + normed(1, 6 * before, kernel) + normed(6 * before, after, 1)
        for kernel, before, after in [(3, 16, 24), (3, 24, 24), (5, 24, 40), (5, 40, 40), (3, 40, 80)]
        + 2 * [(3, 80, 80)]
        + [(5, 80, 112), (5, 112, 112), (5, 112, 112)]
    )
    + (normed(4 * 112, 256, 1) + 2 * dense(256, 50))
)


@pytest.mark.parametrize("name", models.names("tag"))
def test_a_classifier_has_its_documented_size(name: str) -> None:
    with torch.device("meta"):
        model = models.build(name, {}, 50)
    assert sum(parameter.numel() for parameter in model.parameters()) == SIZES[name]


def test_the_convolutions_of_vgg19_are_those_of_imagenets() -> None:
    """They have 20,024,384 for three colours."""
    with torch.device("meta"):
        features = models.build("tag_vgg19", {}, 50).features
    assert sum(parameter.numel() for parameter in features.parameters()) == 20_024_384 - 2 * 9 * 64

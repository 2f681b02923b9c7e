"""The deeper network, against its layers written out."""

import pytest
import torch
from torch import nn

from soundsieve.errors import SettingsError
from soundsieve.models.tag_vgg import TagVGG, TagVGGSettings


@torch.no_grad()
def test_a_clip_alone_goes_through_plain_layers() -> None:
    torch.manual_seed(0)
    model = TagVGG(TagVGGSettings(channels=4, blocks=3), classes=5).eval()
    features = torch.randn(1, 64, 83)
    x = features[:, None]
    for index, layer in enumerate(model.convs):
        x = torch.relu(layer.norm(layer.conv(x)))
        x = nn.functional.max_pool2d(x, 2) if index in (1, 3, 5) else x
    x = x.mean(2)
    expected = model.dense(x.mean(-1) + x.amax(-1))
    torch.testing.assert_close(model(features, torch.tensor([83])), expected, atol=1e-6, rtol=1e-5)


def test_filters_double_from_block_to_block() -> None:
    model = TagVGG(TagVGGSettings(channels=3, blocks=4), classes=2)
    assert [layer.conv.out_channels for layer in model.convs] == [3, 3, 6, 6, 12, 12, 24, 24]


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"mels": 15}, "blocks = 4: expected so few that halving 15 mels leaves one"),
        ({"blocks": 7}, "blocks = 7: expected so few that halving 64 mels leaves one"),
        ({"dropout": 1.0}, "dropout = 1.0: .* less than 1"),
    ],
)
def test_impossible_settings_are_refused(wrong: dict[str, object], sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        TagVGGSettings.parse(wrong)

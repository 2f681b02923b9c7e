"""The network of Kumar et al.: its published size, its segments, and the mels it cannot take."""

import pytest
import torch
from torch import nn

from soundsieve import models
from soundsieve.errors import SettingsError
from soundsieve.models.tag_kumar import TagKumar, TagKumarSettings

SMALL = TagKumarSettings(channels=(2, 3, 3, 4, 4, 5), hidden=6)


def test_it_has_the_published_number_of_parameters_with_128_mels_and_50_classes() -> None:
    assert sum(p.numel() for p in models.build("tag_kumar", {"mels": 128}, 50).parameters()) == 4_513_122


def test_64_mels_are_refused_with_the_reason() -> None:
    with pytest.raises(SettingsError, match="halve 64 mels to 2 bands, for the 2×2 convolution"):
        models.build("tag_kumar", {"mels": 64}, 50)
    assert TagKumarSettings.parse({"mels": 64, "channels": [16, 32, 64, 128, 256]}).mels == 64  # one pool fewer fits


def test_channels_of_none_are_refused() -> None:
    with pytest.raises(SettingsError, match=r"channels\.1 = 0"):
        TagKumarSettings.parse({"channels": [16, 0, 64, 128, 256, 512]})


@torch.no_grad()
def test_a_clip_is_the_average_of_segments_that_plain_layers_score() -> None:
    torch.manual_seed(0)
    model = TagKumar(SMALL, classes=4).eval()
    features, frames = torch.randn(1, 128, 400), torch.tensor([400])
    x = features[:, None]
    for index, layer in enumerate(model.convs):
        x = torch.relu(layer.norm(layer.conv(x)))
        x = nn.functional.max_pool2d(x, 2) if index in (1, 3, 5, 7, 9, 10) else x
    assert x.shape == (1, 5, 2, 6)
    x = torch.relu(model.segments.norm(model.segments.conv(x)))
    assert x.shape == (1, 6, 1, 5)
    expected = model.scores(x[:, :, 0])
    segments, hop_frames = model.frame_logits(features, frames)
    assert hop_frames == 64
    torch.testing.assert_close(segments, expected)
    torch.testing.assert_close(model(features, frames), expected.mean(-1))

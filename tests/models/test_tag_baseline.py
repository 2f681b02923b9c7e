"""The smallest network of the study, against its layers written out."""

import pytest
import torch
from torch import nn

from soundsieve.errors import SettingsError
from soundsieve.models.tag_baseline import TagBaseline, TagBaselineSettings


@torch.no_grad()
@pytest.mark.parametrize("frames", [862, 832, 895])
def test_clips_of_the_documented_length_are_flattened_as_in_the_study(frames: int) -> None:
    """Three convolutions, each with a max-pool of 4, and three dense layers; 832 to 895 frames leave 13 columns."""
    torch.manual_seed(0)
    model = TagBaseline(TagBaselineSettings(), classes=5)
    plain = nn.Sequential(*(nn.Sequential(conv, nn.ReLU(), nn.MaxPool2d(4)) for conv in model.convs), nn.Flatten())
    features = torch.randn(2, 64, frames)
    torch.testing.assert_close(
        model(features, torch.tensor([frames, frames])), model.dense(plain(features[:, None])), atol=1e-6, rtol=1e-5
    )


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"mels": 63}, "mels = 63: .* greater than or equal to 64"),
        ({"clip_frames": 63}, "clip_frames = 63: .* greater than or equal to 64"),
        ({"channels": 0}, "channels = 0"),
        ({"dense": [128]}, "dense.1 = "),
    ],
)
def test_impossible_settings_are_refused(wrong: dict[str, object], sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        TagBaselineSettings.parse(wrong)

"""Our own classifier: it knows how high a band is, looks only so far, and attends."""

import pytest
import torch

from soundsieve.errors import SettingsError
from soundsieve.models.tag_small import TagSmall, TagSmallSettings

SMALL = TagSmallSettings(stem=4, channels=(6, 8, 10), blocks=(2, 2, 1), hidden=16)


@pytest.fixture
def model() -> TagSmall:
    torch.manual_seed(0)
    return TagSmall(SMALL, classes=3).eval()


@torch.no_grad()
def test_a_clip_is_the_average_of_its_segments_weighted_by_attention(model: TagSmall) -> None:
    features, frames = torch.randn(1, 64, 200), torch.tensor([200])
    hidden, _ = model.segments(features, frames)
    weights = model.attention(hidden).softmax(-1)
    torch.testing.assert_close(weights.sum(-1), torch.ones(1, 3))
    segments, hop_frames = model.frame_logits(features, frames)
    assert (segments.shape[-1], hop_frames) == (13, 16)
    torch.testing.assert_close(model(features, frames), (weights * segments).sum(-1))


@torch.no_grad()
def test_a_segment_is_about_its_surroundings_only(model: TagSmall) -> None:
    """A sound in the middle of 20 s changes the segments around it and no others, unlike with a look at the whole."""
    features, frames = torch.randn(1, 64, 3200), torch.tensor([3200])
    before, hop_frames = model.frame_logits(features, frames)
    features[..., 1600:1616] += 3
    after, _ = model.frame_logits(features, frames)
    changed = ((after - before).abs().amax((0, 1)) > 0).nonzero().flatten() * hop_frames
    assert 1600 in changed.tolist()
    assert 1600 - 200 < changed.min() <= changed.max() < 1616 + 200


@torch.no_grad()
def test_a_convolution_sees_how_high_a_band_is(model: TagSmall) -> None:
    """The stem answers the same pattern otherwise in another band, and the same band alike."""
    seen = []
    model.stem.register_forward_hook(lambda module, inputs, output: seen.append(output[0]))
    features = torch.zeros(1, 64, 64)
    features[:, 20, 20] = features[:, 20, 40] = features[:, 40, 20] = 1.0
    model(features, torch.tensor([64]))
    torch.testing.assert_close(seen[0][..., 10, 10], seen[0][..., 10, 20])
    assert (seen[0][..., 10, 10] - seen[0][..., 20, 10]).abs().max() > 0.01


def test_impossible_settings_are_refused() -> None:
    with pytest.raises(SettingsError, match=r"channels\.2 = 0"):
        TagSmallSettings.parse({"channels": [8, 8, 0]})
    with pytest.raises(SettingsError, match=r"blocks\.2 = "):
        TagSmallSettings.parse({"blocks": [1, 1]})

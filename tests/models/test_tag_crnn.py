"""The recurrent network with attention, against its formula."""

import pytest
import torch

from soundsieve.errors import SettingsError
from soundsieve.models.tag_crnn import TagCRNN, TagCRNNSettings


@torch.no_grad()
def test_the_clip_is_the_attended_average_of_its_states() -> None:
    torch.manual_seed(0)
    model = TagCRNN(TagCRNNSettings(channels=3, hidden=6), classes=4).eval()
    features, frames = torch.randn(1, 64, 100), torch.tensor([100])
    states, _ = model.gru(torch.relu(model.conv(features[:, None])).flatten(1, 2).transpose(1, 2))
    weights = model.energy(states).softmax(1)
    torch.testing.assert_close(model(features, frames), model.linear((weights * states).sum(1)))
    segments, hop_frames = model.frame_logits(features, frames)
    torch.testing.assert_close(segments, model.linear(states).transpose(1, 2))
    assert hop_frames == 8
    torch.testing.assert_close(model(features, frames), (weights.transpose(1, 2) * segments).sum(-1))


@torch.no_grad()
def test_segments_know_no_future() -> None:
    """A GRU runs one way: what comes after a segment's 20 frames does not change it."""
    model = TagCRNN(TagCRNNSettings(channels=3, hidden=6), classes=4).eval()
    features, frames = torch.randn(1, 64, 100), torch.tensor([100])
    before, hop_frames = model.frame_logits(features, frames)
    features[..., 60:] += 1
    after, _ = model.frame_logits(features, frames)
    first = (60 - 20) // hop_frames + 1
    torch.testing.assert_close(after[..., :first], before[..., :first])
    assert (after[..., first] != before[..., first]).any()


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"mels": 4}, r"kernel = \(5, 20\): expected at most 4 bands, the mels of the features"),
        ({"kernel": [65, 20]}, r"kernel = \[65, 20\]: expected at most 64 bands"),
        ({"kernel": [5, 0]}, r"kernel = \[5, 0\]: expected two numbers of at least 1, bands and frames"),
        ({"stride": [0, 8]}, r"stride = \[0, 8\]: expected two numbers of at least 1, bands and frames"),
    ],
)
def test_impossible_settings_are_refused(wrong: dict[str, object], sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        TagCRNNSettings.parse(wrong)

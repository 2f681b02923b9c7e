"""The LSTM names a clip by its state after the clip's last frame, whatever else is in the batch."""

import torch

from soundsieve.models.tag_lstm import TagLSTM, TagLSTMSettings


@torch.no_grad()
def test_the_last_valid_state_names_the_clip() -> None:
    torch.manual_seed(0)
    model = TagLSTM(TagLSTMSettings(mels=5, hidden=6), classes=4).eval()
    features, frames = torch.randn(3, 5, 12), torch.tensor([4, 12, 1])
    states, _ = model.lstm(features.transpose(1, 2))  # unpacked: it runs on into the padding
    expected = model.linear(states[torch.arange(3), frames - 1])
    torch.testing.assert_close(model(features, frames), expected)


def test_one_layer_has_no_dropout_between_layers() -> None:
    assert TagLSTM(TagLSTMSettings(layers=1, hidden=4), 2).lstm.dropout == 0

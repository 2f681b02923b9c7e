"""An LSTM over frames; its state after the last frame of the clip names it.

Sepp Hochreiter and Jürgen Schmidhuber, "Long Short-Term Memory", Neural Computation 1997.

Axes: b batch, c class, h hidden, m band, l frame.
"""

from __future__ import annotations

from pydantic import Field
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

from soundsieve.models._classifier import as_images
from soundsieve.settings import Settings


class TagLSTMSettings(Settings):
    """Hyper-parameters."""

    mels: int = Field(64, ge=1, description="bands of the features")
    hidden: int = Field(128, ge=1, description="size of the state")
    layers: int = Field(2, ge=1, description="LSTM layers")
    dropout: float = Field(0.2, ge=0, lt=1, description="dropout between the layers and before the classes")


class TagLSTM(nn.Module):
    """Names a clip from the state after its last frame.

    Shape:
        - features: (b, m, l), any l ≥ 1
        - frames: (b,), the length of each clip
        - output: logits (b, c)

    Raises:
        ValueError: when a shape does not fit, quoting it.

    >>> import torch
    >>> model = TagLSTM(TagLSTMSettings(hidden=8), classes=50)
    >>> tuple(model(torch.zeros(2, 64, 20), torch.tensor([20, 3])).shape)
    (2, 50)
    """

    def __init__(self, settings: TagLSTMSettings, classes: int) -> None:
        super().__init__()
        s = self.settings = settings
        self.classes = classes
        between = s.dropout if s.layers > 1 else 0.0
        self.lstm = nn.LSTM(s.mels, s.hidden, s.layers, batch_first=True, dropout=between)
        self.dropout = nn.Dropout(s.dropout)
        self.linear = nn.Linear(s.hidden, classes)

    def forward(self, features: Tensor, frames: Tensor) -> Tensor:
        """Name each clip."""
        x, counts = as_images(features, frames, mels=self.settings.mels)
        # Packed, so that the last state of a clip is the one after its own last frame.
        packed = pack_padded_sequence(x[:, 0].transpose(1, 2), counts, batch_first=True, enforce_sorted=False)
        _, (states, _) = self.lstm(packed)  # layer, b, h
        logits: Tensor = self.linear(self.dropout(states[-1]))
        return logits


TASK = "tag"
SETTINGS = TagLSTMSettings
MODEL = TagLSTM

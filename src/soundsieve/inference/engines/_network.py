"""An engine that is a network of this package."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from soundsieve.checkpoint import Checkpoint
from soundsieve.errors import CheckpointError
from soundsieve.inference.device import pick_device
from soundsieve.inference.engines import StemStream
from soundsieve.inference.masked_stems import MaskedStems, MasksPieces, PieceSettings
from soundsieve.inference.progress import CancelToken
from soundsieve.inference.stems import ChunkedStems, StemNetwork, StemSettings

_MOST_PIECES = 1024  # that a setting may say


@dataclass(frozen=True)
class NetworkEngine:
    """Runs a network over a stream; see `Engine`.

    Attributes:
        network: What is run.
        card: Where it is from.
        chunks: How the stream is cut for a network that takes waveforms.
        pieces: How much at once for one that masks spectrograms.
    """

    network: StemNetwork
    card: Mapping[str, Any] = field(default_factory=dict)
    chunks: StemSettings = field(default_factory=StemSettings)
    pieces: PieceSettings = field(default_factory=PieceSettings)

    @property
    def stems(self) -> tuple[str, ...]:
        """What it finds, in order."""
        return self.network.stems

    @property
    def sample_rate(self) -> int:
        """Of what it takes and gives, in Hz."""
        return self.network.sample_rate

    def stream(self, channels: int, cancel: CancelToken | None = None) -> StemStream:
        """Begin a recording."""
        if isinstance(self.network.model, MasksPieces):
            return MaskedStems(self.network, channels, self.pieces, cancel)
        return ChunkedStems(self.network, channels, self.chunks, cancel)

    def in_segments(self, segment_s: float) -> NetworkEngine:
        """Work on so many seconds at once, or on a single piece where pieces are longer."""
        if not isinstance(self.network.model, MasksPieces):
            return replace(self, chunks=self.chunks.model_copy(update={"segment_s": segment_s}))
        settings: Any = self.network.model.settings
        step_s = settings.step * settings.hop / self.sample_rate
        pieces = min(_MOST_PIECES, max(1, int(segment_s / step_s)))
        return replace(self, pieces=self.pieces.model_copy(update={"pieces": pieces}))


def from_checkpoint(found: Checkpoint, device: str = "auto") -> NetworkEngine:
    """Make an engine of a checkpoint of the task `unmix`.

    Raises:
        CheckpointError: when it is for another task, or its weights do not fit.
        SettingsError: when this machine has no such device.
    """
    if found.task != "unmix":
        raise CheckpointError(f"a {found.model} is for {found.task}: expected a model for unmix")
    where = pick_device(device)
    return NetworkEngine(StemNetwork(found.build().to(where), found.classes, found.sample_rate, where), found.card)

"""A separator that masks spectrograms piece by piece, over long recordings: the same as the whole at once.

Where `ChunkedStems` would have to run it again on the pieces around each chunk, because their masks are cross-faded and
their frames overlap, this one keeps what pieces have in common. Nothing is computed twice but some of the spectrum.

Axes: g group of channels, s stem, c channel, l frame, f bin, t time.
"""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from soundsieve.inference.channel_groups import from_groups, to_groups
from soundsieve.inference.fifo import Fifo
from soundsieve.inference.progress import CancelToken, check_cancel
from soundsieve.inference.stems import Separated, StemNetwork
from soundsieve.settings import Settings

_NO_WEIGHT = 1e-8  # of samples before and after the recording, which are thrown away


@runtime_checkable
class MasksPieces(Protocol):
    """A separator that says how it shares a spectrogram among its stems.

    It also has `settings` with `n_fft`, `hop`, `frames` and `step`, and the `window` of its transform.

    Attributes:
        rise: How a piece sets in where the one before it goes on.
    """

    rise: Tensor

    def masks(self, magnitudes: Tensor, tail: Tensor | None = None) -> Tensor:
        """Share the cells of whole pieces; see `SpleeterUNet.masks`."""
        ...


class PieceSettings(Settings):
    """How much is worked on at once; the output does not depend on it."""

    pieces: int = Field(1, ge=1, le=1024, description="pieces that run at once")


class MaskedStems:
    """Runs a network such as `SpleeterUNet` over a stream; memory does not depend on how long the stream is.

    Pieces are counted from the beginning of the stream, so the stems are those of the whole recording at once, however
    it comes in blocks and however many pieces run at once.

    Args:
        network: What to run.
        channels: Of the recording; see `channel_groups`.
        settings: How much at once.
        cancel: Looked at before each run.

    >>> from soundsieve import models
    >>> hyper = {"n_fft": 64, "hop": 16, "filters": [2, 4], "bins": 16, "frames": 16, "step": 12}
    >>> model = models.build("spleeter_unet", hyper, classes=2).eval()
    >>> masked = MaskedStems(StemNetwork(model, ("vocals", "accompaniment"), 8_000), channels=2)
    >>> parts = [*masked.push(np.zeros((2, 1_000), np.float32)), *masked.push(np.zeros((2, 0), np.float32), last=True)]
    >>> [stems.shape for _, stems in parts]
    [(2, 2, 160), (2, 2, 192), (2, 2, 192), (2, 2, 192), (2, 2, 264)]
    """

    def __init__(
        self,
        network: StemNetwork,
        channels: int,
        settings: PieceSettings | None = None,
        cancel: CancelToken | None = None,
    ) -> None:
        model: Any = network.model
        self._model, self._s, self._device = model, model.settings, network.device
        self._pieces, self._cancel = (settings or PieceSettings()).pieces, cancel
        self._mixture = Fifo(channels)
        self._piece = 0  # the next one
        self._tail: Tensor | None = None  # of the last piece's masks
        self._overlap = _OverlapAdd(model.window, self._s.hop)

    def push(self, mixture: NDArray[np.float32], last: bool = False) -> Separated:
        """Put in a block (channel, time) and take out what is finished; consume the iterator to its end."""
        self._mixture.push(mixture)
        while self._mixture.end >= self._seen_to(self._pieces):
            yield self._run(self._pieces)
        if not (last and self._mixture.end):
            return
        s = self._s
        frames = 1 - (-self._mixture.end // s.hop)
        left = 1 + max(0, -(-(frames - s.frames) // s.step)) - self._piece
        while left > self._pieces:
            yield self._run(self._pieces)
            left -= self._pieces
        yield self._run(left, frames)

    def _seen_to(self, pieces: int) -> int:
        """Say where so many more pieces end, half a window after the centre of their last frame."""
        s = self._s
        frame = (self._piece + pieces - 1) * s.step + s.frames - 1
        return int(frame * s.hop + s.n_fft // 2)

    def _run(self, pieces: int, frames: int | None = None) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Separate what so many pieces say for good, or all that is left of a recording with so many frames."""
        check_cancel(self._cancel)
        s, first, last = self._s, self._piece * self._s.step, frames is not None
        done = pieces * s.step if frames is None else frames - first
        seen_from = first * s.hop - s.n_fft // 2
        with torch.inference_mode():
            spectrum = self._spectrum(self._window(seen_from, self._seen_to(pieces)))
            if last:
                spectrum[:, :, done:] = 0  # frames after the last one would see the end of the recording as well
            masks = self._model.masks(spectrum.abs(), self._tail)
            self._tail = masks[..., pieces * s.step :, :].clone()
            masked = masks[..., :done, :] * spectrum[:, None, :, :done]
            stems = self._overlap.push(masked, last).cpu()
        self._piece += pieces
        begin, until = max(0, seen_from), self._mixture.end if last else seen_from + done * s.hop
        mixture = self._mixture.peek(begin, max(begin, until)).copy()
        self._mixture.drop(max(begin, until))
        return mixture, from_groups(stems[..., begin - seen_from : max(begin, until) - seen_from], len(mixture))

    def _window(self, start: int, end: int) -> NDArray[np.float32]:
        """Look at the recording from `start` to `end`, with zeros before and after it."""
        inside = self._mixture.peek(max(0, start), min(end, self._mixture.end))
        return np.pad(inside, ((0, 0), (max(0, -start), max(0, end - self._mixture.end))))

    def _spectrum(self, window: NDArray[np.float32]) -> Tensor:
        """Transform what frames see, without padding: (channel, t) → (g, c, l, f)."""
        groups = to_groups(window, self._model.channels).to(self._device)
        s, flat = self._s, groups.flatten(0, 1)
        spectrum = torch.stft(flat, s.n_fft, s.hop, window=self._model.window, center=False, return_complex=True)
        return spectrum.mT.reshape(*groups.shape[:2], -1, s.n_fft // 2 + 1)


class _OverlapAdd:
    """Turns spectra that come a few frames at a time back into waveforms, as `torch.istft` does all at once.

    Args:
        window: Of the frames, which they are weighted with once more.
        hop: A divisor of its length.
    """

    def __init__(self, window: Tensor, hop: int) -> None:
        self._window, self._hop = window, hop
        self._waiting: Tensor | None = None  # hops to which frames to come add, and their weights: (row, hop, t)

    def push(self, spectrum: Tensor, last: bool) -> Tensor:
        """Put in frames (…, l, f); take out the hops that no frame to come reaches (…, t)."""
        size = len(self._window)
        frames = torch.fft.irfft(spectrum.flatten(0, -3), size) * self._window  # row, l, t
        count = frames.shape[1]
        weights = self._window.square().expand(1, count, size)  # add up to what the sum is divided by
        parts = torch.cat((frames, weights)).reshape(-1, count, size // self._hop, self._hop)
        total = parts.new_zeros(len(parts), count + parts.shape[2] - 1, self._hop)
        if self._waiting is not None:
            total[:, : parts.shape[2] - 1] = self._waiting
        for part in range(parts.shape[2]):
            total[:, part : part + count] += parts[:, :, part]
        self._waiting = total[:, count:].clone()
        *rows, envelope = (total if last else total[:, :count]).flatten(1)
        waveforms: Tensor = torch.stack(rows) / envelope.clamp(min=_NO_WEIGHT)
        return waveforms.reshape(*spectrum.shape[:-2], -1)

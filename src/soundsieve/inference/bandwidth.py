"""From the model's sample rate to the recording's own, treble included.

A network that works at 16 kHz says nothing about what lies above 8 kHz. Resampling its estimate leaves all of that in
the rest: a dog would lose its treble, and the rest would keep a bark of hiss. Giving it all to the selection is no
better. What the network does know is who made the octave just below its limit, and for one and the same sound the
treble comes and goes with it. So what the network could not see,

    high = x − up(down(x)),

which is everything above its Nyquist frequency and what the resampler's roll-off took just below it, is shared out in
time: a moment's share is the part of the mixture's top octave that the estimate explains there,

    g = ⟨estimate, mixture⟩ / ⟨mixture, mixture⟩   between 0 and 1,

the least-squares gain that turns one into the other, in each channel by itself, in frames of 20 ms at every 10 ms,
each weighted with a Hann window and joined with the next by the same window. Then selected = up(estimate) + g·high.
The whole mixture comes back whole (g = 1), nothing gives nothing, and the rest is always x − selected. Two sounds with
treble at the same moment share it alike at all frequencies: that is the limit of the method.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from soundsieve.audio import Resampler
from soundsieve.inference.fifo import Fifo

_TAPS = 255  # odd, so that the filter delays by whole samples
_HOP_S = 0.01
_FLOOR = 1e-10  # mean power (−100 dB) added to the mixture's: silence in the top octave owns no treble


class TrebleShare:
    """The selection's share of what lies above the model's bandwidth, moment by moment.

    Args:
        model_rate: Sample rate of mixture and estimate, in Hz.
        top_hz: Upper end of the band that is compared, an octave wide.
        channels: Of the recording.

    >>> share = TrebleShare(16_000, 8_000, channels=1)
    >>> noise = np.random.default_rng(0).standard_normal((1, 1_600)).astype(np.float32)
    >>> share.push(noise, 0.25 * noise, last=True)
    >>> share.at(np.array([0.05])).round(3)  # at 50 ms
    array([[0.25]])
    """

    def __init__(self, model_rate: int, top_hz: float, channels: int) -> None:
        self._rate = model_rate
        self._hop = max(1, round(_HOP_S * model_rate))
        self._rise = np.sin(0.5 * np.pi * (np.arange(self._hop) + 0.5) / self._hop) ** 2
        self._filter = _highpass(0.5 * top_hz / model_rate)
        self._history = np.zeros((2, channels, _TAPS - 1), np.float32)
        self._filtered = Fifo(2, channels)
        self._skip = _TAPS // 2  # the filter's delay
        self._carry = np.zeros((2, channels))  # what the hop before adds to the frame at its end
        self._shares = Fifo(channels)

    @property
    def known_s(self) -> float:
        """Up to where the share is known."""
        return max(0, self._shares.end - 1) * self._hop / self._rate

    def push(self, mixture: NDArray[np.float32], estimate: NDArray[np.float32], last: bool = False) -> None:
        """Put in blocks (channel, time) of the same moments."""
        pair = np.stack([mixture, estimate])
        if last:
            pair = np.concatenate([pair, np.zeros((*pair.shape[:2], _TAPS // 2 + 2 * self._hop), np.float32)], -1)
        if pair.shape[-1] == 0:
            return
        signal = np.concatenate([self._history, pair], axis=-1)
        self._history = signal[..., -(_TAPS - 1) :]
        filtered = _convolve(signal, self._filter)
        self._filtered.push(filtered[..., self._skip :])
        self._skip = max(0, self._skip - filtered.shape[-1])
        self._frames()

    def at(self, time_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the share (channel, moment) at ascending moments, all before `known_s`; forget what lies before."""
        position = time_s * (self._rate / self._hop)
        frame = np.minimum(position.astype(np.int64), max(0, self._shares.end - 2))
        first = int(frame[0])
        held = self._shares.peek(first, self._shares.end).astype(np.float64)
        rise = np.sin(0.5 * np.pi * np.clip(position - frame, 0, 1)) ** 2
        shares = held[:, frame - first]
        shares += (held[:, frame - first + 1] - shares) * rise
        self._shares.drop(int(frame[-1]))
        return np.asarray(shares)

    def _frames(self) -> None:
        """Turn the hops that are complete into shares; a frame is the end of one hop and the beginning of the next."""
        hops = len(self._filtered) // self._hop
        if hops == 0:
            return
        mixture, estimate = self._filtered.take(hops * self._hop).astype(np.float64)
        products = np.stack([estimate * mixture, mixture * mixture])
        products = products.reshape(*products.shape[:2], hops, self._hop)  # 2, channel, hop, time
        ending = products @ self._rise[::-1]
        starting = np.concatenate([self._carry[..., None], products @ self._rise], axis=-1)
        self._carry = starting[..., -1]
        explained, power = ending + starting[..., :-1]
        self._shares.push(np.clip(explained / (power + _FLOOR * self._hop), 0, 1))


class FullBand:
    """Brings a stream of estimates to the recording's rate and adds their share of the treble.

    Args:
        file_rate: Sample rate of the recording, in Hz.
        model_rate: Sample rate of the estimates, in Hz.
        channels: Of the recording.
        extend: False leaves all the treble to the rest.
    """

    def __init__(self, file_rate: int, model_rate: int, channels: int, *, extend: bool = True) -> None:
        self._file_rate, self._same = file_rate, file_rate == model_rate
        self._channels = channels
        self._up = Resampler(model_rate, file_rate, 2 * channels)  # mixture and estimate together stay in step
        self._share = (
            None if self._same or not extend else TrebleShare(model_rate, min(file_rate, model_rate) / 2, channels)
        )
        self._original = Fifo(channels)
        self._raised = Fifo(2 * channels)

    def original(self, block: NDArray[np.float32]) -> None:
        """Put in what was read, (channel, time) at the recording's rate."""
        self._original.push(block)

    def push(
        self, mixture: NDArray[np.float32], estimate: NDArray[np.float32], last: bool = False
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Put in a block at the model's rate and take out what is finished.

        Args:
            mixture: Shape (channel, time).
            estimate: Same shape, the same moments.
            last: There will be no more, of the original either; take out everything.

        Returns:
            Original and selection, both (channel, time) at the recording's rate, aligned.
        """
        self._raised.push(self._up.push(np.concatenate([mixture, estimate]), last))
        if self._share is not None:
            self._share.push(mixture, estimate, last)
        frames = self._ready(last)
        original = self._original.take(frames)
        raised = self._raised.take(min(frames, len(self._raised)))
        if raised.shape[1] < frames:  # rates that do not divide the length: a sample or two at the very end
            raised = np.pad(raised, ((0, 0), (0, frames - raised.shape[1])))
        selected = raised[self._channels :].copy()
        if self._share is not None and frames:
            first = self._original.start - frames
            high = original - raised[: self._channels]
            selected += (self._share.at(np.arange(first, first + frames) / self._file_rate) * high).astype(np.float32)
        return original, selected

    def _ready(self, last: bool) -> int:
        if last:
            return len(self._original)
        ready = min(len(self._raised), len(self._original))
        if self._share is None:
            return ready
        return max(0, min(ready, int(self._share.known_s * self._file_rate) - self._original.start))


def _highpass(cutoff: float) -> NDArray[np.float64]:
    """Return a linear-phase high-pass, an impulse minus a windowed sinc; `cutoff` is in cycles a sample.

    The window (Kaiser, β = 14) lets 140 dB less through below than above: a hum must not pass for treble.
    """
    n = np.arange(_TAPS) - _TAPS // 2
    low = 2 * cutoff * np.sinc(2 * cutoff * n) * np.kaiser(_TAPS, 14.0)
    return np.asarray((n == 0) - low / low.sum())


def _convolve(x: NDArray[np.float32], taps: NDArray[np.float64]) -> NDArray[np.float64]:
    """Filter along the last axis where the filter lies wholly inside."""
    size = 1 << (x.shape[-1] - 1).bit_length()  # the part that wraps around is the part that is left out
    spectrum = np.fft.rfft(x.astype(np.float64), size) * np.fft.rfft(taps, size)
    return np.fft.irfft(spectrum, size)[..., len(taps) - 1 : x.shape[-1]]

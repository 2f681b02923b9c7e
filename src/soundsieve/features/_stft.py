"""The one short-time Fourier transform that all descriptors of music share, and the way back.

Axes: `frame`, `bin`. Frame 0 is centred on sample 0.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import scipy.fft
from numpy.typing import NDArray

SAMPLE_RATE = 22_050
N_FFT = 2048
HOP = 512
BINS = N_FFT // 2 + 1
BIN_HZ = SAMPLE_RATE / N_FFT
_OVERLAP = N_FFT // HOP  # frames that a sample is in

_WINDOW = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(N_FFT) / N_FFT)).astype(np.float32)


Padding = Literal["constant", "reflect", "edge"]
"""What lies outside a clip, in numpy's names: silence, its mirror image, its outermost samples."""


def frames_of(samples: int) -> int:
    """How many frames a clip has."""
    return 1 + samples // HOP


def hops(waveform: NDArray[np.float32], padding: Padding) -> NDArray[np.float32]:
    """Cut a clip, padded by half a frame at both ends, into hops: frame l is hops l to l + 3.

    Shape:
        - waveform: (t,)
        - output: (l + 3, 512)
    """
    needed = (frames_of(len(waveform)) - 1) * HOP + N_FFT
    # Samples that would only begin another frame are left out.
    padded = np.pad(waveform, N_FFT // 2, mode=padding)[:needed]
    cut: NDArray[np.float32] = padded.reshape(-1, HOP)
    return cut


def stft(waveform: NDArray[np.float32], padding: Padding = "constant") -> NDArray[np.complex64]:
    """Transform a clip, with a periodic Hann window: (t,) → (l, 1025)."""
    samples = hops(waveform, padding).ravel()
    frames = np.lib.stride_tricks.sliding_window_view(samples, N_FFT)[::HOP]
    spectrum: NDArray[np.complex64] = scipy.fft.rfft(frames * _WINDOW, axis=1, overwrite_x=True)
    return spectrum


def inverse_stft(spectrum: NDArray[np.complex64], samples: int) -> NDArray[np.float32]:
    """The clip of so many samples whose transform is nearest to `spectrum`: (l, 1025) → (t,)."""
    frames = scipy.fft.irfft(spectrum, N_FFT, axis=1)
    frames *= _WINDOW
    weights = np.broadcast_to((_WINDOW**2).reshape(_OVERLAP, HOP), (len(frames), _OVERLAP, HOP))
    inner = slice(N_FFT // 2, N_FFT // 2 + samples)
    summed = _overlap_add(frames.reshape(-1, _OVERLAP, HOP))[inner]
    summed /= _overlap_add(weights)[inner]
    return summed


def _overlap_add(frames: NDArray[np.float32]) -> NDArray[np.float32]:
    count = len(frames)
    total = np.zeros((count + _OVERLAP - 1, HOP), np.float32)
    for part in range(_OVERLAP):
        total[part : part + count] += frames[:, part]
    return total.ravel()

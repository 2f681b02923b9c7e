"""What sounds and what strikes: harmonic and percussive parts of a clip, by medians of its spectrogram."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from soundsieve.features._running_median import running_median
from soundsieve.features._stft import inverse_stft


def harmonic_percussive(
    waveform: NDArray[np.float32], spectrum: NDArray[np.complex64], power: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Split a clip into a harmonic and a percussive part, whose sum it is.

    A tone is a line along time in the spectrogram, a stroke one along frequency: medians over 31 frames and over 31
    bins keep the one and remove the other, and their squares share out the spectrum (Fitzgerald, "Harmonic/percussive
    separation using median filtering", DAFx 2010). `librosa.effects.hpss` with its defaults.

    Args:
        waveform: The clip.
        spectrum: Its transform.
        power: The square of the transform's magnitude.

    Shape:
        - waveform, both outputs: (t,)
        - spectrum, power: (l, 1025)
    """
    # The median of squares is the square of the median, so the powers need no root.
    steady, striking = running_median(power, axis=0), running_median(power, axis=1)
    striking += steady
    silent = striking == 0  # both medians: the bin is shared evenly
    striking[silent] = 1
    steady /= striking
    steady[silent] = 0.5
    # The masks add up to 1 and the transform is linear, so one way back is enough.
    harmonic = inverse_stft(spectrum * steady, len(waveform))
    return harmonic, waveform - harmonic

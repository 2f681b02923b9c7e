"""Measures of whole songs from energies that are added up piece by piece."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from soundsieve.metrics import ratio_db

SILENT_DB = -60.0
"""So far below the mixture a stem counts as silent."""

Floats = NDArray[np.float64]


class StemEnergies:
    """Adds up what SDR, SI-SDR, SNR and the squared error need, and what is put into stems while they are silent.

    A stem is silent in a window, or absent from the whole song, where its energy is `SILENT_DB` or more below the
    mixture's there. In the SDR and SI-SDR of a stem all of its channels count together, with one scale.

    Args:
        stems: How many.
        channels: Of each.
        window: Length in samples of what may be silent.

    >>> rng = np.random.default_rng(0)
    >>> x, noise = rng.standard_normal((2, 1, 1, 4_000)).astype(np.float32)
    >>> energies = StemEnergies(1, 1, 1_000)
    >>> energies.add(estimate=x + 0.1 * noise, reference=x, mixture=x[0])
    >>> float(energies.sdr_db[0].round(0)), float(energies.mse[0, 0].round(3))
    (20.0, 0.01)
    """

    def __init__(self, stems: int, channels: int, window: int) -> None:
        self._window = window
        self._frames = 0
        self._mixture = 0.0
        # ‖x‖², ‖x̂‖², ‖x − x̂‖² and ⟨x, x̂⟩, each (stem, channel)
        self._signal, self._estimate, self._error, self._product = np.zeros((4, stems, channels))
        self._leak, self._behind = np.zeros((2, stems))  # in silent windows: the estimate's energy and the mixture's
        self.silent_frames = np.zeros(stems, np.int64)

    def add(
        self, *, estimate: NDArray[np.floating], reference: NDArray[np.floating], mixture: NDArray[np.floating]
    ) -> None:
        """Add what comes next.

        Shape:
            - estimate, reference: (stem, channel, time)
            - mixture: (channel, time)
        """
        for start in range(0, mixture.shape[-1], self._window):
            now = slice(start, start + self._window)
            x, y = reference[..., now].astype(np.float64), estimate[..., now].astype(np.float64)
            signal, found = (x**2).sum(-1), (y**2).sum(-1)
            mixed = float((mixture[..., now].astype(np.float64) ** 2).sum())
            self._frames += x.shape[-1]
            self._mixture += mixed
            self._signal += signal
            self._estimate += found
            self._error += ((x - y) ** 2).sum(-1)
            self._product += (x * y).sum(-1)
            silent = (signal.sum(-1) <= mixed * 10 ** (SILENT_DB / 10)) & (mixed > 0)
            self.silent_frames += silent
            self._leak += np.where(silent, found.sum(-1), 0.0)
            self._behind += np.where(silent, mixed, 0.0)

    @property
    def absent(self) -> NDArray[np.bool_]:
        """Which stems the song lacks: (stem,)."""
        return np.asarray(self._signal.sum(-1) <= self._mixture * 10 ** (SILENT_DB / 10))

    @property
    def sdr_db(self) -> Floats:
        """Of all channels together, NaN for an absent stem: (stem,)."""
        return self._known(ratio_db(self._signal.sum(-1), self._error.sum(-1)))

    @property
    def si_sdr_db(self) -> Floats:
        """After the best scaling, one for all channels; NaN for an absent stem or a silent estimate: (stem,)."""
        signal, product = self._signal.sum(-1), self._product.sum(-1)
        target = product**2 / np.where(signal > 0, signal, 1.0)
        return self._known(ratio_db(target, np.maximum(self._estimate.sum(-1) - target, 0.0)))

    @property
    def snr_db(self) -> Floats:
        """Of each channel on its own, NaN for an absent stem or a silent channel: (stem, channel)."""
        return np.where(self.absent[:, None], np.nan, ratio_db(self._signal, self._error))

    @property
    def mse(self) -> Floats:
        """The mean squared error of each channel: (stem, channel)."""
        return self._error / max(1, self._frames)

    @property
    def leak_db(self) -> Floats:
        """Energy in the estimate while the stem is silent, against the mixture's; NaN where it never is: (stem,)."""
        return np.where(self._behind > 0, -ratio_db(self._behind, self._leak), np.nan)

    def _known(self, values: Floats) -> Floats:
        return np.where(self.absent, np.nan, values)

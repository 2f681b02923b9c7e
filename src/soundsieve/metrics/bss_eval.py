"""BSS Eval version 4, the measure of the Signal Separation Evaluation Campaign 2018, with the figures of `museval`.

Liutkus, Stöter, Ito, "The 2018 Signal Separation Evaluation Campaign", LVA/ICA 2018, on the definitions of Vincent,
Gribonval, Févotte, "Performance Measurement in Blind Audio Source Separation", 2006. What is new in version 4 is that
the distortion filters are those of the whole recording, and the frames share them.

`museval` cannot be imported without the program FFmpeg, which this package does not need, and it transforms a whole
song at once. Here the correlations are summed block by block, and the energies of the parts of an estimate are taken
from their spectra (Parseval), so that no part is ever transformed back.

Axes: s stem, c channel, t time, f frequency, p = (s, c) a channel of an estimate, q = (s, c) one of a reference.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.fft
from numpy.typing import NDArray
from scipy.linalg import toeplitz

TAPS = 512
"""Length of the distortion filters in samples."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class BssEval:
    """The four measures in each frame, in dB; NaN where a stem or an estimate is silent.

    Attributes:
        sdr_db: Signal to distortion: everything that is not the stem counts. Shape (stem, frame), as of all four.
        isr_db: Image to spatial distortion: what filtering the stem would undo.
        sir_db: Signal to interference: what filtered other stems explain.
        sar_db: Signal to artifacts: what no filtered stem explains.
    """

    sdr_db: Floats
    isr_db: Floats
    sir_db: Floats
    sar_db: Floats

    @property
    def nan_frames(self) -> NDArray[np.int64]:
        """How many frames of each stem have no figure: (stem,)."""
        return np.asarray(np.isnan(self.sdr_db).sum(axis=1), np.int64)


def bss_eval(
    *,
    estimate: NDArray[np.floating],
    reference: NDArray[np.floating],
    window: int,
    hop: int | None = None,
    taps: int = TAPS,
) -> BssEval:
    """Measure the estimates of all stems of a recording, frame by frame.

    A frame in which any stem or estimate is silent has no figures, as in `museval`, which takes a frame for silent when
    its channels add up to nothing. A stem or an estimate that is silent throughout, which `museval` refuses, has no
    figures, and costs the others none. What is left over at the end is no frame.

    Args:
        estimate: The estimates, (stem, channel, time).
        reference: The true stems, of the same shape.
        window: Length of a frame in samples; `museval`'s is 1 s. One that is too long is cut: a single frame.
        hop: From one frame to the next; None: `window`.
        taps: Length of the distortion filters in samples.

    Returns:
        The measures; +inf where there is no distortion of that kind at all.

    Raises:
        ValueError: the shapes differ or have no sample, or a length is less than 1.

    >>> rng = np.random.default_rng(0)
    >>> stems, noise = rng.standard_normal((2, 2, 1, 8_000))
    >>> scores = bss_eval(estimate=stems + 0.1 * noise, reference=stems, window=4_000, taps=16)
    >>> scores.sdr_db.round(0)
    array([[20., 20.], [20., 20.]])
    """
    hop = window if hop is None else hop
    _check(estimate, reference, window=window, hop=hop, taps=taps)
    time = reference.shape[-1]
    starts = range(0, time - window + 1, hop) if window < time else range(1)
    result = np.full((4, len(reference), len(starts)), np.nan)
    heard = ~_silent(reference)
    judged = heard & ~_silent(estimate)
    if judged.any():
        own = np.flatnonzero(judged[heard])
        # Without a copy where all are there: songs are large.
        x, y = (z if kept.all() else z[kept] for z, kept in ((reference, heard), (estimate, judged)))
        filters = _filters(x, y, own, taps)
        length = scipy.fft.next_fast_len(min(window, time) + taps - 1, real=True)
        spectra = tuple(scipy.fft.rfft(each, length) for each in filters)
        for frame, start in enumerate(starts):
            end = start + window
            if not (_silent(x[..., start:end]).any() or _silent(y[..., start:end]).any()):
                result[:, judged, frame] = _measures(x[..., start:end], y[..., start:end], own, spectra, length)
    return BssEval(*result)


def _check(estimate: NDArray[np.floating], reference: NDArray[np.floating], **lengths: int) -> None:
    if estimate.shape != reference.shape or estimate.ndim != 3 or not estimate.size:
        raise ValueError(
            f"estimate and reference: expected one shape (stem, channel, time), found {estimate.shape} and "
            f"{reference.shape}"
        )
    for name, value in lengths.items():
        if value < 1:
            raise ValueError(f"{name}: expected 1 sample or more, found {value}")


def _silent(x: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Tell which stems are silent: (s, c, t) → (s,)."""
    return np.asarray((x.sum(axis=1) == 0).all(axis=-1))


def _filters(
    x: NDArray[np.floating], y: NDArray[np.floating], own: NDArray[np.int64], taps: int
) -> tuple[Floats, Floats]:
    """Find the filters that bring the references nearest to each estimate, all of them and its own alone.

    Shape:
        - own: (s of y), the reference of each estimate
        - output: (p, q, taps) and (p, c, taps)
    """
    channels = x.shape[1]
    correlations = _correlations(x, y, taps)
    count = x.shape[0] * channels
    auto, cross = correlations[:count], correlations[count:]
    every = np.arange(count)
    together = _solve(auto, cross, every)
    alone = np.concatenate(
        [
            _solve(auto, cross[channels * k : channels * (k + 1)], channels * stem + np.arange(channels))
            for k, stem in enumerate(own)
        ]
    )
    return together, alone


def _correlations(x: NDArray[np.floating], y: NDArray[np.floating], taps: int) -> Floats:
    """Correlate every channel z of references and estimates with every one of the references, for lags k below `taps`.

    Shape:
        - output: (q + p, q, taps), Σ_t z[t + k]·x[t]
    """
    rows, others = x.reshape(-1, x.shape[-1]), y.reshape(-1, y.shape[-1])
    length = scipy.fft.next_fast_len(32 * taps, real=True)
    block = length - taps + 1  # z reaches so far beyond x that nothing wraps around
    total = np.zeros((len(rows) + len(others), len(rows), length // 2 + 1), np.complex128)
    for start in range(0, x.shape[-1], block):
        ahead = np.concatenate([rows[:, start : start + length], others[:, start : start + length]]).astype(np.float64)
        of_all = scipy.fft.rfft(ahead, length)
        of_rows = scipy.fft.rfft(rows[:, start : start + block].astype(np.float64), length).conj()
        for q, spectrum in enumerate(of_rows):
            total[:, q] += of_all * spectrum
    return np.asarray(scipy.fft.irfft(total, length)[..., :taps])


def _solve(auto: Floats, cross: Floats, chosen: NDArray[np.int64]) -> Floats:
    """Solve the normal equations for the filters of the chosen channels.

    Shape:
        - auto: (q, q, taps)
        - cross: (p, q, taps)
        - output: (p, chosen, taps)
    """
    taps = auto.shape[-1]
    matrix = np.block([[toeplitz(auto[j, i], auto[i, j]) for j in chosen] for i in chosen])
    matrix[np.diag_indices_from(matrix)] += np.finfo(np.float64).eps
    right = cross[:, chosen].reshape(len(cross), -1).T
    try:
        filters = np.linalg.solve(matrix, right)
    except np.linalg.LinAlgError:
        filters = np.linalg.lstsq(matrix, right)[0]
    return np.asarray(filters.T.reshape(len(cross), len(chosen), taps))


def _measures(
    x: NDArray[np.floating],
    y: NDArray[np.floating],
    own: NDArray[np.int64],
    filters: tuple[NDArray[np.complex128], NDArray[np.complex128]],
    length: int,
) -> Floats:
    """Split the estimates in one frame and compare the energies of the parts: the four measures, (4, s of y)."""
    together, alone = filters
    channels = x.shape[1]
    references = scipy.fft.rfft(x.astype(np.float64), length)
    true, estimates = references[own], scipy.fft.rfft(y.astype(np.float64), length)
    whole = np.einsum("pqf,qf->pf", together, references.reshape(-1, references.shape[-1])).reshape(true.shape)
    by_stem = alone.reshape(len(y), channels, channels, -1)  # s, c of the estimate, c of the reference, f
    image = np.einsum("sdcf,scf->sdf", by_stem, true)
    signal = _energy(true, length)
    pairs = (
        (signal, _energy(estimates - true, length)),
        (signal, _energy(image - true, length)),
        (_energy(image, length), _energy(whole - image, length)),
        (_energy(whole, length), _energy(estimates - whole, length)),
    )
    with np.errstate(divide="ignore"):
        return np.stack([10 * np.log10(np.divide(*pair)) for pair in pairs])


def _energy(spectrum: NDArray[np.complex128], length: int) -> Floats:
    """Sum up the squares of the samples that have this spectrum: (s, c, f) → (s,)."""
    power = spectrum.real**2 + spectrum.imag**2
    power[..., 1 : (length + 1) // 2] *= 2  # the frequencies that a real spectrum leaves out
    return np.asarray(power.sum(axis=(1, 2)) / length)

"""How fast and how exact the 57 descriptors of `soundsieve.features.descriptors` are, against the plain librosa calls.

    python benchmarks/bench_descriptors.py [--lengths 5 30] [--repeats 5] [--out benchmarks/RESULTS.md]

The peer computes the same 57 numbers with ten functions of librosa, each from the waveform, as most notebooks do. Both
run in turn in this process, on one thread; a figure is the median of several runs, in seconds of processor time, so
that other work on the machine counts as little as possible. The music is made here: chords, a beat, some noise.
"""

from __future__ import annotations

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")  # before numpy is there

import argparse
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import librosa
import numpy as np
from measuring import MACHINE, RESULTS, put_into
from numpy.typing import NDArray

from soundsieve.features.descriptors import NAMES, SAMPLE_RATE, describe


def music(length_s: float) -> NDArray[np.float32]:
    """A new chord every two seconds, a stroke twice a second, a little noise."""
    rng = np.random.default_rng(0)
    time_s = np.arange(round(length_s * SAMPLE_RATE)) / SAMPLE_RATE
    root_hz = 220 * 2 ** (rng.integers(0, 12, len(time_s)) / 12)[(time_s / 2).astype(int)]
    phase = 2 * np.pi * np.cumsum(root_hz) / SAMPLE_RATE
    chord = sum(np.sin(ratio * phase) for ratio in (1, 5 / 4, 3 / 2, 2))
    hiss = rng.standard_normal(len(time_s))
    return (0.1 * chord + hiss * (0.002 + 0.3 * np.exp(-(time_s % 0.5) / 0.03))).astype(np.float32)


def plain(waveform: NDArray[np.float32]) -> NDArray[np.float64]:
    """The peer: ten functions of librosa, one after the other."""
    feature, y, sr = librosa.feature, waveform, SAMPLE_RATE
    rows = [
        feature.chroma_stft(y=y, sr=sr),
        feature.rms(y=y),
        feature.spectral_centroid(y=y, sr=sr),
        feature.spectral_bandwidth(y=y, sr=sr),
        feature.spectral_rolloff(y=y, sr=sr),
        feature.zero_crossing_rate(y),
        *librosa.effects.hpss(y),
    ]
    tempo, _ = librosa.beat.beat_track(y=y, sr=sr)
    of_rows = [statistic(row) for row in rows for statistic in (np.mean, np.var)]
    of_mfcc = [statistic(row) for row in feature.mfcc(y=y, sr=sr) for statistic in (np.mean, np.var)]
    return np.array([*of_rows, float(np.ravel(tempo)[0]), *of_mfcc], np.float64)


def seconds(work: Callable[[NDArray[np.float32]], object], waveform: NDArray[np.float32]) -> float:
    """Processor time of one run."""
    start = time.process_time()
    work(waveform)
    return time.process_time() - start


def row(length_s: float, repeats: int) -> str:
    """Measure one length and return its line of the table."""
    waveform = music(length_s)
    ours, theirs = describe(waveform), plain(waveform)  # and both are warm
    runs = np.array([[seconds(describe, waveform), seconds(plain, waveform)] for _ in range(repeats)])
    mine, peer = np.median(runs, axis=0)
    tracemalloc.start()
    describe(waveform)
    peak_mib = tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()
    # A mean next to 0, as those of the two parts are, is judged by the deviation around it.
    off = np.abs(ours - theirs) / np.maximum(np.abs(theirs), _deviations(theirs))
    worst = off.argmax()
    return (
        f"| {length_s:g} | {mine:.3f} | {peer:.3f} | {peer / mine:.1f} | {peak_mib:.0f} "
        f"| {off[worst]:.1e} (`{NAMES[worst]}`) |"
    )


def _deviations(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """For each column that is a mean, the deviation that goes with it; else 0."""
    found = dict(zip(NAMES, values, strict=True))
    return np.array([np.sqrt(found.get(name.removesuffix("_mean") + "_var", 0)) for name in NAMES])


def report(lengths_s: list[float], repeats: int) -> str:
    """Measure everything and return it as Markdown."""
    lengths = " ".join(f"{length_s:g}" for length_s in lengths_s)
    return "\n".join(
        [
            f"Command: `python benchmarks/bench_descriptors.py --lengths {lengths}`. {MACHINE}, "
            f"one thread; librosa {librosa.__version__}; processor seconds, median of {repeats}.",
            "",
            "| clip (s) | soundsieve (s) | librosa (s) | times faster | peak MiB | largest relative difference |",
            "|---:|---:|---:|---:|---:|---|",
            *(row(length_s, repeats) for length_s in lengths_s),
        ]
    )


def main() -> None:
    """Measure, print, and put the result between its markers in the results page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lengths", type=float, nargs="+", default=[5, 30])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--out", type=Path, default=RESULTS)
    asked = parser.parse_args()
    text = report(asked.lengths, asked.repeats)
    print(text)
    put_into(asked.out, "descriptors", "Descriptors of music", text)


if __name__ == "__main__":
    main()

"""How fast `soundsieve.features.nmf` takes a spectrogram apart, against scikit-learn and a plain torch loop.

    python benchmarks/bench_nmf.py [--clips FILE...] [--repeats 5] [--threads 2] [--out benchmarks/RESULTS.md]

Each recording is cut or padded to 10 s and becomes 2401 × 201 magnitudes, taken apart into 25 bases. The peers do 200
iterations of the published rule. All three run in turn in this process with the same number of threads; a figure is the
least wall time of several runs, and the divergence reached is judged as a share of scikit-learn's. "To the same" is the
time after which ours is as far as scikit-learn is at the end, found by running it with fewer and fewer iterations over
all bins. Without `--clips` the recordings are made here: tones that come and go, strokes, noise.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from measuring import MACHINE, RESULTS, put_into
from threadpoolctl import threadpool_limits
from torch import Tensor

from soundsieve.features.nmf import divergence, factorise
from soundsieve.features.object_stft import ObjectSTFT

ITERATIONS = 200
FRONT_END = ObjectSTFT()


def made(seed: int) -> Tensor:
    """Ten seconds of tones with overtones that come and go, strokes, and a little noise."""
    rng = np.random.default_rng(seed)
    time_s = np.arange(FRONT_END.piece) / FRONT_END.sample_rate
    total = 0.02 * rng.standard_normal(len(time_s))
    for _ in range(6):
        hz, every_s = rng.uniform(100, 1_500), rng.uniform(0.4, 2)
        sounding = (time_s + rng.uniform(0, 2)) % every_s < 0.6 * every_s
        total += 0.1 * sounding * sum(np.sin(2 * np.pi * hz * k * time_s) / k for k in range(1, 8))
    strokes = np.exp(-(time_s % rng.uniform(0.3, 0.7)) / 0.05) * rng.standard_normal(len(time_s))
    return torch.from_numpy((total + 0.3 * strokes).astype(np.float32))


def read(path: Path) -> Tensor:
    """The first ten seconds of a recording, in mono; a shorter one again and again."""
    from soundsieve import audio

    waveform, rate = audio.read(path)
    mono = audio.resample(waveform.mean(axis=0, keepdims=True), rate, FRONT_END.sample_rate)[0, : FRONT_END.piece]
    return torch.from_numpy(np.pad(mono, (0, FRONT_END.piece - len(mono)), mode="wrap"))


def plain(spectrum: Tensor) -> tuple[Tensor, Tensor]:
    """A peer: the rule as it is written, in torch."""
    generator = torch.Generator().manual_seed(0)
    w = torch.rand(len(spectrum), FRONT_END.components, generator=generator)
    h = torch.rand(FRONT_END.components, spectrum.shape[1], generator=generator)
    for _ in range(ITERATIONS):
        w = w * ((spectrum / (w @ h).clamp(min=1e-9)) @ h.T) / h.sum(dim=1)
        h = h * (w.T @ (spectrum / (w @ h).clamp(min=1e-9))) / w.sum(dim=0)[:, None]
    return w, h


def scikit_learn(spectrum: Tensor) -> tuple[Tensor, Tensor]:
    """The other peer."""
    from sklearn.decomposition import NMF

    solver = NMF(
        FRONT_END.components,
        init="random",
        solver="mu",
        beta_loss="kullback-leibler",
        max_iter=ITERATIONS,
        tol=0,
        random_state=0,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        w = solver.fit_transform(spectrum.numpy())
    return torch.from_numpy(w), torch.from_numpy(solver.components_)


def ours(spectrum: Tensor, iterations: int = ITERATIONS) -> tuple[Tensor, Tensor]:
    """What is measured."""
    found = factorise(spectrum, FRONT_END.components, iterations=iterations)
    return found.bases, found.activations


_REST_S = 0.3  # threads of the library before spin for a while after their work, and would slow the next one


def timed(works: list[Callable[[], object]], repeats: int) -> list[float]:
    """Least seconds of each, run in turn."""
    best = [np.inf] * len(works)
    for _ in range(repeats):
        for number, work in enumerate(works):
            time.sleep(_REST_S)
            start = time.perf_counter()
            work()
            best[number] = min(best[number], time.perf_counter() - start)
    return best


def row(name: str, spectrum: Tensor, repeats: int) -> str:
    """Measure one recording and return its line of the table."""
    reached = [divergence(spectrum, w @ h).item() for w, h in (f(spectrum) for f in (ours, plain, scikit_learn))]
    enough = next(
        (n for n in (1, 2, 5, 10, 15, 20, 30, 50, 100) if divergence(spectrum, _product(spectrum, n)) <= reached[2]),
        ITERATIONS,
    )
    works = [lambda f=f: f(spectrum) for f in (ours, plain, scikit_learn)] + [lambda: ours(spectrum, enough)]
    seconds = timed(works, repeats)
    share = [value / reached[2] for value in reached]
    same = f"{seconds[3]:.3f} | {min(seconds[1:3]) / seconds[3]:.1f}" if share[0] <= 1 else "– | –"
    cells = [f"{seconds[0]:.3f}", f"{share[0]:.3f}", same, f"{seconds[1]:.3f}", f"{share[1]:.3f}", f"{seconds[2]:.3f}"]
    return f"| {name} | {' | '.join(cells)} |"


def _product(spectrum: Tensor, iterations: int) -> Tensor:
    w, h = ours(spectrum, iterations)
    return w @ h


def report(clips: list[Path], repeats: int, threads: int) -> str:
    """Measure everything and return it as Markdown."""
    import sklearn

    torch.set_num_threads(threads)
    waveforms = {path.stem: read(path) for path in clips} or {f"made {seed}": made(seed) for seed in range(4)}
    with threadpool_limits(threads):
        rows = [row(name, FRONT_END.analyse(x).abs(), repeats) for name, x in waveforms.items()]
    return "\n".join(
        [
            f"Command: `python benchmarks/bench_nmf.py{' --clips …' if clips else ''} --threads {threads}`. {MACHINE}; "
            f"torch {torch.__version__}, scikit-learn {sklearn.__version__}; least wall seconds of {repeats}, "
            f"{threads} threads; divergences as a share of scikit-learn's after {ITERATIONS} iterations.",
            "",
            "| recording | soundsieve (s) | divergence | to the same (s) | times faster than the faster peer "
            "| torch loop (s) | divergence | scikit-learn (s) |",
            "|---|---:|---:|---:|---:|---:|---:|---:|",
            *rows,
        ]
    )


def main() -> None:
    """Measure, print, and put the result between its markers in the results page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=Path, nargs="*", default=[])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, default=RESULTS)
    asked = parser.parse_args()
    text = report(asked.clips, asked.repeats, asked.threads)
    print(text)
    put_into(asked.out, "nmf", "Non-negative matrix factorisation", text)


if __name__ == "__main__":
    main()

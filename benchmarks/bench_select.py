"""How fast, how large and how exact `soundsieve select` is, against the plain whole-file pass of the same network.

    python benchmarks/bench_select.py [--lengths 10 600 7200] [--model select] [--out benchmarks/RESULTS.md]

Every figure is of a whole process, measured from outside: wall time, and the peak of its resident memory as the
operating system counts it. The peer reads the file at once, resamples it, runs the network on all of it, and writes the
result: what most research code does. It may use three quarters of the machine's memory; where it dies, that is its
result.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from measuring import MACHINE, RATE_HZ, RESULTS, make_recording, measure, median_ms, put_into


def whole(path: Path, out: Path, model: str) -> None:
    """The peer: everything in memory at once."""
    limit = int(0.75 * os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))  # so that it dies alone
    import soundfile
    import soxr
    import torch

    from soundsieve import checkpoint

    kept = checkpoint.load(checkpoint.locate(model))
    network = kept.build()
    audio, rate = soundfile.read(path, dtype="float32", always_2d=True)
    mixture = torch.from_numpy(soxr.resample(audio, rate, kept.sample_rate).T.copy())[:, None]
    wanted = torch.zeros(len(mixture), 1, len(kept.classes))
    wanted[..., 0] = 1
    with torch.inference_mode():
        estimate = network(mixture, wanted)[:, 0].numpy()
    selected = soxr.resample(estimate.T, kept.sample_rate, rate)
    rest = audio[: len(selected)] - selected[: len(audio)]
    soundfile.write(out / "selected.wav", selected, rate, "FLOAT")
    soundfile.write(out / "rest.wav", rest, rate, "FLOAT")


def seam_db(model: str, length_s: float) -> float:
    """Level of (chunked − whole) against the whole-file estimate, in dB: same network, same input, no gate."""
    import torch

    from soundsieve import checkpoint
    from soundsieve.systems.select import Selector, SeparationSettings

    kept = checkpoint.load(checkpoint.locate(model))
    settings = SeparationSettings.parse({"gate": {"enabled": False}, "extend_treble": False})
    with tempfile.TemporaryDirectory() as folder:
        make_recording(Path(folder) / "x.wav", length_s)
        import soundfile
        import soxr

        audio, rate = soundfile.read(Path(folder) / "x.wav", dtype="float32", always_2d=True)
    mixture = soxr.resample(audio, rate, kept.sample_rate).T.copy()
    chunked = Selector(kept, "cpu", settings).keep(mixture, [kept.classes[0]], sample_rate=kept.sample_rate).selected
    wanted = torch.zeros(len(mixture), 1, len(kept.classes))
    wanted[..., 0] = 1
    with torch.inference_mode():
        reference = kept.build()(torch.from_numpy(mixture)[:, None], wanted)[:, 0].numpy()
    return float(10 * np.log10(((chunked - reference) ** 2).sum() / (reference**2).sum()))


def report(lengths_s: list[float], model: str) -> str:
    """Measure everything and return it as Markdown."""
    python = sys.executable
    command = [str(Path(python).with_name("soundsieve")), "select", "--quiet", "--force", "--model", model]
    first_class = subprocess.run(
        [*command[:2], "--classes", "--model", model], capture_output=True, text=True, check=True
    )
    label = first_class.stdout.split()[0].strip(",")
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for length_s in lengths_s:
            path = Path(folder) / "recording.wav"
            make_recording(path, length_s)
            ours = measure([*command, str(path), "--keep", label, "-o", folder])
            peer = measure([python, __file__, "--model", model, "--whole", str(path), "--out", folder])
            rows.append(f"| {length_s:g} | {ours.file_cells(length_s)} | {peer.file_cells(length_s)} |")
    starts = {
        "`python -c 'import soundsieve'`": [python, "-c", "import soundsieve"],
        "`soundsieve --help`": [command[0], "--help"],
        "`soundsieve models`": [command[0], "models"],
        "peer: `python -c 'import torch'`": [python, "-c", "import torch"],
    }
    start_rows = [f"| {name} | {median_ms(line):.0f} |" for name, line in starts.items()]
    lengths = " ".join(f"{length_s:g}" for length_s in lengths_s)
    return "\n".join(
        [
            f"Command: `python benchmarks/bench_select.py --lengths {lengths}`. {MACHINE}; stereo WAV at {RATE_HZ} Hz.",
            "",
            "| length (s) | soundsieve (s) | real-time factor | peak MiB | whole file (s) | its factor | its MiB |",
            "|---:|---:|---:|---:|---:|---:|---:|",
            *rows,
            "",
            f"Chunked against whole output of the same network (120 s): {seam_db(model, 120):.1f} dB.",
            "",
            "| start | median of 5 (ms) |",
            "|---|---:|",
            *start_rows,
        ]
    )


def main() -> None:
    """Measure, print, and put the result between its markers in the results page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lengths", type=float, nargs="+", default=[10, 600, 7200])
    parser.add_argument("--model", default="select")
    parser.add_argument("--whole", type=Path, help="internal: be the peer, on this file")
    parser.add_argument("--out", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    if arguments.whole is not None:
        whole(arguments.whole, arguments.out, arguments.model)
        return
    text = report(arguments.lengths, arguments.model)
    print(text)
    put_into(arguments.out, "select", "select", text)


if __name__ == "__main__":
    main()

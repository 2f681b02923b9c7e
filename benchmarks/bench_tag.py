"""How fast and how large `soundsieve tag` is, against a plain loop of librosa and the same network.

    python benchmarks/bench_tag.py [--clips 400] [--lengths 10 600 7200] [--model tag] [--out benchmarks/RESULTS.md]

Every figure is of a whole process, measured from outside: wall time, and the peak of its resident memory as the
operating system counts it. The peer does what a script does: `librosa.load`, `librosa.feature.melspectrogram`, the
network on the whole file, one JSON a file. Both have the same thresholds and the same number of threads.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
from measuring import MACHINE, RATE_HZ, RESULTS, make_recording, measure, median_ms, put_into

CLIP_S = 5.0


def plain(folder: Path, out: Path, model: str) -> None:
    """The peer: one file after the other, each in memory at once."""
    import librosa
    import torch

    from soundsieve import checkpoint

    kept = checkpoint.load(checkpoint.locate(model))
    network, s = kept.build(), kept.build_front_end().settings
    least = np.array([kept.card["thresholds"][name] for name in kept.classes])
    for path in sorted(folder.glob("*.wav")):
        waveform, _ = librosa.load(path, sr=s.sample_rate, mono=True)
        mel = librosa.feature.melspectrogram(
            y=waveform, sr=s.sample_rate, n_fft=s.n_fft, win_length=s.win_length, hop_length=s.hop, n_mels=s.mels
        )
        levels = librosa.power_to_db(mel, amin=s.floor, top_db=s.range_db)
        levels = (levels - levels.mean()) / levels.std()
        with torch.inference_mode():
            named, _ = network.frame_logits(torch.from_numpy(levels)[None], torch.tensor([levels.shape[1]]))
        scores = torch.sigmoid(named[0] / kept.card["temperature"]).numpy()
        heard = np.flatnonzero((scores >= least[:, None]).any(1))
        found = [{"label": kept.classes[row], "score": float(scores[row].max())} for row in heard]
        (out / f"{path.stem}.json").write_text(json.dumps({"file": str(path), "labels": found}))


def report(clips: int, lengths_s: list[float], model: str) -> str:
    """Measure everything and return it as Markdown."""

    def rate(seconds: float) -> str:
        return f"{clips / seconds:.1f}"

    python = sys.executable
    program = str(Path(python).with_name("soundsieve"))
    tag = [program, "tag", "--quiet", "--force", "--model", model, "--format", "json", "-o"]
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        folder, results = work / "clips", work / "results"
        folder.mkdir()
        results.mkdir()
        for number in range(clips):
            make_recording(folder / f"{number:04d}.wav", CLIP_S, channels=1, seed=number)
        ours = measure([*tag, str(results), str(folder)])
        peer = measure([python, __file__, "--model", model, "--plain", str(folder), "--out", str(results)])
        rows = []
        for length_s in lengths_s:
            path = work / "long.wav"
            make_recording(path, length_s)
            run = measure([*tag, str(results), str(path)])
            rows.append(f"| {length_s:g} | {run.file_cells(length_s)} |")
    starts = {
        "`python -c 'import soundsieve'`": [python, "-c", "import soundsieve"],
        "`soundsieve tag --help`": [program, "tag", "--help"],
        "`soundsieve tag --classes`": [program, "tag", "--classes", "--model", model],
        "peer: `python -c 'import librosa, torch'`": [python, "-c", "import librosa, torch"],
    }
    lengths = " ".join(f"{length_s:g}" for length_s in lengths_s)
    return "\n".join(
        [
            f"Command: `python benchmarks/bench_tag.py --clips {clips} --lengths {lengths}`. {MACHINE}.",
            "",
            f"A folder of {clips} clips, each {CLIP_S:g} s, mono WAV at {RATE_HZ} Hz, start-up included:",
            "",
            "| | seconds | files a second | peak MiB |",
            "|---|---:|---:|---:|",
            f"| `soundsieve tag FOLDER -o OUT --format json` | {ours.cells(rate)} |",
            f"| plain loop: librosa and the same network | {peer.cells(rate)} |",
            "",
            "One file, stereo:",
            "",
            "| length (s) | seconds | real-time factor | peak MiB |",
            "|---:|---:|---:|---:|",
            *rows,
            "",
            "| start | median of 5 (ms) |",
            "|---|---:|",
            *(f"| {name} | {median_ms(line):.0f} |" for name, line in starts.items()),
        ]
    )


def main() -> None:
    """Measure, print, and put the result between its markers in the results page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=int, default=400)
    parser.add_argument("--lengths", type=float, nargs="+", default=[10, 600, 7200])
    parser.add_argument("--model", default="tag")
    parser.add_argument("--plain", type=Path, help="internal: be the peer, on this folder")
    parser.add_argument("--out", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    if arguments.plain is not None:
        plain(arguments.plain, arguments.out, arguments.model)
        return
    text = report(arguments.clips, arguments.lengths, arguments.model)
    print(text)
    put_into(arguments.out, "tag", "tag", text)


if __name__ == "__main__":
    main()

"""How fast and how large `soundsieve genre` and `soundsieve features` are, against plain librosa and scikit-learn.

    python benchmarks/bench_genre.py [--songs 20] [--lengths 30 600 7200] [--model genre] [--out benchmarks/RESULTS.md]

Every figure is of a whole process, measured from outside: wall time, and the peak of its resident memory as the
operating system counts it. The peer does what a script does: `librosa.load`, ten functions of librosa for every half
minute (those of `bench_descriptors.py`), scikit-learn's scaler and support vector machine, one JSON a file. What its
machine has learnt is drawn at random: it takes as long to ask as a real one of as many rows.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
from measuring import MACHINE, RESULTS, make_recording, measure, median_ms, put_into

SONG_S = 60.0
WINDOW_S = 30
ROWS = 640  # that the peer's machine has learnt


def plain(folder: Path, out: Path) -> None:
    """The peer: one file after the other, each in memory at once."""
    import librosa
    from bench_descriptors import plain as describe
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    rng = np.random.default_rng(0)
    model = make_pipeline(StandardScaler(), SVC(C=3.0, probability=True, random_state=0))
    model.fit(rng.standard_normal((ROWS, 57)), np.arange(ROWS) % 10)
    for path in sorted(folder.glob("*.wav")):
        waveform, rate = librosa.load(path, sr=22_050, mono=True)
        pieces = np.split(waveform, range(WINDOW_S * rate, len(waveform), WINDOW_S * rate))
        scores = model.predict_proba(np.stack([describe(piece) for piece in pieces])).mean(0)
        best = np.argsort(-scores)[:3]
        labels = [{"label": str(row), "score": float(scores[row])} for row in best]
        (out / f"{path.stem}.json").write_text(json.dumps({"file": str(path), "labels": labels}))


def report(songs: int, lengths_s: list[float], model: str) -> str:
    """Measure everything and return it as Markdown."""

    def rate(seconds: float) -> str:
        return f"{60 * songs / seconds:.0f}"

    python = sys.executable
    program = str(Path(python).with_name("soundsieve"))
    genre = [program, "genre", "--quiet", "--force", "--model", model, "--format", "json", "-o"]
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        folder, results = work / "songs", work / "results"
        folder.mkdir()
        results.mkdir()
        for number in range(songs):
            make_recording(folder / f"{number:04d}.wav", SONG_S, seed=number)
        ours = measure([*genre, str(results), str(folder)])
        peer = measure([python, __file__, "--plain", str(folder), "--out", str(results)])
        table = str(work / "table.csv")
        features = [program, "features", str(folder), "-o", table, "--force", "--segments", "30", "--jobs"]
        one, both = (measure([*features, str(jobs)]) for jobs in (1, 2))
        rows = []
        for length_s in lengths_s:
            path = work / "long.wav"
            make_recording(path, length_s)
            once = measure([*genre, str(results), str(path)])
            often = measure([*genre, str(results), str(path), "--timeline"])
            rows.append(f"| {length_s:g} | {once.file_cells(length_s)} | {often.file_cells(length_s)} |")
    starts = {
        "`soundsieve genre --help`": [program, "genre", "--help"],
        "`soundsieve genre --classes`": [program, "genre", "--classes", "--model", model],
        "peer: `python -c 'import librosa, sklearn.svm'`": [python, "-c", "import librosa, sklearn.svm"],
    }
    lengths = " ".join(f"{length_s:g}" for length_s in lengths_s)
    return "\n".join(
        [
            f"Command: `python benchmarks/bench_genre.py --songs {songs} --lengths {lengths}`. {MACHINE}.",
            "",
            f"A folder of {songs} songs, each {SONG_S:g} s, stereo WAV at 44100 Hz, start-up included:",
            "",
            "| | seconds | songs a minute | peak MiB |",
            "|---|---:|---:|---:|",
            f"| `soundsieve genre FOLDER -o OUT --format json` | {ours.cells(rate)} |",
            f"| plain librosa and scikit-learn | {peer.cells(rate)} |",
            f"| `soundsieve features FOLDER --segments 30 --jobs 1` | {one.cells(rate)} |",
            f"| `soundsieve features FOLDER --segments 30 --jobs 2`, memory of one | {both.cells(rate)} |",
            "",
            "One file, stereo:",
            "",
            "| length (s) | seconds | factor | peak MiB | `--timeline` (s) | factor | peak MiB |",
            "|---:|---:|---:|---:|---:|---:|---:|",
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
    parser.add_argument("--songs", type=int, default=20)
    parser.add_argument("--lengths", type=float, nargs="+", default=[30, 600, 7200])
    parser.add_argument("--model", default="genre")
    parser.add_argument("--plain", type=Path, help="internal: be the peer, on this folder")
    parser.add_argument("--out", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    if arguments.plain is not None:
        plain(arguments.plain, arguments.out)
        return
    text = report(arguments.songs, arguments.lengths, arguments.model)
    print(text)
    put_into(arguments.out, "genre", "genre", text)


if __name__ == "__main__":
    main()

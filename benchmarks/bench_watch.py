"""How fast `soundsieve watch` is, stage by stage, and whether its memory stays flat over an hour.

    python benchmarks/bench_watch.py --model runs/small [--video clip.mp4] [--hours 0 1] [--out benchmarks/RESULTS.md]

Stages are timed in this process, each by itself, on ten seconds of video: the median of some rounds after a first one.
Peers, in the same rounds: reading every picture instead of one a second, and scikit-learn's factorisation, with as many
iterations and the same spectrogram. Memory is that of whole processes, as the operating system counts it, on the video
played again and again; `--hours 0` is the video once. Without a video one is made.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from measuring import MACHINE, RESULTS, make_recording, measure, put_into

LENGTH_S, PICTURES_HZ, ROUNDS, ITERATIONS = 10, 25, 3, 200


def make_video(path: Path) -> None:
    """Ten seconds of moving colours, 640 × 360, with bursts of noise."""
    from soundsieve.video import remux

    rows, columns = np.mgrid[:360, :640]
    silent, sound = path.with_suffix(".silent.mp4"), path.with_suffix(".wav")
    with av.open(str(silent), "w") as container:
        stream: Any = container.add_stream("mpeg4", rate=PICTURES_HZ, width=640, height=360)
        stream.bit_rate = 2_000_000
        for number in range(LENGTH_S * PICTURES_HZ):
            shifted = np.stack([rows + number, columns + 2 * number, rows + columns], -1)
            picture = av.VideoFrame.from_ndarray((shifted % 256).astype(np.uint8), format="rgb24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    make_recording(sound, LENGTH_S)
    remux(silent, sound, path)


def looped(video: Path, out: Path, length_s: float) -> None:
    """Play a video again and again, without decoding it, until it is so long."""
    with av.open(str(out), "w") as container:
        with av.open(str(video)) as source:
            streams: dict[int, Any] = {
                stream.index: container.add_stream_from_template(stream)
                for stream in (source.streams.video[0], source.streams.audio[0])
            }
            once_s = Fraction(source.duration, av.time_base)
        latest: dict[int, int] = {}
        for turn in range(max(1, round(length_s / float(once_s)))):
            with av.open(str(video)) as source:
                wanted = [stream for stream in source.streams if stream.index in streams]
                for packet in source.demux(wanted):
                    if packet.dts is None or packet.pts is None:
                        continue
                    later = round(turn * once_s / packet.time_base)
                    packet.pts, packet.dts = packet.pts + later, packet.dts + later
                    if packet.dts <= latest.get(packet.stream.index, packet.dts - 1):
                        continue  # what an encoder has put before the beginning, a second time
                    latest[packet.stream.index] = packet.dts
                    packet.stream = streams[packet.stream.index]
                    container.mux(packet)


def seconds(work: Callable[[], Any]) -> float:
    """Median time of a stage."""
    work()
    times = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        work()
        times.append(time.perf_counter() - begun)
    return float(np.median(times))


def stages(video: Path, model: Path, vision: str) -> Iterator[tuple[str, float]]:
    """Time each stage, and its peer where it has one."""
    import torch

    from soundsieve import audio, checkpoint
    from soundsieve.audio import resample
    from soundsieve.features.nmf import factorise
    from soundsieve.features.object_stft import ObjectSTFT
    from soundsieve.inference.group_writer import GroupWriter
    from soundsieve.inference.looked import look_around
    from soundsieve.inference.object_tracks import shared_masks
    from soundsieve.inference.viewers import open_viewer
    from soundsieve.video import frames_every

    def decode(every_s: float) -> list[Any]:
        with frames_every(video, every_s, duration_s=LENGTH_S) as frames:
            return [frame.pixels for frame in frames]

    viewer, pictures = open_viewer(vision, "cpu"), decode(1.0)
    found = checkpoint.load(checkpoint.locate(str(model)))
    network, front_end = found.build(), ObjectSTFT.parse(found.front_end)
    waveform, rate = audio.read(video, duration_s=LENGTH_S)
    mixture = torch.from_numpy(resample(waveform, rate, front_end.sample_rate))
    spectrum = front_end.analyse(mixture)
    magnitudes = spectrum.abs().square().mean(0).sqrt()
    bases = factorise(magnitudes, front_end.components).bases
    weights = torch.full((2, bases.shape[1]), 0.5)

    def write() -> None:
        with tempfile.TemporaryDirectory() as folder:
            paths = [Path(folder) / f"{name}.wav" for name in ("one", "two", "rest")]
            with GroupWriter(paths, rate, len(waveform)) as group:
                group.write(waveform, waveform, waveform)

    with torch.inference_mode():
        yield "pictures: decode one a second", seconds(lambda: decode(1.0))
        yield "peer: decode all of them", seconds(lambda: decode(1 / PICTURES_HZ))
        yield f"pictures: name them ({viewer.name})", seconds(lambda: look_around(viewer, pictures))
        yield "sound: factorise", seconds(lambda: factorise(magnitudes, front_end.components))
        yield (
            f"peer: scikit-learn, {ITERATIONS} iterations",
            seconds(lambda: peer_nmf(magnitudes, front_end.components)),
        )
        yield "sound: map of bases and objects", seconds(lambda: network(bases[None]))
        yield (
            "sound: separate two objects",
            seconds(
                lambda: front_end.synthesise(shared_masks(spectrum.abs(), bases, weights) * spectrum, mixture.shape[-1])
            ),
        )
        yield "sound: write three tracks", seconds(write)


def peer_nmf(magnitudes: Any, components: int) -> None:
    """The same objective by scikit-learn."""
    from sklearn.decomposition import NMF

    solver = NMF(components, solver="mu", beta_loss="kullback-leibler", init="random", max_iter=ITERATIONS, tol=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it has not converged is what is asked for
        solver.fit_transform(magnitudes.numpy())


def report(video: Path, arguments: argparse.Namespace) -> str:
    """Measure everything and return it as Markdown."""
    timed = [f"| {name} | {taken_s:.3f} |" for name, taken_s in stages(video, arguments.model, arguments.vision)]
    program = [sys.executable, "-c", "from soundsieve.cli import main; main()", "watch"]
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for hours in arguments.hours:
            long = Path(folder) / f"long{video.suffix}"
            length_s = max(LENGTH_S, 3600 * hours)
            looped(video, long, length_s)
            options = ["--model", arguments.model, "--vision", arguments.vision, "--labels", arguments.labels]
            command = [*program, long, "-o", Path(folder) / "out", *options, "--device", "cpu", "--force", "--quiet"]
            rows.append(f"| {length_s:g} | {measure([str(word) for word in command]).file_cells(length_s)} |")
    words = f"--model {arguments.model.name} --hours {' '.join(f'{hours:g}' for hours in arguments.hours)}"
    words += f" --video {arguments.video.name}" if arguments.video else ""
    which = "that video" if arguments.video else "a made one"
    return "\n".join(
        [
            f"Command: `python benchmarks/bench_watch.py {words}`. {MACHINE}; {which}.",
            "",
            f"| stage of {LENGTH_S} s of video | median of {ROUNDS} (s) |",
            "|---|---:|",
            *timed,
            "",
            "| length (s) | whole process (s) | real-time factor | peak MiB |",
            "|---:|---:|---:|---:|",
            *rows,
        ]
    )


def main() -> None:
    """Measure, print, and put the result between its markers in the results page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True, help="a checkpoint or run folder for watch")
    parser.add_argument("--video", type=Path, help="ten seconds or more, with sound")
    parser.add_argument("--vision", default="efficientnet-lite0")
    parser.add_argument("--labels", default="dog,violin", help="objects to separate in whole videos")
    parser.add_argument("--hours", type=float, nargs="+", default=[0, 1])
    parser.add_argument("--out", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        video = arguments.video or Path(folder) / "made.mp4"
        if arguments.video is None:
            make_video(video)
        text = report(video, arguments)
    print(text)
    put_into(arguments.out, "watch", "watch", text)


if __name__ == "__main__":
    main()

r"""Render songs with stems to learn `unmix` from, for whoever has none.

    apt-get download fluid-soundfont-gm musescore-general-soundfont timgm6mb-soundfont avldrums.lv2-soundfont \
        hydrogen-drumkits
    for package in *.deb; do dpkg-deb -x "$package" packages; done
    apt-get install fluidsynth
    python -m soundsieve.recipes.unmix.songs --packages packages --mir1k data/mir1k --out data/rendered

Scores are composed, played on soundfonts and recorded drum kits, and mixed: `OUT/train|validation|test/Artist -
Title/{bass,drums,other,vocals}.flac` (44.1 kHz, stereo, 16 bit), the layout of the data set `stems`, with `song.json`
beside them and `OUT/LICENCES.md`. The mixture is the sum of the stems. Of twelve songs ten train, one validates, one
tests; no kit and no singer is heard in two parts, and the test part's soundfont in no other. Validation plays the
soundfonts of training, as there is no third one. Drum machines are made up anew for each song, in every part alike.
The singers are those of MIR-1K; without it nobody sings. A song is there whole or not at all; the same command again
goes on where it was stopped.
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from soundsieve.datasets.song import STEMS
from soundsieve.errors import OutputError, SettingsError, SoundsieveError
from soundsieve.recipes.clips import RATE_HZ, package_version
from soundsieve.recipes.select.fluidsynth import find_fluidsynth
from soundsieve.recipes.select.material import LICENCES
from soundsieve.recipes.unmix.band import Song, decide, perform
from soundsieve.recipes.unmix.sources import PARTS, Sources, find_sources, kit_licence

VERSION = 2  # of what is composed and how it sounds: songs of two versions do not mix
MANIFEST = "rendered.json"
_PARTIAL = ".partial"
_SHORTEST_S = 5.0


@dataclass(frozen=True)
class Job:
    """Everything a worker needs to know."""

    out: Path
    seed: int
    length_s: float
    sources: dict[str, Sources]
    program: str


def make_songs(job: Job, count: int, jobs: int = 1) -> Iterator[tuple[str, bool]]:
    """Render songs 0 to `count` − 1 and yield the folder of each that is there, and whether it is new.

    Raises:
        AudioError: when a recording cannot be read or FluidSynth fails.
        DatasetError: when a kit cannot be read.
        OutputError: when the folder holds songs of other settings, or cannot be written.
    """
    songs = [decide(number, job.seed, job.length_s, job.sources) for number in range(count)]
    _claim(job)
    others = [number for number in _rendered_before(job.out) if number >= count]  # which stay, and their licences too
    write_licences(job, [*songs, *(decide(number, job.seed, job.length_s, job.sources) for number in others)])
    there = [song for song in songs if (job.out / song.folder).is_dir()]
    yield from ((song.folder, False) for song in there)
    missing = [song for song in songs if song not in there]
    if jobs > 1:
        yield from _in_parallel(job, missing, jobs)
    else:
        for song in missing:
            make_song(job, song)
            yield song.folder, True
    shutil.rmtree(job.out / _PARTIAL, ignore_errors=True)


def _rendered_before(out: Path) -> list[int]:
    """The numbers of the songs that are in a folder, in order."""
    numbers = []
    for path in (path for part in PARTS for path in out.glob(f"{part}/*/song.json")):
        try:
            numbers.append(int(json.loads(path.read_text(encoding="utf-8"))["number"]))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise OutputError(f"{path}: does not say which song this is ({error})") from None
    return sorted(numbers)


def _in_parallel(job: Job, songs: Sequence[Song], jobs: int) -> Iterator[tuple[str, bool]]:
    with ProcessPoolExecutor(jobs, initializer=_ignore_interrupts) as pool:
        waiting = list(reversed(songs))
        running: dict[Future[None], Song] = {}
        try:
            while waiting or running:
                while waiting and len(running) < jobs:
                    song = waiting.pop()
                    running[pool.submit(make_song, job, song)] = song
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    song = running.pop(future)
                    future.result()
                    yield song.folder, True
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _ignore_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the songs under way are finished; the command stops after them


def make_song(job: Job, song: Song) -> None:
    """Render one song; its folder appears when it is whole.

    Raises:
        AudioError: when a recording cannot be read or FluidSynth fails.
        DatasetError: when a kit cannot be read.
        OutputError: when it cannot be written.
    """
    stems = perform(song, job.seed, job.sources[song.part], job.program)
    final, partial = job.out / song.folder, job.out / _PARTIAL / f"{song.number:04d}"
    try:
        shutil.rmtree(partial, ignore_errors=True)  # what a killed run left behind
        partial.mkdir(parents=True)
        for name in STEMS:
            soundfile.write(partial / f"{name}.flac", stems[name].T, RATE_HZ, subtype="PCM_16")
        (partial / "song.json").write_text(json.dumps(describe(song, stems), indent=1) + "\n", encoding="utf-8")
        final.parent.mkdir(exist_ok=True)
        partial.rename(final)
    except (OSError, soundfile.LibsndfileError) as error:
        raise OutputError(f"{final}: {error}") from None


def describe(song: Song, stems: dict[str, np.ndarray[tuple[int, int], np.dtype[np.float32]]]) -> dict[str, object]:
    """Return what stands in a song's `song.json`: what was composed, who plays it, and which stems are silent."""
    score = song.score
    tracks = [*([score.bass] if score.bass else []), *score.others]
    fonts = song.fonts if score.bass else song.fonts[1:]
    return {
        "number": song.number,
        "part": song.part,
        "style": score.style,
        "tempo_bpm": round(score.groove.tempo_bpm, 2),
        "key": score.title.split(" bpm ")[1],
        "instruments": [
            {"name": track.name, "program": track.program, "soundfont": font.name, "takes": len(track.takes)}
            for track, font in zip(tracks, fonts, strict=True)
        ],
        "kit": song.kit.name if score.strokes else "",
        "singer": song.singer,
        "silent": [name for name in STEMS if not np.any(stems[name])],
    }


def _claim(job: Job) -> None:
    """Write what the songs of a folder have in common, or see that it is the same."""
    names = {
        part: {
            "fonts": [font.name for font in here.fonts],
            "kits": [font.name for font in here.font_kits]
            + [folder.name for folder in (*here.acoustic, *here.electric)],
            "singers": {name: len(clips) for name, clips in sorted(here.singers.items())},
        }
        for part, here in job.sources.items()
    }
    mine = json.loads(json.dumps({"version": VERSION, "seed": job.seed, "length_s": job.length_s, "sources": names}))
    path = job.out / MANIFEST
    try:
        if path.is_file():
            theirs = json.loads(path.read_text(encoding="utf-8"))
        elif job.out.exists() and any(job.out.iterdir()):
            raise OutputError(f"{job.out}: holds something else than rendered songs; choose another folder")
        else:
            job.out.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(mine, indent=1) + "\n", encoding="utf-8")
            return
    except (OSError, ValueError) as error:
        raise OutputError(f"{path}: {error}") from None
    if theirs != mine:
        changed = ", ".join(key for key in mine if not isinstance(theirs, dict) or theirs.get(key) != mine[key])
        raise OutputError(f"{job.out}: holds songs made with other settings ({changed}); choose another folder")


def write_licences(job: Job, songs: Sequence[Song]) -> None:
    """Write `LICENCES.md`: whose recordings the songs are made from.

    Raises:
        OutputError: when it cannot be written.
    """
    fonts: Counter[tuple[str, str, str]] = Counter()
    singers: Counter[str] = Counter()
    for song in songs:
        used = {(font.package, Path(font.path).name, LICENCES[font.package]) for font in song.fonts}
        if song.kit.font is not None:
            used.add((song.kit.font.package, Path(song.kit.font.path).name, LICENCES[song.kit.font.package]))
        if song.kit.folder is not None:
            used.add(("hydrogen-drumkits", song.kit.folder.name, kit_licence(song.kit.folder)))
        fonts.update(used)
        if song.singer:
            singers[song.singer] += 1
    packages = next(iter(job.sources.values())).packages
    versions = {package: package_version(packages, package) for package, _, _ in fonts}
    lines = [
        "# Where these songs come from",
        "",
        "| package | version | part | licence | songs |",
        "|---|---|---|---|---|",
    ]
    lines += [f"| {p} | {versions[p]} | {part} | {lic} | {n} |" for (p, part, lic), n in sorted(fonts.items())]
    if singers:
        lines += [
            "",
            "The singing is from MIR-1K (Hsu and Jang, 2010), for research.",
            "",
            "| singer | songs |",
            "|---|---|",
        ]
        lines += [f"| {singer} | {count} |" for singer, count in sorted(singers.items())]
    try:
        (job.out / "LICENCES.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    except OSError as error:
        raise OutputError(f"{job.out}: {error.strerror or error}") from None


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the script; a user's mistake is one sentence and exit code 2."""
    parser = argparse.ArgumentParser(prog="python -m soundsieve.recipes.unmix.songs", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--packages", type=Path, required=True, help="folder the packages were unpacked into")
    parser.add_argument("--out", type=Path, required=True, help="folder for the songs")
    parser.add_argument("--mir1k", type=Path, help="folder of MIR-1K; without it nobody sings")
    parser.add_argument("--songs", type=int, default=200, help="how many, of all parts together")
    parser.add_argument("--length", type=float, default=45.0, help="of a song, in seconds")
    parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same songs")
    parser.add_argument("--jobs", type=int, default=2, help="songs rendered side by side")
    options = parser.parse_args(arguments)
    begun, new, there = time.monotonic(), 0, 0
    try:
        for name, least in (("songs", 1), ("length", _SHORTEST_S), ("seed", 0), ("jobs", 1)):
            if not getattr(options, name) >= least:
                raise SettingsError(f"--{name} {getattr(options, name):g}: must be at least {least:g}")
        sources = find_sources(options.packages, options.mir1k)
        job = Job(options.out, options.seed, options.length, sources, find_fluidsynth())
        for folder, fresh in make_songs(job, options.songs, options.jobs):
            new, there = new + fresh, there + 1
            if fresh:
                rest_s = (time.monotonic() - begun) / new * (options.songs - there)
                print(f"{there}/{options.songs}, {rest_s / 60:.0f} min left: {folder}", file=sys.stderr, flush=True)
    except SoundsieveError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"stopped with {there} of {options.songs} songs; the same command goes on", file=sys.stderr)
        return 130
    print(f"{there} songs in {options.out}, {new} of them new")
    return 0


if __name__ == "__main__":
    sys.exit(main())

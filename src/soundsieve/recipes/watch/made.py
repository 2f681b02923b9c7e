r"""Make videos with true tracks, to learn `watch` from and to score it, out of public pictures and sounds.

    apt-get download fluid-soundfont-gm freepats timgm6mb-soundfont avldrums.lv2-soundfont hydrogen-drumkits \
        openttd-opensfx tuxpaint-stamps-default gcompris-qt-data openclipart-png scratch simutrans-pak64 \
        lincity-ng-data
    for package in *.deb; do dpkg-deb -x "$package" packages; done
    npm pack @lobehub/fluent-emoji-3d@1.1.0 && tar -xzf lobehub-fluent-emoji-3d-*.tgz -C packages
    apt-get install fluidsynth timidity
    python -m soundsieve.recipes.watch.made --packages packages --pictures pictures \
        --sounds esc50=data/ESC-50-master --sounds fsdkaggle2018=data/fsdkaggle2018 --out data/made

One to three of the 23 objects are seen, one after another or side by side, and heard; some are silent, some sounds are
of nothing that is seen. `OUT/train|validation|test/NAME.mkv` with `NAME.<object>.flac` and `NAME.unseen.flac` beside
it, the layout of the data set `made_videos`, with `OUT/made.json` and `OUT/LICENCES.md`. The tracks add up to the sound
of the video. No picture and no sound is in two parts. A video is there whole or not at all; the same command again goes
on where it was stopped, and a larger --videos adds to what is there.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import soundfile

from soundsieve.datasets.made_videos import SUFFIX
from soundsieve.errors import OutputError, SettingsError, SoundsieveError
from soundsieve.recipes.select.fluidsynth import find_fluidsynth
from soundsieve.recipes.watch.frames import frames
from soundsieve.recipes.watch.manifest import claim, write_licences
from soundsieve.recipes.watch.pictures import find_pictures, read_picture
from soundsieve.recipes.watch.plan import MadeSettings, Material, Plan, decide, materials
from soundsieve.recipes.watch.sounds import find_sounds
from soundsieve.recipes.watch.timidity import find_timidity
from soundsieve.recipes.watch.tracks import perform
from soundsieve.recipes.watch.write import RATE_HZ, mix, write_track, write_video
from soundsieve.settings import override

SYNTHESIZERS = {"fluidsynth": find_fluidsynth, "timidity": find_timidity}
_PARTIAL = ".partial"


@dataclass(frozen=True)
class Job:
    """Everything a worker needs to know."""

    out: Path
    packages: Path
    seed: int
    settings: MadeSettings
    programs: Mapping[str, str]


def make_videos(job: Job, found: Mapping[str, Material], count: int, jobs: int = 1) -> Iterator[tuple[Plan, bool]]:
    """Make videos 0 to `count` − 1 and yield each that is there, and whether it is new.

    Raises:
        AudioError: when a recording cannot be read or a synthesizer fails.
        DatasetError: when a picture or a kit cannot be read.
        OutputError: when the folder holds videos of other settings, or cannot be written.
    """
    plans = [decide(number, job.seed, job.settings, found) for number in range(count)]
    everything = claim(job.out, job.seed, job.settings, found, plans)
    write_licences(job.out, job.packages, everything)
    there = [plan for plan in plans if _final(job, plan).is_file()]
    yield from ((plan, False) for plan in there)
    missing = [plan for plan in plans if plan not in there]
    if jobs > 1:
        yield from _in_parallel(job, missing, jobs)
    else:
        for plan in missing:
            make_video(job, plan)
            yield plan, True
    shutil.rmtree(job.out / _PARTIAL, ignore_errors=True)


def _in_parallel(job: Job, plans: Sequence[Plan], jobs: int) -> Iterator[tuple[Plan, bool]]:
    with ProcessPoolExecutor(jobs, initializer=_ignore_interrupts) as pool:
        waiting = list(reversed(plans))
        running: dict[Future[None], Plan] = {}
        try:
            while waiting or running:
                while waiting and len(running) < jobs:
                    plan = waiting.pop()
                    running[pool.submit(make_video, job, plan)] = plan
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    plan = running.pop(future)
                    future.result()
                    yield plan, True
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _ignore_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the videos under way are finished; the command stops after them


def _final(job: Job, plan: Plan) -> Path:
    return job.out / plan.part / f"{plan.name}{SUFFIX}"


def make_video(job: Job, plan: Plan) -> None:
    """Make one video; its file appears when it and its tracks are whole.

    Raises:
        AudioError: when a recording cannot be read or FluidSynth fails.
        DatasetError: when a picture or a kit cannot be read.
        OutputError: when it cannot be written.
    """
    settings, rng = job.settings, np.random.default_rng([job.seed, plan.number, 1])
    heard = [
        (thing, perform(thing.source, rng, settings.duration_s, job.packages, job.programs))
        for thing in plan.things
        if thing.source
    ]
    length = round(settings.duration_s * RATE_HZ)
    tracks = mix([sound for _, sound in heard], [thing.level_db for thing, _ in heard], length)
    seen = [read_picture(thing.picture) for thing in plan.things if thing.picture]
    timing = (round(settings.duration_s * settings.frame_rate), settings.duration_s)
    shown = frames(seen, (settings.width, settings.height), timing, plan.side_by_side, rng)
    final, partial = _final(job, plan), job.out / _PARTIAL / plan.name
    try:
        shutil.rmtree(partial, ignore_errors=True)  # what a killed run left behind
        partial.mkdir(parents=True)
        for (thing, _), track in zip(heard, tracks, strict=True):
            write_track(partial / f"{plan.name}.{thing.track}.flac", track)
        write_video(partial / final.name, shown, settings.frame_rate, np.sum(tracks, axis=0, dtype=np.int16))
        final.parent.mkdir(exist_ok=True)
        for path in sorted(partial.glob("*.flac")):
            path.replace(final.parent / path.name)
        (partial / final.name).replace(final)
        partial.rmdir()
    except (OSError, soundfile.LibsndfileError, av.FFmpegError) as error:
        raise OutputError(f"{final}: {error}") from None


def _sets(given: Sequence[str]) -> dict[str, Path]:
    found = {}
    for text in given:
        name, sign, folder = text.partition("=")
        if not sign or not folder:
            raise SettingsError(f"--sounds {text}: expected DATASET=FOLDER, for example esc50=data/ESC-50-master")
        found[name] = Path(folder)
    return found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m soundsieve.recipes.watch.made", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--packages", type=Path, required=True, help="folder the packages were unpacked into")
    parser.add_argument("--pictures", type=Path, help="folder of pictures, CLASS_OBJECT.jpg or in folders OBJECT/")
    parser.add_argument(
        "--sounds", action="append", default=[], metavar="DATASET=FOLDER", help="data set of sounds; may be repeated"
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for the videos")
    parser.add_argument("--videos", type=int, default=1500, help="how many, of all parts together")
    parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same videos")
    parser.add_argument("--jobs", type=int, default=2, help="videos made side by side")
    parser.add_argument(
        "--set", dest="settings", action="append", default=[], metavar="KEY=VALUE", help="a setting, e.g. silent=0.2"
    )
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the script; a user's mistake is one sentence and exit code 2."""
    options = _parser().parse_args(arguments)
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # the jobs are what runs side by side
    begun, new, there = time.monotonic(), 0, 0
    try:
        for name, least in (("videos", 1), ("seed", 0), ("jobs", 1)):
            if getattr(options, name) < least:
                raise SettingsError(f"--{name} {getattr(options, name)}: must be at least {least}")
        settings = MadeSettings.parse(override(MadeSettings().model_dump(mode="json"), options.settings))
        sources = find_sounds(options.packages, _sets(options.sounds))
        found = materials(find_pictures(options.pictures, options.packages), sources)
        played = {source.font.synthesizer for source in sources if source.font}
        programs = {name: find() for name, find in SYNTHESIZERS.items() if name in played}
        job = Job(options.out, options.packages, options.seed, settings, programs)
        for part, here in found.items():
            print(f"{part}: {len(here.labels)} objects: {', '.join(here.labels)}", file=sys.stderr)
        for plan, fresh in make_videos(job, found, options.videos, options.jobs):
            new, there = new + fresh, there + 1
            if fresh:
                rest_s = (time.monotonic() - begun) / new * (options.videos - there)
                name = f"{plan.part}/{plan.name}: {', '.join(thing.label for thing in plan.things)}"
                print(f"{there}/{options.videos}, {rest_s / 60:.0f} min left: {name}", file=sys.stderr, flush=True)
    except SoundsieveError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"stopped with {there} of {options.videos} videos; the same command goes on", file=sys.stderr)
        return 130
    print(f"{there} videos in {options.out}, {new} of them new")
    return 0


if __name__ == "__main__":
    sys.exit(main())

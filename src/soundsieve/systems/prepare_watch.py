"""Preparing videos for learning `watch`: each becomes a bag of bases with what is seen in it.

What is done is kept as it comes: a run that was stopped, or killed, goes on where it was.
"""

from __future__ import annotations

import contextlib
import json
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from soundsieve import audio
from soundsieve.datasets.find_videos import FoundVideos, find_videos
from soundsieve.datasets.object_groups import NAMES
from soundsieve.errors import AudioError, OutputError, SoundsieveError
from soundsieve.features.object_stft import ObjectSTFT
from soundsieve.inference.progress import CancelToken, Progress
from soundsieve.inference.side_by_side import in_turn, side_by_side
from soundsieve.inference.viewers import DEFAULT, open_viewer
from soundsieve.training.bag_making import Piece, identity, make_bag, pieces_of
from soundsieve.training.bags import INDEX_FILE, BagEntry, BagIndex, LeftOut, write_bag, write_index

Existing = Literal["refuse", "resume", "replace"]
_BEGUN = "prepare.json"  # what was asked for, and of which files


@dataclass(frozen=True)
class Prepared:
    """A folder of bags that has been written.

    Attributes:
        folder: Where.
        bags: How many there are.
        before: How many of them were there before.
        left_out: Videos, or pieces of them, of which there is none, and why.
        missing: Videos that the data set's tables name and that are not there.
    """

    folder: Path
    bags: int
    before: int
    left_out: tuple[LeftOut, ...]
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Task:
    entry: BagEntry
    piece: Piece


def prepare(
    places: Sequence[str],
    folder: Path,
    front_end: ObjectSTFT | None = None,
    *,
    viewer: str = DEFAULT,
    jobs: int | None = None,
    existing: Existing = "refuse",
    progress: Progress | None = None,
    complain: Callable[[SoundsieveError], None] | None = None,
    cancel: CancelToken | None = None,
) -> Prepared:
    """Make bags of videos; a video that cannot be used is left out and does not stop the others.

    Videos longer than a piece of `front_end` become several bags of one group.

    Args:
        places: See `soundsieve.datasets.find_videos.find_videos`.
        folder: Where to.
        front_end: Spectrogram and number of bases; None for the published ones.
        viewer: Who looks at the pictures.
        jobs: How many processes, of one thread each; None works in this one.
        existing: What is done with bags that are there: "refuse" stops, "resume" keeps those of files that have not
            changed since, "replace" makes all again.
        progress: Called with how many pieces are done, and of how many.
        complain: Called with what is wrong with a video, at once.
        cancel: Stops the work.

    Raises:
        DatasetError, SettingsError: As `find_videos`.
        MissingExtraError, CheckpointError: when the viewer cannot be used.
        OutputError: when bags are there and `existing` is "refuse", when they were made in another way, or when they
            cannot be written.
        Cancelled: when it was stopped; what is done is kept.
    """
    settings = front_end or ObjectSTFT()
    found = find_videos(places)
    asked = {"front_end": settings.model_dump(mode="json"), "viewer": open_viewer(viewer, "cpu").name}
    known = _begin(folder, asked, existing)
    left_out: list[LeftOut] = []
    tasks = list(_tasks(found, settings, viewer, left_out, complain))
    files = {task.entry.name: {**identity(task.piece.path), "start_s": task.piece.start_s} for task in tasks}
    done = {name for name, facts in files.items() if known.get(name) == facts and (folder / _file(name)).is_file()}
    _clear(folder, files.keys() - done)
    _write(folder / _BEGUN, {**asked, "files": {**known, **files}})
    waiting = [task for task in tasks if task.entry.name not in done]
    entries = [task.entry for task in tasks if task.entry.name in done]
    pieces = [task.piece for task in waiting]
    steps = (
        in_turn(make_bag, pieces, cancel=cancel)
        if jobs is None
        else side_by_side(make_bag, pieces, jobs, cancel=cancel)
    )
    finished = len(done)
    with contextlib.closing(steps):
        for step in steps:
            task = waiting[step.index]
            if step.part is not None:
                write_bag(folder / task.entry.bag, step.part)
                entries.append(task.entry)
                continue
            if step.error is not None:
                left_out.append(LeftOut(path=str(task.piece.path), why=str(step.error)))
                if complain is not None:
                    complain(step.error)
            finished += 1
            if progress is not None:
                progress(finished, len(tasks))
    index = BagIndex(
        front_end=asked["front_end"],
        viewer=asked["viewer"],
        labels=NAMES,
        videos=tuple(sorted(entries, key=lambda entry: entry.name)),
        left_out=tuple(left_out),
    )
    write_index(folder, index)
    return Prepared(folder, len(entries), len(done), tuple(left_out), found.missing)


def _clear(folder: Path, names: Iterable[str]) -> None:
    """Remove what would be taken for finished, or left lying, if this run were killed too."""
    (folder / INDEX_FILE).unlink(missing_ok=True)  # it comes last, and again
    for name in names:
        (folder / _file(name)).unlink(missing_ok=True)
    for hidden in folder.glob(".*.part"):
        hidden.unlink(missing_ok=True)


def _tasks(
    found: FoundVideos,
    front_end: ObjectSTFT,
    viewer: str,
    left_out: list[LeftOut],
    complain: Callable[[SoundsieveError], None] | None,
) -> Iterator[_Task]:
    """Cut videos into pieces; those without sound are left out."""
    taken = {video.name.casefold() for video in found.videos}
    for video in found.videos:
        try:
            length_s = video.duration_s or _length_s(video.path) - video.start_s
            if length_s <= 0:
                raise AudioError(f"{video.path}: ends before {video.start_s:g} s, where its piece begins")
        except SoundsieveError as error:
            left_out.append(LeftOut(path=str(video.path), why=str(error)))
            if complain is not None:
                complain(error)
            continue
        own = found.tracks.get(video.path, {})
        labels = tuple(label for label in own if label in NAMES) or video.labels or None
        starts_s = pieces_of(length_s, front_end.piece_s)
        for number, start_s in enumerate(starts_s):
            name = video.name if len(starts_s) == 1 else _free_name(f"{video.name}-{number:05d}", taken)
            last = number == len(starts_s) - 1
            duration_s = length_s - start_s if last else front_end.piece_s
            to_the_end = last and video.duration_s is None
            yield _Task(
                BagEntry(
                    name=name,
                    path=str(video.path),
                    part=video.part,
                    group=video.group,
                    bag=_file(name),
                    start_s=video.start_s + start_s,
                    duration_s=duration_s,
                    labels_true=labels,
                ),
                Piece(video.path, video.start_s + start_s, None if to_the_end else duration_s, front_end, viewer, own),
            )


def _free_name(name: str, taken: set[str]) -> str:
    """Return a name that no video and no other piece has."""
    while name.casefold() in taken:
        name += "-"
    taken.add(name.casefold())
    return name


def _file(name: str) -> str:
    return f"{name}.safetensors"


def _length_s(path: Path) -> float:
    """Return how long the sound of a video is; it is decoded where the header does not say."""
    info = audio.probe(path)
    if info.duration_s is not None:
        return info.duration_s
    frames: int = sum(block.shape[1] for block in audio.blocks(path, info.sample_rate))
    return frames / info.sample_rate


def _begin(folder: Path, asked: Mapping[str, Any], existing: Existing) -> dict[str, Any]:
    """Return the files of bags that are there and may be kept, by name."""
    begun = folder / _BEGUN
    there = begun.is_file() or (folder / INDEX_FILE).is_file()
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder}: is a file; name a folder for the bags")
    if not there:
        if folder.is_dir() and any(folder.iterdir()):
            raise OutputError(f"{folder}: is not empty and holds no bags; name another folder")
        return {}
    if existing == "refuse":
        raise OutputError(f"{folder}: holds bags already; use --resume to go on with them or --force to replace them")
    before, files = _before(begun)
    if existing == "replace":
        _clear(folder, files)
        return {}
    if {name: before.get(name) for name in asked} != dict(asked):
        raise OutputError(f"{folder}: its bags were made in another way ({_BEGUN}); use --force to replace them")
    return files


def _before(begun: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what an earlier run was asked for, and of which files, by name; nothing where that cannot be read."""
    try:
        before = json.loads(begun.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}, {}
    files = before.get("files") if isinstance(before, dict) else None
    return (before, files) if isinstance(files, dict) else ({}, {})


def _write(path: Path, values: Mapping[str, Any]) -> None:
    hidden = path.with_name(f".{secrets.token_hex(8)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        hidden.write_text(json.dumps(values, indent=1), encoding="utf-8")
        hidden.replace(path)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror or error})") from None
    finally:
        hidden.unlink(missing_ok=True)

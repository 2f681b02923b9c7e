"""One track for each object seen in a video."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from soundsieve import checkpoint
from soundsieve.checkpoint import Checkpoint
from soundsieve.errors import CheckpointError, VideoError, unknown_name
from soundsieve.inference.classes import match_classes
from soundsieve.inference.group_writer import GroupWriter, refuse_overwriting
from soundsieve.inference.looked import Looked, look_at
from soundsieve.inference.object_engines import ObjectMaker, make_objects
from soundsieve.inference.object_pieces import REST
from soundsieve.inference.object_tracks import AudibleScores
from soundsieve.inference.progress import CancelToken, Progress
from soundsieve.inference.seen import SeenSettings
from soundsieve.inference.source import open_source
from soundsieve.inference.stem_levels import LevelMeter
from soundsieve.inference.unmixing import StreamUnmixer, unmix
from soundsieve.inference.viewers import DEFAULT, Viewer, open_viewer
from soundsieve.inference.watch_figure import draw_watched, require_matplotlib
from soundsieve.inference.watched import Watched, WatchedObject, WatchReport
from soundsieve.video import remux

__all__ = ["ENGINES", "Watched", "Watcher", "open_checkpoint"]

ENGINES = {"nmf": "watch", "network": "watch-network"}
"""Engine → released checkpoint."""


class Watcher:
    """Gives each object that is seen in a video a track of its own.

    Args:
        checkpoint: A trained network, for bases or for spectrograms.
        viewer: Names the pictures.
        device: auto, cpu, cuda, cuda:1, mps.
        seen: What counts as seen.
        silence: A track with less than this share of the energy counts as silent.

    Attributes:
        objects: The labels it knows.
        viewer: As given.

    Raises:
        CheckpointError: when the checkpoint is for something else.
        SettingsError: when this machine has no such device.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        viewer: Viewer,
        device: str = "auto",
        *,
        seen: SeenSettings | None = None,
        silence: float = 0.01,
    ) -> None:
        if checkpoint.task != "watch":
            raise CheckpointError(f"a model for the task {checkpoint.task!r} cannot watch")
        self._make: ObjectMaker = make_objects(checkpoint, device)
        self.objects = checkpoint.classes
        self.viewer = viewer
        self._seen, self._silence = seen or SeenSettings(), silence

    @classmethod
    def open(
        cls,
        engine: str | None = None,
        model: str | None = None,
        vision: str = DEFAULT,
        device: str = "auto",
        *,
        seen: SeenSettings | None = None,
        silence: float = 0.01,
    ) -> Watcher:
        """Load what is needed.

        Args:
            engine: `nmf` or `network`; None for whichever the model is, or the better one.
            model: A released name, a checkpoint or a run folder; None for the engine's released one.
            vision: See `soundsieve.inference.viewers.open_viewer`.
            device: As for the class.
            seen: As for the class.
            silence: As for the class.

        Raises:
            CheckpointError: when there is no such model, or it is for another engine.
            SoundsieveError: as `open_viewer` does.
        """
        found = checkpoint.load(locate(engine, model))
        if engine is not None and engine_of(found) != engine:
            raise CheckpointError(f"{model}: is for the engine {engine_of(found)}, not for {engine}")
        return cls(found, open_viewer(vision, device), device, seen=seen, silence=silence)

    def look(self, video: str | Path, *, progress: Progress | None = None, cancel: CancelToken | None = None) -> Looked:
        """Look at the pictures of a video; see `soundsieve.inference.looked.look_at`."""
        return look_at(video, self.viewer, progress=progress, cancel=cancel)

    def named(self, labels: str | Sequence[str]) -> tuple[str, ...]:
        """Return the objects that a user names, as the model spells them.

        Raises:
            UnknownNameError: when the model knows no such object.
        """
        return match_classes(labels, self.objects)

    def choose(self, looked: Looked) -> tuple[str, ...]:
        """Return the objects that are seen and that the model knows, the most evident first."""
        found, _ = looked.objects(self._make.piece_s, self._seen)
        return tuple(label for label in found if label in self.objects)

    def nothing_seen(self, video: object) -> str:
        """Say that there is nothing to choose."""
        return f"{video}: shows none of the objects there are ({', '.join(self.objects)}); name some with --labels"

    def watch(
        self,
        video: str | Path,
        labels: str | Sequence[str] | None = None,
        *,
        progress: Progress | None = None,
        cancel: CancelToken | None = None,
    ) -> Watched:
        """Take the sound of a video apart; holds it in memory.

        Args:
            video: The file.
            labels: The objects that are there, whatever is seen; None takes those that are seen.
            progress: Called with the seconds done and the seconds there are, of the sound.
            cancel: Stops the call once it is set.

        Raises:
            VideoError: when it has no pictures that can be read, or no listed object is seen in it.
            AudioError: when it has no sound that can be read.
            UnknownNameError: when the model knows no such object.
            Cancelled: when `cancel` was set.
        """
        begun, looked = time.perf_counter(), self.look(video, cancel=cancel)
        chosen = self.choose(looked) if labels is None else self.named(labels)
        if not chosen:
            raise VideoError(self.nothing_seen(video))
        run = _Run(self, video, looked, chosen, labels is not None, cancel)
        whole = np.concatenate(list(run.blocks(progress)), axis=-1)
        return Watched(dict(zip([*chosen, REST], whole, strict=True)), run.source.sample_rate, run.report(begun))

    def process_file(
        self,
        video: str | Path,
        outputs: Mapping[str, str | Path],
        *,
        looked: Looked | None = None,
        named: bool = False,
        figure: str | Path | None = None,
        videos: Mapping[str, str | Path] | None = None,
        subtype: str | None = None,
        force: bool = False,
        progress: Progress | None = None,
        cancel: CancelToken | None = None,
    ) -> WatchReport:
        """Write the tracks of a video of any length, in bounded memory, all or none.

        Args:
            video: The file.
            outputs: Object or `rest` → where to write it; the suffix chooses the type. `rest` must be among them.
            looked: What `look` gave, so that it need not look again.
            named: The objects are there in every second, seen or not.
            figure: Where to draw what was seen and heard, as a PNG.
            videos: Object → where to write a copy of the video with only its sound, afterwards.
            subtype: Encoding, as for `soundsieve.audio.Writer`.
            force: Replace existing files, though never the input.
            progress: As for `watch`.
            cancel: As for `watch`.

        Raises:
            VideoError, AudioError, UnknownNameError, Cancelled: As for `watch`.
            MissingExtraError: when there is to be a figure and matplotlib is not installed.
            OutputError: when the outputs cannot be written, or one of them is the input.
        """
        begun = time.perf_counter()
        chosen = match_classes([name for name in outputs if name != REST], self.objects)
        places = {name: Path(outputs[name]) for name in (*chosen, REST)}
        picture = None if figure is None else Path(figure)
        copies = {name: Path(place) for name, place in (videos or {}).items()}
        if picture is not None:
            require_matplotlib()
        refuse_overwriting(Path(video), [*places.values(), *copies.values(), *([] if picture is None else [picture])])
        run = _Run(self, video, looked or self.look(video, cancel=cancel), chosen, named, cancel)
        source = run.source
        group = GroupWriter(
            [*places.values()],
            source.sample_rate,
            source.channels,
            subtype=subtype,
            force=force,
            frames_hint=source.frames,
            beside=picture,
        )
        with group:
            for blocks in run.blocks(progress):
                group.write(*blocks)
            if picture is not None:
                run.draw(Path(video).name, group.hidden_beside)
        for name, place in copies.items():
            remux(video, places[name], place, force=force)
        report = run.report(begun)
        return replace(report, outputs=places, videos=copies, figure=picture, clipped=sum(group.clipped))


class _Run:
    """One video on its way through an engine."""

    def __init__(
        self,
        watcher: Watcher,
        video: str | Path,
        looked: Looked,
        labels: tuple[str, ...],
        named: bool,
        cancel: CancelToken | None,
    ) -> None:
        self.source = source = open_source(video)
        self._file, self._looked, self._labels, self._cancel = Path(video), looked, labels, cancel
        self._settings, self._silence = watcher._seen, watcher._silence

        def seen_at(start_s: float, end_s: float) -> Sequence[str]:
            return labels if named else looked.seen(start_s, end_s, self._settings).labels

        self._engine = watcher._make(labels, seen_at)
        self._piece_s = watcher._make.piece_s
        self._unmixer = StreamUnmixer(self._engine.engine, source.sample_rate, source.channels, cancel=cancel)
        self._meter = LevelMeter([*labels, REST], source.sample_rate)
        self._scores = AudibleScores(labels)

    def blocks(self, progress: Progress | None) -> Iterator[NDArray[np.float32]]:
        """Yield the tracks and the rest, (s + 1, c, t), block by block."""
        for tracks in unmix(self._unmixer, self.source, progress, self._cancel):
            self._meter.push([*tracks])
            self._scores.push(tracks)
            yield tracks

    def objects(self) -> tuple[WatchedObject, ...]:
        """Say what was seen and heard."""
        _, visual = self._looked.objects(self._piece_s, self._settings)
        shares, silent = self._scores.shares(), self._scores.silent(self._silence)
        used = self._engine.bases_used()
        return tuple(
            WatchedObject(
                label, visual.get(label, 0.0), shares[label], label in silent, None if used is None else used[label]
            )
            for label in self._labels
        )

    def draw(self, title: str, figure: Path) -> None:
        """Draw what was seen and heard."""
        draw_watched(self.objects(), self._looked, self._engine.base_map(), self._meter.levels(), title, figure)

    def report(self, begun: float) -> WatchReport:
        """Say what was done."""
        source = self.source
        duration_s = self._meter.levels().duration_s
        return WatchReport(
            self.objects(),
            source.sample_rate,
            source.channels,
            duration_s,
            time.perf_counter() - begun,
            self._file,
            note=self._looked.note,
        )


def locate(engine: str | None, model: str | None) -> Path:
    """Find the checkpoint of an engine, or the one that is named.

    Raises:
        UnknownNameError: when there is no such engine or model.
        CheckpointError: when a path leads to no checkpoint.
    """
    if engine is not None and engine not in ENGINES:
        raise unknown_name("engine", engine, ENGINES)
    if model is not None:
        return checkpoint.locate(model)
    there = [name for name in ([engine] if engine else ENGINES) if ENGINES[name] in checkpoint.released()]
    if not there:
        raise CheckpointError(
            f"no network for {engine or 'watch'} comes with this copy yet: train one (docs/train-watch.md) and name it "
            "as the model"
        )
    return checkpoint.locate(ENGINES[there[-1]])


def engine_of(found: Checkpoint) -> str:
    """Say which engine a checkpoint is for."""
    return "nmf" if found.model == "miml" else "network"


def open_checkpoint(found: Checkpoint, device: str = "auto") -> Watcher:
    """Make a trained network ready for use with the default viewer; what `soundsieve.load` calls."""
    return Watcher(found, open_viewer(DEFAULT, device), device)

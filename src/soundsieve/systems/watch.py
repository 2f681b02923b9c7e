"""One track for each object seen in a video."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from soundsieve import audio, checkpoint
from soundsieve.checkpoint import Checkpoint
from soundsieve.errors import CheckpointError, OutputError, SettingsError, VideoError
from soundsieve.inference.classes import match_classes
from soundsieve.inference.group_writer import GroupWriter, refuse_overwriting
from soundsieve.inference.looked import Looked, look_at
from soundsieve.inference.object_engines import engine_of, locate, make_objects
from soundsieve.inference.object_pieces import REST
from soundsieve.inference.progress import CancelToken, Progress
from soundsieve.inference.seen import SeenSettings
from soundsieve.inference.source import Source, open_source
from soundsieve.inference.video_run import VideoRun
from soundsieve.inference.viewers import DEFAULT, Viewer, open_viewer
from soundsieve.inference.watch_figure import require_matplotlib
from soundsieve.inference.watched import Watched, WatchedObject, WatchReport
from soundsieve.video import probe, remux
from soundsieve.video.remux import CODECS

__all__ = ["WatchReport", "Watched", "WatchedObject", "Watcher", "open_checkpoint"]


class Watcher:
    """Gives each object that is seen in a video a track of its own.

    Args:
        checkpoint: A trained network for the task watch.
        viewer: Names the pictures.
        device: auto, cpu, cuda, cuda:1, mps.
        seen: What counts as seen; None for the defaults.
        silence: A track with less than this share of the energy counts as silent.

    Attributes:
        objects: The labels that the network knows.
        viewer: As given.

    Raises:
        CheckpointError: when the checkpoint is for something else, or does not fit together.
        SettingsError: when this machine has no such device.

    >>> from soundsieve import models
    >>> class Violinist:
    ...     name, card = "sees a violin everywhere", {}
    ...
    ...     def logits(self, images):
    ...         return np.where(np.arange(1000) == 889, 12, np.zeros((len(images), 1)))
    >>> hyper, front_end = {"bins": 65, "hidden": 4}, {"sample_rate": 8_000, "window": 128, "hop": 64}
    >>> weights = models.build("miml", hyper, classes=2).state_dict()
    >>> tiny = Checkpoint("watch", "miml", hyper, ("dog", "violin"), 8_000, weights=weights, front_end=front_end)
    >>> watcher = Watcher(tiny, Violinist(), "cpu")
    >>> watcher.objects, watcher.named("Violin, dog")
    (('dog', 'violin'), ('violin', 'dog'))
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
        self._make = make_objects(checkpoint, device)
        self.objects = checkpoint.classes
        self.viewer = viewer
        self._seen, self._silence = seen or SeenSettings(), silence

    @classmethod
    def open(
        cls,
        engine: str | None = None,
        model: str | Path | None = None,
        vision: str = DEFAULT,
        device: str = "auto",
        *,
        seen: SeenSettings | None = None,
        silence: float = 0.01,
    ) -> Watcher:
        """Load what is needed.

        Args:
            engine: `nmf` or `network`; None for whichever the model is, or the better one that is released.
            model: A released name, a checkpoint or a run folder; None for the engine's released one.
            vision: Who looks at the pictures, see `soundsieve.inference.viewers.open_viewer`.
            device: As for the class.
            seen: As for the class.
            silence: As for the class.

        Raises:
            UnknownNameError: when there is no such engine, released model or viewer.
            CheckpointError: when there is no such checkpoint, or it is for another engine or task.
            SoundsieveError: as `open_viewer` does.
        """
        found = checkpoint.load(locate(engine, model))
        if engine is not None and engine_of(found) != engine:
            raise CheckpointError(f"{model}: is for the engine {engine_of(found)}, not for {engine}")
        return cls(found, open_viewer(vision, device), device, seen=seen, silence=silence)

    def look(self, video: str | Path, *, progress: Progress | None = None, cancel: CancelToken | None = None) -> Looked:
        """Look at the pictures of a video with sound; see `soundsieve.inference.looked.look_at`.

        Raises:
            VideoError: when it is missing, cannot be read, or has no pictures.
            AudioError: when it has no sound that can be read.
            Cancelled: when `cancel` was set.
        """
        probe(video)
        audio.probe(video)  # said before an hour of pictures is looked at
        return look_at(video, self.viewer, progress=progress, cancel=cancel)

    def named(self, labels: str | Sequence[str]) -> tuple[str, ...]:
        """Return the objects that a user names, as the model spells them.

        Raises:
            UnknownNameError: when the model knows no such object.
            SettingsError: when none is named.
        """
        return match_classes(labels, self.objects)

    def seen(self, looked: Looked) -> tuple[str, ...]:
        """Return the objects that are seen, the most evident first, whether the model knows them or not."""
        return looked.objects(self._make.piece_s, self._seen)[0]

    def choose(self, looked: Looked) -> tuple[str, ...]:
        """Return the objects that get a track: those that are seen and that the model knows, the most evident first.

        Raises:
            VideoError: when there is none.
        """
        seen = self.seen(looked)
        known = tuple(label for label in seen if label in self.objects)
        if not known:
            shown = f"shows {', '.join(seen)} and" if seen else "shows"
            known_ones = ", ".join(self.objects)
            raise VideoError(
                f"{looked.file}: {shown} none of the objects that the model knows ({known_ones}); name some"
            )
        return known

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
            VideoError: when it has no pictures that can be read, or no object that the model knows is seen in it.
            AudioError: when it has no sound that can be read.
            UnknownNameError: when the model knows no such object.
            SettingsError: when `labels` names none.
            Cancelled: when `cancel` was set.
        """
        begun = time.perf_counter()
        named = None if labels is None else self.named(labels)
        looked = self.look(video, cancel=cancel)
        chosen = named or self.choose(looked)
        source = open_source(video)
        run = VideoRun(
            source, looked, chosen, self._make, self._seen,
            named=named is not None, silence=self._silence, cancel=cancel,
        )  # fmt: skip
        whole = np.concatenate(list(run.blocks(progress)), axis=-1)
        tracks = dict(zip([*chosen, REST], whole, strict=True))
        return Watched(tracks, source.sample_rate, _report(run, source, looked, begun))

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
        """Write the tracks of a video of any length, in bounded memory; all files appear, complete, or none does.

        Args:
            video: The file.
            outputs: Object → where to write its track, and `rest` → what they leave; the suffix chooses the type.
            looked: What `look` gave, so that it need not look again.
            named: The objects are there in every second, seen or not.
            figure: Where to draw what was seen and heard, as a PNG.
            videos: Object → where to write a copy of the video with only its sound; see `soundsieve.video.remux`.
            subtype: Encoding, as for `soundsieve.audio.Writer`.
            force: Replace existing files, though never the input.
            progress: As for `watch`.
            cancel: As for `watch`.

        Raises:
            VideoError, AudioError, UnknownNameError, Cancelled: As for `watch`.
            SettingsError: when `outputs` names no object or no place for the rest, or `videos` an object without track.
            MissingExtraError: when there is to be a figure and matplotlib is not installed.
            OutputError: when the outputs cannot be written, or one of them is the input.
        """
        begun = time.perf_counter() - (0.0 if looked is None else looked.seconds_taken)
        places, copies = self._places(outputs, videos or {})
        picture = [] if figure is None else [Path(figure)]
        if picture:
            require_matplotlib()
        refuse_overwriting(Path(video), [*places.values(), *copies.values(), *picture])
        looked = looked or self.look(video, cancel=cancel)
        source, labels = open_source(video), tuple(name for name in places if name != REST)
        run = VideoRun(
            source, looked, labels, self._make, self._seen, named=named, silence=self._silence, cancel=cancel
        )
        group = GroupWriter(
            [*places.values()],
            source.sample_rate,
            source.channels,
            subtype=subtype,
            force=force,
            frames_hint=source.frames,
            beside=[*picture, *copies.values()],
        )
        with group:
            for blocks in run.blocks(progress):
                group.write(*blocks)
            for place in picture:
                run.draw(Path(video).name, group.hidden(place))
            group.close_recordings()
            for label, place in copies.items():
                remux(video, group.hidden(places[label]), group.hidden(place))
        report = _report(run, source, looked, begun)
        return replace(
            report, outputs=places, videos=copies, figure=next(iter(picture), None), clipped=sum(group.clipped)
        )

    def _places(
        self, outputs: Mapping[str, str | Path], videos: Mapping[str, str | Path]
    ) -> tuple[dict[str, Path], dict[str, Path]]:
        """Return where tracks, the rest last, and copies go, by the names that the model has for them."""
        if REST not in outputs:
            raise SettingsError(f"outputs: expected a place for {REST!r} too, found {', '.join(outputs) or 'none'}")
        known = {self.named(name)[0]: Path(place) for name, place in outputs.items() if name != REST}
        copies = {self.named(name)[0]: Path(place) for name, place in videos.items()}
        if not known:
            raise SettingsError("outputs: expected a place for the track of one object or more, found none")
        for label, place in copies.items():
            if label not in known:
                raise SettingsError(f"videos: {label} has no track; choose from {', '.join(known)}")
            if place.suffix.lower() not in CODECS:
                kinds = ", ".join(CODECS)
                raise OutputError(f"{place}: cannot write a video of type {place.suffix!r}; choose from {kinds}")
        return {**known, REST: Path(outputs[REST])}, copies


def _report(run: VideoRun, source: Source, looked: Looked, begun: float) -> WatchReport:
    """Say what was done."""
    return WatchReport(
        run.objects(),
        source.sample_rate,
        source.channels,
        run.duration_s,
        time.perf_counter() - begun,
        looked.file,
        note=looked.note,
    )


def open_checkpoint(found: Checkpoint, device: str = "auto") -> Watcher:
    """Make a trained network ready for use with the default viewer; what `soundsieve.load` calls."""
    return Watcher(found, open_viewer(DEFAULT, device), device)

"""Name the style of music."""

from __future__ import annotations

from soundsieve.checkpoint import Checkpoint
from soundsieve.errors import CheckpointError
from soundsieve.inference.genres import (
    GenreTimelineBuilder,
    GenreTimelineSettings,
    genre_labels,
    genre_segments,
    open_window_classifier,
)
from soundsieve.inference.progress import CancelToken, Progress
from soundsieve.inference.source import Recording, open_source
from soundsieve.inference.tags import Tags

__all__ = ["GenreNamer", "Tags", "open_checkpoint"]


class GenreNamer:
    """Names the genres it was trained on in music of any rate, length and number of channels.

    Args:
        checkpoint: A trained model, with its weights.
        device: auto, cpu, cuda, cuda:1, mps; descriptors are computed on the processor whatever it is.
        settings: How to go through a recording; window by window if not given.

    Attributes:
        classes: The genres.
        sample_rate: What descriptors are computed at, in Hz; recordings may have any rate.
        settings: How it is run.

    Raises:
        CheckpointError: when the checkpoint names no genres.
        SettingsError: when this machine has no such device.
    """

    def __init__(
        self, checkpoint: Checkpoint, device: str = "auto", settings: GenreTimelineSettings | None = None
    ) -> None:
        if checkpoint.task != "genre":
            raise CheckpointError(f"a model for the task {checkpoint.task!r} names no genres")
        self._classifier = open_window_classifier(checkpoint, device)
        self.classes = checkpoint.classes
        self.sample_rate = checkpoint.sample_rate
        self.settings = settings or GenreTimelineSettings(hop_s=self._classifier.window_s)

    def name(
        self,
        recording: Recording,
        *,
        sample_rate: int | None = None,
        top: int | None = None,
        progress: Progress | None = None,
        cancel: CancelToken | None = None,
    ) -> Tags:
        """Name the genre of a recording as a whole, and of its parts, in bounded memory.

        Args:
            recording: A file, or a waveform (channel, time) or (time,) in [-1, 1].
            sample_rate: Of a waveform, in Hz; a file knows its own.
            top: At most so many genres.
            progress: Called with the seconds done and the seconds there are.
            cancel: Stops the call once it is set.

        Returns:
            The genres, the most probable first, or `unknown` alone where most of it is silent or unlike everything
            that the model was trained on; and the stretches in which each is the most probable.

        Raises:
            AudioError: when the recording cannot be used.
            SettingsError: when `sample_rate` is missing or not called for.
            Cancelled: when `cancel` was set.
        """
        source = open_source(recording, sample_rate)
        builder = GenreTimelineBuilder(self._classifier, source.sample_rate, self.settings)
        for block in source.watched(progress, cancel):
            builder.push(block)
        timeline = builder.finish()
        labels = genre_labels(timeline, self.classes)[:top]
        segments = tuple(genre_segments(timeline, self.classes))
        return Tags(timeline.duration_s, labels, segments, source.file, timeline)


def open_checkpoint(checkpoint: Checkpoint, device: str = "auto") -> GenreNamer:
    """Make a trained model ready for use; what `soundsieve.load` calls."""
    return GenreNamer(checkpoint, device)

"""Name the sounds in a recording, with times."""

from __future__ import annotations

from soundsieve.checkpoint import Checkpoint
from soundsieve.errors import CheckpointError
from soundsieve.inference.classify import Classifier
from soundsieve.inference.progress import CancelToken, Progress
from soundsieve.inference.source import Recording, open_source
from soundsieve.inference.tags import Label, Tags
from soundsieve.inference.timeline import UNKNOWN, Timeline, TimelineBuilder, TimelineSettings, segments

__all__ = ["Tagger", "Tags", "open_checkpoint"]


class Tagger:
    """Names the classes it was trained on in recordings of any rate, length and number of channels.

    Args:
        checkpoint: A trained classifier, with its weights.
        device: auto, cpu, cuda, cuda:1, mps.
        settings: How to go through a recording; those of the checkpoint's card when not given.

    Attributes:
        classes: What can be heard.
        sample_rate: What the network works at, in Hz; recordings may have any rate.
        thresholds: Class → the score from which it counts as heard.
        settings: How it is run.

    Raises:
        CheckpointError: when the checkpoint is not a classifier.
        SettingsError: when this machine has no such device.

    >>> import numpy as np
    >>> from soundsieve import models
    >>> from soundsieve.features import LogMelSettings
    >>> front_end = LogMelSettings(sample_rate=8_000, n_fft=256, win_length=256, hop=128, mels=16).model_dump()
    >>> weights = models.build("tag_lstm", {"mels": 16}, classes=2).state_dict()
    >>> tiny = Checkpoint("tag", "tag_lstm", {"mels": 16}, ("dog", "rain"), 8_000, front_end=front_end, weights=weights)
    >>> Tagger(tiny, "cpu").tag(np.zeros(16_000), sample_rate=8_000).to_dict()
    {'duration_s': 2.0, 'labels': [{'label': 'unknown', 'score': 1.0}],
     'segments': [{'start_s': 0.0, 'end_s': 2.0, 'label': 'unknown', 'score': 1.0}]}
    """

    def __init__(self, checkpoint: Checkpoint, device: str = "auto", settings: TimelineSettings | None = None) -> None:
        if checkpoint.task != "tag":
            raise CheckpointError(f"a model for the task {checkpoint.task!r} cannot tag")
        self._classifier = Classifier(checkpoint, device)
        self.classes = checkpoint.classes
        self.sample_rate = checkpoint.sample_rate
        self.settings = settings or TimelineSettings.parse(checkpoint.card.get("timeline", {}))
        own = checkpoint.card.get("thresholds", {})
        chosen = self.settings.threshold
        self.thresholds = {name: float(own.get(name, 0.5)) if chosen is None else chosen for name in self.classes}
        self._peaks = self._classifier.peaks(self.thresholds) if chosen is None else self.thresholds

    def tag(
        self,
        recording: Recording,
        *,
        sample_rate: int | None = None,
        top: int | None = None,
        progress: Progress | None = None,
        cancel: CancelToken | None = None,
    ) -> Tags:
        """Name what is heard in a recording, and when, in bounded memory.

        Args:
            recording: A file, or a waveform (channel, time) or (time,) in [-1, 1].
            sample_rate: Of a waveform, in Hz; a file knows its own.
            top: At most so many labels.
            progress: Called with the seconds done and the seconds there are.
            cancel: Stops the call once it is set.

        Raises:
            AudioError: when the recording cannot be used.
            SettingsError: when `sample_rate` is missing or not called for.
            Cancelled: when `cancel` was set.
        """
        source = open_source(recording, sample_rate)
        s = self.settings
        builder = TimelineBuilder(self._classifier, source.sample_rate, source.channels, s)
        for block in source.watched(progress, cancel):
            builder.push(block)
        timeline = builder.finish()
        parts = segments(
            timeline, self.classes, self.thresholds, gap_s=s.gap_s, peaks=self._peaks, unknown_s=s.unknown_s
        )
        return Tags(timeline.duration_s, self._labels(timeline)[:top], tuple(parts), source.file, timeline)

    def _labels(self, timeline: Timeline) -> tuple[Label, ...]:
        """What has a segment, and how likely it is in the recording."""
        highest = timeline.scores.max(0)
        overall = self._classifier.heard_at_all(highest)
        heard = [
            Label(name, round(float(overall[row]), 4))
            for row, name in enumerate(self.classes)
            if highest[row] >= self._peaks[name]
        ]
        if not heard:
            return (Label(UNKNOWN, round(float(1 - overall.max()), 4)),)
        return tuple(sorted(heard, key=lambda found: (-found.score, found.label)))


def open_checkpoint(checkpoint: Checkpoint, device: str = "auto") -> Tagger:
    """Make a trained classifier ready for use; what `soundsieve.load` calls."""
    return Tagger(checkpoint, device)

"""Keep or remove chosen sounds in any recording."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import numpy as np

from soundsieve.checkpoint import Checkpoint
from soundsieve.errors import CheckpointError, unknown_name
from soundsieve.inference.chunks import Network
from soundsieve.inference.classes import match_classes
from soundsieve.inference.device import pick_device
from soundsieve.inference.group_writer import GroupWriter, refuse_overwriting
from soundsieve.inference.progress import CancelToken, Progress
from soundsieve.inference.result import Report, Selection
from soundsieve.inference.separate import Mode, SeparationSettings, StreamSeparator, separate
from soundsieve.inference.source import Recording, Source, open_source

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Selection", "Selector", "open_checkpoint"]


class Selector:
    """Keeps or removes the classes it was trained on, in recordings of any rate, length and number of channels.

    Args:
        checkpoint: A trained selector, with its weights.
        device: auto, cpu, cuda, cuda:1, mps.
        settings: How to run it; the defaults suit any recording.

    Attributes:
        classes: What can be asked for.
        sample_rate: What the network works at, in Hz; recordings may have any rate.
        settings: How it is run.

    Raises:
        CheckpointError: when the checkpoint is not a selector.
        SettingsError: when this machine has no such device.

    >>> from soundsieve import models
    >>> hyper = {"n_fft": 64, "hop": 32, "bands": 16, "channels": [4, 4], "context": 4, "context_blocks": 1}
    >>> untrained = models.build("mask_unet", hyper, classes=2).state_dict()
    >>> tiny = Checkpoint("select", "mask_unet", hyper, ("dog", "rain"), 8_000, weights=untrained)
    >>> result = Selector(tiny, "cpu").keep(np.zeros((2, 44_100), np.float32), ["dog"], sample_rate=44_100)
    >>> result.selected.shape, result.sample_rate, result.presence["dog"].present
    ((2, 44100), 44100, False)
    """

    def __init__(
        self, checkpoint: Checkpoint, device: str = "auto", settings: SeparationSettings | None = None
    ) -> None:
        if checkpoint.task != "select":
            raise CheckpointError(f"a model for the task {checkpoint.task!r} cannot select")
        place = pick_device(device)
        thresholds_db = {name: float(level) for name, level in checkpoint.card.get("thresholds_db", {}).items()}
        model = checkpoint.build().to(place)
        self._network = Network(model, checkpoint.classes, checkpoint.sample_rate, place, thresholds_db)
        self.classes = checkpoint.classes
        self.sample_rate = checkpoint.sample_rate
        self.settings = settings or SeparationSettings()

    def keep(
        self,
        recording: Recording,
        classes: str | Iterable[str],
        *,
        sample_rate: int | None = None,
        progress: Progress | None = None,
        cancel: CancelToken | None = None,
    ) -> Selection:
        """Select the sum of some classes; everything else is the rest.

        Args:
            recording: A file, or a waveform (channel, time) or (time,) in [-1, 1].
            classes: What to keep; spelling is forgiving.
            sample_rate: Of a waveform, in Hz; a file knows its own.
            progress: Called with the seconds done and the seconds there are.
            cancel: Stops the call once it is set.

        Raises:
            AudioError: when the recording cannot be used.
            UnknownNameError: when a class is not known.
            SettingsError: when `sample_rate` is missing or not called for.
            Cancelled: when `cancel` was set.
        """
        return self._whole("keep", recording, classes, sample_rate, progress, cancel)

    def remove(
        self,
        recording: Recording,
        classes: str | Iterable[str],
        *,
        sample_rate: int | None = None,
        progress: Progress | None = None,
        cancel: CancelToken | None = None,
    ) -> Selection:
        """Select everything but some classes, whose sum is the rest; otherwise as `keep`."""
        return self._whole("remove", recording, classes, sample_rate, progress, cancel)

    def process_file(
        self,
        path: str | Path,
        outputs: tuple[str | Path, str | Path],
        classes: str | Iterable[str],
        *,
        mode: Mode = "keep",
        subtype: str | None = None,
        force: bool = False,
        progress: Progress | None = None,
        cancel: CancelToken | None = None,
    ) -> Report:
        """Write what was asked for and the rest of a file of any length, in bounded memory, both or neither.

        Args:
            path: An audio file, or a video with a sound track.
            outputs: Where to write the two; their suffix chooses the type.
            classes: What to keep or to remove.
            mode: Which of the two.
            subtype: Encoding, as for `soundsieve.audio.Writer`.
            force: Replace existing files, though never the input.
            progress: As for `keep`.
            cancel: As for `keep`.

        Raises:
            AudioError, UnknownNameError, Cancelled: As for `keep`; also for a mode that there is not.
            OutputError: when the outputs cannot be written, or one of them is the input.
        """
        if mode not in get_args(Mode):
            raise unknown_name("mode", mode, get_args(Mode))
        begun, source = time.perf_counter(), open_source(path)
        places = Path(outputs[0]), Path(outputs[1])
        refuse_overwriting(Path(path), places)
        separator = self._separator(source, mode, classes, cancel)
        pair = GroupWriter(
            places, source.sample_rate, source.channels, subtype=subtype, force=force, frames_hint=source.frames
        )
        frames = 0
        with pair:
            for selected, rest in separate(separator, source, progress, cancel):
                pair.write(selected, rest)
                frames += selected.shape[1]
        report = _report(mode, source, frames, separator, begun)
        return replace(report, outputs=places, clipped=sum(pair.clipped))

    def estimate(self, mixture: Tensor, wanted: Tensor) -> Tensor:
        """Run the bare network, ungated: mixture (b, 1, t) at its own rate, wanted (b, q, c) → (b, q, t) on the CPU."""
        return self._network.estimate(mixture, wanted)

    def _whole(
        self,
        mode: Mode,
        recording: Recording,
        classes: str | Iterable[str],
        sample_rate: int | None,
        progress: Progress | None,
        cancel: CancelToken | None,
    ) -> Selection:
        begun, source = time.perf_counter(), open_source(recording, sample_rate)
        separator = self._separator(source, mode, classes, cancel)
        parts = list(zip(*separate(separator, source, progress, cancel), strict=True))
        selected, rest = (np.concatenate(part, axis=1) for part in parts)
        report = _report(mode, source, selected.shape[1], separator, begun)
        if isinstance(recording, np.ndarray) and recording.ndim == 1:
            selected, rest = selected[0], rest[0]
        return Selection(selected, rest, source.sample_rate, report.presence, report)

    def _separator(
        self, source: Source, mode: Mode, classes: str | Iterable[str], cancel: CancelToken | None
    ) -> StreamSeparator:
        asked = match_classes(classes, self.classes)
        return StreamSeparator(
            self._network, asked, source.sample_rate, source.channels, mode=mode, settings=self.settings, cancel=cancel
        )


def open_checkpoint(checkpoint: Checkpoint, device: str = "auto") -> Selector:
    """Make a trained selector ready for use; what `soundsieve.load` calls."""
    return Selector(checkpoint, device)


def _report(mode: Mode, source: Source, frames: int, separator: StreamSeparator, begun: float) -> Report:
    duration_s, taken_s = frames / source.sample_rate, time.perf_counter() - begun
    return Report(mode, source.sample_rate, source.channels, duration_s, separator.presence(), taken_s, source.file)

"""Videos taken apart by an engine that was trained before, so that each object that is seen has a sound of its own.

A video of two objects only says what both of them sound like together. A teacher's tracks are not the truth either, but
what it gets wrong differs from video to video, and a network that learns from all of them learns what they have in
common. No label of sound is used: the teacher learned from what is seen, too.

Axes: c channel, t time.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from soundsieve import audio
from soundsieve.inference.object_engines import ObjectMaker
from soundsieve.inference.unmixing import StreamUnmixer
from soundsieve.training.object_corpus import HeldVideo, SeenVideo, as_numbers

_LEAST = 0.01  # of a video's energy: a part with less is silent, and nothing is learned from silence


class Teacher:
    """Takes videos apart.

    Args:
        make: An engine that was trained before.
        known: The labels that it knows.
        labels: The recipe's.
    """

    def __init__(self, make: ObjectMaker, known: Sequence[str], labels: Sequence[str]) -> None:
        self._make, self._known, self._labels = make, tuple(known), tuple(labels)

    def takes(self, video: SeenVideo) -> bool:
        """Say whether there is something to be taken apart: several objects, all of them known."""
        return len(video.labels) > 1 and set(video.labels) <= set(self._known)

    def hold(self, video: SeenVideo, sample_rate: int, longest_s: float) -> list[HeldVideo]:
        """Decode a video in one channel, and return what each object makes of it, and what is nobody's.

        Raises:
            AudioError: when it cannot be read.
        """
        waveform, rate = video.read(longest_s)
        engine = self._make(video.labels, lambda start_s, end_s: video.labels).engine
        unmixer = StreamUnmixer(engine, rate, 1)
        tracks = np.concatenate([unmixer.push(waveform), unmixer.finish()], axis=-1)[:, 0]
        least = _LEAST * float(np.square(waveform, dtype=np.float64).sum())
        owners = [*((self._labels.index(label),) for label in video.labels), ()]
        return [
            HeldVideo(own, as_numbers(audio.resample(track[None], rate, sample_rate)[0]))
            for own, track in zip(owners, tracks, strict=True)
            if float(np.square(track, dtype=np.float64).sum()) > least
        ]

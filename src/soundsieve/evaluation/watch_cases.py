"""What is separated in an evaluation of `watch`: made videos with their true tracks, and mixtures of two videos.

Axes: j sound, t time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from soundsieve import audio
from soundsieve.audio import resample
from soundsieve.datasets.object_groups import NAMES
from soundsieve.datasets.video import Video
from soundsieve.errors import AudioError
from soundsieve.evaluation.watch import Case, WatchMeasures

Floats = NDArray[np.float32]
_SILENCE = 1e-5  # −100 dB
_LEVEL = 0.05  # root mean square of each sound in a mixture of two: −26 dB


def made_case(
    video: Video, tracks: Mapping[str, Path], seen: Mapping[str, tuple[str, ...]], measures: WatchMeasures
) -> Case:
    """Read a video with its true tracks.

    Args:
        video: The video; its labels are what is visible.
        tracks: Object → its track; what is no object sounds without being seen.
        seen: Rule → what is seen by it.
        measures: Rate, and how much of it is measured.

    Raises:
        AudioError: when something cannot be read, a track is of another length, or all are silent.
    """
    mixture = _sound(video.path, video, measures)
    sounds = {label: _sound(path, video, measures) for label, path in tracks.items()}
    for label, sound in sounds.items():
        if sound.shape != mixture.shape:
            raise AudioError(
                f"{tracks[label]}: expected {mixture.shape[-1]} samples, as its video has, found {sound.shape[-1]}"
            )
    heard = {label: sound for label, sound in sounds.items() if _is_heard(sound)}
    if not _is_heard(mixture) or not heard:
        raise AudioError(f"{video.path}: is silent; there is nothing to take apart")
    objects = {label: sound for label, sound in heard.items() if label in NAMES}
    others = [sound for label, sound in heard.items() if label not in NAMES]
    return Case(
        name=video.name,
        videos=(str(video.path),),
        mixture=mixture,
        objects=objects,
        others=np.stack(others) if others else np.zeros((0, mixture.shape[-1]), np.float32),
        visible=tuple(sorted(video.labels)),
        seen=seen,
    )


def mixed_case(pair: Sequence[tuple[Video, str]], measures: WatchMeasures) -> Case:
    """Mix the sounds of two videos with equal energy, as long as the shorter one is.

    Args:
        pair: Two videos, and the object that is seen in each.
        measures: Rate, and how much of them is mixed.

    Raises:
        AudioError: when a video has no sound, it cannot be read, or it is silent.
    """
    sounds = [_sound(video.path, video, measures) for video, _ in pair]
    length = min(sound.shape[-1] for sound in sounds)
    levelled = {}
    for (video, label), sound in zip(pair, sounds, strict=True):
        own = sound[:length]
        if not _is_heard(own):
            raise AudioError(f"{video.path}: is silent; there is nothing to mix")
        levelled[label] = np.asarray(own * (_LEVEL / np.sqrt(np.square(own, dtype=np.float64).mean())), np.float32)
    return Case(
        name=" + ".join(video.name for video, _ in pair),
        videos=tuple(str(video.path) for video, _ in pair),
        mixture=np.asarray(sum(levelled.values()), np.float32),
        objects=levelled,
        others=np.zeros((0, length), np.float32),
        visible=tuple(levelled),
        seen={},
    )


def draw_pairs(
    videos: Sequence[tuple[Video, str]], seed: int, limit: int | None = None
) -> list[tuple[tuple[Video, str], tuple[Video, str]]]:
    """Draw pairs of videos that show different objects and are of different groups; no video comes twice.

    The first of a pair is of the object that has most videos left, so that few are left over; the second is any other.

    Args:
        videos: Each with the object it shows.
        seed: Decides the pairs.
        limit: At most so many.

    >>> dogs = [(Video(Path(f"{n}.mp4"), f"{n}", (), f"{n}", "test"), "dog") for n in range(3)]
    >>> flute = (Video(Path("f.mp4"), "f", (), "f", "test"), "flute")
    >>> [[label for _, label in pair] for pair in draw_pairs([*dogs, flute], seed=0)]
    [['dog', 'flute']]
    """
    rng = np.random.default_rng(seed)
    left = [videos[int(at)] for at in rng.permutation(len(videos))]
    pairs: list[tuple[tuple[Video, str], tuple[Video, str]]] = []
    while left and (limit is None or len(pairs) < limit):
        counts = Counter(label for _, label in left)
        most = max(counts, key=lambda label: (counts[label], label))
        first = next(each for each in left if each[1] == most)
        left.remove(first)
        fitting = [each for each in left if each[1] != most and each[0].group != first[0].group]
        if fitting:
            second = fitting[int(rng.integers(len(fitting)))]
            left.remove(second)
            pairs.append((first, second))
    return pairs


def _sound(path: Path, video: Video, measures: WatchMeasures) -> Floats:
    """Read what is measured of a recording as one channel, (t,)."""
    wanted_s = min(measures.longest_s, video.duration_s or measures.longest_s)
    samples, rate = audio.read(path, start_s=video.start_s, duration_s=wanted_s)
    mono: Floats = resample(samples.mean(axis=0, keepdims=True), rate, measures.front_end.sample_rate)[0]
    return mono


def _is_heard(sound: Floats) -> bool:
    return bool(np.abs(sound).max(initial=0.0) >= _SILENCE)

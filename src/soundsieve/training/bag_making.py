"""From a video to a bag: what its sound is made of, and what its pictures show.

Axes: f bin, m base, l frame.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from soundsieve import audio
from soundsieve.audio import resample
from soundsieve.datasets.object_groups import NAMES
from soundsieve.errors import AudioError, DatasetError, SettingsError, VideoError
from soundsieve.features.base_shares import base_shares
from soundsieve.features.nmf import Factors, factorise
from soundsieve.features.object_stft import ObjectSTFT
from soundsieve.inference.viewers import Viewer, open_viewer
from soundsieve.training.bags import Bag
from soundsieve.video import frames_every

SHORTEST_S = 2.0
"""A piece shorter than this is left out, unless it is the only one."""
_SILENCE = 1e-5  # −100 dB: below it there is nothing to take apart


@dataclass(frozen=True, slots=True)
class Piece:
    """Some seconds of a video, to become a bag.

    Attributes:
        path: The video.
        start_s: Where they begin.
        duration_s: How long they last; None is to the end.
        front_end: Settings of the spectrogram and its bases.
        viewer: Who looks at the pictures; see `soundsieve.inference.viewers.open_viewer`.
        tracks: True tracks, as long as the video, where it was made: label → file. Others than the labels there are
            count as sounds of nothing.
    """

    path: Path
    start_s: float
    duration_s: float | None
    front_end: ObjectSTFT
    viewer: str
    tracks: Mapping[str, Path] = field(default_factory=dict)

    def __str__(self) -> str:
        return str(self.path)


def pieces_of(duration_s: float, piece_s: float) -> list[float]:
    """Say where the pieces of a video begin, in seconds; what is left of the last one joins it, if it is short.

    >>> pieces_of(10.02, 10.0), pieces_of(25, 10.0), pieces_of(0.5, 10.0)
    ([0.0], [0.0, 10.0, 20.0], [0.0])
    """
    count = max(1, math.ceil((duration_s - SHORTEST_S) / piece_s))
    return [number * piece_s for number in range(count)]


def make_bag(piece: Piece) -> Iterator[Bag]:
    """Take the sound of a piece apart and look at its pictures, one a second; yields one bag.

    Raises:
        AudioError: when it has no sound, cannot be read, or is silent.
        VideoError: when it has no pictures that can be read.
        DatasetError: when a true track is not as long as the sound.
    """
    logits = torch.from_numpy(_looked(piece))
    front_end = piece.front_end
    waveform = sound_of(piece.path, piece.start_s, piece.duration_s, front_end.sample_rate)
    if float(np.abs(waveform).max(initial=0.0)) < _SILENCE:
        raise AudioError(f"{piece.path}: is silent from {piece.start_s:g} s on; there is nothing to take apart")
    factors = factorise(magnitudes_of(waveform, front_end), front_end.components)
    truth = None
    if piece.tracks:
        tracks = {label: _track(piece, path, waveform.shape[1]) for label, path in piece.tracks.items()}
        truth = true_shares(factors, {label: magnitudes_of(x, front_end) for label, x in tracks.items()})
    yield Bag(factors.bases, logits, truth)


def sound_of(path: Path, start_s: float, duration_s: float | None, sample_rate: int) -> NDArray[np.float32]:
    """Read a part of a recording at a rate: (channel, time).

    Raises:
        AudioError: when it has no sound there, or cannot be read.
    """
    samples, rate = audio.read(path, start_s=start_s, duration_s=duration_s)
    return resample(samples, rate, sample_rate)


def magnitudes_of(waveform: NDArray[np.float32], front_end: ObjectSTFT) -> Tensor:
    """Analyse as in use: (channel, time) → the root mean square of the channels' magnitudes, (f, l)."""
    return front_end.analyse(torch.from_numpy(waveform)).abs().square().mean(0).sqrt()


def _track(piece: Piece, path: Path, length: int) -> NDArray[np.float32]:
    """Read the piece of a true track: (channel, time)."""
    rate = piece.front_end.sample_rate
    samples = sound_of(path, piece.start_s, piece.duration_s, rate)
    if samples.shape[1] != length:
        found_s, expected_s = samples.shape[1] / rate, length / rate
        raise DatasetError(f"{path}: a true track of {found_s:.3f} s, expected the video's {expected_s:.3f} s")
    return samples


def true_shares(factors: Factors, tracks: Mapping[str, Tensor]) -> Tensor:
    """Say how much of each base's energy is of each label, where the true tracks are known.

    See `soundsieve.features.base_shares`.

    Args:
        factors: Of the mixture.
        tracks: Label → magnitudes of its track, (f, l).

    Returns:
        Shares, (label, m), in the order of `NAMES`; those of a base add up to 1 at most, as some is of no label.

    >>> bases, ones = torch.eye(2).repeat_interleave(2, 0), torch.ones(2, 3)
    >>> factors = Factors(bases, ones, torch.tensor(0.0), 1)
    >>> tracks = {"dog": torch.ones(4, 3) * torch.tensor([1.0, 1, 0, 0])[:, None]}
    >>> tracks["unseen"] = 1 - tracks["dog"]
    >>> true_shares(factors, tracks)[NAMES.index("dog")].round(decimals=3).tolist()
    [1.0, 0.0]
    """
    found = base_shares(factors, torch.stack(list(tracks.values())))
    shares = torch.zeros(len(NAMES), found.shape[-1])
    for label, row in zip(tracks, found, strict=True):
        if label in NAMES:
            shares[NAMES.index(label)] = row
    return shares


def _looked(piece: Piece) -> NDArray[np.float32]:
    """Return the logits of the pictures, (picture, class)."""
    try:
        with frames_every(piece.path, start_s=piece.start_s, duration_s=piece.duration_s) as frames:
            pictures = [frame.pixels for frame in frames]
    except SettingsError:
        raise VideoError(
            f"{piece.path}: its pictures end before {piece.start_s:g} s; what is heard then is left out"
        ) from None
    return _viewer(piece.viewer).logits(pictures)


@lru_cache(maxsize=1)
def _viewer(choice: str) -> Viewer:
    return open_viewer(choice, "cpu")


def identity(path: Path) -> dict[str, Any]:
    """Return what tells a file from another one of the same name."""
    facts = path.stat()
    return {"size": facts.st_size, "modified": round(facts.st_mtime, 3)}

"""Landmarks: pairs of spectral peaks that name a moment of a recording, and the search for moments that two share.

A peak is a cell of the spectrogram above all its neighbours; a landmark is two peaks close to each other, named by the
bin of the first, the bins and the frames between them. Gain, polarity and bandwidth leave peaks where they are, a codec
leaves most of them, and a cut moves all of them by one offset. So two cuts of one recording share many landmarks at one
offset, and two recordings of one kind of sound share few at any. After Wang, "An Industrial-Strength Audio Search
Algorithm", ISMIR 2003.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RATE_HZ = 16_000
WINDOW = 1024  # 64 ms
HOP = 160  # 10 ms: a cut falls between two frames, and the window must not notice

_AREA = (15, 31)  # frames and bins around a peak that it stands above
_FLOOR_DB = 70.0  # peaks this far below the loudest cell are not looked at
_SILENCE = 1e-5  # amplitude below which a spectrogram holds nothing but rounding
_FAN_OUT = 4  # landmarks that start at one peak
_REACH = 64  # frames and bins between the two peaks: below; none between, as a click has all its peaks at once
_NEXT = 96  # peaks after one that are looked at for its landmarks
_CHUNK = 3000  # frames worked on at once
_REPEATS = 4  # how often one landmark of one clip is kept: an alarm repeats itself
_LINKS = 32  # later occurrences that each occurrence is paired with, so that the cost is linear however common it is
_BATCH = 1 << 16  # landmarks whose coincidences are counted at once, in whole clips: about 100 MB
_SPAN = 1 << 22  # offsets fit into 23 bits, clips into 20

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Landmarks:
    """The landmarks of one clip.

    Attributes:
        names: shape (n,).
        frames: where each starts, in hops, shape (n,).
        samples: length of the clip at `RATE_HZ`.
    """

    names: NDArray[np.int32]
    frames: NDArray[np.int32]
    samples: int


@dataclass(frozen=True, slots=True)
class Coincidence:
    """An offset at which two clips share landmarks.

    Attributes:
        first, second: the clips.
        offset: frames by which what they share starts later in the first.
        votes: landmarks shared at that offset, or one frame beside it.
        begin, end: frames of the first clip between which those at the offset itself lie.
    """

    first: int
    second: int
    offset: int
    votes: int
    begin: int
    end: int


def find_landmarks(waveform: NDArray[np.float32]) -> Landmarks:
    """Return the landmarks of a recording; silence has none.

    Args:
        waveform: at `RATE_HZ`, shape (time,).

    >>> noise = np.random.default_rng(0).standard_normal(2 * RATE_HZ).astype(np.float32)
    >>> louder = find_landmarks(-4 * noise)
    >>> bool((louder.names == find_landmarks(noise).names).all())
    True
    >>> len(find_landmarks(0 * noise).names)
    0
    """
    time, bins = _peaks(waveform)
    held = np.zeros(len(time), np.int64)
    names, frames = [], []
    for step in range(1, min(_NEXT, len(time) - 1) + 1):
        apart = time[step:] - time[:-step]
        rise = bins[step:] - bins[:-step]
        near = (apart < _REACH) & (np.abs(rise) < _REACH) & (held[:-step] < _FAN_OUT)
        held[:-step] += near
        first = bins[:-step][near]
        names.append((first << 13) | ((rise[near] + _REACH) << 6) | apart[near])
        frames.append(time[:-step][near])
    if not names:
        return Landmarks(np.zeros(0, np.int32), np.zeros(0, np.int32), len(waveform))
    return Landmarks(*_without_repeats(np.concatenate(names), np.concatenate(frames)), len(waveform))


def _without_repeats(names: Ints, frames: Ints) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    order = np.lexsort((frames, names))
    names, frames = names[order], frames[order]
    keep = np.ones(len(names), bool)
    keep[_REPEATS:] = names[_REPEATS:] != names[:-_REPEATS]
    return names[keep].astype(np.int32), frames[keep].astype(np.int32)


def _peaks(waveform: NDArray[np.float32]) -> tuple[Ints, Ints]:
    """The frame and the bin of each peak, in order of time."""
    padded = np.pad(waveform, (WINDOW // 2, WINDOW // 2 + HOP))
    views = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]
    starts = range(0, len(views), _CHUNK)
    found = [_peaks_of(views, start, min(start + _CHUNK, len(views))) for start in starts]
    time, bins, height = (np.concatenate(part) for part in zip(*found, strict=True))
    loud = height > max(_SILENCE, height.max(initial=0.0) * 10 ** (-_FLOOR_DB / 20))
    return time[loud], bins[loud]


def _peaks_of(views: NDArray[np.float32], start: int, stop: int) -> tuple[Ints, Ints, NDArray[np.float32]]:
    from scipy.ndimage import maximum_filter

    before = min(start, _AREA[0])
    window = np.hanning(WINDOW).astype(np.float32)
    spectrum = np.abs(np.fft.rfft(views[start - before : stop + _AREA[0]] * window)).astype(np.float32)
    spectrum = spectrum[:, : WINDOW // 2]
    highest = (spectrum == maximum_filter(spectrum, _AREA, mode="constant")) & (spectrum > 0)
    time, bins = np.nonzero(highest[before : before + stop - start])
    return time + start, bins, spectrum[time + before, bins]


def coincidences(clips: list[Landmarks], least: int) -> Iterator[Coincidence]:
    """Yield, for each two clips that share at least `least` landmarks at one offset, the offset with the most.

    The cost is linear in the number of landmarks: each occurrence is paired with the next few of its name, so of a
    hundred copies of one clip some pairs may be missing, but not the chain that links them all.

    >>> noise = np.random.default_rng(0).standard_normal(4 * RATE_HZ).astype(np.float32)
    >>> cuts = [find_landmarks(noise[:48_000]), find_landmarks(-0.1 * noise[16_000:])]
    >>> [(found.first, found.second, found.offset) for found in coincidences(cuts, 8)]
    [(0, 1, 100)]
    """
    if not clips:
        return
    counts = np.array([len(clip.names) for clip in clips])
    owner = np.repeat(np.arange(len(clips)), counts)
    names = np.concatenate([clip.names for clip in clips])
    frames = np.concatenate([clip.frames for clip in clips])
    order = np.argsort(names, kind="stable")  # Within one name by clip, as they are now.
    owner, names, frames = owner[order], names[order], frames[order]
    batch_of = ((np.cumsum(counts) - counts) // _BATCH)[owner]
    for batch in np.unique(batch_of):
        yield from _count(*_meetings(np.flatnonzero(batch_of == batch), owner, names, frames), least)


def _meetings(mine: Ints, owner: Ints, names: NDArray[np.int32], frames: NDArray[np.int32]) -> tuple[Ints, Ints]:
    """Every meeting of two clips in a landmark: the two and the offset as one number, and the frame of the first."""
    keys, places = [], []
    for step in range(1, _LINKS + 1):
        a = mine[mine + step < len(names)]
        a = a[names[a] == names[a + step]]
        a = a[owner[a] != owner[a + step]]
        b = a + step
        offset = frames[a].astype(np.int64) - frames[b]
        keys.append((owner[a] << 43) | (owner[b] << 23) | (offset + _SPAN))
        places.append(frames[a].astype(np.int64))
    return np.concatenate(keys), np.concatenate(places)


def _count(keys: Ints, places: Ints, least: int) -> Iterator[Coincidence]:
    order = np.lexsort((places, keys))
    keys, places = keys[order], places[order]
    unique, begin, count = np.unique(keys, return_index=True, return_counts=True)
    votes = count.copy()  # A cut between two frames puts some landmarks one frame off.
    beside = np.flatnonzero(np.diff(unique) == 1)
    votes[beside] += count[beside + 1]
    votes[beside + 1] += count[beside]
    enough = np.flatnonzero(votes >= least)
    enough = enough[np.lexsort((-votes[enough], -count[enough], unique[enough] >> 23))]
    pair = unique[enough] >> 23
    best = enough[np.flatnonzero(np.diff(pair, prepend=-1))] if len(enough) else enough
    for k in best:
        key, run = int(unique[k]), places[begin[k] : begin[k] + count[k]]
        offset = (key & (2 * _SPAN - 1)) - _SPAN
        yield Coincidence(key >> 43, (key >> 23) & 0xFFFFF, offset, int(votes[k]), int(run[0]), int(run[-1]))

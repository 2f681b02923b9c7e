"""What the pictures of a video show, second by second.

Classifiers look at the square in a picture's middle, and miss what shares a wide one with something else. So the
squares at both ends of a picture that is not square itself are looked at, too; see `soundsieve.inference.seen` for what
they count.

Memory: 6 kB a picture, 22 MB an hour, and one picture to show.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from soundsieve.datasets.object_groups import NAMES
from soundsieve.errors import VideoError
from soundsieve.inference.progress import CancelToken, Progress, check_cancel
from soundsieve.inference.seen import Seen, SeenSettings, evidence, look
from soundsieve.inference.viewers import Viewer
from soundsieve.video import frames_every, probe

EVERY_S = 1.0
"""From one picture that is looked at to the next."""
_AT_ONCE = 16  # pictures named together
_SQUARE = 1.15  # sides up to this ratio: the middle is nearly all there is


@dataclass(frozen=True)
class Looked:
    """The pictures of a video, as a viewer names them.

    Attributes:
        file: The video.
        times_s: When each is shown first, (picture,), rising.
        logits: What it shows, (picture, look, 1000), in half precision; the first look is at the middle.
        picture: The one that shows a listed object most clearly, (height, width, 3).
        picture_s: When that is.
        note: A sentence about what of the video is damaged or missing, or None.
        seconds_taken: Wall-clock time.

    >>> logits = np.zeros((25, 1, 1000), np.float16)
    >>> logits[24, 0, 889] = 12
    >>> looked = Looked(Path("a.mp4"), np.arange(25.0), logits, np.zeros((1, 1, 3), np.uint8), 24.0, None)
    >>> looked.objects(10.0, SeenSettings(least_evidence=0.5))[0]
    ('violin',)
    >>> [looked.seen(start_s, start_s + 10, SeenSettings(least_evidence=0.5)).labels for start_s in (0, 10, 20, 90)]
    [(), (), ('violin',), ('violin',)]
    """

    file: Path
    times_s: NDArray[np.float64]
    logits: NDArray[np.float16]
    picture: NDArray[np.uint8]
    picture_s: float
    note: str | None
    seconds_taken: float = 0.0

    def between(self, start_s: float, end_s: float) -> NDArray[np.float32]:
        """Return the logits of the pictures that are shown in a stretch of time, (picture ≥ 1, look, 1000).

        What lies before the first picture, or after the last one, shows that one.
        """
        first = max(0, int(np.searchsorted(self.times_s, start_s, "right")) - 1)
        end = max(first + 1, int(np.searchsorted(self.times_s, end_s, "left")))
        return self.logits[first:end].astype(np.float32)

    def seen(self, start_s: float, end_s: float, settings: SeenSettings) -> Seen:
        """Decide which objects are seen in a stretch of time."""
        logits = self.between(start_s, end_s)
        return look(logits[:, 0], settings, logits[:, 1:].reshape(-1, logits.shape[-1]))

    def objects(self, piece_s: float, settings: SeenSettings) -> tuple[tuple[str, ...], dict[str, float]]:
        """Name the objects that are seen in any piece of the video, the most evident first, and score all there are.

        A rule is for some seconds of video: the maximum over an hour's pictures would show everything.

        Args:
            piece_s: Length of a piece; the last one is as long as the others and reaches back into the one before.
            settings: The rule.

        Returns:
            The labels, and object → score, from 0 to 1, in the piece where it is seen most clearly.
        """
        first_s, end_s = float(self.times_s[0]), float(self.times_s[-1]) + EVERY_S
        starts_s = np.minimum(np.arange(first_s, end_s - 1e-9, piece_s), max(first_s, end_s - piece_s))
        found = [self.seen(start_s, start_s + piece_s, settings) for start_s in starts_s.tolist()]
        scores = dict(zip(NAMES, np.max([each.scores for each in found], axis=0).tolist(), strict=True))
        labels = {label for each in found for label in each.labels}
        return tuple(sorted(labels, key=lambda label: -scores[label])), scores


def look_at(
    path: str | Path, viewer: Viewer, *, progress: Progress | None = None, cancel: CancelToken | None = None
) -> Looked:
    """Look at one picture a second of a video of any length.

    Args:
        path: The video.
        viewer: Names the pictures.
        progress: Called with the seconds done and the seconds there are.
        cancel: Stops the call once it is set.

    Raises:
        VideoError: when it is missing, cannot be read, or has no pictures.
        Cancelled: when `cancel` was set.
    """
    begun, duration_s = time.perf_counter(), probe(path).duration_s
    times_s: list[float] = []
    logits: list[NDArray[np.float16]] = []
    clearest, shown = -1.0, None
    with frames_every(path, EVERY_S) as frames:
        while batch := list(islice(frames, _AT_ONCE)):
            check_cancel(cancel)
            found = look_around(viewer, [frame.pixels for frame in batch])
            times_s += [frame.time_s for frame in batch]
            logits.append(found.astype(np.float16))
            clear = [float(evidence(looks[:1]).max()) for looks in found]
            if max(clear) > clearest:
                clearest, shown = max(clear), batch[int(np.argmax(clear))]
            if progress is not None:
                progress(times_s[-1], duration_s)
        note = frames.note
    if shown is None:  # a viewer that answers with NaN
        raise VideoError(f"{path}: none of its pictures can be named by {viewer.name}")
    taken_s = time.perf_counter() - begun
    most = max(part.shape[1] for part in logits)  # pictures may change their shape
    alike = [np.pad(part, ((0, 0), (0, most - part.shape[1]), (0, 0)), mode="edge") for part in logits]
    return Looked(Path(path), np.array(times_s), np.concatenate(alike), shown.pixels, shown.time_s, note, taken_s)


def squares(picture: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    """Return what is looked at of a picture: all of it, and the squares at its ends where it is not square itself.

    >>> [square.shape for square in squares(np.zeros((90, 160, 3), np.uint8))]
    [(90, 160, 3), (90, 90, 3), (90, 90, 3)]
    >>> len(squares(np.zeros((100, 100, 3), np.uint8)))
    1
    """
    side = min(picture.shape[:2])
    if max(picture.shape[:2]) <= _SQUARE * side:
        return [picture]
    if picture.shape[0] == side:
        return [picture, picture[:, :side], picture[:, -side:]]
    return [picture, picture[:side], picture[-side:]]


def look_around(viewer: Viewer, pictures: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
    """Name what is looked at of each picture, the middle first.

    Args:
        viewer: Names them.
        pictures: (height, width, 3) each, of any shapes; where one has fewer looks than others, its last one again.

    Returns:
        Logits, (picture, look, 1000).
    """
    looks = [squares(picture) for picture in pictures]
    found = iter(viewer.logits([look for each in looks for look in each]))
    rows = [np.stack(list(islice(found, len(each)))) for each in looks]
    most = max(map(len, rows))
    return np.stack([np.pad(row, ((0, most - len(row)), (0, 0)), mode="edge") for row in rows])

"""Pictures second by second: what is seen when, in videos longer and shorter than a piece."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from films import number
from seen_videos import GREYS, GreyViewer, video
from soundsieve.errors import Cancelled, VideoError
from soundsieve.inference.looked import Looked, look_around, look_at, squares
from soundsieve.inference.seen import SeenSettings

PUBLISHED = SeenSettings(rule="published")
SETTINGS = SeenSettings()


def looked_at(times_s: list[float], classes: list[int]) -> Looked:
    logits = np.zeros((len(times_s), 1, 1000), np.float16)
    logits[range(len(classes)), 0, classes] = 12
    return Looked(Path("a.mp4"), np.array(times_s), logits, np.zeros((1, 1, 3), np.uint8), 0.0, None)


def test_pictures_are_named_and_the_clearest_is_kept(tmp_path: Path) -> None:
    path = video(tmp_path / "a.mp4", ["nothing"] * 17 + ["violin", "nothing"], sound=None)
    told: list[tuple[float, float | None]] = []
    viewer = GreyViewer()
    looked = look_at(path, viewer, progress=lambda done_s, total_s: told.append((done_s, total_s)))
    assert viewer.pictures == 3 * 19  # the middle and both ends
    np.testing.assert_allclose(looked.times_s, np.arange(19), atol=0.01)
    assert (looked.logits.shape, looked.logits.dtype) == ((19, 3, 1000), np.float16)
    assert (number(looked.picture), round(looked.picture_s)) == (GREYS["violin"], 17)
    assert [round(done_s) for done_s, _ in told] == [15, 18]
    assert looked.objects(10.0, SETTINGS)[0] == ("violin",)
    assert looked.seen(0, 17, SETTINGS).labels == ()
    assert (looked.file, looked.note, looked.seconds_taken > 0) == (path, None, True)


class SideViewer:
    """Names a violin where the left edge is bright and a dog where the right one is."""

    name, card = "sides", {}

    def logits(self, images: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        found = np.zeros((len(images), 1000), np.float32)
        for row, image in zip(found, images, strict=True):
            side, middle = min(image.shape[:2]), image.shape[1] // 2
            seen = image[:, middle - side // 2 : middle + side // 2]
            row[999] = 8
            row[889], row[207] = 12 * (seen[:, :8].mean() > 128), 12 * (seen[:, -8:].mean() > 128)
        return found


@pytest.mark.parametrize(("shape", "labels"), [((90, 160), {"violin", "dog"}), ((120, 120), {"violin", "dog"})])
def test_objects_at_the_ends_of_a_wide_picture_are_seen(shape: tuple[int, int], labels: set[str]) -> None:
    picture = np.zeros((*shape, 3), np.uint8)
    picture[:, :10] = picture[:, -10:] = 255
    seen = look_around(SideViewer(), [picture, np.zeros((100, 100, 3), np.uint8)])
    looked = Looked(Path("a.mp4"), np.arange(2.0), seen.astype(np.float16), picture, 0.0, None)
    assert set(looked.seen(0, 1, SETTINGS).labels) == labels
    assert looked.seen(1, 2, SETTINGS).labels == ()
    assert ("violin" in looked.seen(0, 1, PUBLISHED).labels) == (shape[0] == shape[1])  # it looks at the middle alone


def test_a_tall_picture_has_ends_too() -> None:
    tall = np.arange(200, dtype=np.uint8)[:, None, None].repeat(50, 1).repeat(3, 2)
    whole, top, bottom = squares(tall)
    assert whole is tall
    assert (top[0, 0, 0], top[-1, 0, 0], bottom[0, 0, 0], bottom[-1, 0, 0]) == (0, 49, 150, 199)


def test_it_can_be_stopped_and_refuses_what_is_no_video(tmp_path: Path) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(Cancelled):
        look_at(video(tmp_path / "a.mp4", ["dog"]), GreyViewer(), cancel=stop)
    with pytest.raises(VideoError, match="no such file"):
        look_at(tmp_path / "b.mp4", GreyViewer())


def test_the_last_picture_stands_and_the_first_stands_in() -> None:
    looked = looked_at([2.0, 3.0], [207, 889])  # a dog, then a violin
    for start_s, end_s, rows in (
        (0, 1, [0]),
        (0, 2.5, [0]),
        (2.5, 3, [0]),
        (2.5, 3.5, [0, 1]),
        (3, 4, [1]),
        (90, 99, [1]),
    ):
        np.testing.assert_array_equal(looked.between(start_s, end_s), looked.logits[rows])


def test_a_last_moment_is_judged_with_what_comes_before_it() -> None:
    # The published rule always sees something: in the last of eleven pictures alone, a chicken.
    looked = looked_at([float(second) for second in range(11)], [889] * 10 + [8])
    looked.logits[10] /= 4
    assert looked.seen(10, 20, PUBLISHED).labels[0] == "chicken"
    assert looked.objects(10.0, PUBLISHED)[0] == ("violin",)


def test_scores_are_those_of_the_clearest_piece_and_order_the_labels() -> None:
    looked = looked_at([float(second) for second in range(30)], [999] * 5 + [207] * 5 + [999] * 15 + [889] * 5)
    looked.logits[5:10] /= 1.5
    labels, scores = looked.objects(10.0, SETTINGS)
    assert labels == ("violin", "dog")
    assert scores["violin"] > 0.99 > scores["dog"] > 0.5 > scores["cat"]

"""Videos taken apart by a teacher: a sound for each object that is heard, and only where there are several."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from seen_videos import LABELS, RATE_HZ, hums, tiny
from soundsieve.inference.object_engines import make_objects
from soundsieve.training.object_corpus import HeldVideo, SeenVideo
from soundsieve.training.object_parts import Teacher

RECIPE = ("cat", "violin", "dog")


@pytest.fixture
def teacher() -> Teacher:
    return Teacher(make_objects(tiny(), "cpu"), LABELS, RECIPE)


def video(tmp_path: Path, labels: tuple[str, ...], sound: np.ndarray) -> SeenVideo:
    path = tmp_path / "video.wav"
    soundfile.write(path, sound.T, RATE_HZ, "FLOAT")
    return SeenVideo("video", path, "train", "video", labels, 0.0, 0.0)


def samples(part: HeldVideo) -> np.ndarray:
    return part.read(0, len(part.numbers))


@pytest.mark.parametrize("rate_hz", [RATE_HZ, 8_000])
def test_each_object_gets_its_sound_at_the_rate_of_training(teacher: Teacher, tmp_path: Path, rate_hz: int) -> None:
    dog, violin = hums(channels=2)
    parts = {part.labels: samples(part) for part in teacher.hold(video(tmp_path, RECIPE[1:], dog + violin), rate_hz, 9)}
    assert set(parts) <= {(1,), (2,), ()}
    step = RATE_HZ // rate_hz
    for label, sound in ((2, dog), (1, violin)):
        true = sound.mean(0)[::step]
        error = np.square(true - parts[label,][: len(true)]).sum()
        assert 10 * np.log10(np.square(true).sum() / error) > 8


def test_what_is_silent_is_no_part_and_the_rest_has_no_label(teacher: Teacher, tmp_path: Path) -> None:
    dog, _ = hums()
    found = teacher.hold(video(tmp_path, ("violin", "dog"), dog), RATE_HZ, 9)
    assert [part.labels for part in found] == [(2,)]
    found = teacher.hold(video(tmp_path, ("violin", "dog"), 0 * dog), RATE_HZ, 9)
    assert found == []


def test_only_several_known_objects_are_taken_apart(teacher: Teacher, tmp_path: Path) -> None:
    sound = hums()[0]
    for labels, taken in ((("dog", "violin"), True), (("dog",), False), ((), False), (("dog", "cat"), False)):
        assert teacher.takes(video(tmp_path, labels, sound)) is taken

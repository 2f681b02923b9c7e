"""The ladder measures what a division gives away: known features, with known leaks, give known rungs."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from soundsieve import audio
from soundsieve.datasets import Clip
from soundsieve.errors import Cancelled, DatasetError
from soundsieve.evaluation import ladder
from soundsieve.evaluation.ladder import (
    BY_RECORDING,
    BY_SOURCE,
    MENDED,
    PUBLISHED,
    SHUFFLED,
    Floats,
    Ladder,
    LadderSettings,
    Rung,
    climb,
    climb_described,
    describe,
    nearest,
)


def takes(sources: int = 40, each: int = 4, *, parts: tuple[str, ...] = ("all",)) -> list[Clip]:
    """Takes of sources; the first half of the sources have their takes in all parts, the others in one."""
    clips = []
    for source in range(sources):
        for take in range(each):
            part = parts[(take if source < sources // 2 else source // 2) % len(parts)]
            clips.append(Clip(Path(f"{source:03}-{take}.wav"), (("cat", "dog")[source % 2],), f"{source:03}", part))
    return clips


def by_recording(clips: list[Clip]) -> Floats:
    """Features that tell the source and nothing about the label."""
    centres = {group: np.random.default_rng(int(group)).normal(size=8) for group in {clip.group for clip in clips}}
    rng = np.random.default_rng(0)
    return np.array([centres[clip.group] + 0.01 * rng.normal(size=8) for clip in clips])


def rungs(result: Ladder) -> dict[str, Rung]:
    return {rung.name: rung for rung in result.rungs}


def test_what_is_known_by_heart_is_lost_when_sources_are_kept_apart() -> None:
    clips = takes(parts=("fold1", "fold2"))
    result = climb_described(clips, by_recording(clips))
    found = rungs(result)
    assert list(found) == [SHUFFLED, PUBLISHED, MENDED, BY_SOURCE]
    assert found[SHUFFLED].accuracy > 0.95
    assert found[SHUFFLED].leaked > 0.95
    assert found[PUBLISHED].leaked == 0.5
    assert found[MENDED].leaked == 0
    assert found[PUBLISHED].accuracy > found[MENDED].accuracy + 0.1
    assert 0.2 < found[BY_SOURCE].accuracy < 0.8
    assert found[BY_SOURCE].leaked == 0
    assert found[BY_SOURCE].low < found[BY_SOURCE].accuracy < found[BY_SOURCE].high
    assert result.drop == pytest.approx(found[SHUFFLED].accuracy - found[BY_SOURCE].accuracy)
    assert 0.1 < result.drop_low < result.drop < result.drop_high


def test_what_is_told_by_the_sound_is_kept_on_every_rung() -> None:
    clips = takes(parts=("fold1", "fold2", "fold3"))
    labels = np.array([[clip.labels[0] == "dog"] for clip in clips], np.float64)
    result = climb_described(clips, labels + 0.01 * np.random.default_rng(0).normal(size=labels.shape))
    assert {rung.accuracy for rung in result.rungs} == {1.0}
    assert (result.drop, result.drop_low, result.drop_high) == (0, 0, 0)
    assert result.chance == 0.5


def test_a_published_test_is_tested_once_on_the_training_part() -> None:
    clips = [clip for clip in takes(20) if int(clip.group) % 4 != 3]
    parts = ("train", "test", "validation")
    clips = [Clip(clip.path, clip.labels, clip.group, parts[k % 3]) for k, clip in enumerate(clips)]
    rung = rungs(climb_described(clips, by_recording(clips)))[PUBLISHED]
    assert (rung.folds, rung.tested) == (1, 20)
    assert PUBLISHED not in rungs(climb_described(takes(), by_recording(takes())))


def test_a_division_that_mending_leaves_nothing_of_has_no_such_rung() -> None:
    clips = [Clip(clip.path, clip.labels, clip.group, f"fold{k % 2}") for k, clip in enumerate(takes())]
    found = rungs(climb_described(clips, by_recording(clips)))
    assert list(found) == [SHUFFLED, PUBLISHED, BY_SOURCE]
    assert found[PUBLISHED].leaked == 1


def test_near_duplicates_are_kept_together_on_the_last_rung() -> None:
    # Each recording is there under two sources: only who knows of the copies can keep them apart.
    clips = takes(each=1)
    features = np.repeat(by_recording(takes(20, 1)), 2, axis=0)
    clips = [Clip(clip.path, ("dog" if k % 4 < 2 else "cat",), clip.group, "all") for k, clip in enumerate(clips)]
    linked = [(clips[k], clips[k + 1]) for k in range(0, 40, 2)]
    found = rungs(climb_described(clips, features, linked))
    assert list(found) == [SHUFFLED, BY_SOURCE, BY_RECORDING]
    assert found[BY_SOURCE].leaked > 0.6
    assert found[BY_SOURCE].accuracy - found[BY_RECORDING].accuracy > 0.2
    assert found[BY_RECORDING].leaked == 0


def test_the_seed_decides() -> None:
    clips = takes(12, 2)
    first, again, other = (climb_described(clips, by_recording(clips), (), LadderSettings(seed=s)) for s in (1, 1, 2))
    assert first == again != other


def test_too_little_for_a_ladder_is_a_sentence() -> None:
    clips = takes(1, 4)
    with pytest.raises(DatasetError, match="needs two labels and two sources, found 1 and 1 in 4 recordings"):
        climb_described(clips, by_recording(clips))
    with pytest.raises(DatasetError, match="found 0 and 0 in 0 recordings"):
        climb([])


def test_recordings_are_heard_and_what_cannot_be_used_is_counted(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    clips = []
    for k in range(12):
        path = tmp_path / f"{k:02}.wav"
        hiss = rng.standard_normal((1, 8_000)).astype(np.float32)
        audio.write(path, 0.1 * (hiss if k % 2 else hiss.cumsum(axis=1) / 50), ladder.RATE_HZ)
        clips.append(Clip(path, ("hiss" if k % 2 else "rumble",), path.stem, "all"))
    clips[10] = Clip(clips[10].path, ("hiss", "rumble"), "10", "all")
    clips[11].path.write_text("these are words")
    steps: list[float] = []
    result = climb(clips, progress=lambda done, total: steps.append(done))
    assert result.left_out == 2
    assert rungs(result)[BY_SOURCE].accuracy == 1.0
    assert steps == list(range(1, 13))
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(Cancelled):
        climb(clips, cancel=cancel)


def test_the_nearest_is_that_of_a_plain_search_on_standardised_features() -> None:
    rng = np.random.default_rng(0)
    train, test = rng.normal(size=(50, 6)) * [1, 10, 100, 1, 1, 0], rng.normal(size=(20, 6)) * [1, 10, 100, 1, 1, 0]
    scale = np.where(train.std(0) > 0, train.std(0), 1)
    distance = np.linalg.norm((test[:, None] - train) / scale, axis=-1)
    assert nearest(train, test).tolist() == distance.argmin(1).tolist()


def test_the_description_is_that_of_librosa() -> None:
    librosa = pytest.importorskip("librosa")
    wave = np.random.default_rng(0).standard_normal(16_000).astype(np.float32).cumsum() / 100
    mel = librosa.feature.melspectrogram(
        y=wave, sr=16_000, n_fft=512, hop_length=256, n_mels=40, htk=True, norm=None, pad_mode="constant"
    )
    expected = librosa.feature.mfcc(S=np.log(np.maximum(mel, 1e-10)), n_mfcc=20, norm="ortho")
    np.testing.assert_allclose(describe(wave), [*expected.mean(1), *expected.std(1)], atol=2e-3)


def test_a_recording_shorter_than_a_window_has_a_description() -> None:
    assert np.isfinite(describe(np.ones(3, np.float32))).all()

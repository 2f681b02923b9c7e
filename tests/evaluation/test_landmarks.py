import numpy as np
import pytest
from numpy.typing import NDArray

from soundsieve.evaluation import landmarks
from soundsieve.evaluation.landmarks import HOP, RATE_HZ, Coincidence, Landmarks, coincidences, find_landmarks


def noise(seed: int, duration_s: float = 2.0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).standard_normal(round(duration_s * RATE_HZ)).astype(np.float32)


def bursts(*starts_s: float) -> NDArray[np.float32]:
    """Short tones that rise by a whole tone each, with nothing between them."""
    wave = np.zeros(2 * RATE_HZ, np.float32)
    time_s = np.arange(800) / RATE_HZ
    for number, start_s in enumerate(starts_s):
        tone = np.hanning(800) * np.sin(2 * np.pi * 1000 * 2 ** (number / 6) * time_s)
        wave[round(start_s * RATE_HZ) :][:800] += tone.astype(np.float32)
    return wave


def same(first: Landmarks, second: Landmarks) -> bool:
    return np.array_equal(first.names, second.names) and np.array_equal(first.frames, second.frames)


def test_neither_gain_nor_polarity_moves_them() -> None:
    assert same(find_landmarks(noise(0)), find_landmarks(-np.float32(0.125) * noise(0)))


def test_a_cut_of_whole_frames_moves_all_of_them_by_as_many() -> None:
    whole, cut = find_landmarks(noise(0)), find_landmarks(noise(0)[50 * HOP :])
    inside = {(n, f - 50) for n, f in zip(whole.names, whole.frames, strict=True) if 70 < f < 120}
    assert len(inside) > 50
    assert inside <= set(zip(cut.names, cut.frames, strict=True))


def test_they_start_at_the_peaks_and_silence_has_none() -> None:
    found = find_landmarks(bursts(0.5, 0.7, 0.9))
    centres = [(start_s + 0.025) * RATE_HZ / HOP for start_s in (0.5, 0.7, 0.9)]
    assert {int(np.argmin(np.abs(np.subtract(centres, frame)))) for frame in found.frames} == {0, 1}
    assert all(np.abs(np.subtract(centres, frame)).min() < 4 for frame in found.frames)
    assert len(find_landmarks(np.zeros(RATE_HZ, np.float32)).names) == 0
    assert len(find_landmarks(np.zeros(0, np.float32)).names) == 0


def test_a_long_recording_is_worked_on_in_pieces_without_seams(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = find_landmarks(noise(0))
    monkeypatch.setattr(landmarks, "_CHUNK", 7)
    assert same(find_landmarks(noise(0)), whole)


def test_what_repeats_for_ever_does_not_fill_the_table() -> None:
    found = find_landmarks(np.tile(noise(0, 0.25), 40))
    assert np.unique(found.names, return_counts=True)[1].max() <= 4


def test_the_offset_that_most_landmarks_share_is_the_one() -> None:
    names = np.arange(30, dtype=np.int32)
    first = Landmarks(names, (10 * names).astype(np.int32), 0)
    # Ten at offset 7, nine at offset 8, which is beside it, and eleven at offset 100.
    shift = np.where(names < 10, 7, np.where(names < 19, 8, 100))
    second = Landmarks(names, (10 * names - shift).astype(np.int32), 0)
    assert list(coincidences([first, second], 5)) == [Coincidence(0, 1, 100, 11, 190, 290)]
    # Neighbours count for how many there are, not for where they lie.
    fewer = [Landmarks(part.names[:20], part.frames[:20], 0) for part in (first, second)]
    assert list(coincidences(fewer, 15)) == [Coincidence(0, 1, 7, 19, 0, 90)]
    assert list(coincidences(fewer, 20)) == []


def test_batches_do_not_change_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    clips = [find_landmarks(noise(seed)[start:]) for seed in range(4) for start in (0, 3 * HOP)]
    found = list(coincidences(clips, 8))
    assert [(pair.first, pair.second, pair.offset) for pair in found] == [(2 * k, 2 * k + 1, 3) for k in range(4)]
    monkeypatch.setattr(landmarks, "_BATCH", 1)
    assert list(coincidences(clips, 8)) == found


def test_a_hundred_copies_are_one_chain() -> None:
    pairs = {(pair.first, pair.second) for pair in coincidences([find_landmarks(noise(0))] * 100, 8)}
    assert {(k, k + 1) for k in range(99)} <= pairs


def test_nothing_coincides_with_nothing() -> None:
    assert list(coincidences([], 8)) == []
    assert list(coincidences([find_landmarks(np.zeros(0, np.float32))] * 2, 8)) == []

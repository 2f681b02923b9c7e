"""Copies are found whatever was done to them, and recordings that only sound alike are not."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import lfilter

from soundsieve import audio, datasets
from soundsieve.datasets import Clip
from soundsieve.errors import Cancelled
from soundsieve.evaluation.near_duplicates import Duplicate, find_near_duplicates, similarity

RATE_HZ = 44_100
Wave = NDArray[np.float32]


def rain(seed: int, duration_s: float = 3.0) -> Wave:
    """Noise that falls with frequency, shape (1, time)."""
    noise = np.random.default_rng([1, seed]).standard_normal(round(duration_s * RATE_HZ))
    return 0.05 * lfilter([1.0], [1.0, -0.8], noise).astype(np.float32)[None]


def barks(seed: int, duration_s: float = 3.0) -> Wave:
    """Bursts of noise of a few tenths of a second, each with its own resonance."""
    rng = np.random.default_rng([2, seed])
    wave = 1e-4 * rng.standard_normal(round(duration_s * RATE_HZ))
    for start_s in np.arange(0.1, duration_s - 0.5, 0.6):
        start = round((start_s + rng.uniform(0, 0.2)) * RATE_HZ)
        time_s = np.arange(round(0.25 * RATE_HZ)) / RATE_HZ
        pole = 0.98 * np.exp(2j * np.pi * rng.uniform(400, 900) / RATE_HZ)
        burst = lfilter([1.0], [1.0, -2 * pole.real, abs(pole) ** 2], rng.standard_normal(len(time_s)))
        wave[start : start + len(time_s)] += 0.02 * burst * np.exp(-8 * time_s)
    return wave.astype(np.float32)[None]


def melody(seed: int, duration_s: float = 3.0) -> Wave:
    """Notes of one scale with their harmonics, the breath of the player, and a room's noise."""
    rng = np.random.default_rng([3, seed])
    wave = 5e-4 * rng.standard_normal(round(duration_s * RATE_HZ))
    time_s = np.arange(round(0.5 * RATE_HZ)) / RATE_HZ
    for start in range(0, len(wave) - len(time_s), len(time_s) // 2):
        hz = 440 * 2 ** (rng.choice([0, 2, 4, 5, 7, 9, 11]) / 12)
        swell = np.sin(np.pi * time_s / time_s[-1]) * (1 + 0.1 * np.sin(2 * np.pi * rng.uniform(4, 6) * time_s))
        tones = sum(np.sin(2 * np.pi * n * hz * time_s + rng.uniform(0, 6)) / n for n in range(1, 8))
        wave[start : start + len(time_s)] += 0.1 * swell * (tones + 0.05 * rng.standard_normal(len(time_s)))
    return wave.astype(np.float32)[None]


KINDS: dict[str, Callable[[int], Wave]] = {"rain": rain, "barks": barks, "melody": melody}


def plain(wave: Wave) -> tuple[Wave, int, str]:
    return wave, RATE_HZ, "wav"


# What is done to a recording, how much later it is in the copy, and whether it is turned.
TREATMENTS: dict[str, tuple[Callable[[Wave], tuple[Wave, int, str]], float, bool]] = {
    "copy": (plain, 0.0, False),
    "cut": (lambda wave: plain(wave[:, 23_456:100_000]), -23_456 / RATE_HZ, False),
    "moved": (lambda wave: plain(np.pad(wave, ((0, 0), (12_345, 0)))), 12_345 / RATE_HZ, False),
    "gain": (lambda wave: plain(0.03 * wave), 0.0, False),
    "inversion": (lambda wave: plain(-wave), 0.0, True),
    "resampling": (lambda wave: (audio.resample(wave, RATE_HZ, 22_050), 22_050, "wav"), 0.0, False),
    "telephone": (lambda wave: (audio.resample(wave, RATE_HZ, 8_000), 8_000, "wav"), 0.0, False),
    "Ogg": (lambda wave: (wave, RATE_HZ, "ogg"), 0.0, False),
    "MP3": (lambda wave: (wave, RATE_HZ, "mp3"), 0.0, False),
    "all": (lambda wave: (audio.resample(-0.2 * wave[:, 20_000:], RATE_HZ, 22_050), 22_050, "mp3"), -0.4535, True),
}


def store(folder: Path, name: str, wave: Wave, rate: int = RATE_HZ, suffix: str = "wav", label: str = "x") -> Clip:
    path = folder / f"{name}.{suffix}"
    audio.write(path, wave, rate)
    return Clip(path, (label,), name, "all")


def search(*clips: Clip) -> list[Duplicate]:
    return list(find_near_duplicates(clips).pairs)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("treatment", TREATMENTS)
def test_a_copy_is_found(kind: str, treatment: str, tmp_path: Path) -> None:
    treat, later_s, inverted = TREATMENTS[treatment]
    wave = KINDS[kind](0)
    copy = store(tmp_path, "copy", *treat(wave))
    [pair] = search(copy, store(tmp_path, "other", KINDS[kind](1)), store(tmp_path, "original", wave))
    assert (pair.first.group, pair.second.group) == ("copy", "original")
    assert pair.inverted == inverted
    # Coding into MP3 may put a delay of some 50 ms before the sound.
    assert pair.offset_s == pytest.approx(later_s, abs=0.06 if treatment in {"MP3", "all"} else 0.001)
    assert pair.similarity > 0.55
    assert pair.shared_s >= 0.5


@pytest.mark.parametrize("kind", KINDS)
def test_recordings_of_one_kind_are_not_copies(kind: str, tmp_path: Path) -> None:
    assert search(*(store(tmp_path, f"{seed}", KINDS[kind](seed)) for seed in range(5))) == []


def test_a_common_hum_makes_no_copies(tmp_path: Path) -> None:
    time_s = np.arange(3 * RATE_HZ) / RATE_HZ
    hum = sum(0.2 / n * np.sin(2 * np.pi * 50 * n * time_s) for n in (1, 2, 3, 5))
    clips = [store(tmp_path, f"{seed}", (0.3 * rain(seed) + hum).astype(np.float32)) for seed in range(4)]
    assert search(*clips) == []


def test_a_part_in_common_is_found_where_it_is(tmp_path: Path) -> None:
    shared = rain(9, 1.0)
    first = np.concatenate([rain(1, 2.0), shared], axis=1)
    second = np.concatenate([rain(2, 0.5), shared, rain(3, 1.5)], axis=1)
    [pair] = search(store(tmp_path, "a", first), store(tmp_path, "b", second))
    assert pair.offset_s == pytest.approx(1.5, abs=0.001)
    assert pair.shared_s == pytest.approx(1.0, abs=0.2)


def test_one_sound_laid_over_two_others_is_found(tmp_path: Path) -> None:
    [pair] = search(*(store(tmp_path, f"{seed}", barks(0) + 0.3 * rain(seed)) for seed in range(2)))
    assert 0.5 < pair.similarity < 0.95


def test_the_channel_that_a_clip_names_is_compared(tmp_path: Path) -> None:
    stereo = store(tmp_path, "stereo", np.concatenate([rain(0), rain(1)]))
    left, right = (Clip(stereo.path, ("x",), f"{k}", "all", channel=k) for k in range(2))
    [pair] = search(left, right, store(tmp_path, "mono", rain(1)))
    assert pair.first == right


def test_what_cannot_be_compared_is_told(tmp_path: Path) -> None:
    silence = store(tmp_path, "silence", np.zeros((1, RATE_HZ), np.float32))
    broken = Clip(tmp_path / "broken.wav", ("x",), "broken", "all")
    broken.path.write_text("these are words")
    steps: list[tuple[float, float | None]] = []
    found = find_near_duplicates([silence, broken], progress=lambda done, total: steps.append((done, total)))
    assert found.pairs == ()
    assert found.sparse == (silence,)
    assert [clip for clip, _ in found.unreadable] == [broken]
    assert "not audio" in found.unreadable[0][1]
    assert steps == [(1, 2), (2, 2)]


def test_nothing_to_compare_is_no_pair() -> None:
    assert find_near_duplicates([]).pairs == ()


def test_it_can_be_stopped(tmp_path: Path) -> None:
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(Cancelled):
        find_near_duplicates([store(tmp_path, "a", rain(0))], cancel=cancel)


def test_similarity_is_one_for_the_same_and_near_zero_for_another() -> None:
    a, b = (np.random.default_rng(seed).standard_normal(16_000).astype(np.float32) for seed in range(2))
    assert similarity(a, a) == (pytest.approx(1.0, abs=1e-3), 0.0)
    assert similarity(a, -a)[0] == pytest.approx(-1.0, abs=1e-3)
    assert abs(similarity(a, b)[0]) < 0.05


@pytest.mark.slow
@pytest.mark.shared_data
def test_the_known_copies_among_real_noises(shared_data: Path) -> None:
    found = find_near_duplicates(datasets.listed("noises", shared_data / "noises"))
    pairs = [("n56", "n58"), ("n7", "n9"), ("n20", "n27"), ("n81", "n82"), ("n1", "n2")]
    assert {(pair.first.group, pair.second.group) for pair in found.pairs} == set(pairs)

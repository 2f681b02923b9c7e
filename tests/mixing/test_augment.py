"""Each variation does what its name says, by the amount that was drawn."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from recordings import tone
from soundsieve.audio import power_db
from soundsieve.mixing import Augmentation, AugmentSettings
from soundsieve.mixing.augment import _COLOUR_POINTS_HZ, apply, draw

RATE_HZ = 32_000
ALL = AugmentSettings(speed_octaves=0.5, colour_db=3.0, room_probability=0.5, lowpass_probability=0.5)


def middle(wave: NDArray[np.float32]) -> NDArray[np.float32]:
    return wave[len(wave) // 4 : 3 * len(wave) // 4]


def gain_db(hz: float, change: Augmentation) -> float:
    """What a steady tone gains, away from its ends."""
    wave = tone(hz, 1.0, RATE_HZ)[0]
    return power_db(middle(apply(wave, RATE_HZ, change))) - power_db(middle(wave))


@pytest.mark.parametrize("speed", [0.7579, 0.9, 1.25, 1.3195])
def test_speed_changes_pitch_and_length_together(speed: float) -> None:
    wave = tone(1000, 2.0, RATE_HZ)[0]
    faster = apply(wave, RATE_HZ, Augmentation(speed=speed))
    assert len(faster) == pytest.approx(len(wave) / speed, abs=1)
    spectrum = np.abs(np.fft.rfft(faster * np.hanning(len(faster))))
    assert spectrum.argmax() * RATE_HZ / len(faster) == pytest.approx(1000 * speed, abs=1.0)
    assert power_db(middle(faster)) == pytest.approx(power_db(middle(wave)), abs=0.1)


def test_colour_gives_each_frequency_its_gain() -> None:
    gains_db = (3.0, -2.0, 0.0, 6.0, -6.0, 1.0, -3.0)
    change = Augmentation(colour_db=gains_db)
    for hz, wanted_db in zip(_COLOUR_POINTS_HZ, gains_db, strict=True):
        assert gain_db(hz, change) == pytest.approx(wanted_db, abs=0.1), hz
    # Between two points the gain goes straight from one to the other on a logarithmic axis.
    assert gain_db(np.sqrt(400 * 1000), change) == pytest.approx(3.0, abs=0.1)


def test_the_low_pass_lets_the_lows_through_and_stops_the_highs() -> None:
    change = Augmentation(lowpass_hz=3000)
    assert gain_db(500, change) == pytest.approx(0, abs=0.05)
    assert gain_db(3000, change) == pytest.approx(-3.01, abs=0.1)
    assert gain_db(6000, change) == pytest.approx(-36, abs=0.5)
    assert gain_db(12_000, change) < -60


@pytest.mark.parametrize("rt60_s", [0.15, 0.5])
def test_a_room_falls_by_sixty_decibels_in_its_reverberation_time(rt60_s: float) -> None:
    change = Augmentation(room_rt60_s=rt60_s, room_wet_db=-6.0, room_seed=1)
    click = np.zeros(RATE_HZ, np.float32)
    click[0] = 1.0
    answer = apply(click, RATE_HZ, change)
    assert answer[0] == pytest.approx(1.0, abs=1e-3)
    tail = answer[1:].astype(np.float64)
    assert power_db(tail) + 10 * np.log10(len(tail)) == pytest.approx(-6.0, abs=0.1)
    # Schroeder's backward integral; the last decibels are left out because the tail ends at -60 dB.
    left_db = 10 * np.log10(np.cumsum(tail[::-1] ** 2)[::-1] / np.sum(tail**2) + 1e-20)
    used = (left_db < -5) & (left_db > -35)
    slope_db = np.polyfit(np.flatnonzero(used) / RATE_HZ, left_db[used], 1)[0]
    assert -60 / slope_db == pytest.approx(rt60_s, rel=0.08)


def test_a_room_of_another_seed_is_another_room() -> None:
    wave = tone(1000, 0.5, RATE_HZ)[0]
    room = Augmentation(room_rt60_s=0.3, room_wet_db=-3.0, room_seed=1)
    assert np.array_equal(apply(wave, RATE_HZ, room), apply(wave, RATE_HZ, replace(room)))
    assert not np.allclose(apply(wave, RATE_HZ, room), apply(wave, RATE_HZ, replace(room, room_seed=2)), atol=1e-3)


@given(st.integers(0, 1 << 31))
def test_what_is_drawn_lies_within_the_settings_and_repeats(seed: int) -> None:
    change = draw(ALL, np.random.default_rng(seed))
    assert change == draw(ALL, np.random.default_rng(seed))
    assert 2**-0.51 < change.speed < 2**0.51
    assert change.room_rt60_s == 0 or 0.08 <= change.room_rt60_s <= 0.6
    assert change.room_rt60_s == 0 or -18 <= change.room_wet_db <= -3
    assert change.lowpass_hz == 0 or 3000 <= change.lowpass_hz <= 12_000
    assert np.all(np.abs(change.colour_db) < 25)


def test_without_strength_nothing_is_changed() -> None:
    change = draw(AugmentSettings(), np.random.default_rng(0))
    wave = tone(1000, 0.2, RATE_HZ)[0]
    assert change == Augmentation()
    assert np.array_equal(apply(wave, RATE_HZ, change), wave)

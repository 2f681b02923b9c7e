"""Each variation of a clip does what its name says, by the amount that was drawn."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from numpy.typing import NDArray

from recordings import noise, tone
from soundsieve.audio import power_db
from soundsieve.errors import SettingsError
from soundsieve.mixing import Bank
from soundsieve.mixing.bank import recording
from soundsieve.mixing.generators import Purpose, generator_for
from soundsieve.mixing.stretch import stretch
from soundsieve.mixing.transforms import Transform, TransformSettings, apply_transform, draw_transform

RATE_HZ = 44_100
WIDE = TransformSettings(
    noise_sigma=(0.001, 0.02),
    stretch=(0.8, 1.25),
    pitch_semitones=(-5, 5),
    volume=(0.25, 2),
    background_snr_db=(0, 20),
    shift_s=0.5,
)


def bank(*waveforms: NDArray[np.float32]) -> Bank:
    return Bank(RATE_HZ, tuple(recording(wave, RATE_HZ, label="") for wave in waveforms))


def peak_hz(wave: NDArray[np.float32]) -> float:
    """Frequency of the loudest partial, to a fraction of a Hz."""
    size = 8 * RATE_HZ
    return float(np.abs(np.fft.rfft(wave * np.hanning(len(wave)), size)).argmax() * RATE_HZ / size)


def middle(wave: NDArray[np.float32]) -> NDArray[np.float32]:
    return wave[len(wave) // 4 : 3 * len(wave) // 4]


def kind(change: Transform) -> str:
    """Which of the study's variations this is."""
    found = {
        "noise": change.noise_sigma != 0,
        "stretch": change.stretch != 1,
        "pitch": change.pitch_semitones != 0,
        "volume": change.volume != 1,
        "background": change.background_snr_db is not None,
    }
    names = [name for name, is_drawn in found.items() if is_drawn]
    assert len(names) <= 1
    return names[0] if names else "nothing"


# --- stretch and pitch


@pytest.mark.parametrize("hz", [220.0, 1000.0, 5000.0])
@pytest.mark.parametrize("speed", [0.5, 0.8, 1.25, 2.0])
def test_a_stretched_tone_keeps_its_pitch_and_level_and_changes_its_length(hz: float, speed: float) -> None:
    wave = tone(hz, 1.0, RATE_HZ)[0]
    changed = apply_transform(wave, RATE_HZ, Transform(stretch=speed))
    assert len(changed) == round(len(wave) / speed)
    assert peak_hz(changed) == pytest.approx(hz, rel=0.001)
    assert power_db(middle(changed)) == pytest.approx(power_db(middle(wave)), abs=0.1)


@pytest.mark.parametrize("semitones", [-12.0, -5.0, 3.5, 7.0])
def test_a_shifted_tone_moves_by_the_semitones_and_keeps_its_length_and_level(semitones: float) -> None:
    wave = tone(1000, 1.0, RATE_HZ)[0]
    changed = apply_transform(wave, RATE_HZ, Transform(pitch_semitones=semitones))
    assert len(changed) == len(wave)
    assert peak_hz(changed) == pytest.approx(1000 * 2 ** (semitones / 12), rel=0.001)
    assert power_db(middle(changed)) == pytest.approx(power_db(middle(wave)), abs=0.1)


def test_at_its_own_speed_every_sample_comes_back() -> None:
    wave = noise(30_000)[0]
    wave[10_000:20_000] = 0  # sounds that begin again after silence, too
    assert np.abs(stretch(wave, 1.0) - wave).max() < 1e-5


@pytest.mark.parametrize("speed", [0.5, 2.0])
def test_stretched_noise_loses_little_and_a_chord_keeps_both_notes(speed: float) -> None:
    hiss = noise(RATE_HZ)[0]
    loss_db = power_db(hiss) - power_db(middle(stretch(hiss, speed)))
    assert loss_db == pytest.approx({0.5: 0.9, 2.0: 2.1}[speed], abs=0.3)
    chord = tone(440, 1.0, RATE_HZ)[0] + tone(660, 1.0, RATE_HZ, amplitude=0.1)[0]
    cut = middle(stretch(chord, speed))
    spectrum = np.abs(np.fft.rfft(cut * np.hanning(len(cut)), 8 * RATE_HZ)) / (len(cut) / 4)
    assert spectrum[8 * 430 : 8 * 450].max() == pytest.approx(0.5, rel=0.05)
    assert spectrum[8 * 650 : 8 * 670].max() == pytest.approx(0.1, rel=0.05)


@pytest.mark.parametrize("speed", [0.5, 0.8, 2.0])
def test_what_was_at_a_time_is_at_that_time_over_the_speed(speed: float) -> None:
    wave = np.zeros(2 * RATE_HZ, np.float32)
    wave[RATE_HZ : RATE_HZ + 4000] = tone(1000, 4000 / RATE_HZ, RATE_HZ)[0]
    power = stretch(wave, speed).astype(np.float64) ** 2
    centre = np.sum(power * np.arange(len(power))) / power.sum()
    assert centre == pytest.approx((RATE_HZ + 2000) / speed, abs=256)


@given(st.integers(0, 6000), st.floats(0.3, 3.0))
@examples(max_examples=30)
def test_any_length_is_stretched_to_its_length(frames: int, speed: float) -> None:
    changed = stretch(noise(frames)[0], speed)
    assert len(changed) == round(frames / speed)
    assert np.all(np.isfinite(changed))


def test_digital_silence_stays_silent_and_a_speed_of_nought_is_refused() -> None:
    assert not np.any(stretch(np.zeros(5000, np.float32), 1.5))
    with pytest.raises(ValueError, match=r"speed = 0.0: must be above 0"):
        stretch(np.zeros(10, np.float32), 0.0)


# --- noise, volume, shift, clamp


def test_the_noise_is_gaussian_and_has_the_drawn_deviation() -> None:
    silence = np.zeros(400_000, np.float32)
    added = apply_transform(silence, RATE_HZ, Transform(noise_sigma=0.01, seed=3)).astype(np.float64)
    assert added.std() == pytest.approx(0.01, rel=0.0058)  # 0.05 dB
    assert added.mean() == pytest.approx(0, abs=5e-5)
    assert np.mean((added / 0.01) ** 4) == pytest.approx(3, abs=0.05)  # 1.8 if it were uniform
    assert abs(np.corrcoef(added[1:], added[:-1])[0, 1]) < 0.01
    other = apply_transform(silence, RATE_HZ, Transform(noise_sigma=0.01, seed=4))
    assert abs(np.corrcoef(added, other)[0, 1]) < 0.01


def test_noise_is_added_to_the_clip_and_the_clip_itself_is_kept() -> None:
    wave = tone(1000, 0.1, RATE_HZ)[0]
    before = wave.copy()
    change = Transform(noise_sigma=0.01, seed=3)
    added = apply_transform(np.zeros_like(wave), RATE_HZ, change)
    assert np.allclose(apply_transform(wave, RATE_HZ, change) - wave, added, atol=1e-6)
    assert np.array_equal(wave, before)


def test_the_volume_is_the_gain_exactly() -> None:
    wave = noise(1000)[0]
    assert np.array_equal(apply_transform(wave, RATE_HZ, Transform(volume=0.25)), wave * np.float32(0.25))


def test_a_shift_turns_the_clip_round() -> None:
    wave = noise(1000)[0]
    later = apply_transform(wave, 1000, Transform(shift_s=0.1))
    assert np.array_equal(later[100:], wave[:900])
    assert np.array_equal(later[:100], wave[900:])


@pytest.mark.parametrize(
    "change",
    [
        Transform(),
        Transform(volume=50),
        Transform(noise_sigma=0.5),
        Transform(stretch=2.0),
        Transform(pitch_semitones=-5),
        Transform(background_snr_db=-20, seed=1),
    ],
)
def test_everything_is_clamped_to_full_scale(change: Transform) -> None:
    wave = 4 * noise(8000)[0]
    result = apply_transform(wave, RATE_HZ, change, bank(noise(9000, seed=1)[0]))
    assert result.dtype == np.float32
    assert result.max() == 1
    assert result.min() == -1


def test_nothing_changes_nothing_within_full_scale() -> None:
    wave = noise(1000)[0]
    result = apply_transform(wave, RATE_HZ, Transform())
    assert np.array_equal(result, wave)
    assert not np.shares_memory(result, wave)


# --- background


@pytest.mark.parametrize("snr_db", [-5.0, 0.0, 10.0, 23.4])
@pytest.mark.parametrize("background_s", [0.3, 4.0])
def test_the_background_is_at_its_snr_below_what_sounds_of_the_clip(snr_db: float, background_s: float) -> None:
    clip = np.zeros(2 * RATE_HZ, np.float32)
    clip[:RATE_HZ] = tone(1000, 1.0, RATE_HZ, amplitude=0.05)[0]  # -29.03 dB where it sounds, 3 dB less as a whole
    backgrounds = bank(noise(round(background_s * RATE_HZ), seed=2)[0])
    added = apply_transform(clip, RATE_HZ, Transform(background_snr_db=snr_db, seed=5), backgrounds) - clip
    assert power_db(clip[:RATE_HZ]) - power_db(added) == pytest.approx(snr_db, abs=0.05)
    assert power_db(added[-RATE_HZ // 2 :]) == pytest.approx(power_db(added), abs=0.5)  # to the very end


def test_the_background_is_a_cut_of_a_recording_drawn_by_the_seed() -> None:
    clip = tone(1000, 0.2, RATE_HZ, amplitude=0.05)[0]
    long = noise(RATE_HZ, seed=2)[0]
    starts, sources = set(), Counter[bool]()
    for seed in range(20):
        change = Transform(background_snr_db=10, seed=seed)
        added = apply_transform(clip, RATE_HZ, change, bank(long)) - clip
        likeness = np.correlate(long, added / np.linalg.norm(added), "valid")
        start = int(likeness.argmax())
        assert likeness[start] == pytest.approx(np.linalg.norm(long[start : start + len(clip)]), rel=1e-3)
        starts.add(start)
        hum = tone(50, 1.0, RATE_HZ)[0]
        mixed = apply_transform(clip, RATE_HZ, change, bank(long, hum)) - clip
        sources[peak_hz(mixed) < 100] += 1
    assert len(starts) > 15
    assert min(sources[True], sources[False]) >= 5


def test_the_cut_is_taken_where_the_background_sounds() -> None:
    rare = np.zeros(20 * RATE_HZ, np.float32)
    rare[7 * RATE_HZ : 7 * RATE_HZ + 4000] = noise(4000)[0]
    clip = tone(1000, 0.5, RATE_HZ, amplitude=0.05)[0]
    for seed in range(10):
        added = apply_transform(clip, RATE_HZ, Transform(background_snr_db=20, seed=seed), bank(rare)) - clip
        assert power_db(clip) - power_db(added) == pytest.approx(20, abs=0.05)


def test_a_silent_clip_stays_silent_under_a_background() -> None:
    silence = np.zeros(1000, np.float32)
    change = Transform(background_snr_db=10)
    assert not np.any(apply_transform(silence, RATE_HZ, change, bank(noise(500)[0])))


@pytest.mark.parametrize("none", [None, Bank(RATE_HZ, ())])
def test_a_background_needs_recordings(none: Bank | None) -> None:
    with pytest.raises(SettingsError, match="'background' needs recordings to add, found none"):
        apply_transform(noise(100)[0], RATE_HZ, Transform(background_snr_db=10), none)


def test_waveforms_of_another_shape_and_backgrounds_of_another_rate_are_refused() -> None:
    with pytest.raises(ValueError, match=r"expected a waveform of shape \(time,\), found shape \(1, 100\)"):
        apply_transform(noise(100), RATE_HZ, Transform())
    with pytest.raises(ValueError, match="expected backgrounds at 16000 Hz, found 44100 Hz"):
        apply_transform(noise(100)[0], 16_000, Transform(background_snr_db=10), bank(noise(500)[0]))


# --- drawing


def test_the_defaults_are_the_studys_and_each_is_drawn_about_equally_often() -> None:
    settings = TransformSettings()
    drawn = [draw_transform(settings, generator_for(0, 0, clip)) for clip in range(3000)]
    counts = Counter(kind(change) for change in drawn)
    assert set(counts) == set(settings.choices)
    deviation = np.sqrt(3000 * (1 / 6) * (5 / 6))
    assert all(abs(count - 500) < 3 * deviation for count in counts.values()), counts
    strengths = {(c.noise_sigma, c.stretch, c.pitch_semitones, c.volume, c.background_snr_db, c.shift_s) for c in drawn}
    assert strengths == {
        (0, 1, 0, 1, None, 0),
        (0.01, 1, 0, 1, None, 0),
        (0, 2, 0, 1, None, 0),
        (0, 1, -5, 1, None, 0),
        (0, 1, 0, 0.25, None, 0),
        (0, 1, 0, 1, 10, 0),
    }


def test_ranges_are_filled_to_their_ends_ratios_on_a_logarithmic_axis() -> None:
    drawn = [draw_transform(WIDE, generator_for(1, 2, clip)) for clip in range(3000)]
    spans = {"noise": "noise_sigma", "stretch": "stretch", "pitch": "pitch_semitones", "volume": "volume"}
    for name, field in {**spans, "background": "background_snr_db"}.items():
        low, high = getattr(WIDE, field)
        values = np.array([getattr(change, field) for change in drawn if kind(change) == name])
        is_ratio = name in {"noise", "stretch", "volume"}
        places = np.log(values / low) / np.log(high / low) if is_ratio else (values - low) / (high - low)
        assert 0 <= places.min() < 0.02, name
        assert 0.98 < places.max() <= 1, name
        assert places.mean() == pytest.approx(0.5, abs=0.05), name
    shifts = np.array([change.shift_s for change in drawn])
    assert np.abs(shifts).max() == pytest.approx(0.5, abs=0.01)
    assert shifts.mean() == pytest.approx(0, abs=0.03)


def test_a_name_given_twice_is_drawn_twice_as_often() -> None:
    settings = TransformSettings(choices=("nothing", "volume", "volume"))
    drawn = [kind(draw_transform(settings, generator_for(0, 0, clip))) for clip in range(2000)]
    assert Counter(drawn)["volume"] == pytest.approx(2000 * 2 / 3, abs=3 * np.sqrt(2000 * 2 / 9))


@given(st.integers(0, 1 << 40), st.integers(0, 500), st.integers(0, 1 << 20))
def test_the_same_key_draws_the_same_variation_within_the_settings(seed: int, epoch: int, clip: int) -> None:
    change = draw_transform(WIDE, generator_for(seed, epoch, clip))
    assert change == draw_transform(WIDE, generator_for(seed, epoch, clip))
    assert change.noise_sigma == 0 or 0.001 <= change.noise_sigma <= 0.02
    assert 0.8 <= change.stretch <= 1.25
    assert -5 <= change.pitch_semitones <= 5
    assert 0.25 <= change.volume <= 2
    assert change.background_snr_db is None or 0 <= change.background_snr_db <= 20
    assert abs(change.shift_s) <= 0.5


def test_the_same_key_gives_the_same_samples_whatever_was_drawn_before_and_another_key_others() -> None:
    wave = tone(700, 0.1, RATE_HZ, amplitude=0.05)[0]
    backgrounds = bank(noise(9000, seed=1)[0], noise(3000, seed=2)[0])

    def varied(seed: int, epoch: int, clip: int) -> bytes:
        change = draw_transform(WIDE, generator_for(seed, epoch, clip))
        return apply_transform(wave, RATE_HZ, change, backgrounds).tobytes()

    keys = [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1), (2, 0, 0), (0, 2, 0), (0, 0, 2)]
    np.random.seed(1)
    forwards = {key: varied(*key) for key in keys}
    np.random.seed(2)
    assert {key: varied(*key) for key in reversed(keys)} == forwards
    assert len(set(forwards.values())) == len(keys)


def test_nothing_is_taken_from_the_global_generator() -> None:
    np.random.seed(1)
    expected = np.random.random()
    np.random.seed(1)
    for clip in range(20):
        change = draw_transform(WIDE, generator_for(0, 0, clip))
        apply_transform(noise(3000)[0], RATE_HZ, change, bank(noise(4000)[0]))
    assert np.random.random() == expected


def test_clips_and_batches_draw_apart_and_no_two_keys_meet() -> None:
    keys = [(seed, epoch, clip) for seed in (0, 1, 2) for epoch in (0, 1, 2) for clip in (0, 1, 2)]
    drawn = [int(generator_for(*key, purpose).integers(1 << 62)) for key in keys for purpose in Purpose]
    assert len(set(drawn)) == len(drawn)
    # mixtures are drawn from default_rng([seed, draw, epoch, index]), with numbers after it for other draws
    lists = [[0] * length for length in range(1, 7)]
    assert not set(drawn) & {int(np.random.default_rng(key).integers(1 << 62)) for key in lists}


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"choices": []}, r"choices = \[\]"),
        ({"choices": ["nothing", "reverb"]}, "choices.1 = 'reverb': input should be 'nothing', 'noise'"),
        ({"stretch": [0, 2]}, "stretch = .*: expected two numbers above 0"),
        ({"stretch": [0.5, 20]}, "stretch = .*: expected two numbers from 0.1 to 10"),
        ({"pitch_semitones": [-48, 0]}, "pitch_semitones = .*: expected two numbers from -36 to 36"),
        ({"volume": [2, 1]}, "volume = .*: expected two numbers, the smaller one first"),
        ({"noise_sigma": [0.1, 2]}, "noise_sigma = .*: expected two numbers from 0 to 1"),
        ({"shift_s": -1}, "shift_s = -1"),
        ({"strech": [1, 2]}, "unknown key 'strech': did you mean 'stretch'"),
    ],
)
def test_settings_outside_what_is_allowed_are_sentences(values: dict[str, object], sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        TransformSettings.parse(values)

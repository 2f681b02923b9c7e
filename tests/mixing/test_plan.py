"""What a mixture is made of is decided by its key alone, and within the limits of the protocol."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sounds import LABELS, RATE_HZ, background_bank, event_bank
from soundsieve.errors import SettingsError
from soundsieve.mixing import AugmentSettings, Bank, Mixture, MixtureSettings, Source, plan_mixture
from soundsieve.mixing.bank import active_fraction, recording

EVENTS, BACKGROUNDS = event_bank(others=2), background_bank()
PAPER = MixtureSettings()
VARIED = MixtureSettings(augment=AugmentSettings(speed_octaves=0.5, room_probability=0.5), distractor_probability=0.5)

keys = st.tuples(st.integers(0, 1 << 31), st.integers(0, 1 << 31), st.integers(0, 1 << 31))


def plan(key: tuple[int, ...], settings: MixtureSettings = PAPER, bank: Bank = EVENTS) -> Mixture:
    return plan_mixture(bank, BACKGROUNDS, settings, key)


@given(keys, keys)
def test_a_plan_depends_on_its_key_and_on_nothing_else(key: tuple[int, ...], other: tuple[int, ...]) -> None:
    first = plan(key, VARIED)
    np.random.seed(other[0])
    if other != key:
        assert plan(other, VARIED) != first
    assert plan(key, VARIED) == first


@pytest.mark.parametrize(("classes", "events"), [(3, [2, 2, 2]), (4, [1, 1, 2, 2]), (5, [1, 1, 1, 1, 2])])
def test_six_events_are_dealt_to_the_classes_evenly(classes: int, events: list[int]) -> None:
    mixture = plan((0, classes), MixtureSettings(classes=(classes, classes)))
    assert sorted(Counter(event.label for event in mixture.events).values()) == events
    assert mixture.labels == tuple(sorted({event.label for event in mixture.events}))


@given(keys, st.sampled_from([PAPER, VARIED]))
def test_every_event_lies_inside_its_recording_and_inside_the_mixture(
    key: tuple[int, ...], settings: MixtureSettings
) -> None:
    mixture = plan(key, settings)
    assert mixture.length == 6 * RATE_HZ
    for event in mixture.events:
        frames = EVENTS.frames(event.recording)
        sounding = event.length / event.augmentation.speed
        assert EVENTS.recordings[event.recording].label == event.label
        assert event.start >= 0
        assert event.start + event.length <= frames
        assert event.onset >= 0
        assert event.onset + sounding <= mixture.length + 1
        assert sounding <= 3 * RATE_HZ + 1
        assert sounding >= 1.5 * RATE_HZ - 1 or event.length == frames
    assert mixture.background is not None
    assert mixture.background_start + mixture.length <= BACKGROUNDS.frames(mixture.background)
    assert 15 <= mixture.background_db <= 25


def test_all_that_may_happen_does_happen() -> None:
    mixtures = [plan((0, index), VARIED) for index in range(200)]
    assert {len(mixture.labels) for mixture in mixtures} == {3, 4, 5}
    assert {label for mixture in mixtures for label in mixture.labels} == set(LABELS)
    assert {mixture.background for mixture in mixtures} == {0, 1, 2}
    distracted = [mixture for mixture in mixtures if any(not event.label for event in mixture.events)]
    assert 60 < len(distracted) < 140
    assert all(len(mixture.events) == 7 and "" not in mixture.labels for mixture in distracted)
    lengths_s = [
        event.length / event.augmentation.speed / RATE_HZ for m in mixtures for event in m.events if event.label
    ]
    assert np.quantile(lengths_s, [0.02, 0.98]) == pytest.approx([1.5, 3.0], abs=0.1)


def test_a_cut_is_taken_where_the_recording_sounds() -> None:
    wave = np.zeros(20 * RATE_HZ, np.float32)
    wave[-4 * RATE_HZ :] = 0.1
    mostly_silent = Bank(RATE_HZ, tuple(recording(wave, RATE_HZ, label=label) for label in "abc"))
    settings = MixtureSettings(classes=(3, 3))
    events = [event for index in range(30) for event in plan((index,), settings, mostly_silent).events]
    shares = [active_fraction(mostly_silent.recordings[e.recording], e.start, e.length, RATE_HZ) for e in events]
    assert np.mean(np.array(shares) >= 0.3) > 0.9, "a cut at random would sound in one of five cases"
    careless = [
        event
        for index in range(30)
        for event in plan((index,), MixtureSettings(classes=(3, 3), activity=0.0), mostly_silent).events
    ]
    assert np.mean([e.start > 12 * RATE_HZ for e in careless]) < 0.5


def test_recordings_are_drawn_by_their_weight() -> None:
    def take(label: str, weight: float) -> object:
        wave = np.full(3 * RATE_HZ, 0.1, np.float32)
        return recording(wave, RATE_HZ, label=label, source=Source(Path(f"{weight}"), label, weight=weight))

    bank = Bank(RATE_HZ, (take("a", 3.0), take("a", 1.0), take("b", 1.0)))  # type: ignore[arg-type]
    settings = MixtureSettings(classes=(2, 2), events=2)
    drawn = Counter(e.recording for k in range(400) for e in plan((k,), settings, bank).events if e.label == "a")
    assert drawn[0] / 400 == pytest.approx(0.75, abs=0.07)


@pytest.mark.parametrize("classes", [(0, 3), (4, 3), (3, 7), (8, 8)])
def test_impossible_numbers_of_classes_are_refused(classes: tuple[int, int]) -> None:
    with pytest.raises(SettingsError, match=rf"classes = \[{classes[0]}, {classes[1]}\]"):
        plan((0,), MixtureSettings.parse({"classes": list(classes), "events": 6 if classes != (8, 8) else 8}))


@pytest.mark.parametrize(
    "wrong",
    [
        {"duration_s": 0},
        {"events": 0},
        {"events": 2},  # fewer than the classes that are there by default
        {"event_s": [0, 1]},
        {"event_s": [2, 1]},
        {"background_db": [25, 15]},
        {"event_level_db": [1, -1]},
        {"level_db": [0, float("nan")]},
        {"activity": 1.1},
        {"fade_s": -0.1},
        {"distractor_probability": 2},
        {"augment": {"speed_octaves": -1}},
        {"augment": {"colour_db": -1}},
        {"augment": {"room_probability": 1.5}},
        {"augment": {"room_rt60_s": [0, 1]}},
        {"augment": {"room_wet_db": [0, -1]}},
        {"augment": {"lowpass_hz": [-1, 100]}},
    ],
    ids=str,
)
def test_settings_that_no_mixture_can_have_are_refused(wrong: dict[str, object]) -> None:
    key, value = next(iter(wrong.items()))
    name = f"augment.{next(iter(value))}" if isinstance(value, dict) else "classes" if wrong == {"events": 2} else key
    with pytest.raises(SettingsError, match=rf"^MixtureSettings: {name} = .*: [a-z]"):
        MixtureSettings.parse(wrong)

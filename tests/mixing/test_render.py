"""A mixture sounds as it was decided, is the sum of its parts, and is the same everywhere."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import DataLoader, Dataset

from sounds import RATE_HZ, background_bank, event_bank
from soundsieve.audio import power_db
from soundsieve.mixing import AugmentSettings, Bank, Mixture, MixtureSettings, Rendered, plan_mixture, render
from soundsieve.mixing.bank import recording

EVENTS, BACKGROUNDS = event_bank(others=2), background_bank()
VARIED = MixtureSettings(
    augment=AugmentSettings(speed_octaves=0.4, colour_db=3, room_probability=0.5, lowpass_probability=0.5),
    distractor_probability=0.5,
    level_db=(-40.0, -20.0),
)


def mix(key: int, protocol: MixtureSettings, *, background: bool = True) -> tuple[Mixture, Rendered]:
    banks = (EVENTS, BACKGROUNDS if background else None)
    plan = plan_mixture(*banks, protocol, (key,))
    return plan, render(plan, *banks)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([MixtureSettings(), VARIED]))
def test_the_parts_add_up_to_the_mixture_exactly(key: int, protocol: MixtureSettings) -> None:
    plan, sound = mix(key, protocol)
    assert tuple(sound.references) == plan.labels
    assert sound.mixture.shape == (plan.length,)
    assert np.array_equal(sound.mixture, np.sum([*sound.references.values(), sound.residual], axis=0))
    assert all(np.any(reference) for reference in sound.references.values())
    assert power_db(sound.mixture) == pytest.approx(plan.level_db, abs=0.1)


@pytest.mark.parametrize("key", range(8))
def test_the_events_lie_over_the_background_as_planned(key: int) -> None:
    plan, sound = mix(key, MixtureSettings())
    events = np.sum(list(sound.references.values()), axis=0)
    assert power_db(events) - power_db(sound.residual) == pytest.approx(plan.background_db, abs=0.1)


def test_each_event_has_its_level_and_stays_in_its_place() -> None:
    plan, sound = mix(3, MixtureSettings(classes=(3, 3), events=3, event_level_db=(-6, 6)))
    levels_db = []
    for event in plan.events:
        reference = sound.references[event.label].copy()
        levels_db.append(power_db(reference[event.onset : event.onset + event.length]) - (event.level_db or 0))
        reference[event.onset : event.onset + event.length] = 0
        assert not np.any(reference), "an event leaks out of its place"
    assert np.ptp(levels_db) < 0.1


def test_levels_as_recorded_are_kept() -> None:
    waves = {"loud": 0.4, "soft": 0.04}
    bank = Bank(
        RATE_HZ, tuple(recording(np.full(16_000, x, np.float32), RATE_HZ, label=name) for name, x in waves.items())
    )
    plan = plan_mixture(bank, None, MixtureSettings(classes=(2, 2), events=2, event_level_db=None), (0,))
    sound = render(plan, bank, None)
    ratio = np.abs(sound.references["loud"]).max() / np.abs(sound.references["soft"]).max()
    assert ratio == pytest.approx(10, rel=1e-3)


def test_a_distractor_belongs_to_what_no_class_is_asked_for() -> None:
    always = MixtureSettings(distractor_probability=1.0)
    plan, sound = mix(0, always, background=False)
    distractor = plan.events[-1]
    assert distractor.label == ""
    assert np.any(sound.residual[distractor.onset : distractor.onset + distractor.length])
    _, quiet = mix(0, MixtureSettings(), background=False)
    assert not np.any(quiet.residual)


def test_a_short_background_fills_the_whole_mixture() -> None:
    short = background_bank(duration_s=1.5)
    plan = plan_mixture(EVENTS, short, MixtureSettings(), (0,))
    residual = render(plan, EVENTS, short).residual.reshape(-1, RATE_HZ // 4)
    levels_db = [power_db(part) for part in residual]
    assert np.ptp(levels_db) < 2, "a hole or a bump where the recording was repeated"


class Mixtures(Dataset[torch.Tensor]):
    """Twelve mixtures."""

    def __len__(self) -> int:
        return 12

    def __getitem__(self, index: int) -> torch.Tensor:
        _, sound = mix(index, VARIED)
        return torch.from_numpy(np.stack([sound.mixture, sound.residual]))


def test_the_number_of_workers_changes_nothing() -> None:
    loaded = [torch.cat(list(DataLoader(Mixtures(), batch_size=3, num_workers=workers))) for workers in (0, 1, 2)]
    assert torch.equal(loaded[0], loaded[1])
    assert torch.equal(loaded[0], loaded[2])
    assert not torch.equal(loaded[0][0], loaded[0][1])

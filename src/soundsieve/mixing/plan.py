"""Deciding a mixture: which recordings, which part of each, when and how loud, all from one seed.

The protocol is that of Ochiai et al., "Listen to What You Want" (Interspeech 2020), section 3.1: six events of three to
five classes over a background, every number a setting.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from pydantic import Field, ValidationInfo, field_validator

from soundsieve.errors import SettingsError
from soundsieve.mixing.augment import Augmentation, AugmentSettings, draw
from soundsieve.mixing.bank import Bank, active_fraction
from soundsieve.settings import PositiveSpan, Settings, Span

_TRIES = 12  # cuts drawn before the liveliest of them is taken


class MixtureSettings(Settings):
    """The mixture protocol; the defaults are the paper's, with event levels equalised."""

    duration_s: float = Field(6.0, gt=0, allow_inf_nan=False)
    events: int = Field(6, ge=1)
    classes: tuple[int, int] = Field((3, 5), validate_default=True)
    event_s: PositiveSpan = (1.5, 3.0)
    background_db: Span = (15.0, 25.0)  # all events together above the background
    event_level_db: Span | None = (-2.5, 2.5)  # around a common level; None: as recorded
    level_db: Span = (-26.0, -26.0)  # RMS of the finished mixture, dB full scale
    activity: float = Field(0.3, ge=0, le=1)  # a cut must sound for this share of its length, if the recording allows
    fade_s: float = Field(0.005, ge=0, allow_inf_nan=False)  # at both ends of a cut, so that cutting does not click
    distractor_probability: float = Field(0.0, ge=0, le=1)  # one event more, of no class anybody can ask for
    augment: AugmentSettings = AugmentSettings()

    @field_validator("classes")
    @classmethod
    def _as_many_as_events(cls, value: tuple[int, int], info: ValidationInfo) -> tuple[int, int]:
        events = info.data.get("events")  # not there when it is wrong itself
        if events is not None and not 1 <= value[0] <= value[1] <= events:
            raise ValueError(f"expected 1 ≤ least ≤ most ≤ events ({events})")
        return value


@dataclass(frozen=True, slots=True)
class Event:
    """One event: a cut of a recording, placed in the mixture.

    Attributes:
        recording: Position in the bank.
        label: Its class, empty for a distractor.
        start: First sample of the cut in the recording.
        length: Samples cut from the recording (before its speed is changed).
        onset: First sample in the mixture.
        level_db: RMS level, relative to the other events; None keeps the recorded level.
        augmentation: How the cut is varied.
    """

    recording: int
    label: str
    start: int
    length: int
    onset: int
    level_db: float | None
    augmentation: Augmentation


@dataclass(frozen=True, slots=True)
class Mixture:
    """A decided mixture: enough to render it, nothing of its sound.

    Attributes:
        sample_rate: In Hz; every position counts samples at this rate.
        length: Samples of the mixture.
        labels: The classes in it, sorted.
        events: What sounds.
        background: Position of the background in its bank; None for none.
        background_start: First sample of the cut (the background is looped when it is too short).
        background_db: Level of all events together above the background.
        level_db: RMS level of the mixture, dB full scale.
        fade: Samples of fade at both ends of an event.
    """

    sample_rate: int
    length: int
    labels: tuple[str, ...]
    events: tuple[Event, ...]
    background: int | None
    background_start: int
    background_db: float
    level_db: float
    fade: int

    def to_json(self) -> dict[str, Any]:
        """Plain values for a manifest."""
        return asdict(self)


def plan_mixture(bank: Bank, backgrounds: Bank | None, settings: MixtureSettings, key: Sequence[int]) -> Mixture:
    """Decide one mixture.

    Args:
        bank: The events' recordings.
        backgrounds: The backgrounds' recordings, at the same rate; None for none.
        settings: The protocol.
        key: What the decision depends on, and nothing else: (seed, epoch, index).

    Raises:
        SettingsError: when the bank holds fewer classes than a mixture needs.
    """
    rng = np.random.default_rng(list(key))
    low, high = settings.classes
    labels = bank.labels
    if len(labels) < high:
        raise SettingsError(f"classes = [{low}, {high}]: the recordings hold only {len(labels)} classes")
    chosen = rng.permutation(len(labels))[: rng.integers(low, high + 1)]
    # Round robin deals 6 events to 3 classes as 2+2+2 and to 5 classes as 2+1+1+1+1.
    dealt = [labels[chosen[k % len(chosen)]] for k in range(settings.events)]
    if settings.distractor_probability and "" in bank.by_label and rng.random() < settings.distractor_probability:
        dealt.append("")
    length = round(settings.duration_s * bank.sample_rate)
    events = tuple(_plan_event(bank, label, length, settings, rng) for label in dealt)
    background, background_start = _plan_background(backgrounds, length, rng)
    return Mixture(
        sample_rate=bank.sample_rate,
        length=length,
        labels=tuple(sorted(labels[k] for k in chosen)),
        events=events,
        background=background,
        background_start=background_start,
        background_db=round(float(rng.uniform(*settings.background_db)), 3),
        level_db=round(float(rng.uniform(*settings.level_db)), 3),
        fade=round(settings.fade_s * bank.sample_rate),
    )


def _plan_event(
    bank: Bank, label: str, mixture_length: int, settings: MixtureSettings, rng: np.random.Generator
) -> Event:
    row = int(rng.choice(bank.by_label[label], p=bank.chances[label]))
    change = draw(settings.augment, rng)
    wanted = rng.uniform(*settings.event_s) * bank.sample_rate
    available = bank.frames(row)
    length = max(1, min(available, round(wanted * change.speed), int(mixture_length * change.speed)))
    start = _lively_start(bank, row, length, settings.activity, rng)
    sounding = min(mixture_length, round(length / change.speed))
    span = settings.event_level_db
    return Event(
        recording=row,
        label=label,
        start=start,
        length=length,
        onset=int(rng.integers(0, mixture_length - sounding + 1)),
        level_db=None if span is None else round(float(rng.uniform(*span)), 3),
        augmentation=change,
    )


def _lively_start(bank: Bank, row: int, length: int, enough: float, rng: np.random.Generator) -> int:
    """A random cut that sounds: ESC-50 pads short sounds with silence, and a silent target teaches nothing."""
    best, best_share = 0, -1.0
    for _ in range(_TRIES):
        start = int(rng.integers(0, bank.frames(row) - length + 1))
        share = active_fraction(bank.recordings[row], start, length, bank.sample_rate)
        if share >= enough:
            return start
        if share > best_share:
            best, best_share = start, share
    return best


def _plan_background(backgrounds: Bank | None, length: int, rng: np.random.Generator) -> tuple[int | None, int]:
    if backgrounds is None or not backgrounds.recordings:
        return None, 0
    row = int(rng.integers(len(backgrounds.recordings)))
    spare = max(0, backgrounds.frames(row) - length)
    return row, int(rng.integers(0, spare + 1))

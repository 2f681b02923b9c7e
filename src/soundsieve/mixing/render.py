"""Sounding a decided mixture: the mixture, one reference for each class, and what belongs to no class."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from soundsieve import audio
from soundsieve.mixing import augment
from soundsieve.mixing.bank import Bank
from soundsieve.mixing.plan import Event, Mixture

_LOOP_FADE_S = 0.1


@dataclass(frozen=True)
class Rendered:
    """A sounding mixture; mixture = sum of the references + residual, exactly.

    Attributes:
        mixture: Shape (time,).
        references: Class → the sum of its events, shape (time,).
        residual: Background and distractors, shape (time,).
        recordings: Class → the positions in the bank of the recordings its events are cut from.
    """

    mixture: NDArray[np.float32]
    references: dict[str, NDArray[np.float32]]
    residual: NDArray[np.float32]
    recordings: dict[str, tuple[int, ...]] = field(default_factory=dict)


def render(plan: Mixture, bank: Bank, backgrounds: Bank | None) -> Rendered:
    """Sound a mixture; the same plan and banks give the same samples on any number of workers."""
    references = {label: np.zeros(plan.length, np.float32) for label in plan.labels}
    residual = np.zeros(plan.length, np.float32)
    for event in plan.events:
        waveform = _sound(event, bank, plan)
        target = references[event.label] if event.label else residual
        target[event.onset : event.onset + len(waveform)] += waveform
    events = np.sum([*references.values(), residual], axis=0)
    if plan.background is not None and backgrounds is not None:
        available = backgrounds.recordings[plan.background].waveform(plan.background_start, plan.length)
        noise = audio.loop_to(available[None], plan.length, round(_LOOP_FADE_S * plan.sample_rate))[0]
        residual += audio.scale_to_db(noise, float(audio.rms_db(events)) - plan.background_db)
    mixture = np.sum([*references.values(), residual], axis=0)
    gain = (
        np.float32(audio.db_to_gain(plan.level_db - float(audio.rms_db(mixture)))) if np.any(mixture) else np.float32(1)
    )
    references = {label: gain * reference for label, reference in references.items()}
    residual = gain * residual
    cut_from = {label: tuple(event.recording for event in plan.events if event.label == label) for label in plan.labels}
    return Rendered(np.sum([*references.values(), residual], axis=0), references, residual, cut_from)


def _sound(event: Event, bank: Bank, plan: Mixture) -> NDArray[np.float32]:
    waveform = bank.recordings[event.recording].waveform(event.start, event.length)
    waveform = augment.apply(waveform, plan.sample_rate, event.augmentation)[: plan.length - event.onset]
    waveform = np.asarray(audio.fade_edges(waveform[None], min(plan.fade, len(waveform) // 2))[0])
    if event.level_db is None or not np.any(waveform):
        return waveform
    return audio.scale_to_db(waveform, event.level_db)

"""Variations of a whole clip, drawn with an explicit generator: noise, stretch, pitch, volume, background.

They are those of the study that the `tag` recipes reproduce: each clip is left alone or changed in one way.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, Field

from soundsieve import audio
from soundsieve.errors import SettingsError
from soundsieve.mixing import augment
from soundsieve.mixing.bank import ACTIVITY_FRAME_S, Bank, recording
from soundsieve.mixing.stretch import stretch
from soundsieve.settings import PositiveSpan, Settings, Span

_LOOP_FADE_S = 0.1

Choice = Literal["nothing", "noise", "stretch", "pitch", "volume", "background"]


def _between(least: float, most: float) -> AfterValidator:
    def check(pair: tuple[float, float]) -> tuple[float, float]:
        if pair[0] < least or pair[1] > most:
            raise ValueError(f"expected two numbers from {least:g} to {most:g}")
        return pair

    return AfterValidator(check)


class TransformSettings(Settings):
    """Which variations may be drawn, and how strong each is; the defaults are the study's fixed strengths."""

    # one is drawn for each clip, all equally likely; a name that stands here twice is drawn twice as often
    choices: tuple[Choice, ...] = Field(("nothing", "noise", "stretch", "pitch", "volume", "background"), min_length=1)
    noise_sigma: Annotated[PositiveSpan, _between(0, 1)] = (0.01, 0.01)  # of full scale
    stretch: Annotated[PositiveSpan, _between(0.1, 10)] = (2.0, 2.0)  # speed at the same pitch: 2 halves the length
    pitch_semitones: Annotated[Span, _between(-36, 36)] = (-5.0, -5.0)
    volume: PositiveSpan = (0.25, 0.25)
    background_snr_db: Annotated[Span, _between(-100, 100)] = (10.0, 10.0)  # the study does not say which
    # every clip is also turned round in time by up to ± this much; 0 leaves it
    shift_s: float = Field(0.0, ge=0, allow_inf_nan=False)


@dataclass(frozen=True, slots=True)
class Transform:
    """One drawn variation; the default changes nothing.

    Attributes:
        noise_sigma: Standard deviation of the Gaussian noise that is added; 0 for none.
        stretch: Speed at the same pitch, 1 is as recorded.
        pitch_semitones: How far the pitch moves at the same speed.
        volume: The gain.
        background_snr_db: Level of the clip above the background that is added; None for none.
        seed: Decides the noise's samples, and the background's recording and cut.
        shift_s: How much later the clip starts; its end comes round to its beginning.
    """

    noise_sigma: float = 0.0
    stretch: float = 1.0
    pitch_semitones: float = 0.0
    volume: float = 1.0
    background_snr_db: float | None = None
    seed: int = 0
    shift_s: float = 0.0


def draw_transform(settings: TransformSettings, rng: np.random.Generator) -> Transform:
    """Draw one variation; the same generator state gives the same one.

    Ratios (noise_sigma, stretch, volume) are drawn evenly on a logarithmic axis, the rest on a linear one. Every call
    takes the same numbers from the generator, so other strengths do not change which variation a clip gets.

    >>> draw_transform(TransformSettings(choices=("volume",)), np.random.default_rng(0)).volume
    0.25
    """
    choice = settings.choices[int(rng.integers(len(settings.choices)))]
    place, shift, seed = rng.random(), rng.uniform(-1, 1), int(rng.integers(1 << 32))
    shift_s = float(shift * settings.shift_s)
    if choice == "noise":
        return Transform(noise_sigma=_ratio(settings.noise_sigma, place), seed=seed, shift_s=shift_s)
    if choice == "stretch":
        return Transform(stretch=_ratio(settings.stretch, place), shift_s=shift_s)
    if choice == "pitch":
        return Transform(pitch_semitones=_number(settings.pitch_semitones, place), shift_s=shift_s)
    if choice == "volume":
        return Transform(volume=_ratio(settings.volume, place), shift_s=shift_s)
    if choice == "background":
        return Transform(background_snr_db=_number(settings.background_snr_db, place), seed=seed, shift_s=shift_s)
    return Transform(shift_s=shift_s)


def apply_transform(
    waveform: NDArray[np.float32], sample_rate: int, transform: Transform, backgrounds: Bank | None = None
) -> NDArray[np.float32]:
    """Vary a clip.

    Args:
        waveform: Shape (time,), without padding: a shift turns round what is given.
        sample_rate: In Hz.
        transform: The variation.
        backgrounds: Recordings at the same rate, for variations with a background. The SNR is the mean power of the
            clip where it sounds (its frames of 50 ms within 40 dB of the loudest) against that of the whole cut of the
            background, before clamping; a silent clip stays silent. A background that is too short is looped.

    Returns:
        A new waveform, clamped to [-1, 1], shape (time,), or (round(time / stretch),) when it is stretched.

    Raises:
        SettingsError: when the variation needs a background and there is none.
        ValueError: when the waveform has another number of axes, or the backgrounds another rate.

    >>> apply_transform(np.array([0.5, -8.0], np.float32), 16_000, Transform(volume=0.25))
    array([ 0.125, -1.   ], dtype=float32)
    """
    if waveform.ndim != 1:
        raise ValueError(f"expected a waveform of shape (time,), found shape {waveform.shape}")
    result = np.roll(waveform, round(transform.shift_s * sample_rate))
    if transform.stretch != 1.0:
        result = stretch(result, transform.stretch)
    if transform.pitch_semitones:
        result = _shift_pitch(result, sample_rate, transform.pitch_semitones)
    result = result * np.float32(transform.volume)
    if transform.background_snr_db is not None:
        result = result + _background(result, sample_rate, transform.background_snr_db, transform.seed, backgrounds)
    if transform.noise_sigma:
        noise = np.random.default_rng(transform.seed).standard_normal(len(result), np.float32)
        result = result + np.float32(transform.noise_sigma) * noise
    return np.asarray(np.clip(result, -1, 1), dtype=np.float32)


def _ratio(span: tuple[float, float], place: float) -> float:
    low, high = np.log(span)
    return float(np.clip(np.exp(low + place * (high - low)), *span))  # exact where both ends are the same


def _number(span: tuple[float, float], place: float) -> float:
    low, high = span
    return min(high, low + place * (high - low))


def _shift_pitch(waveform: NDArray[np.float32], sample_rate: int, semitones: float) -> NDArray[np.float32]:
    speed = 2 ** (semitones / 12)
    # Stretched first, so that playing it at another speed gives it its length back.
    played = augment.apply(stretch(waveform, 1 / speed), sample_rate, augment.Augmentation(speed=speed))
    return audio.cut(played, 0, len(waveform))


def _background(
    clip: NDArray[np.float32], sample_rate: int, snr_db: float, seed: int, backgrounds: Bank | None
) -> NDArray[np.float32]:
    """A cut of a recording, as long as the clip and `snr_db` below it."""
    if backgrounds is None or not backgrounds.recordings:
        raise SettingsError("choices: 'background' needs recordings to add, found none; name some or leave it out")
    if backgrounds.sample_rate != sample_rate:
        raise ValueError(f"expected backgrounds at {sample_rate} Hz, found {backgrounds.sample_rate} Hz")
    if not np.any(clip):
        return np.zeros_like(clip)
    frame = max(1, round(ACTIVITY_FRAME_S * sample_rate))
    sounds = np.repeat(recording(clip, sample_rate, label="").activity, frame)[: len(clip)]
    rng = np.random.default_rng(seed)
    item = backgrounds.recordings[int(rng.integers(len(backgrounds.recordings)))]
    # The cut is drawn around a frame that sounds: a silent one cannot be brought to any level.
    heard = int(rng.choice(np.flatnonzero(item.activity))) * frame
    start = heard - int(rng.integers(max(1, len(clip) - frame + 1)))
    start = min(max(start, 0), max(0, len(item.samples) - len(clip)))
    cut = audio.loop_to(item.waveform(start, len(clip))[None], len(clip), round(_LOOP_FADE_S * sample_rate))[0]
    return audio.scale_to_db(cut, audio.power_db(clip[sounds]) - snr_db)

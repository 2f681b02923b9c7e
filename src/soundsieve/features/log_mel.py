"""Log-mel spectrograms of batches of clips of different lengths, equal to those of librosa 0.11.

librosa pads the edges of a recording with zeros where `torch.stft` reflects them, so the padding is done here. Padding
of a batch is not sound: samples past a clip's length are silenced, frames past its own are 0, and neither takes part in
normalisation. A clip therefore has the same features alone and in any batch.

Axes: b batch, t time, f bin, m mel band, l frame.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field, ValidationInfo, field_validator
from torch import Tensor, nn

from soundsieve.features.mel import MelScale, mel_bands
from soundsieve.settings import Settings

# Below this deviation, of dB or of natural logarithms, there is nothing but rounding: silence is not blown up to noise.
_LEAST_DEVIATION = 1e-3


class LogMelSettings(Settings):
    """What is computed; the defaults are those of the study of ESC-50 that `tag` follows."""

    sample_rate: int = Field(44_100, ge=1, description="in Hz")
    n_fft: int = Field(1024, ge=2, multiple_of=2, description="length of the Fourier transform, in samples")
    win_length: int = Field(1024, ge=2, validate_default=True, description="length of the Hann window, in samples")
    hop: int = Field(256, ge=1, validate_default=True, description="samples from frame to frame")
    mel_scale: MelScale = "slaney"
    norm: Literal["slaney"] | None = Field("slaney", description="bands of area 1; None: of height 1")
    f_min_hz: float = Field(0.0, ge=0, allow_inf_nan=False)
    f_max_hz: float | None = Field(None, validate_default=True, description="None: half the sample rate")
    mels: int = Field(64, ge=1, validate_default=True, description="how many bands")
    power: float = Field(2.0, ge=1, le=2, description="exponent of the magnitude: 2 power, 1 magnitude")
    floor: float = Field(1e-10, ge=1e-30, allow_inf_nan=False, description="least value under the logarithm")
    log: Literal["db", "ln"] = "db"
    range_db: float | None = Field(
        None, gt=0, allow_inf_nan=False, description="levels end so far under a clip's loudest (librosa's top_db)"
    )
    trim_db: float | None = Field(
        None, gt=0, allow_inf_nan=False, description="a clip begins and ends where it is less far under its loudest"
    )
    centre: bool = Field(True, description="frame 0 is centred on sample 0; False: it begins there")
    normalise: Literal["none", "clip", "band"] = Field(
        "clip", description="by each clip's own mean and deviation, or by those of each band over the training data"
    )

    @field_validator("win_length")
    @classmethod
    def _fits_transform(cls, value: int, info: ValidationInfo) -> int:
        n_fft = info.data.get("n_fft")  # not there when it is wrong itself
        if n_fft is not None and value > n_fft:
            raise ValueError(f"expected at most n_fft ({n_fft})")
        return value

    @field_validator("hop")
    @classmethod
    def _leaves_no_gap(cls, value: int, info: ValidationInfo) -> int:
        win_length = info.data.get("win_length")
        if win_length is not None and value > win_length:
            raise ValueError(f"expected at most win_length ({win_length}), so that every sample is in a frame")
        return value

    @field_validator("f_max_hz")
    @classmethod
    def _is_a_range(cls, value: float | None, info: ValidationInfo) -> float | None:
        low, rate = info.data.get("f_min_hz"), info.data.get("sample_rate")
        if low is not None and rate is not None and not low < (rate / 2 if value is None else value) <= rate / 2:
            raise ValueError(f"expected more than f_min_hz ({low:g}) and at most half the sample rate ({rate / 2:g})")
        return value

    @field_validator("mels")
    @classmethod
    def _reaches_every_band(cls, value: int, info: ValidationInfo) -> int:
        names = ("sample_rate", "n_fft", "f_min_hz", "f_max_hz", "mel_scale")
        if all(name in info.data for name in names):
            bank = mel_bands(mels=value, **{name: info.data[name] for name in names})
            empty = int((bank == 0).all(1).sum())
            if empty:
                raise ValueError(f"expected fewer bands or a longer n_fft: no bin of the STFT is in {empty} of them")
        return value


def trim(waveform: NDArray[np.float32], settings: LogMelSettings) -> NDArray[np.float32]:
    """Cut off the silence at both ends of a clip, if the settings say so.

    Clips that were shorter are often filled up with silence, and how much of it tells classes apart that sound alike.

    Args:
        waveform: Shape (time,).
        settings: `trim_db`: frames of 10 ms that are so far under the loudest one, at either end, are cut off.

    Returns:
        A part of the waveform; a silent one stays whole.

    >>> clip = np.concatenate([np.zeros(800), np.ones(1600), np.zeros(4000)]).astype(np.float32)
    >>> len(trim(clip, LogMelSettings(sample_rate=16_000, trim_db=60))), len(trim(clip, LogMelSettings()))
    (1600, 6400)
    """
    step = max(1, settings.sample_rate // 100)
    if settings.trim_db is None or len(waveform) <= step:
        return waveform
    whole = np.pad(waveform, (0, -len(waveform) % step)).reshape(-1, step)
    power = np.square(whole, dtype=np.float64).mean(1)
    sounds = np.flatnonzero(power > power.max() * 10 ** (-settings.trim_db / 10))
    return waveform[sounds[0] * step : (sounds[-1] + 1) * step] if len(sounds) else waveform


class LogMel(nn.Module):
    """Turns waveforms into log-mel features, normalised; float32 and differentiable.

    Normalised by clip, the mean over all bands and frames of a clip is 0 and the variance 1, so that the shape of its
    spectrum stays. Normalised by band, each band is standardised with the statistics that `fit` found in the training
    data; they are part of the state that a checkpoint keeps. The floor is as many dB whatever the clip's level, unless
    `range_db` puts one under its loudest band and frame. `trim_db` is for whoever reads clips, see `trim`.

    Args:
        settings: What is computed.

    Shape:
        - waveform: (b, t), any t ≥ 1
        - lengths: (b,), samples of each clip; what lies beyond may be anything
        - output: (b, m, l), 0 in frames that a clip does not have, and (b,), how many it has

    Raises:
        ValueError: when a shape, a type or a length does not fit, quoting it.
        RuntimeError: when the statistics of the bands are wanted and there are none.

    >>> front_end = LogMel(LogMelSettings())
    >>> features, frames = front_end(torch.randn(2, 44_100), torch.tensor([44_100, 10_000]))
    >>> tuple(features.shape), frames.tolist()
    ((2, 64, 173), [173, 40])
    """

    window: Tensor
    filterbank: Tensor
    band_mean: Tensor
    band_deviation: Tensor

    def __init__(self, settings: LogMelSettings) -> None:
        super().__init__()
        s = self.settings = settings
        bank = mel_bands(
            s.sample_rate,
            s.n_fft,
            s.mels,
            f_min_hz=s.f_min_hz,
            f_max_hz=s.f_max_hz,
            mel_scale=s.mel_scale,
            norm=s.norm,
        )
        self.register_buffer("window", torch.hann_window(s.win_length, dtype=torch.float64).float(), persistent=False)
        self.register_buffer("filterbank", torch.from_numpy(bank), persistent=False)
        if s.normalise == "band":
            self.register_buffer("band_mean", torch.zeros(s.mels))
            self.register_buffer("band_deviation", torch.zeros(s.mels))  # 0 until fitted or loaded
        self._fitted = False

    @property
    def edge_frames(self) -> int:
        """Frames at each end of a block, begun at a multiple of the hop, that differ from those of the whole.

        Dropping them is all it takes to compute the features of a long recording block by block.
        """
        return math.ceil(math.ceil(self.settings.win_length / 2) / self.settings.hop) if self.settings.centre else 0

    def frames_of(self, samples: int) -> int:
        """How many frames a clip has.

        >>> LogMel(LogMelSettings()).frames_of(5 * 44_100)
        862
        """
        if samples < 1:
            raise ValueError(f"expected a clip of at least 1 sample, found {samples}")
        s = self.settings
        # Not centred, a clip shorter than a window is filled up to one.
        return 1 + (samples if s.centre else max(samples - s.n_fft, 0)) // s.hop

    def seconds_of(self, frame: float) -> float:
        """Where the middle of a frame is, in seconds from the beginning of the clip.

        >>> round(LogMel(LogMelSettings()).seconds_of(100), 4)
        0.5805
        """
        s = self.settings
        return (frame * s.hop + (0 if s.centre else s.n_fft / 2)) / s.sample_rate

    def forward(self, waveform: Tensor, lengths: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Compute the features, and how many frames each clip has."""
        levels, frames = self._levels(waveform, lengths)
        valid = self._valid(levels, frames)
        if self.settings.normalise == "clip":
            levels = _standardise(levels, valid)
        elif self.settings.normalise == "band":
            self._check_fitted()
            levels = (levels - self.band_mean[:, None]) / self.band_deviation[:, None]
        return levels.masked_fill(~valid, 0), frames

    @torch.no_grad()
    def fit(self, batches: Iterable[tuple[Tensor, Tensor | None]]) -> None:
        """Set each band's mean and deviation to those over all frames of the training data.

        Args:
            batches: Pairs of waveform (b, t) and lengths (b,) or None.

        Raises:
            ValueError: when the settings normalise by something else, there is no batch, or a sample is not finite.
        """
        if self.settings.normalise != "band":
            raise ValueError(f"normalise = {self.settings.normalise!r}: only 'band' has statistics to fit")
        count = 0
        total, squares = torch.zeros(2, self.settings.mels, dtype=torch.float64)
        for waveform, lengths in batches:
            levels, frames = self._levels(waveform, lengths)
            levels = levels.masked_fill(~self._valid(levels, frames), 0).cpu().double()
            count += int(frames.sum())
            total += levels.sum((0, 2))
            squares += levels.square().sum((0, 2))
        if not count or not bool(squares.isfinite().all()):
            raise ValueError(f"expected batches of finite samples, found {count} frames or samples that are not finite")
        mean = total / count
        self.band_mean.copy_(mean)
        self.band_deviation.copy_((squares / count - mean.square()).clamp(min=_LEAST_DEVIATION**2).sqrt())

    def _check_fitted(self) -> None:
        # Looked at once: reading a number from a GPU waits for all that it has to do.
        self._fitted = self._fitted or bool((self.band_deviation > 0).all())
        if not self._fitted:
            raise RuntimeError(
                "the bands have no statistics: call fit with training data, or load a state that has them"
            )

    def _levels(self, waveform: Tensor, lengths: Tensor | None) -> tuple[Tensor, Tensor]:
        """Log-mel levels before normalisation, and how many frames of each clip count."""
        s = self.settings
        counts = _check_inputs(waveform, lengths)
        time = torch.arange(waveform.shape[1], device=waveform.device)
        outside = time >= torch.tensor(counts, device=waveform.device)[:, None]
        sound = waveform.float().masked_fill(outside, 0)
        with torch.autocast(waveform.device.type, enabled=False):  # half precision has no room for 10 decades
            mel = self.filterbank @ self._spectrogram(sound)
            if s.range_db is not None:
                inside = self._valid(mel, torch.tensor([self.frames_of(n) for n in counts], device=mel.device))
                loudest = mel.masked_fill(~inside, 0).amax((1, 2), keepdim=True)
                mel = mel.maximum(loudest * 10 ** (-s.range_db * s.power / 20))
            level = torch.log(mel.clamp(min=s.floor))
        if s.log == "db":
            level = level * (20 / s.power / math.log(10))
        return level, torch.tensor([self.frames_of(count) for count in counts], device=waveform.device)

    def _spectrogram(self, sound: Tensor) -> Tensor:
        s = self.settings
        short = 0 if s.centre else max(s.n_fft - sound.shape[1], 0)
        edge = s.n_fft // 2 if s.centre else 0
        padded = nn.functional.pad(sound, (edge, edge + short))
        spectrum = torch.stft(
            padded, s.n_fft, s.hop, s.win_length, window=self.window, center=False, return_complex=True
        )
        if s.power == 2:
            return spectrum.real.square() + spectrum.imag.square()
        return spectrum.abs() ** s.power

    @staticmethod
    def _valid(levels: Tensor, frames: Tensor) -> Tensor:
        """Which frames are a clip's own: (b, 1, l)."""
        return (torch.arange(levels.shape[-1], device=levels.device) < frames[:, None])[:, None]


def _standardise(levels: Tensor, valid: Tensor) -> Tensor:
    """Subtract each clip's mean and divide by its deviation, over all bands of its own frames."""
    count = valid.sum((1, 2), keepdim=True) * levels.shape[1]
    levels = levels - levels[:, :1, :1]  # any level will do: what is constant becomes 0, without rounding
    mean = levels.masked_fill(~valid, 0).sum((1, 2), keepdim=True) / count
    centred = (levels - mean).masked_fill(~valid, 0)
    variance = centred.square().sum((1, 2), keepdim=True) / count
    return centred / variance.clamp(min=_LEAST_DEVIATION**2).sqrt()


def _check_inputs(waveform: Tensor, lengths: Tensor | None) -> list[int]:
    if waveform.ndim != 2 or not waveform.numel() or not waveform.is_floating_point():
        raise ValueError(
            f"waveform: expected floating-point (batch, time), found {waveform.dtype} {tuple(waveform.shape)}"
        )
    batch, time = waveform.shape
    if lengths is None:
        return [time] * batch
    if lengths.shape != (batch,) or lengths.is_floating_point():
        raise ValueError(f"lengths: expected {batch} whole numbers, found {lengths.dtype} {tuple(lengths.shape)}")
    counts: list[int] = lengths.tolist()
    if not 1 <= min(counts) <= max(counts) <= time:
        raise ValueError(f"lengths: expected 1 to {time} samples, found {min(counts)} to {max(counts)}")
    return counts

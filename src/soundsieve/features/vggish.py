"""What VGGish looks at: log-mel pictures of 0.96 s, one after the other.

Hershey et al., "CNN Architectures for Large-Scale Audio Classification", ICASSP 2017, and `mel_features.py` and
`vggish_input.py`, published with the weights in tensorflow/models (research/audioset/vggish). The first frame begins on
the first sample, only whole frames and whole examples count, and a triangle's sides are straight in mel, which is why
`LogMel` is not enough.

Axes: n example, l frame, m mel band, f bin, t time.
"""

from __future__ import annotations

import torch
from pydantic import Field, ValidationInfo, field_validator
from torch import Tensor, nn

from soundsieve.features.mel import mel_bands
from soundsieve.settings import Settings


class VGGishExamplesSettings(Settings):
    """What is computed; the defaults are those that the published weights were trained with."""

    sample_rate: int = Field(16_000, ge=1, description="in Hz")
    n_fft: int = Field(512, ge=2, multiple_of=2, description="length of the Fourier transform, in samples")
    win_length: int = Field(400, ge=2, validate_default=True, description="length of the Hann window, in samples")
    hop: int = Field(160, ge=1, description="samples from frame to frame")
    f_min_hz: float = Field(125.0, ge=0, allow_inf_nan=False)
    f_max_hz: float = Field(7500.0, validate_default=True, description="at most half the sample rate")
    mels: int = Field(64, ge=1, description="how many bands")
    offset: float = Field(0.01, ge=1e-30, allow_inf_nan=False, description="added to magnitudes under the logarithm")
    frames: int = Field(96, ge=1, description="of an example; examples do not overlap")

    @field_validator("win_length")
    @classmethod
    def _fits_transform(cls, value: int, info: ValidationInfo) -> int:
        n_fft = info.data.get("n_fft")  # not there when it is wrong itself
        if n_fft is not None and value > n_fft:
            raise ValueError(f"expected at most n_fft ({n_fft})")
        return value

    @field_validator("f_max_hz")
    @classmethod
    def _is_a_range(cls, value: float, info: ValidationInfo) -> float:
        low, rate = info.data.get("f_min_hz"), info.data.get("sample_rate")
        if low is not None and rate is not None and not low < value <= rate / 2:
            raise ValueError(f"expected more than f_min_hz ({low:g}) and at most half the sample rate ({rate / 2:g})")
        return value


class VGGishExamples(nn.Module):
    """Cuts waveforms into the examples that VGGish embeds, float32 and differentiable.

    A waveform that is too short for one example is lengthened with silence at its end, where the published code gives
    no example at all; so every recording has an embedding. What is left over at the end of a longer one is dropped, as
    published.

    Args:
        settings: What is computed.

    Attributes:
        step: Samples from the beginning of an example to that of the next.
        reach: Samples that an example looks at; a little more than `step`, as its last frame is whole.

    Shape:
        - waveform: (…, t), any t ≥ 1, full scale [-1, 1]
        - output: (…, n, l, m)

    Raises:
        ValueError: when a shape or a type does not fit, quoting it.

    >>> front_end = VGGishExamples(VGGishExamplesSettings())
    >>> tone = torch.sin(2 * torch.pi * 1000 / 16_000 * torch.arange(48_000))
    >>> examples = front_end(tone)
    >>> tuple(examples.shape), int(examples.mean((0, 1)).argmax())
    ((3, 96, 64), 19)
    """

    window: Tensor
    filterbank: Tensor

    def __init__(self, settings: VGGishExamplesSettings) -> None:
        super().__init__()
        s = self.settings = settings
        self.step = s.frames * s.hop
        self.reach = (s.frames - 1) * s.hop + s.win_length
        bank = mel_bands(
            s.sample_rate,
            s.n_fft,
            s.mels,
            f_min_hz=s.f_min_hz,
            f_max_hz=s.f_max_hz,
            mel_scale="htk",
            norm=None,
            straight_in="mel",
        )
        # Both follow from the settings, so they are no part of the state.
        self.register_buffer("window", torch.hann_window(s.win_length, dtype=torch.float64).float(), persistent=False)
        self.register_buffer("filterbank", torch.from_numpy(bank), persistent=False)  # m, f

    def examples_of(self, samples: int) -> int:
        """How many examples a waveform of so many samples has.

        Raises:
            ValueError: it has no samples.

        >>> front_end = VGGishExamples(VGGishExamplesSettings())
        >>> [front_end.examples_of(samples) for samples in (1, 15_600, 30_959, 30_960, 480_000)]
        [1, 1, 1, 2, 31]
        """
        if samples < 1:
            raise ValueError(f"expected at least 1 sample, found {samples}")
        s = self.settings
        frames = 1 + (max(samples, self.reach) - s.win_length) // s.hop
        return frames // s.frames

    def forward(self, waveform: Tensor) -> Tensor:
        """Cut a waveform into examples."""
        if not waveform.ndim or not waveform.numel() or not waveform.is_floating_point():
            found = f"{waveform.dtype} {tuple(waveform.shape)}"
            raise ValueError(f"waveform: expected floating-point shape (…, time ≥ 1), found {found}")
        s = self.settings
        samples = waveform.shape[-1]
        sound = nn.functional.pad(waveform.float(), (0, max(self.reach - samples, 0)))
        count = self.examples_of(samples)
        with torch.autocast(waveform.device.type, enabled=False):  # half precision would lose what is quiet
            frames = sound.unfold(-1, s.win_length, s.hop)[..., : count * s.frames, :] * self.window
            magnitudes = torch.fft.rfft(frames, s.n_fft).abs()  # …, n·l, f
            levels = torch.log(magnitudes @ self.filterbank.T + s.offset)  # …, n·l, m
        return levels.reshape(*waveform.shape[:-1], count, s.frames, s.mels)

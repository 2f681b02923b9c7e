"""The spectrograms that the sounds of objects are told apart in: windows of 0.1 s, half overlapping, there and back.

Gao, Feris and Grauman, "Learning to Separate Object Sounds by Watching Unlabeled Video", ECCV 2018: 48 kHz,
10 s, 2,401 bins, 201 frames, 25 bases.

Axes: f bin, l frame, t time.
"""

from __future__ import annotations

import torch
from pydantic import Field, field_validator
from torch import Tensor

from soundsieve.settings import Settings


class ObjectSTFT(Settings):
    """How a recording becomes a spectrogram, and the spectrogram bases.

    >>> front_end = ObjectSTFT()
    >>> front_end.analyse(torch.zeros(480_000)).shape
    torch.Size([2401, 201])
    """

    sample_rate: int = Field(48_000, ge=1, description="Hz")
    window: int = Field(4_800, ge=2, description="samples of a Hann window, even")
    hop: int = Field(2_400, ge=1, description="samples from frame to frame, at most half the window")
    components: int = Field(25, ge=1, description="bases of a piece")
    piece_s: float = Field(10.0, gt=0, le=3600, description="length of a piece that bases are found in")

    @field_validator("window")
    @classmethod
    def _even(cls, window: int) -> int:
        if window % 2:
            raise ValueError("expected an even number of samples")
        return window

    @field_validator("hop")
    @classmethod
    def _overlaps(cls, hop: int, others: object) -> int:
        window = getattr(others, "data", {}).get("window", hop * 2)
        if hop > window // 2:
            raise ValueError(f"expected at most half the window of {window} samples")
        return hop

    @property
    def bins(self) -> int:
        """How many frequencies, 0 Hz and the highest included."""
        return self.window // 2 + 1

    @property
    def piece(self) -> int:
        """Samples of a piece."""
        return max(1, round(self.piece_s * self.sample_rate))

    def frames(self, length: int) -> int:
        """How many frames so many samples have.

        >>> ObjectSTFT().frames(480_000), ObjectSTFT().frames(1)
        (201, 2)
        """
        return 1 - (-length // self.hop)

    def analyse(self, waveform: Tensor) -> Tensor:
        """Transform waveforms; frame l is centred on sample l · hop, and what lies outside is silence.

        The last frame is centred on the end or after it, so that each sample is well inside of a window or two.

        Shape:
            - waveform: (…, t), at `sample_rate`
            - output: (…, f, l), complex

        Raises:
            ValueError: no samples.
        """
        *batch, length = waveform.shape
        if not length:
            raise ValueError(f"waveform: expected samples, found shape {tuple(waveform.shape)}")
        half = self.window // 2
        after = (self.frames(length) - 1) * self.hop + half - length
        padded = torch.nn.functional.pad(waveform.reshape(-1, length), (half, after))
        spectrum = torch.stft(
            padded, self.window, self.hop, window=self._hann(waveform), center=False, return_complex=True
        )
        return spectrum.reshape(*batch, *spectrum.shape[1:])

    def synthesise(self, spectrum: Tensor, length: int) -> Tensor:
        """Turn spectra back into the waveforms, of so many samples, that are nearest to them; the inverse of `analyse`.

        Shape:
            - spectrum: (…, f, l)
            - output: (…, t)

        Raises:
            ValueError: the spectrum has other bins, or other frames than so many samples have.

        >>> front_end, waveform = ObjectSTFT(window=8, hop=4), torch.arange(5.0)
        >>> front_end.synthesise(front_end.analyse(waveform), 5).round(decimals=4).tolist()
        [0.0, 1.0, 2.0, 3.0, 4.0]
        """
        *batch, bins, frames = spectrum.shape
        if bins != self.bins or length < 1 or frames != self.frames(length):
            expected = f"({self.bins}, {self.frames(length)})"
            raise ValueError(f"spectrum: expected {expected} for {length} samples, found {(bins, frames)}")
        window = self._hann(spectrum.real)
        rows = torch.fft.irfft(spectrum.reshape(-1, bins, frames).mT, n=self.window) * window
        # Each frame is weighted once more, and the sum divided by what the weights add up to.
        weights = window.square().expand(1, frames, -1)
        size = (frames - 1) * self.hop + self.window
        summed = torch.nn.functional.fold(
            torch.cat((rows, weights)).mT.contiguous(), (1, size), (1, self.window), stride=(1, self.hop)
        )[:, 0, 0]
        inner = summed[:, self.window // 2 : self.window // 2 + length]
        return (inner[:-1] / inner[-1:]).reshape(*batch, length)

    def _hann(self, like: Tensor) -> Tensor:
        return torch.hann_window(self.window, dtype=like.dtype, device=like.device)

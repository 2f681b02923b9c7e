"""A U-Net that names every time-frequency cell of a mixture, conditioned on the wanted classes where it is narrowest.

The selector for everyday use. Where Conv-TasNet is run once for each request, the body of this network is run once for
the recording: it says how much each class, and "anything else", speaks in each time-frequency cell. What was asked for
then enters as in Ochiai et al. (an embedding of the o-vector multiplied onto features), but at the narrowest point of
the network: that a dog was asked for is evidence that there is one, and weighs on every cell of the frame. The mask is
the share of the wanted classes in a softmax over all of them, so what is left is the share of all others, and every
mixture teaches about every class, present or absent.

The parts are known ones: a residual U-Net over the spectrogram (Kong et al., "Decoupling Magnitude and Phase Estimation
with Deep ResUNet for Music Source Separation", ISMIR 2021), dilated convolutions over time at its narrowest point
(Conv-TasNet), bands that widen with frequency. Batch normalisation is an affine map once trained, so unlike global
normalisation it gives the same output however a long recording is cut.

Axes: b batch, q query, c class, k channel, f bin, m band, l frame, t time.
"""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from soundsieve.models._selector import check_inputs
from soundsieve.models._spectral import (
    ResidualBlock,
    SpectralSettings,
    TemporalNetwork,
    band_matrix,
    climb,
    seen_frames,
)


class MaskUNetSettings(SpectralSettings):
    """Hyper-parameters; the defaults are those of the released selector."""

    channels: tuple[Annotated[int, Field(ge=1)], ...] = Field(
        (32, 48, 64, 96, 128, 192), min_length=1, description="channels at each level of the U-Net"
    )
    time_levels: int | None = Field(
        None, ge=0, description="how many of the levels halve the frames as well as the bands; None: every one"
    )


class TemporalContext(TemporalNetwork):
    """Says besides how much speaks for each class in each frame, for each query.

    Shape:
        - features: (b, k, m, l)
        - wanted: (b, q, c)
        - output: (b, k, m, l), and (b, q, c+1, l), how much speaks for each class in each frame for each query
    """

    def __init__(self, shape: tuple[int, int], classes: int, s: MaskUNetSettings) -> None:
        super().__init__(shape, s)
        self.embedding = nn.Linear(classes, s.context)
        self.mix = nn.Conv1d(s.context, s.context, 1)
        self.evidence = nn.Conv1d(s.context, classes + 1, 1)

    def answer(self, features: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
        """Add what the neighbourhood in time says to every cell, and weigh it for each query."""
        trunk = self.trunk(features)
        asked = self.embedding(wanted)[..., None] * trunk[:, None] + trunk[:, None]  # b, q, hidden, l
        weighed: Tensor = self.evidence(torch.relu(self.mix(asked.flatten(0, 1))))
        return features + self.cells(trunk), weighed.reshape(*wanted.shape[:2], *weighed.shape[1:])


class MaskUNet(nn.Module):
    """Selects the sum of the wanted classes from a mixture.

    Args:
        settings: Hyper-parameters.
        classes: How many classes can be asked for.

    Shape:
        - mixture: (b, 1, t), any t ≥ 1
        - wanted: (b, q, c), 1 for each wanted class, else 0
        - output: (b, q, t)

    Raises:
        ValueError: when a shape does not fit, quoting it.

    >>> small = MaskUNetSettings(bands=32, n_fft=256, hop=128, channels=(4, 8), context=8, context_blocks=1)
    >>> model = MaskUNet(small, classes=3).eval()
    >>> tuple(model(torch.zeros(2, 1, 1000), torch.eye(3).expand(2, 3, 3)).shape)
    (2, 3, 1000)
    """

    bands: Tensor
    window: Tensor
    position: Tensor

    def __init__(self, settings: MaskUNetSettings, classes: int) -> None:
        super().__init__()
        s = self.settings = settings
        self.classes = classes
        levels = len(s.channels) - 1
        self.halvings = levels if s.time_levels is None else min(levels, s.time_levels)  # of the frames
        self.stride = s.hop * 2**self.halvings
        bins = s.n_fft // 2 + 1
        self.register_buffer("window", torch.hann_window(s.n_fft).sqrt(), persistent=False)
        self.register_buffer("bands", band_matrix(bins, s.bands), persistent=False)
        self.register_buffer("position", torch.linspace(-1, 1, s.bands)[None, None, :, None], persistent=False)
        self.band_norm = nn.BatchNorm1d(s.bands)
        self.stem = nn.Conv2d(2, s.channels[0], (5, 3), stride=(2, 1), padding=(2, 1))
        pairs = list(zip(s.channels[:-1], s.channels[1:], strict=True))
        self.strides = [(2, 2 if level < self.halvings else 1) for level in range(levels)]
        self.down = nn.ModuleList(
            ResidualBlock(a, b, stride) for (a, b), stride in zip(pairs, self.strides, strict=True)
        )
        narrow = (s.bands + 1) // 2
        for _ in pairs:
            narrow = (narrow + 1) // 2
        self.context = TemporalContext((s.channels[-1], narrow), classes, s)
        self.up = nn.ModuleList(nn.Conv2d(b, a, 1, bias=False) for a, b in pairs)
        self.merge = nn.ModuleList(ResidualBlock(2 * a, a) for a, _ in pairs)
        self.head = nn.Conv2d(s.channels[0], classes + 1, 1)

    @property
    def context_frames(self) -> int:
        """Samples on each side that can influence one output sample."""
        s = self.settings
        frames = seen_frames(self.strides, s.context_blocks)
        return (frames + s.level_frames // 2) * s.hop + s.n_fft

    def forward(self, mixture: Tensor, wanted: Tensor) -> Tensor:
        """Estimate the sum of the wanted classes, one estimate a query."""
        check_inputs(mixture, wanted, self.classes)
        spectrum = self._stft(mixture[:, 0])  # b, f, l
        return self._filter(spectrum, self.masks(spectrum, wanted), mixture.shape[-1])

    def estimate_and_name(self, mixture: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
        """Do as `forward`, and name every cell as if nothing had been asked for: what a share loss needs.

        Returns:
            The estimate (b, q, t), and logits of each class and of "anything else" in each cell (b, c+1, m/2, l).
        """
        check_inputs(mixture, wanted, self.classes)
        spectrum = self._stft(mixture[:, 0])
        cells, evidence = self._analyse(spectrum, nn.functional.pad(wanted, (0, 0, 0, 1)))
        frames = spectrum.shape[-1]
        shares = self._shares(cells, evidence[:, :-1], wanted)[..., :frames]
        return self._filter(spectrum, shares, mixture.shape[-1]), (cells.float() + evidence[:, -1, :, None])[
            ..., :frames
        ]

    def cell_power(self, waveforms: Tensor) -> Tensor:
        """Power in the cells that `estimate_and_name` names: (b, s, t) → (b, s, m/2, l)."""
        batch, sources = waveforms.shape[:2]
        spectrum = self._stft(waveforms.flatten(0, 1))
        power = torch.einsum("mf,bfl->bml", self.bands, spectrum.real.square() + spectrum.imag.square())
        pairs = nn.functional.avg_pool2d(power[:, None], (2, 1), ceil_mode=True)[:, 0]
        return pairs.reshape(batch, sources, *pairs.shape[1:])

    def masks(self, spectrum: Tensor, wanted: Tensor) -> Tensor:
        """The share of each cell that belongs to the wanted classes: (b, f, l) complex, (b, q, c) → (b, q, m, l)."""
        return self._shares(*self._analyse(spectrum, wanted), wanted)[..., : spectrum.shape[-1]]

    def _analyse(self, spectrum: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of the cells (b, c+1, m/2, l) and evidence in as many frames (b, q, c+1, l), l padded."""
        features = self._features(spectrum)
        cells, evidence = self._body(nn.functional.pad(features, (0, -features.shape[-1] % 2**self.halvings)), wanted)
        evidence = nn.functional.interpolate(evidence.flatten(0, 1).float(), size=cells.shape[-1], mode="linear")
        return cells, evidence.reshape(*wanted.shape[:2], *evidence.shape[1:])

    def _shares(self, cells: Tensor, evidence: Tensor, wanted: Tensor) -> Tensor:
        # A softmax over classes of cells + evidence, as products of exponentials: never b·q·c·m·l numbers at once.
        speak = _speaking(cells.float(), 1)
        weigh = _speaking(evidence, 2)
        others = nn.functional.pad(1 - wanted, (0, 1), value=1.0)
        with torch.autocast(speak.device.type, enabled=False):  # half precision would lose the quiet classes
            asked = torch.einsum("bqcl,bcml->bqml", weigh * nn.functional.pad(wanted, (0, 1))[..., None], speak)
            rest = torch.einsum("bqcl,bcml->bqml", weigh * others[..., None], speak)
        shares = asked / (asked + rest)
        size = (self.settings.bands, shares.shape[-1])
        return nn.functional.interpolate(shares, size=size, mode="bilinear", align_corners=False)

    def _filter(self, spectrum: Tensor, shares: Tensor, time: int) -> Tensor:
        masks = torch.einsum("bqml,mf->bqfl", shares, self.bands)
        return self._istft(masks * spectrum[:, None], time)

    def _body(self, features: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
        """Run the U-Net: (b, 2, m, l) → logits of the cells (b, c+1, m/2, l), evidence (b, q, c+1, l/2^levels)."""
        level = self.stem(features)
        skips = []
        for block in self.down:
            skips.append(level)
            level = block(level)
        level, evidence = self.context.answer(level, wanted)
        level = climb(level, *(reversed(part) for part in (skips, self.up, self.merge, self.strides)))
        return self.head(level), evidence

    def _features(self, spectrum: Tensor) -> Tensor:
        """Band levels in dB against the local average level, so that the recording's own level does not matter."""
        s = self.settings
        power = spectrum.real.square() + spectrum.imag.square()
        average = nn.functional.avg_pool1d(
            power.mean(1, keepdim=True), s.level_frames, 1, s.level_frames // 2, count_include_pad=False
        )
        banded = torch.einsum("mf,bfl->bml", self.bands, power)
        level = torch.log10(banded / (average + 1e-12) + 1e-6)  # b, m, l
        level = self.band_norm(level)
        return torch.cat([level[:, None], self.position.expand(len(level), 1, -1, level.shape[-1])], dim=1)

    def _stft(self, waveform: Tensor) -> Tensor:
        s = self.settings
        padded = nn.functional.pad(waveform, (0, -waveform.shape[-1] % s.hop))
        return torch.stft(padded, s.n_fft, s.hop, window=self.window, pad_mode="constant", return_complex=True)

    def _istft(self, spectrum: Tensor, time: int) -> Tensor:
        s = self.settings
        batch, queries = spectrum.shape[:2]
        flat = torch.istft(spectrum.flatten(0, 1), s.n_fft, s.hop, window=self.window)
        return flat.reshape(batch, queries, -1)[..., :time]


def _speaking(logits: Tensor, axis: int) -> Tensor:
    """exp(logits), the largest class at 1 and none so small that float32 could not add them up."""
    return torch.exp((logits - logits.amax(axis, keepdim=True)).clamp(min=-30.0))


TASK = "select"
SETTINGS = MaskUNetSettings
MODEL = MaskUNet

"""A U-Net over the spectrogram that shares every cell among the objects that are seen, and a rest.

What takes the place of bases: the network of `stem_unet`, for one channel, names every label there is in every cell,
and a softmax over those that are seen and the rest makes shares of it. What is not seen has no share, so that the
tracks add up to the mixture whatever is seen. It is trained from what is seen alone, by mixing videos whose objects
differ and asking for each video's sound back (Zhao et al., "The Sound of Pixels", ECCV 2018; Gao and Grauman,
"Co-Separating Sounds of Visual Objects", ICCV 2019); see `soundsieve.training.object_mixing`.

Axes: b batch, s label and, last, the rest, f bin, m band, l frame, t time.
"""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor, nn

from soundsieve.models.stem_unet import StemUNet, StemUNetSettings


class ObjectUNetSettings(StemUNetSettings):
    """Hyper-parameters; the defaults are those for 16,000 Hz on a processor."""

    n_fft: int = Field(1024, ge=16, multiple_of=4, description="window of the STFT, in samples")
    bands: int = Field(192, ge=8, validate_default=True, description="bands the bins are gathered into")
    channels: int = Field(1, ge=1, le=1, description="each channel of a recording is separated by itself")


class ObjectUNet(nn.Module):
    """Separates a mixture into the tracks of what is seen, and a rest.

    Args:
        settings: Hyper-parameters.
        classes: How many labels there are.

    Attributes:
        stride: The output follows a shift of the input by a multiple of it.
        reach: Samples on each side that can influence one output sample.

    Shape:
        - mixture: (b, 1, t), any t ≥ 1
        - seen: (b, label), 1 for what is seen, else 0
        - output: (b, label + 1, t), the last the rest; silence for what is not seen

    Raises:
        ValueError: when a shape does not fit, quoting it.

    >>> small = ObjectUNetSettings(n_fft=256, hop=128, bands=32, filters=(4, 8), context=8, context_blocks=1)
    >>> model = ObjectUNet(small, classes=3).eval()
    >>> mixture, seen = torch.randn(1, 1, 1000), torch.tensor([[1, 0, 1]])
    >>> tracks = model(mixture, seen)
    >>> tuple(tracks.shape), bool(torch.allclose(tracks.sum(1), mixture[:, 0], atol=1e-5)), bool(tracks[0, 1].any())
    ((1, 4, 1000), True, False)
    """

    def __init__(self, settings: ObjectUNetSettings, classes: int) -> None:
        super().__init__()
        self.settings, self.labels = settings, classes
        self.network = StemUNet(settings, classes + 1)
        self.stride: int = self.network.stride

    @property
    def reach(self) -> int:
        """See the class."""
        return self.network.reach

    @property
    def bands(self) -> Tensor:
        """What gathers bins into bands, (m, f)."""
        return self.network.bands

    def forward(self, mixture: Tensor, seen: Tensor) -> Tensor:
        """Estimate every track."""
        if mixture.ndim != 3 or mixture.shape[1] != 1 or not mixture.numel():
            found = tuple(mixture.shape)
            raise ValueError(f"mixture: expected shape (batch ≥ 1, 1 channel, time ≥ 1), found {found}")
        s = self.settings
        spectrum = self.spectrum(mixture)
        shares = torch.softmax(self.logits(spectrum, seen).float(), dim=1)
        masked = torch.einsum("bsml,mf->bsfl", shares, self.bands) * spectrum
        tracks = torch.istft(masked.flatten(0, 1), s.n_fft, s.hop, window=self.network.window)
        return tracks.reshape(*masked.shape[:2], -1)[..., : mixture.shape[-1]]

    def spectrum(self, waveform: Tensor) -> Tensor:
        """Transform waveforms: (…, t) → (…, f, l), complex."""
        return self.network.spectrum(waveform)

    def logits(self, spectrum: Tensor, seen: Tensor) -> Tensor:
        """Say how much speaks for each track in each band: (b, 1, f, l) → (b, s, m, l), −∞ for what is not seen."""
        if seen.shape != (len(spectrum), self.labels):
            expected = (len(spectrum), self.labels)
            raise ValueError(f"seen: expected shape {expected} (batch, label), found {tuple(seen.shape)}")
        named = self.network.logits(spectrum)[:, :, 0]
        hidden = nn.functional.pad(seen == 0, (0, 1), value=False)
        return named.masked_fill(hidden[..., None, None], -torch.inf)


TASK = "objects"
SETTINGS = ObjectUNetSettings
MODEL = ObjectUNet

"""What a selector is compared with: two that anybody could hand in, and a ceiling that knows the answer."""

from __future__ import annotations

import torch
from torch import Tensor

_EPS = 1e-12


def mixture_itself(mixture: Tensor, wanted: Tensor) -> Tensor:
    """Hand the mixture back: the floor, 0 dB of improvement by definition.

    Shape:
        - mixture: (b, 1, t)
        - wanted: (b, q, c)
        - output: (b, q, t)

    >>> mixture_itself(torch.ones(1, 1, 4), torch.eye(2)[None]).tolist()
    [[[1.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0]]]
    """
    return mixture.expand(-1, wanted.shape[1], -1)


def silence(mixture: Tensor, wanted: Tensor) -> Tensor:
    """Hand back nothing: an SDR of 0 dB, which is an "improvement" wherever the mixture's own SDR is below 0 dB.

    Shape:
        - mixture: (b, 1, t)
        - wanted: (b, q, c)
        - output: (b, q, t)
    """
    return torch.zeros_like(mixture_itself(mixture, wanted))


def ideal_ratio_mask(sources: Tensor, wanted: Tensor, *, n_fft: int = 1024, hop: int = 512) -> Tensor:
    """Filter the mixture with the mask |x|² / (|x|² + |mixture − x|²) of the true x: a ceiling for masks of power.

    The mask is the Wiener filter of independent sources, applied in each cell of a short-time Fourier transform.

    Args:
        sources: Everything that is in the mixture, shape (s, t).
        wanted: Which sources x is the sum of, ones and zeros, shape (q, s).
        n_fft: Hann window, in samples.
        hop: In samples.

    Shape:
        - output: (q, t)

    >>> time = torch.arange(4096) / 4096
    >>> low, high = torch.sin(400 * time), torch.sin(9000 * time)
    >>> estimate = ideal_ratio_mask(torch.stack([low, high]), torch.tensor([[1.0, 0.0]]))
    >>> bool((estimate[0] - low)[1024:-1024].abs().max() < 0.01)
    True
    """
    window = torch.hann_window(n_fft, dtype=sources.dtype, device=sources.device)
    time = sources.shape[-1]
    padded = torch.nn.functional.pad(sources, (0, -time % hop))
    spectra = torch.stft(padded, n_fft, hop, window=window, pad_mode="constant", return_complex=True)  # s, f, l
    mixture = spectra.sum(0)
    chosen = torch.einsum("qs,sfl->qfl", wanted.to(spectra.dtype), spectra)
    power = chosen.abs().square()
    mask = power / (power + (mixture - chosen).abs().square() + _EPS)
    return torch.istft(mask * mixture, n_fft, hop, window=window)[:, :time]

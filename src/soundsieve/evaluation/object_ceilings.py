"""Ceilings for the tracks of objects: bases rightly named, bases learnt from the true sounds, the ideal ratio mask.

Axes: j source, t time.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from soundsieve.evaluation.stem_baselines import ideal_ratio_masks
from soundsieve.features.base_shares import base_shares
from soundsieve.features.nmf import factorise
from soundsieve.features.object_stft import ObjectSTFT
from soundsieve.inference.object_tracks import shared_masks, soft_masks


def oracle_tracks(
    *,
    mixture: NDArray[np.float32],
    reference: NDArray[np.float32],
    front_end: ObjectSTFT | None = None,
    seed: int = 0,
    device: torch.device | str = "cpu",
) -> NDArray[np.float32]:
    """Separate a mixture by bases that were learnt from each true sound alone: the ceiling for finding and naming them.

    Args:
        mixture: (t,), at the front end's rate.
        reference: The true sounds, (j, t); bases are learnt from all of their length.
        front_end: The spectrograms, and how many bases each sound has.
        seed: Of the factorisation.
        device: Where it is done.

    Shape:
        - output: (j, t)

    Raises:
        ValueError: the lengths differ, or there is no source.

    >>> time_s = np.arange(8_000) / 8_000
    >>> sounds = np.sin(2 * np.pi * np.array([[440.0], [1_500.0]]) * time_s).astype(np.float32)
    >>> front_end = ObjectSTFT(sample_rate=8_000, window=800, hop=400, components=2)
    >>> tracks = oracle_tracks(mixture=sounds.sum(0), reference=sounds, front_end=front_end)
    >>> bool(np.abs(tracks - sounds)[:, 800:-800].max() < 0.01)
    True
    """
    _check(mixture, reference)
    s = front_end or ObjectSTFT()
    with torch.inference_mode():
        sounds = torch.from_numpy(np.ascontiguousarray(reference, np.float32)).to(device)
        bases = factorise(s.analyse(sounds).abs(), s.components, seed=seed).bases
        spectrum = s.analyse(torch.from_numpy(np.ascontiguousarray(mixture, np.float32)).to(device)[None])
        masks = soft_masks(spectrum.abs(), list(bases))
        return np.asarray(s.synthesise(masks * spectrum, mixture.shape[-1])[:, 0].cpu().numpy())


def choice_tracks(
    *,
    mixture: NDArray[np.float32],
    reference: NDArray[np.float32],
    front_end: ObjectSTFT | None = None,
    seed: int = 0,
    device: torch.device | str = "cpu",
) -> NDArray[np.float32]:
    """Separate a mixture by its own bases, each given to the sound that most of it is of: the ceiling for naming them.

    Args:
        mixture: (t,), at the front end's rate.
        reference: The true sounds, (j, t).
        front_end: The spectrograms, and how many bases the mixture has.
        seed: Of the factorisation.
        device: Where it is done.

    Shape:
        - output: (j, t)

    Raises:
        ValueError: the lengths differ, or there is no source.

    >>> time_s = np.arange(8_000) / 8_000
    >>> sounds = np.sin(2 * np.pi * np.array([[440.0], [1_500.0]]) * time_s).astype(np.float32)
    >>> sounds[0, 4_000:] = sounds[1, :4_000] = 0  # what always sounds together is one base
    >>> front_end = ObjectSTFT(sample_rate=8_000, window=800, hop=400, components=4)
    >>> tracks = choice_tracks(mixture=sounds.sum(0), reference=sounds, front_end=front_end)
    >>> bool(np.square(tracks - sounds).sum() < 0.05 * np.square(sounds).sum())
    True
    """
    _check(mixture, reference)
    s = front_end or ObjectSTFT()
    with torch.inference_mode():
        both = np.concatenate([mixture[None], reference]).astype(np.float32)
        spectrum, *sounds = s.analyse(torch.from_numpy(both).to(device))
        factors = factorise(spectrum.abs(), s.components, seed=seed)
        shares = base_shares(factors, torch.stack(sounds).abs())
        weights = torch.nn.functional.one_hot(shares.argmax(0), len(reference)).T.to(shares)
        masks = shared_masks(spectrum.abs()[None], factors.bases, weights)
        return np.asarray(s.synthesise(masks * spectrum, mixture.shape[-1])[:, 0].cpu().numpy())


def ideal_tracks(
    *, mixture: NDArray[np.float32], reference: NDArray[np.float32], front_end: ObjectSTFT | None = None
) -> NDArray[np.float32]:
    """Filter a mixture with the ratios of the true magnitudes, in windows as long as the front end's.

    Shape:
        - mixture: (t,)
        - reference, output: (j, t)

    Raises:
        ValueError: the lengths differ, or there is no source.
    """
    _check(mixture, reference)
    window = (front_end or ObjectSTFT()).window
    return ideal_ratio_masks(mixture=mixture[None], reference=reference[:, None], power=1, n_fft=window)[:, 0]


def _check(mixture: NDArray[np.float32], reference: NDArray[np.float32]) -> None:
    if reference.ndim != 2 or not len(reference) or mixture.shape != reference.shape[1:]:
        raise ValueError(f"reference: expected (source, {mixture.shape[-1]}), found shape {reference.shape}")

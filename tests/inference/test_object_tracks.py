"""Objects told apart by their bases: sounds in bands of their own, so that the answer is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from soundsieve.errors import UnknownNameError
from soundsieve.features.object_stft import ObjectSTFT
from soundsieve.inference.object_tracks import AudibleScores, BasesSeparator, PieceBases, shared_masks, soft_masks
from soundsieve.metrics import sdr_db

RATE = 8_000
FRONT_END = ObjectSTFT(sample_rate=RATE, window=800, hop=400)
LABELS = ("cat", "dog", "flute")


def band(low_hz: float, high_hz: float) -> Tensor:
    """One flat basis."""
    hz = torch.arange(FRONT_END.bins) * RATE / FRONT_END.window
    return ((hz >= low_hz) & (hz < high_hz)).float()[:, None]


def tone(hz: float, frames: int = 2 * RATE) -> NDArray[np.float32]:
    time_s = np.arange(frames) / RATE
    return (0.3 * np.sin(2 * np.pi * hz * time_s) * (1 + 0.5 * np.sin(2 * np.pi * time_s))).astype(np.float32)


LOW, HIGH, TOP = band(0, 1_000), band(1_000, 2_000), band(2_000, 5_000)


def separate(bases: PieceBases, piece: NDArray[np.float32]) -> NDArray[np.float32]:
    return BasesSeparator(LABELS, lambda magnitudes, start_s: bases, FRONT_END)(piece, 0.0)


def test_each_object_gets_its_sound_and_unseen_ones_nothing() -> None:
    low, high = tone(440), tone(1_500)
    cat, dog, flute = separate(PieceBases((("flute", HIGH), ("dog", LOW))), (low + high)[None])
    assert float(sdr_db(estimate=dog[0], reference=low)) > 30
    assert float(sdr_db(estimate=flute[0], reference=high)) > 30
    assert not cat.any()


def test_bases_of_nothing_seen_take_their_sound_away() -> None:
    low, high = tone(440), tone(1_500)
    mixture = (low + high)[None]
    _, dog, _ = separate(PieceBases((("dog", LOW),), rest=HIGH), mixture)
    assert float(sdr_db(estimate=(mixture - dog)[0], reference=high)) > 30
    whole = separate(PieceBases((("dog", torch.cat([LOW, HIGH, TOP], dim=1)),)), mixture)[1]
    np.testing.assert_allclose(whole, mixture, atol=1e-5)  # without them a single object gets all


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0, 8.0])
def test_a_power_sharpens_shares_and_keeps_their_sum(power: float) -> None:
    """Of each cell that both bases make, two objects and the rest have 0.6, 0.3 and 0.1 at a power of 1."""
    bases, weights = torch.tensor([[1.0], [0.0], [0.5]]), torch.tensor([[0.6], [0.3]])
    masks = shared_masks(torch.tensor([[[2.0], [0.0], [1e-20]]]), bases, weights, power)
    expected = torch.tensor([0.6, 0.3, 0.1]) ** power
    torch.testing.assert_close(masks[:, 0, 0, 0], (expected / expected.sum())[:2])
    torch.testing.assert_close(masks[:, 0, 2, 0], (expected / expected.sum())[:2])
    assert not masks[:, 0, 1].any()


def test_several_objects_of_one_label_are_one_track() -> None:
    low, high, top = tone(440), tone(1_500), tone(3_000)
    bases = PieceBases((("dog", LOW), ("flute", HIGH), ("dog", TOP)))
    _, dog, flute = separate(bases, (low + high + top)[None])
    assert float(sdr_db(estimate=dog[0], reference=low + top)) > 30
    assert float(sdr_db(estimate=flute[0], reference=high)) > 30


def test_tracks_add_up_to_what_bases_explain() -> None:
    noise = (0.1 * np.random.default_rng(0).standard_normal((2, 5_001))).astype(np.float32)
    tracks = separate(PieceBases((("dog", LOW), ("cat", HIGH), ("flute", TOP))), noise)
    assert tracks.shape == (3, 2, 5_001)
    assert tracks.dtype == np.float32
    np.testing.assert_allclose(tracks.sum(0), noise, atol=1e-5)


def test_channels_are_apart() -> None:
    bases = PieceBases((("dog", LOW + 0.3 * HIGH), ("flute", 0.5 * LOW + HIGH)))
    left, right = tone(440) + 0.3 * tone(1_500), tone(1_500)
    together = separate(bases, np.stack([left, right]))
    for channel, piece in enumerate((left, right)):
        np.testing.assert_allclose(together[:, channel], separate(bases, piece[None])[:, 0], atol=1e-3)
    # Out of phase, which a mix to mono would make silence of.
    broad = PieceBases((("dog", torch.cat([LOW, HIGH, TOP], dim=1)),))
    np.testing.assert_allclose(separate(broad, np.stack([left, -left]))[1], np.stack([left, -left]), atol=1e-5)


def test_describe_sees_all_channels_and_the_time() -> None:
    seen: list[tuple[tuple[int, ...], float, float]] = []

    def describe(magnitudes: Tensor, start_s: float) -> PieceBases:
        seen.append((tuple(magnitudes.shape), float(magnitudes.sum()), start_s))
        return PieceBases(())

    separator = BasesSeparator(LABELS, describe, FRONT_END)
    piece = tone(440)
    assert not separator(piece[None], 1.0).any()
    assert not separator(np.stack([piece, -piece]), 2.5).any()
    assert [entry[0] for entry in seen] == [(401, 41)] * 2
    assert seen[0][1] == pytest.approx(seen[1][1], rel=1e-5)
    assert [entry[2] for entry in seen] == [1.0, 2.5]


@pytest.mark.parametrize("frames", [1, 2, 399, 801])
def test_any_length(frames: int) -> None:
    piece = tone(440, frames)[None]
    tracks = separate(PieceBases((("dog", torch.ones(FRONT_END.bins, 1)),)), piece)
    assert tracks.shape == (3, 1, frames)
    np.testing.assert_allclose(tracks[1], piece, atol=1e-5)


def test_silence_is_nobodys() -> None:
    tracks = separate(PieceBases((("dog", LOW), ("flute", HIGH)), rest=TOP), np.zeros((2, 4_000), np.float32))
    assert not tracks.any()


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="unknown label 'dogg': did you mean 'dog'"):
        separate(PieceBases((("dogg", LOW),)), tone(440)[None])
    with pytest.raises(ValueError, match="bins"):
        separate(PieceBases((("dog", torch.ones(7, 1)),)), tone(440)[None])
    with pytest.raises(ValueError, match="objects"):
        soft_masks(torch.ones(1, 4, 4), [])


def test_objects_that_are_seen_but_silent() -> None:
    mixture = tone(440)[None]
    tracks = separate(PieceBases((("dog", LOW), ("flute", HIGH)), rest=TOP), mixture)
    scores = AudibleScores(LABELS)
    whole = np.concatenate([tracks, mixture - tracks.sum(0, keepdims=True)])
    scores.push(whole[..., :5_000])
    scores.push(whole[..., 5_000:])
    shares = scores.shares()
    assert list(shares) == list(LABELS)
    assert shares["dog"] > 0.99
    assert scores.silent() == ("cat", "flute")
    assert scores.silent(threshold=1.0) == LABELS
    assert AudibleScores(LABELS).silent() == LABELS

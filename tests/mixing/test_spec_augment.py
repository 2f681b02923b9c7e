"""Masks lie within the clip, are as wide and as many as the policy says, and hide what they cover."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from soundsieve.errors import SettingsError
from soundsieve.mixing.generators import generator_for
from soundsieve.mixing.spec_augment import SpecAugmentSettings, draw_masks, spec_augment

MELS, FRAMES = 64, 862


def features(mels: int = MELS, frames: int = FRAMES) -> Tensor:
    """No two cells alike, none of them 0."""
    return torch.arange(1, mels * frames + 1, dtype=torch.float32).reshape(mels, frames) / (mels * frames)


@given(
    st.integers(0, 1 << 31),
    st.integers(1, 80),
    st.integers(0, 300),
    st.integers(0, 30),
    st.integers(0, 300),
    st.floats(0, 1),
    st.integers(0, 3),
)
def test_masks_lie_within_the_clip_and_the_policy(
    seed: int, mels: int, frames: int, mel_width: int, frame_width: int, share: float, count: int
) -> None:
    policy = SpecAugmentSettings(
        mel_masks=count, mel_width=mel_width, frame_masks=count + 1, frame_width=frame_width, frame_share=share
    )
    masks = draw_masks(mels, frames, policy, np.random.default_rng(seed))
    assert masks == draw_masks(mels, frames, policy, np.random.default_rng(seed))
    assert len(masks.mels) == count
    assert len(masks.frames) == count + 1
    for first, width in masks.mels:
        assert 0 <= first <= first + width <= mels
        assert width <= mel_width
    for first, width in masks.frames:
        assert 0 <= first <= first + width <= frames
        assert width <= frame_width
        assert width <= share * frames


@pytest.mark.parametrize("fill", ["mean", "zero"])
@pytest.mark.parametrize("frames", [FRAMES, 500])
def test_exactly_the_masked_cells_are_hidden_and_padding_is_not_touched(fill: str, frames: int) -> None:
    policy = SpecAugmentSettings.parse({"fill": fill})
    original = features()
    for clip in range(20):
        masks = draw_masks(MELS, frames, policy, generator_for(0, 0, clip))
        result = spec_augment(original, frames, policy, generator_for(0, 0, clip))
        hidden = np.zeros((MELS, FRAMES), bool)
        for first, width in masks.mels:
            hidden[first : first + width, :frames] = True
        for first, width in masks.frames:
            hidden[:, first : first + width] = True
        assert hidden.any()
        assert torch.equal(result[~torch.from_numpy(hidden)], original[~torch.from_numpy(hidden)])
        assert torch.equal(result[:, frames:], original[:, frames:])
        wanted = original[:, :frames].mean() if fill == "mean" else torch.tensor(0.0)
        assert torch.equal(result[torch.from_numpy(hidden)], wanted.expand(int(hidden.sum())))
    assert torch.equal(original, features())  # a copy was changed


def test_the_share_of_a_short_clip_bounds_its_time_masks() -> None:
    policy = SpecAugmentSettings(mel_masks=0, frame_masks=1, frame_width=70, frame_share=0.2, fill="zero")
    widths = [
        int((spec_augment(features(8, 400), 100, policy, generator_for(0, 0, clip))[0] == 0).sum())
        for clip in range(400)
    ]
    assert max(widths) == 20  # a fifth of the clip, not of its padded length
    assert min(widths) == 0
    assert np.mean(widths) == pytest.approx(10, abs=1)


def test_widths_and_places_are_drawn_evenly() -> None:
    policy = SpecAugmentSettings(mel_masks=1, mel_width=3, frame_masks=1, frame_width=10, frame_share=1.0)
    drawn = [draw_masks(8, 50, policy, generator_for(3, 0, clip)) for clip in range(4000)]
    widths = np.bincount([masks.mels[0][1] for masks in drawn], minlength=4)
    assert np.all(np.abs(widths - 1000) < 4 * np.sqrt(4000 * 3 / 16)), widths
    places = np.bincount([masks.mels[0][0] for masks in drawn if masks.mels[0][1] == 3], minlength=6)
    assert len(places) == 6
    assert np.all(np.abs(places - places.mean()) < 4 * np.sqrt(places.mean())), places


def test_a_policy_without_masks_and_a_clip_without_frames_change_nothing() -> None:
    none = SpecAugmentSettings(mel_masks=0, frame_masks=0)
    assert torch.equal(spec_augment(features(), FRAMES, none, generator_for(0, 0, 0)), features())
    assert torch.equal(spec_augment(features(), 0, SpecAugmentSettings(), generator_for(0, 0, 0)), features())


def test_another_key_hides_other_cells() -> None:
    results = [spec_augment(features(), FRAMES, SpecAugmentSettings(), generator_for(0, 0, clip)) for clip in (0, 0, 1)]
    assert torch.equal(results[0], results[1])
    assert not torch.equal(results[0], results[2])


@pytest.mark.parametrize("shape", [(2, MELS, FRAMES), (FRAMES,), (MELS, FRAMES - 1)])
def test_features_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"expected features of shape \(mel, 862 or more\), found shape"):
        spec_augment(torch.zeros(shape), FRAMES, SpecAugmentSettings(), generator_for(0, 0, 0))


@pytest.mark.parametrize("values", [{"frame_share": 1.5}, {"mel_masks": -1}, {"fill": "median"}])
def test_settings_outside_what_is_allowed_are_sentences(values: dict[str, object]) -> None:
    with pytest.raises(SettingsError, match=f"SpecAugmentSettings: {next(iter(values))} = "):
        SpecAugmentSettings.parse(values)

"""The transformer: positions that matter, patches that are masked, and settings that cannot be."""

import math

import pytest
import torch

from soundsieve.errors import SettingsError
from soundsieve.models.tag_transformer import TagTransformer, TagTransformerSettings, sinusoids


def test_positions_in_time_turn_from_fast_to_slow() -> None:
    table = sinusoids(50, 6)
    for position in (0, 1, 49):
        for k in range(3):
            angle = position / 10_000 ** (k / 3)
            assert table[position, k] == pytest.approx(math.sin(angle), abs=1e-5)
            assert table[position, 3 + k] == pytest.approx(math.cos(angle), abs=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("axis", [1, 2])
def test_where_a_patch_is_matters_in_frequency_and_in_time(axis: int) -> None:
    torch.manual_seed(0)
    model = TagTransformer(TagTransformerSettings(width=24, layers=2), classes=4).eval()
    features, frames = torch.randn(1, 64, 96), torch.tensor([96])
    moved = features.roll(16, dims=axis)  # the same patches elsewhere
    assert (model(moved, frames) - model(features, frames)).abs().max() > 1e-3


@torch.no_grad()
def test_patches_may_overlap() -> None:
    """AST's stride of 10: 64 mels and 100 frames have 5 × 9 patches."""
    model = TagTransformer(TagTransformerSettings(width=24, layers=1, stride=10), classes=4).eval()
    seen = []
    model.norm.register_forward_hook(lambda module, inputs, output: seen.append(output.shape))
    model(torch.randn(1, 64, 100), torch.tensor([100]))
    assert seen == [(1, 45, 24)]


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"mels": 15}, "patch = 16: expected at most 15, the mels of the features"),
        ({"heads": 5}, r"heads = 5: expected a divisor of width \(192\)"),
        ({"width": 193}, "width = 193: .*multiple of 2"),
    ],
)
def test_impossible_settings_are_refused(wrong: dict[str, object], sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        TagTransformerSettings.parse(wrong)

"""What classifiers are made of gives each clip of a batch what it gives the clip alone."""

import pytest
import torch
from torch import nn

from soundsieve.models._classifier import (
    ConvNorm,
    adaptive_pool,
    as_images,
    attention_over_time,
    batch_norm,
    fill_padding,
    frames_after,
    max_over_time,
    max_pool,
    mean_over_time,
    padding_mask,
)

LENGTHS = [3, 20, 9]


@pytest.fixture
def counts() -> torch.Tensor:
    return torch.tensor(LENGTHS)


@pytest.fixture
def x() -> torch.Tensor:
    return torch.randn(3, 4, 6, 20, generator=torch.Generator().manual_seed(0))


def test_images_are_0_past_the_end_and_no_longer_than_the_longest() -> None:
    images, _ = as_images(torch.ones(2, 5, 30), torch.tensor([2, 7]), mels=5)
    assert images.shape == (2, 1, 5, 7)
    assert images.sum((1, 2, 3)).tolist() == [10, 35]
    images, counts = as_images(torch.ones(2, 5, 30), torch.tensor([2, 7]), mels=5, least=9)
    assert images.shape == (2, 1, 5, 9)
    assert counts.tolist() == [9, 9]
    assert images.sum((1, 2, 3)).tolist() == [10, 35]


@pytest.mark.parametrize(("kernel", "stride", "padding"), [(1, 1, 0), (3, 1, 1), (3, 2, 1), (2, 1, 0), (5, 3, 2)])
def test_frames_are_counted_as_a_convolution_leaves_them(kernel: int, stride: int, padding: int) -> None:
    lengths = torch.arange(kernel, 40)
    conv = nn.Conv1d(1, 1, kernel, stride, padding)
    assert frames_after(lengths, kernel, stride, padding).tolist() == [
        conv(torch.zeros(1, 1, length)).shape[-1] for length in lengths.tolist()
    ]


def test_padding_is_what_is_filled(x: torch.Tensor, counts: torch.Tensor) -> None:
    assert (~padding_mask(counts, x)).sum(1).tolist() == LENGTHS
    filled = fill_padding(x, counts, 7.0)
    for row, length in enumerate(LENGTHS):
        torch.testing.assert_close(filled[row, ..., :length], x[row, ..., :length])
        assert (filled[row, ..., length:] == 7).all()


def test_batch_normalisation_counts_only_frames_inside_the_clips(x: torch.Tensor, counts: torch.Tensor) -> None:
    """Against plain batch normalisation of the clips end to end: values, statistics and gradients."""
    norm, plain = nn.BatchNorm2d(4), nn.BatchNorm2d(4)
    for module in (norm, plain):
        module.weight.data = torch.tensor([0.5, 1.0, -2.0, 3.0])
        module.bias.data = torch.tensor([1.0, 0.0, -1.0, 2.0])
    x.requires_grad_()
    inside = torch.cat([row[..., :length] for row, length in zip(x, LENGTHS, strict=True)], dim=-1)[None]
    expected = plain(inside)
    y = batch_norm(norm, x, counts)
    found = torch.cat([row[..., :length] for row, length in zip(y, LENGTHS, strict=True)], dim=-1)[None]
    torch.testing.assert_close(found, expected)
    assert not y[0, ..., 3:].any()
    torch.testing.assert_close(norm.state_dict(), plain.state_dict())
    (theirs,) = torch.autograd.grad(expected.sin().sum(), x)
    (ours,) = torch.autograd.grad(found.sin().sum(), x)
    torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("stride", [1, 2])
def test_a_convolution_and_a_pool_leave_each_clip_what_it_is_alone(
    x: torch.Tensor, counts: torch.Tensor, stride: int
) -> None:
    layer = ConvNorm(4, 5, stride=stride).eval()
    nn.init.normal_(layer.norm.bias)
    y, left = max_pool(*layer(fill_padding(x, counts), counts), 2)
    for row, length in enumerate(LENGTHS):
        alone = nn.functional.max_pool2d(layer.norm(layer.conv(x[row : row + 1, ..., :length])), 2)[0]
        assert int(left[row]) == alone.shape[-1]
        torch.testing.assert_close(y[row, ..., : left[row]], alone)
        assert not y[row, ..., left[row] :].any()


def test_ways_to_make_one_of_many_frames(x: torch.Tensor, counts: torch.Tensor) -> None:
    scores = torch.randn(3, 4, 20)
    attended = attention_over_time(x[:, :, 0], scores, counts)
    average, largest, cells = mean_over_time(x, counts), max_over_time(x, counts), adaptive_pool(x, counts, (2, 5))
    for row, length in enumerate(LENGTHS):
        clip = x[row, ..., :length]
        torch.testing.assert_close(average[row], clip.mean(-1))
        torch.testing.assert_close(largest[row], clip.amax(-1))
        torch.testing.assert_close(attended[row], (clip[:, 0] * scores[row, :, :length].softmax(-1)).sum(-1))
        torch.testing.assert_close(cells[row], nn.functional.adaptive_avg_pool2d(clip, (2, 5)))

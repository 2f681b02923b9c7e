"""What classifiers have in common: their inputs, and how they say when."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn

NO_SCORE = -1e4
"""The logit of every class in a segment past the end of its clip; a sigmoid of it is 0."""


@runtime_checkable
class NamesSegments(Protocol):
    """A classifier that also names each stretch of time, from which its name of the whole clip is made."""

    def frame_logits(self, features: Tensor, frames: Tensor) -> tuple[Tensor, int]:
        """Name each segment: (b, mel, frame), (b,) → logits (b, class, segment), frames from one segment to the next.

        Segment k begins at frame k times the hop. A clip has as many segments as it has alone; further ones, there
        because another clip of the batch is longer, hold `NO_SCORE`.
        """
        ...


def check_inputs(features: Tensor, frames: Tensor, mels: int) -> None:
    """Refuse shapes that broadcasting would silently accept, and lengths that no clip can have.

    Raises:
        ValueError: quoting what was found.
    """
    if features.ndim != 3 or features.shape[1] != mels or not features.numel():
        raise ValueError(f"features: expected shape (batch ≥ 1, {mels} mels, frame ≥ 1), found {tuple(features.shape)}")
    if frames.shape != features.shape[:1]:
        raise ValueError(f"frames: expected shape ({features.shape[0]},), found {tuple(frames.shape)}")
    if frames.is_floating_point() or frames.is_complex():
        raise ValueError(f"frames: expected whole numbers, found {frames.dtype}")
    if not (frames.min() >= 1 and frames.max() <= features.shape[2]):
        raise ValueError(
            f"frames: expected 1 to {features.shape[2]}, the length of features, found {int(frames.min())} to "
            f"{int(frames.max())}"
        )


def as_images(features: Tensor, frames: Tensor, *, mels: int, least: int = 1) -> tuple[Tensor, Tensor]:
    """Check a batch and lay it out as the images of one channel that a network's first layer takes.

    Args:
        features: Log-mel levels, (b, mel, frame); what lies past a clip's end is not looked at.
        frames: The length of each clip, (b,).
        mels: Bands expected.
        least: Fewest frames the network can take; shorter clips are lengthened with zeros to just that.

    Returns:
        Images (b, 1, mel, l) that are 0 past each clip's end, and the frames of each that count, (b,), on the CPU,
        where asking for them waits for no device.

    Raises:
        ValueError: when a shape does not fit, quoting it.
    """
    counts = frames.cpu()
    check_inputs(features, counts, mels)
    longest = int(counts.max())
    images = fill_padding(features[:, None, :, :longest], counts)
    return nn.functional.pad(images, (0, max(0, least - longest))), counts.clamp(min=least)


def channels_last(model: nn.Module) -> None:
    """Store the weights of a model's convolutions as a processor likes them: they are up to a third faster so."""
    for parameter in model.parameters():
        if parameter.ndim == 4:
            parameter.data = parameter.data.to(memory_format=torch.channels_last)


def frames_after(counts: Tensor, kernel: int, stride: int = 1, padding: int = 0) -> Tensor:
    """Frames that a convolution or pooling leaves of clips of so many: (b,) → (b,).

    >>> frames_after(torch.tensor([20, 27, 28]), kernel=20, stride=8).tolist()
    [1, 1, 2]
    """
    return (counts + 2 * padding - kernel) // stride + 1


def padding_mask(counts: Tensor, like: Tensor) -> Tensor:
    """Which frames lie past the end of their clip: (b,) → (b, l), where l is the last axis of `like`, on its device."""
    return torch.arange(like.shape[-1], device=like.device) >= counts.to(like.device)[:, None]


def fill_padding(x: Tensor, counts: Tensor, value: float = 0.0) -> Tensor:
    """Put one value past the end of each clip, whatever is there: (b, …, l), (b,) → (b, …, l).

    A convolution or pooling then sees past a clip's end what it sees past the end of a clip that is alone.
    """
    if int(counts.min()) >= x.shape[-1]:
        return x
    past = padding_mask(counts, x)
    return x.masked_fill(past.reshape(past.shape[0], *(1,) * (x.ndim - 2), past.shape[1]), value)


def batch_norm(norm: nn.BatchNorm2d, x: Tensor, counts: Tensor) -> Tensor:
    """Batch normalisation whose statistics count no frame past a clip's end, and which leaves zeros there.

    Shape:
        - x: (b, k, m, l), and counts (b,)
        - output: (b, k, m, l)
    """
    if not norm.training or int(counts.min()) >= x.shape[-1]:
        return fill_padding(norm(x), counts)
    inside = ~padding_mask(counts, x)
    frames = x.permute(0, 3, 1, 2)  # b, l, k, m
    normed = x.new_zeros(frames.shape)
    normed[inside] = norm(frames[inside][..., None])[..., 0].to(normed.dtype)
    return normed.permute(0, 2, 3, 1)


def mean_over_time(x: Tensor, counts: Tensor) -> Tensor:
    """Average over the frames of each clip: (b, …, l) → (b, …)."""
    return fill_padding(x, counts).sum(-1) / counts.to(x.device).reshape(-1, *(1,) * (x.ndim - 2))


def max_over_time(x: Tensor, counts: Tensor) -> Tensor:
    """Largest of the frames of each clip: (b, …, l) → (b, …)."""
    return fill_padding(x, counts, float("-inf")).amax(-1)


def attention_over_time(x: Tensor, scores: Tensor, counts: Tensor) -> Tensor:
    """Average over the frames of each clip, weighted by a softmax of scores: two of (b, k, l) → (b, k)."""
    return (fill_padding(x, counts) * fill_padding(scores, counts, float("-inf")).softmax(-1)).sum(-1)


def adaptive_pool(x: Tensor, counts: Tensor, size: tuple[int, int]) -> Tensor:
    """Average each clip into as many cells, whatever its length: (b, k, m, l) → (b, k, *size)."""
    rows = zip(x, counts.tolist(), strict=True)
    return torch.stack([nn.functional.adaptive_avg_pool2d(row[..., :count], size) for row, count in rows])


class ConvNorm(nn.Module):
    """A convolution and batch normalisation of clips of unequal length; what comes in must be 0 past their ends.

    Shape:
        - x: (b, k_in, m, l), and counts (b,)
        - output: (b, k_out, m', l'), 0 past each clip's end, and the frames left of each clip, (b,)

    >>> counts = torch.tensor([5, 8])
    >>> y, left = ConvNorm(1, 4, stride=2)(fill_padding(torch.randn(2, 1, 6, 8), counts), counts)
    >>> tuple(y.shape), left.tolist()
    ((2, 4, 3, 4), [3, 4])
    """

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        kernel: int = 3,
        *,
        stride: int = 1,
        padding: int | None = None,
        groups: int = 1,
        bias: bool = False,
    ) -> None:
        super().__init__()
        self.kernel, self.stride = kernel, stride
        self.padding = kernel // 2 if padding is None else padding
        self.conv = nn.Conv2d(channels_in, channels_out, kernel, stride, self.padding, groups=groups, bias=bias)
        self.norm = nn.BatchNorm2d(channels_out)

    def forward(self, x: Tensor, counts: Tensor) -> tuple[Tensor, Tensor]:
        """Convolve, normalise, and blank what leaked past the ends."""
        counts = frames_after(counts, self.kernel, self.stride, self.padding)
        return batch_norm(self.norm, self.conv(x), counts), counts


def max_pool(x: Tensor, counts: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Keep the largest of each `size` by `size` cells; the frames of a clip that do not fill one are dropped."""
    counts = counts // size
    return fill_padding(nn.functional.max_pool2d(x, size), counts), counts

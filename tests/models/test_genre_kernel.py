"""The kernel machine: what it solves, what it whitens away, what it refuses."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from soundsieve.models.genre_kernel import GenreKernel, GenreKernelSettings


def rows_and_targets(rows: int = 60, columns: int = 4) -> tuple[Tensor, Tensor]:
    torch.manual_seed(0)
    targets = torch.arange(rows) % 3
    return torch.randn(rows, columns) + 2 * torch.eye(3, columns)[targets], targets


def fitted(rows: Tensor, targets: Tensor, **settings: float) -> GenreKernel:
    model = GenreKernel(GenreKernelSettings(columns=rows.shape[1], rows=len(rows), **settings), 3)
    model.fit(rows, targets)
    return model.eval()


def test_it_solves_the_ridge_regression_it_describes() -> None:
    """(K + ridge) weights = indicators less 1/c; so at the training rows the residue is ridge times the weights."""
    rows, targets = rows_and_targets()
    model = fitted(rows, targets, ridge=0.3, temperature=0.5)
    wanted = torch.nn.functional.one_hot(targets, 3) - 1 / 3
    torch.testing.assert_close(wanted - 0.5 * model(rows), 0.3 * model.weights, atol=1e-4, rtol=0)


def test_inside_the_genres_whitened_rows_vary_alike_in_every_direction() -> None:
    rows, targets = rows_and_targets(600)
    mixed = rows @ torch.tensor([[5.0, 1, 0, 0], [0, 1, 0, 2], [0, 0, 0.1, 0], [1, 0, 0, 1]])
    model = fitted(mixed, targets, shrink=1e-6)
    inside = torch.cat([part - part.mean(0) for part in (model.supports[targets == k] for k in range(3))])
    covariance = inside.T @ inside / len(inside)
    torch.testing.assert_close(covariance / covariance[0, 0], torch.eye(4), atol=1e-3, rtol=0)
    assert model.supports.var(0, unbiased=False).mean() == pytest.approx(1, abs=1e-3)


def test_half_whitened_is_half_way_and_not_at_all_leaves_distances_alone() -> None:
    rows, targets = rows_and_targets(600)
    stretched = rows * torch.tensor([100.0, 1, 1, 1])

    def spread(whiten: float) -> float:
        values = torch.linalg.svdvals(fitted(stretched, targets, shrink=1e-6, whiten=whiten).supports)
        return (values[0] / values[1]).item()

    assert spread(0.0) == pytest.approx(100, rel=0.4)
    assert spread(0.5) == pytest.approx(10, rel=0.4)
    assert spread(1.0) < 3
    plain = fitted(rows, targets, whiten=0.0)
    scale = torch.cdist(plain.supports, plain.supports)[0, 1:] / torch.cdist(rows, rows)[0, 1:]
    torch.testing.assert_close(scale, scale[:1].expand_as(scale), atol=1e-4, rtol=0)


def test_a_column_of_noise_inside_the_genres_counts_less_than_one_that_tells() -> None:
    """Without whitening (shrink 1) a loud column that says nothing decides who is near."""
    torch.manual_seed(1)
    targets = torch.arange(240) % 3
    told = torch.eye(3)[targets] + 0.15 * torch.randn(240, 3)
    rows = torch.cat([told, 20 * torch.randn(240, 3)], 1)
    right = {}
    for shrink in (0.001, 1.0):
        model = fitted(rows[:120], targets[:120], shrink=shrink)
        right[shrink] = (model(rows[120:]).argmax(1) == targets[120:]).float().mean().item()
    assert right[0.001] > 0.9
    assert right[1.0] < 0.6


def test_the_state_is_all_of_it() -> None:
    rows, targets = rows_and_targets()
    model = fitted(rows, targets)
    again = GenreKernel(model.settings, 3)
    again.load_state_dict(model.state_dict())
    torch.testing.assert_close(again(rows), model(rows), atol=0, rtol=0)


def test_a_genre_without_rows_is_never_the_best() -> None:
    rows, targets = rows_and_targets()
    model = GenreKernel(GenreKernelSettings(columns=4, rows=60), 5)
    model.fit(rows, targets)
    assert model(rows).isfinite().all()
    assert set(model(rows).argmax(1).tolist()) == {0, 1, 2}


def test_other_rows_than_it_was_built_for_are_refused() -> None:
    rows, targets = rows_and_targets()
    model = GenreKernel(GenreKernelSettings(columns=4, rows=50), 3)
    with pytest.raises(ValueError, match="rows: expected 50 and as many classes, found 60 and 60"):
        model.fit(rows, targets)
    with pytest.raises(ValueError, match="rows: expected 50 and as many classes, found 50 and 49"):
        model.fit(rows[:50], targets[:49])


def test_the_released_size_is_under_two_megabytes() -> None:
    model = GenreKernel(GenreKernelSettings(rows=1000), 10)
    assert sum(tensor.numel() * tensor.element_size() for tensor in model.state_dict().values()) < 300_000

"""Asking a selector: what is asked of a mixture, and the one call that answers it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from soundsieve.mixing import Rendered

Estimator = Callable[[Tensor, Tensor], Tensor]
"""mixture (b, 1, t) and wanted (b, q, c), on the CPU → (b, q, t): a network, or a network with its gate."""

Progress = Callable[[int, int], None]
"""Called with how many mixtures are done, and of how many."""


class Mixtures(Protocol):
    """Mixtures by number: rendered when asked for, or read from disk."""

    def __len__(self) -> int: ...

    def __call__(self, index: int) -> Rendered:
        """Sound mixture number `index`."""
        ...


def groups_of(labels: Sequence[str], size: int, rng: np.random.Generator) -> list[tuple[str, ...]]:
    """Return groups of `size` labels in which every label is asked for equally often.

    The labels are put in a circle in random order, and every `size` neighbours are a group: as many groups as labels,
    or a single one where it holds them all.

    >>> groups_of(["a", "b", "c"], 1, np.random.default_rng(0))
    [('a',), ('b',), ('c',)]
    >>> sorted(groups_of(["a", "b", "c"], 2, np.random.default_rng(0)))
    [('a', 'b'), ('a', 'c'), ('b', 'c')]
    >>> groups_of(["a", "b", "c"], 3, np.random.default_rng(0))
    [('a', 'b', 'c')]
    """
    count = len(labels)
    circle = [labels[k] for k in rng.permutation(count)]
    if size > count:
        return []
    starts = range(1 if size == count else count)
    return sorted(tuple(sorted(circle[(start + k) % count] for k in range(size))) for start in starts)


def absent_classes(
    present: Sequence[str], classes: Sequence[str], count: int, rng: np.random.Generator
) -> tuple[str, ...]:
    """Draw up to `count` classes that are not in the mixture, in alphabetical order."""
    others = sorted(set(classes) - set(present))
    return tuple(others[k] for k in sorted(rng.permutation(len(others))[:count]))


def wanted_rows(queries: Sequence[Sequence[str]], classes: Sequence[str]) -> NDArray[np.float32]:
    """Return the queries as ones and zeros, shape (query, class).

    >>> wanted_rows([["b"], ["a", "b"]], ["a", "b", "c"]).tolist()
    [[0.0, 1.0, 0.0], [1.0, 1.0, 0.0]]
    """
    rows = np.zeros((len(queries), len(classes)), np.float32)
    for row, labels in zip(rows, queries, strict=True):
        row[[classes.index(label) for label in labels]] = 1.0
    return rows


def answer(
    estimator: Estimator,
    mixture: NDArray[np.float32],
    queries: Sequence[Sequence[str]],
    classes: Sequence[str],
) -> NDArray[np.float32]:
    """Ask an estimator all queries about one mixture, shape (time,), in one call; returns (query, time)."""
    if not queries:
        return np.zeros((0, len(mixture)), np.float32)
    with torch.inference_mode():
        wanted = torch.from_numpy(wanted_rows(queries, classes))
        estimates = estimator(torch.from_numpy(mixture)[None, None], wanted[None])
    return np.asarray(estimates[0].float().cpu().numpy())

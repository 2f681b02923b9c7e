"""A selector as it is delivered: the network with the gate that holds back what is absent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from soundsieve.evaluation.presence import SILENCE_DB, Measure
from soundsieve.evaluation.queries import Estimator
from soundsieve.inference.presence import GateSettings, PresenceGate


class GatedEstimator:
    """Asks the network for each wanted class and for their sum, and lets the gate decide what is handed over.

    Args:
        network: The bare network.
        classes: Its classes, in the order of its inputs.
        sample_rate: In Hz.
        thresholds_db: Class → the level at which it counts as present; others take the gate's own.
        settings: The gate.

    Shape:
        - mixture: (b, 1, t)
        - wanted: (b, q, c)
        - output: (b, q, t)
    """

    def __init__(
        self,
        network: Estimator,
        classes: Sequence[str],
        sample_rate: int,
        *,
        thresholds_db: Mapping[str, float] | None = None,
        settings: GateSettings | None = None,
    ) -> None:
        self._network = network
        self._sample_rate = sample_rate
        self._settings = settings or GateSettings()
        known = thresholds_db or {}
        self._thresholds_db = {name: known.get(name, self._settings.threshold_db) for name in classes}

    def __call__(self, mixture: Tensor, wanted: Tensor) -> Tensor:
        """Estimate the sum of the wanted classes that are there, one estimate a query."""
        singles = torch.eye(wanted.shape[2]).expand(len(wanted), -1, -1)
        needed = wanted.amax((0, 1)) > 0
        estimates = self._network(mixture, torch.cat([wanted, singles[:, needed]], dim=1)).cpu()
        rows = {int(column): wanted.shape[1] + k for k, column in enumerate(torch.nonzero(needed)[:, 0])}
        gated = [
            torch.stack([self._gate(signal, own[q], query, own, rows) for q, query in enumerate(queries)])
            for signal, queries, own in zip(mixture, wanted, estimates, strict=True)
        ]
        return torch.stack(gated)

    def _gate(self, mixture: Tensor, union: Tensor, query: Tensor, own: Tensor, rows: Mapping[int, int]) -> Tensor:
        columns = [int(column) for column in torch.nonzero(query)[:, 0]]
        if not columns:
            return torch.zeros_like(union)
        names = list(self._thresholds_db)
        thresholds_db = {names[column]: self._thresholds_db[names[column]] for column in columns}
        several = [own[rows[column]] for column in columns] if len(columns) > 1 else []
        gate = PresenceGate(thresholds_db, self._sample_rate, 1, self._settings)
        _, selection = gate.push(mixture.numpy(), torch.stack([union, *several])[:, None].numpy(), last=True)
        return torch.from_numpy(selection[0])


def loudest_second_db(sample_rate: int) -> Measure:
    """Return the measure that the gate compares with its threshold: the level in the second where it is highest.

    >>> mixture = np.tile(np.float32([1, -1]), 16_000)
    >>> estimate = np.where(np.arange(32_000) < 8_000, 0.1, 0.0).astype(np.float32) * mixture
    >>> loudest_second_db(8_000)(estimate[None], mixture).round(2)
    array([-20.])
    """

    def measure(estimates: NDArray[np.float32], mixture: NDArray[np.float32]) -> NDArray[np.float64]:
        gate = PresenceGate({str(row): 0.0 for row in range(len(estimates))}, sample_rate, 1, GateSettings())
        union = estimates.sum(0, keepdims=True)
        signals = estimates if len(estimates) == 1 else np.concatenate([union, estimates])
        gate.push(mixture[None], signals[:, None], last=True)
        found = gate.presence()
        levels_db = np.array([found[str(row)].peak_db for row in range(len(estimates))])
        return np.asarray(np.maximum(levels_db, SILENCE_DB))

    return measure

"""Training networks on tables of descriptors: a small loop of its own, as a thousand rows take it seconds.

The defaults are the study's recipe for GTZAN: Adam, 1e-4, 100 epochs, batches of 32, the last epoch's weights.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor, nn

from soundsieve import models
from soundsieve.datasets.genre_table import Examples
from soundsieve.errors import DatasetError
from soundsieve.features.standardise import Standardise, StandardiseSettings, log_columns
from soundsieve.models._table import Punishes, TrainsItself
from soundsieve.settings import Settings

Floats = NDArray[np.float64]


class TableTraining(Settings):
    """How a network is trained on a table."""

    epochs: int = Field(100, ge=1)
    batch: int = Field(32, ge=2, description="rows of a step; what is left over at an epoch's end waits for the next")
    learning_rate: float = Field(1e-4, gt=0, allow_inf_nan=False)
    weight_decay: float = Field(0.0, ge=0, allow_inf_nan=False)
    keep: Literal["last", "best"] = Field("last", description="weights of the last epoch, or that with the best choice")
    levels: Literal["plain", "log", "level-free"] = Field(
        "plain", description="of the columns: as they are, positive ones as logarithms, or these without the loudness"
    )
    clip: float | None = Field(None, gt=0, description="deviations beyond which a descriptor is cut")


@dataclass(frozen=True)
class TableRun:
    """A network trained on a table.

    Attributes:
        front_end: standardises rows, with the statistics of the training rows.
        model: names standardised rows; in eval mode.
        curves: loss and accuracy in training and choosing → one value an epoch; empty for a model without epochs.
    """

    front_end: Standardise
    model: nn.Module
    curves: Mapping[str, tuple[float, ...]]

    def __call__(self, values: Floats) -> Floats:
        """Return log-probabilities (n, class) of rows (n, column)."""
        with torch.inference_mode():
            logits = self.model(self.front_end(torch.from_numpy(values)))
            return np.asarray(logits.double().log_softmax(-1).numpy())


def train(
    name: str,
    hyper: Mapping[str, Any],
    train_rows: Examples,
    validation: Examples,
    settings: TableTraining | None = None,
    *,
    seed: int = 0,
) -> TableRun:
    """Train one architecture on a table.

    Args:
        name: the architecture.
        hyper: its hyper-parameters; `columns`, and `rows` where it has that, are taken from the rows.
        train_rows: to learn from; they alone decide the standardisation.
        validation: to choose the epoch by, where one is chosen, and for the curves.
        settings: how.
        seed: of weights, order and dropout.

    Raises:
        UnknownNameError: there is no such architecture.
        SettingsError: a hyper-parameter is wrong.
        DatasetError: there are fewer rows than in a batch.
    """
    s = settings or TableTraining()
    if len(train_rows.values) < s.batch:
        raise DatasetError(f"{len(train_rows.values)} rows to learn from: expected at least a batch of {s.batch}")
    front_end = Standardise(_standardisation(train_rows.columns, s))
    front_end.fit(torch.from_numpy(train_rows.values))
    rows = front_end(torch.from_numpy(train_rows.values))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = models.build(name, {**hyper, **_size(name, rows)}, train_rows.classes)
        if isinstance(model, TrainsItself):
            model.fit(rows, torch.from_numpy(train_rows.targets))
            return TableRun(front_end, model.eval(), {})
        chosen = front_end(torch.from_numpy(validation.values)), torch.from_numpy(validation.targets)
        curves = _fit(model, (rows, torch.from_numpy(train_rows.targets)), chosen, s)
    return TableRun(front_end, model.eval(), curves)


def learner(
    name: str, hyper: Mapping[str, Any], settings: TableTraining | None = None
) -> Callable[[Examples, Examples, int], TableRun]:
    """Return `train` of one architecture as a function of rows to learn from, rows to choose by, and a seed."""
    return lambda train_rows, validation, seed: train(name, hyper, train_rows, validation, settings, seed=seed)


def _standardisation(columns: tuple[str, ...], s: TableTraining) -> StandardiseSettings:
    log = () if s.levels == "plain" else log_columns(columns)
    return StandardiseSettings(columns=columns, log=log, level_free=s.levels == "level-free", clip=s.clip)


def _size(name: str, rows: Tensor) -> dict[str, int]:
    """What the standardised rows decide of a model's hyper-parameters."""
    size = {"columns": rows.shape[1], "rows": len(rows)}
    known = type(models.settings(name, {})).model_fields
    return {key: value for key, value in size.items() if key in known}


def _fit(
    model: nn.Module, learnt: tuple[Tensor, Tensor], chosen: tuple[Tensor, Tensor], s: TableTraining
) -> dict[str, tuple[float, ...]]:
    optimiser = torch.optim.Adam(model.parameters(), s.learning_rate, weight_decay=s.weight_decay)
    curves: dict[str, list[float]] = {"train loss": [], "train accuracy": [], "validation loss": []}
    curves["validation accuracy"] = []
    best, kept = -1.0, None
    for _ in range(s.epochs):
        loss, accuracy = _epoch(model, optimiser, *learnt, s.batch)
        validation_loss, validation_accuracy = _judge(model, *chosen)
        values = (loss, accuracy, validation_loss, validation_accuracy)
        for curve, value in zip(curves.values(), values, strict=True):
            curve.append(value)
        if s.keep == "best" and validation_accuracy > best:
            best, kept = validation_accuracy, deepcopy(model.state_dict())
    if kept is not None:
        model.load_state_dict(kept)
    return {name: tuple(curve) for name, curve in curves.items()}


def _epoch(
    model: nn.Module, optimiser: torch.optim.Optimizer, rows: Tensor, targets: Tensor, batch: int
) -> tuple[float, float]:
    """Go through the rows once; loss without penalty, and accuracy, both as seen in training."""
    model.train()
    order = torch.randperm(len(rows))
    total, right, seen = 0.0, 0, 0
    for start in range(0, len(rows) - batch + 1, batch):
        picked = order[start : start + batch]
        logits = model(rows[picked])
        loss = nn.functional.cross_entropy(logits, targets[picked])
        optimiser.zero_grad()
        (loss + model.penalty() if isinstance(model, Punishes) else loss).backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        total, seen = total + loss.item() * batch, seen + batch
        right += int((logits.argmax(1) == targets[picked]).sum())
    return total / seen, right / seen


@torch.inference_mode()
def _judge(model: nn.Module, rows: Tensor, targets: Tensor) -> tuple[float, float]:
    logits = model.eval()(rows)
    loss = nn.functional.cross_entropy(logits, targets)
    return loss.item(), float((logits.argmax(1) == targets).double().mean())

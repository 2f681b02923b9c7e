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
from soundsieve.features.descriptor_front_end import DescriptorFrontEnd, DescriptorFrontEndSettings
from soundsieve.features.standardise import StandardiseSettings, log_columns, root_columns
from soundsieve.models._table import Punishes, TrainsItself
from soundsieve.settings import Settings

Floats = NDArray[np.float64]


Levels = Literal["plain", "log", "root", "level-free"]
"""Columns as they are; positive ones as logarithms; besides, those around 0 as roots; logarithms without loudness."""


class TableTraining(Settings):
    """How a network is trained on a table."""

    epochs: int = Field(100, ge=1)
    batch: int = Field(32, ge=2, description="rows of a step; what is left over at an epoch's end waits for the next")
    learning_rate: float = Field(1e-4, gt=0, allow_inf_nan=False)
    weight_decay: float = Field(0.0, ge=0, allow_inf_nan=False)
    keep: Literal["last", "best"] = Field("last", description="weights of the last epoch, or that with the best choice")
    views: tuple[Levels, ...] = Field(("plain",), min_length=1, description="how a model sees the columns")
    clip: float | None = Field(None, gt=0, description="deviations beyond which a descriptor is cut")
    refit: bool = Field(False, description="once calibrated, learn again from training and validation rows together")


@dataclass(frozen=True)
class TableRun:
    """A network trained on a table.

    Attributes:
        front_end: standardises rows, with the statistics of the training rows.
        model: names standardised rows; in eval mode.
        hyper: its hyper-parameters, those that the rows decide among them.
        curves: loss and accuracy in training and choosing → one value an epoch; empty for a model without epochs.
    """

    front_end: DescriptorFrontEnd
    model: nn.Module
    hyper: Mapping[str, Any]
    curves: Mapping[str, tuple[float, ...]]

    def __call__(self, values: Floats) -> Floats:
        """Return log-probabilities (n, class) of rows (n, column)."""
        with torch.inference_mode():
            logits = self.model(self.front_end.views(torch.from_numpy(values)))
            return np.asarray(logits.double().log_softmax(-1).numpy())


def train(
    name: str,
    hyper: Mapping[str, Any],
    train_rows: Examples,
    validation: Examples,
    settings: TableTraining | None = None,
    *,
    seed: int = 0,
    described: Mapping[str, Any] | None = None,
) -> TableRun:
    """Train one architecture on a table.

    Args:
        name: the architecture.
        hyper: its hyper-parameters; those of `columns`, `views` and `rows` that it has are taken from the rows.
        train_rows: to learn from; they alone decide the standardisation.
        validation: to choose the epoch by, where one is chosen, and for the curves.
        settings: how.
        seed: of weights, order and dropout.
        described: how the rows were made of music, for the model's use on recordings: further settings of
            `soundsieve.features.descriptor_front_end`.

    Raises:
        UnknownNameError: there is no such architecture.
        SettingsError: a hyper-parameter is wrong.
        DatasetError: there are no rows of a class, or fewer than in a batch where it learns by steps.
    """
    s = settings or TableTraining()
    views = tuple(standardisation(train_rows.columns, levels, s.clip) for levels in s.views)
    front_end = DescriptorFrontEnd(
        DescriptorFrontEndSettings.parse({**(described or {}), "views": views}), train_rows.classes
    )
    values, targets = torch.from_numpy(train_rows.values), torch.from_numpy(train_rows.targets)
    front_end.fit(values, targets)
    rows = front_end.views(values)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        sized = {**hyper, **_size(name, rows, front_end.views.widths)}
        model = models.build(name, sized, train_rows.classes)
        if isinstance(model, TrainsItself):
            model.fit(rows, targets)
            return TableRun(front_end, model.eval(), sized, {})
        if len(rows) < s.batch:
            raise DatasetError(f"{len(rows)} rows to learn from: expected at least a batch of {s.batch}")
        chosen = front_end.views(torch.from_numpy(validation.values)), torch.from_numpy(validation.targets)
        curves = _fit(model, (rows, targets), chosen, s)
    return TableRun(front_end, model.eval(), sized, curves)


def learner(
    name: str, hyper: Mapping[str, Any], settings: TableTraining | None = None
) -> Callable[[Examples, Examples, int], TableRun]:
    """Return `train` of one architecture as a function of rows to learn from, rows to choose by, and a seed.

    What is chosen by is looked at by nothing else here: `refit` is for those who calibrate first.
    """
    return lambda train_rows, validation, seed: train(name, hyper, train_rows, validation, settings, seed=seed)


def standardisation(columns: tuple[str, ...], levels: Levels, clip: float | None = None) -> StandardiseSettings:
    """Settings of one view of some columns."""
    return StandardiseSettings(
        columns=columns,
        log=() if levels == "plain" else log_columns(columns),
        root=root_columns(columns) if levels == "root" else (),
        level_free=levels == "level-free",
        clip=clip,
    )


def _size(name: str, rows: Tensor, views: tuple[int, ...]) -> dict[str, Any]:
    """What the standardised rows decide of a model's hyper-parameters."""
    size = {"columns": rows.shape[1], "rows": len(rows), "views": views}
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

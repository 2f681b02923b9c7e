"""Standardising descriptors with the statistics of the training data: part of a front end, kept in the checkpoint.

Means of positive quantities and variances span decades, so their logarithm may be taken first; see `log_columns`.
Means of quantities that are as often negative as positive lie around 0 with a few far off; for them there is a root.

Axes: b batch, k column, k' column of the output.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from pydantic import Field, ValidationInfo, field_validator
from torch import Tensor, nn

from soundsieve.features.level_free import level_free, logarithms_needed
from soundsieve.settings import Settings

_LEAST_DEVIATION = 1e-9  # of the largest value: a column that varies less is constant, and says nothing
_FLOOR = 1e-12  # least value under the logarithm


class StandardiseSettings(Settings):
    """What is done to which columns."""

    columns: tuple[str, ...] = Field(min_length=1, description="names of the columns, in order")
    log: tuple[str, ...] = Field((), description="columns whose natural logarithm is taken first")
    root: tuple[str, ...] = Field((), description="columns whose fourth root is taken first, its sign kept")
    level_free: bool = Field(False, description="leave out how loud the recording is; see `features.level_free`")
    clip: float | None = Field(None, gt=0, description="deviations beyond which a value is cut; None: never")

    @field_validator("columns")
    @classmethod
    def _differ(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(value)) < len(value):
            raise ValueError("expected names that differ")
        return value

    @field_validator("log", "root")
    @classmethod
    def _exist(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        columns = info.data.get("columns", value)  # not there when they are wrong themselves
        for name in value:
            if name not in columns:
                raise ValueError(f"{name!r} is none of the columns")
        return value

    @field_validator("level_free")
    @classmethod
    def _takes_logarithms(cls, value: bool, info: ValidationInfo) -> bool:
        columns, log = info.data.get("columns"), info.data.get("log")
        if value and columns is not None and log is not None:
            lacking = sorted(logarithms_needed(columns) - set(log))
            if lacking:
                raise ValueError(f"expected the logarithm of {', '.join(lacking)} in log")
        return value


class Standardise(nn.Module):
    """Gives each column the mean 0 and the deviation 1 that it had in the training data.

    A column that was constant there becomes 0 whatever its value: it cannot become a clue.

    Attributes:
        names: the columns of the output, fewer where it is level-free.

    Shape:
        - rows: (b, k)
        - output: (b, k'), float32

    Raises:
        ValueError: when the shape does not fit, quoting it.
        RuntimeError: before `fit`.

    >>> front_end = Standardise(StandardiseSettings(columns=("tempo", "length")))
    >>> front_end.fit(torch.tensor([[100.0, 661794.0], [120.0, 661794.0]]))
    >>> front_end(torch.tensor([[130.0, 70000.0]])).tolist()
    [[2.0, 0.0]]
    """

    mean: Tensor
    deviation: Tensor
    logged: Tensor
    rooted: Tensor
    mixing: Tensor

    def __init__(self, settings: StandardiseSettings) -> None:
        super().__init__()
        self.settings = settings
        columns = settings.columns
        self.names, mixing = level_free(columns) if settings.level_free else (columns, np.eye(len(columns)))
        self.register_buffer("mean", torch.full((len(self.names),), torch.nan))
        self.register_buffer("deviation", torch.full((len(self.names),), torch.nan))
        self.register_buffer("mixing", torch.from_numpy(mixing), persistent=False)  # k, k'
        logged = torch.tensor([name in settings.log for name in settings.columns])
        self.register_buffer("logged", logged, persistent=False)
        rooted = torch.tensor([name in settings.root for name in settings.columns])
        self.register_buffer("rooted", rooted, persistent=False)

    def fit(self, rows: Tensor) -> None:
        """Take the statistics of training rows (b, k)."""
        levels = self._levels(rows)
        deviation = levels.std(0, unbiased=False)
        constant = deviation <= _LEAST_DEVIATION * levels.abs().amax(0)
        self.mean.copy_(levels.mean(0))
        self.deviation.copy_(torch.where(constant, torch.inf, deviation))

    def forward(self, rows: Tensor) -> Tensor:
        """Standardise rows."""
        levels = self.uncut(rows)
        return levels if self.settings.clip is None else levels.clamp(-self.settings.clip, self.settings.clip)

    def uncut(self, rows: Tensor) -> Tensor:
        """Standardise rows whatever `clip` is: how far off something is would be cut off, too.

        Raises:
            ValueError, RuntimeError: as the call does.
        """
        if bool(self.deviation.isnan().any()):
            raise RuntimeError("standardising: there are no statistics yet; call fit with training rows first")
        return ((self._levels(rows) - self.mean) / self.deviation).float()

    def _levels(self, rows: Tensor) -> Tensor:
        columns = len(self.settings.columns)
        if rows.ndim != 2 or rows.shape[1] != columns or not len(rows):
            raise ValueError(f"rows: expected shape (batch ≥ 1, {columns} columns), found {tuple(rows.shape)}")
        rows = rows.double()  # spectral variances are so large that float32 has no digits left for their spread
        rows = torch.where(self.rooted, rows.sign() * rows.abs().sqrt().sqrt(), rows)
        return torch.where(self.logged, rows.clamp(min=_FLOOR).log(), rows) @ self.mixing.double()


class Views(nn.Module):
    """Several ways to standardise the same columns, side by side, for models that look at them in more than one.

    Shape:
        - rows: (b, k)
        - output: (b, k'), the columns of each way after those of the one before, float32

    >>> settings = [StandardiseSettings(columns=("a", "b")), StandardiseSettings(columns=("a", "b"), log=("b",))]
    >>> views = Views(settings)
    >>> views.fit(torch.tensor([[1.0, 1.0], [2.0, 10.0], [3.0, 100.0]]))
    >>> views.widths, views(torch.tensor([[2.0, 10.0]])).round(decimals=2).tolist()
    ((2, 2), [[0.0, -0.6, 0.0, 0.0]])
    """

    def __init__(self, settings: Sequence[StandardiseSettings]) -> None:
        super().__init__()
        self.views = nn.ModuleList(Standardise(view) for view in settings)

    @property
    def widths(self) -> tuple[int, ...]:
        """How many columns each way gives."""
        return tuple(len(view.names) for view in self._each())

    def fit(self, rows: Tensor) -> None:
        """Take the statistics of training rows (b, k)."""
        for view in self._each():
            view.fit(rows)

    @property
    def first(self) -> Standardise:
        """The first way."""
        return self._each()[0]

    def forward(self, rows: Tensor) -> Tensor:
        """Standardise rows in each way."""
        return torch.cat([view(rows) for view in self._each()], 1)

    def _each(self) -> list[Standardise]:
        return [view for view in self.views if isinstance(view, Standardise)]


def log_columns(columns: Sequence[str]) -> tuple[str, ...]:
    """Return the columns that are positive by nature and span decades: variances, and means of positive quantities.

    >>> log_columns(["rms_mean", "mfcc1_mean", "mfcc1_var", "tempo"])
    ('rms_mean', 'mfcc1_var', 'tempo')
    """
    return tuple(name for name in columns if name.endswith("_var") or name in _POSITIVE)


def root_columns(columns: Sequence[str]) -> tuple[str, ...]:
    """Return the columns that lie around 0 by nature: means of parts of a waveform.

    >>> root_columns(["harmony_mean", "harmony_var", "tempo"])
    ('harmony_mean',)
    """
    return tuple(name for name in columns if name in {"harmony_mean", "perceptr_mean"})


_POSITIVE = frozenset(
    (
        "chroma_stft_mean",
        "rms_mean",
        "spectral_centroid_mean",
        "spectral_bandwidth_mean",
        "rolloff_mean",
        "zero_crossing_rate_mean",
        "tempo",
    )
)

"""A committee for tables of descriptors: members that err differently, and look at the descriptors differently.

Members are kernel machines (`soundsieve.models.genre_kernel`) and discriminants
(`soundsieve.models.genre_discriminant`). Each sees one view of a row, such as its descriptors with and without what
depends on the loudness; see `soundsieve.features.standardise.Views`. What the committee says is the mean of the
members' log-probabilities.

Axes: b batch, c class, k column.
"""

from __future__ import annotations

from itertools import accumulate
from typing import Literal

import torch
from pydantic import Field, PositiveInt, model_validator
from torch import Tensor, nn

from soundsieve.models._table import check_rows
from soundsieve.models.genre_discriminant import GenreDiscriminant, GenreDiscriminantSettings
from soundsieve.models.genre_kernel import GenreKernel, GenreKernelSettings
from soundsieve.settings import Settings


class MemberSettings(Settings):
    """One member; what its own model does not know is not used."""

    model: Literal["kernel", "discriminant"] = "kernel"
    view: int = Field(0, ge=0, description="which of the views it sees")
    shrink: float = Field(0.05, gt=0, le=1)
    whiten: float = Field(1.0, ge=0, le=1, description="of a kernel machine")
    width: float = Field(1.0, gt=0, description="of a kernel machine")
    pooled: float = Field(0.7, ge=0, le=1, description="of a discriminant")


_MEMBERS = (
    MemberSettings(view=0),
    MemberSettings(view=1),
    MemberSettings(view=1, model="discriminant", shrink=0.1),
    MemberSettings(view=1, shrink=0.1, whiten=0.5, width=2.0),
)


class GenreCommitteeSettings(Settings):
    """Hyper-parameters; the defaults were chosen on validation parts of GTZAN."""

    views: tuple[PositiveInt, ...] = Field((54, 57), min_length=1, description="columns of each view")
    rows: int = Field(680, ge=2, description="training rows, which the kernel machines keep")
    members: tuple[MemberSettings, ...] = Field(_MEMBERS, min_length=1)

    @model_validator(mode="after")
    def _views_exist(self) -> GenreCommitteeSettings:
        for member in self.members:
            if member.view >= len(self.views):
                raise ValueError(f"a member sees view {member.view}; expected one of {len(self.views)}, counted from 0")
        return self


class GenreCommittee(nn.Module):
    """Names the genre of each row.

    Shape:
        - rows: (b, k), the views of a standardised row, one after the other
        - output: logits (b, c), the mean of the members' log-probabilities

    Raises:
        ValueError: when a shape does not fit, quoting it.

    >>> settings = GenreCommitteeSettings(views=(1, 2), rows=6)
    >>> model = GenreCommittee(settings, classes=2)
    >>> rows = torch.tensor([[0.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.2, 0.2, 0.5]])
    >>> model.fit(torch.cat([rows, rows + 5]), torch.tensor([0, 0, 0, 1, 1, 1]))
    >>> model(torch.tensor([[0.3, 0.3, 0.4], [4.5, 4.5, 4.6]])).argmax(1).tolist()
    [0, 1]
    """

    def __init__(self, settings: GenreCommitteeSettings, classes: int) -> None:
        super().__init__()
        self.settings = settings
        self.classes = classes
        ends = list(accumulate(settings.views))
        self.parts = [slice(ends[m.view] - settings.views[m.view], ends[m.view]) for m in settings.members]
        self.members = nn.ModuleList(_build(member, settings, classes) for member in settings.members)

    def forward(self, rows: Tensor) -> Tensor:
        """Name each row."""
        check_rows(rows, sum(self.settings.views))
        seen = zip(self.members, self.parts, strict=True)
        return torch.stack([member(rows[:, part]).log_softmax(1) for member, part in seen]).mean(0)

    def fit(self, rows: Tensor, targets: Tensor) -> None:
        """Solve for every member from standardised rows (n, k) and their classes (n,)."""
        check_rows(rows, sum(self.settings.views))
        for member, part in zip(self.members, self.parts, strict=True):
            if isinstance(member, GenreKernel | GenreDiscriminant):
                member.fit(rows[:, part], targets)


def _build(member: MemberSettings, settings: GenreCommitteeSettings, classes: int) -> nn.Module:
    columns = settings.views[member.view]
    if member.model == "discriminant":
        own = GenreDiscriminantSettings(columns=columns, pooled=member.pooled, shrink=member.shrink)
        return GenreDiscriminant(own, classes)
    kernel = GenreKernelSettings(
        columns=columns, rows=settings.rows, shrink=member.shrink, whiten=member.whiten, width=member.width
    )
    return GenreKernel(kernel, classes)


TASK = "genre"
SETTINGS = GenreCommitteeSettings
MODEL = GenreCommittee

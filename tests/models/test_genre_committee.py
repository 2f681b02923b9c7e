"""The committee and its discriminant: what they solve, what members see, what they refuse."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from soundsieve.errors import SettingsError
from soundsieve.models.genre_committee import GenreCommittee, GenreCommitteeSettings
from soundsieve.models.genre_discriminant import GenreDiscriminant, GenreDiscriminantSettings


def clouds(rows: int, columns: int = 3, classes: int = 3) -> tuple[Tensor, Tensor]:
    torch.manual_seed(0)
    targets = torch.arange(rows) % classes
    return torch.randn(rows, columns, dtype=torch.float64) + 3 * torch.eye(classes, columns)[targets], targets


def discriminant(rows: Tensor, targets: Tensor, **settings: float) -> GenreDiscriminant:
    model = GenreDiscriminant(GenreDiscriminantSettings(columns=rows.shape[1], **settings), 3)
    model.fit(rows, targets)
    return model


def test_the_discriminant_is_the_likelihood_of_normal_distributions() -> None:
    rows, targets = clouds(3_000)
    model = discriminant(rows, targets, pooled=0.0, shrink=1e-9, temperature=1.0)
    spot = torch.tensor([[0.5, 1.0, -0.3]], dtype=torch.float64)
    expected = []
    for k in range(3):
        part = rows[targets == k]
        normal = torch.distributions.MultivariateNormal(part.mean(0), torch.cov(part.T, correction=0))
        expected.append(normal.log_prob(spot))
    wanted = torch.stack(expected, 1)
    found = model(spot.float()).double()
    torch.testing.assert_close(found - found[:, :1], wanted - wanted[:, :1], atol=1e-3, rtol=0)


def test_pooled_it_is_linear() -> None:
    rows, targets = clouds(300)
    model = discriminant(rows, targets, pooled=1.0)
    line = torch.linspace(-2, 2, 5)[:, None] * torch.tensor([[1.0, 2.0, 3.0]])
    bent = model(line).diff(n=2, dim=0)
    torch.testing.assert_close(bent, bent[:, :1].expand_as(bent), atol=1e-4, rtol=0)
    wide = rows * torch.where(targets == 0, 3.0, 1.0)[:, None]
    own = discriminant(wide, targets, pooled=0.0)(line).diff(n=2, dim=0)
    assert (own[:, 0] - own[:, 1]).abs().min() > 0.01, "a genre's own width bends it"


def test_a_class_without_rows_is_refused() -> None:
    rows, targets = clouds(30)
    with pytest.raises(ValueError, match=r"some of each of 3 classes, found \[20, 10, 0\]"):
        discriminant(rows, targets % 2)


def test_the_committee_averages_what_members_say_of_their_view() -> None:
    rows, targets = clouds(60, columns=4)
    settings = GenreCommitteeSettings.parse(
        {"views": [1, 3], "rows": 60, "members": [{"view": 0}, {"view": 1}, {"view": 1, "model": "discriminant"}]}
    )
    model = GenreCommittee(settings, 3)
    model.fit(rows, targets)
    found = model(rows.float())
    parts = [rows[:, :1], rows[:, 1:], rows[:, 1:]]
    alone = [member(part.float()).log_softmax(1) for member, part in zip(model.members, parts, strict=True)]
    torch.testing.assert_close(found, torch.stack(alone).mean(0))
    assert (found.argmax(1) == targets).double().mean() > 0.7
    assert not torch.allclose(alone[0].argmax(1), alone[1].argmax(1)), "members of different views err differently"


def test_its_state_is_all_it_needs() -> None:
    rows, targets = clouds(30, columns=5)
    settings = GenreCommitteeSettings(views=(2, 3), rows=30)
    model, other = GenreCommittee(settings, 3), GenreCommittee(settings, 3)
    model.fit(rows, targets)
    other.load_state_dict(model.state_dict())
    torch.testing.assert_close(other(rows.float()), model(rows.float()))


def test_a_view_that_is_not_there_is_named() -> None:
    with pytest.raises(SettingsError, match="sees view 2; expected one of 2"):
        GenreCommitteeSettings.parse({"views": [2, 3], "members": [{"view": 2}]})
    with pytest.raises(ValueError, match="expected shape"):
        GenreCommittee(GenreCommitteeSettings(views=(2, 3), rows=4), 3)(torch.zeros(2, 4))

"""A training step of maps: bags that are joined, and epochs that are judged."""

import pytest
import torch

from made_bags import BINS, LABELS
from soundsieve.errors import SettingsError
from soundsieve.models.miml import bag_scores
from soundsieve.training.watch_recipe import WatchRecipe
from soundsieve.training.watching import WatchTask


def task(**training: object) -> WatchTask:
    hyper = {"bins": BINS, "hidden": 6}
    recipe = {"labels": LABELS, "model": {"name": "miml", "hyper": hyper}, "training": training}
    return WatchTask(WatchRecipe.parse(recipe), BINS).eval()


@torch.no_grad()
def test_joined_bags_score_as_one_bag_with_the_bases_of_both() -> None:
    one = task(mix=1.0)
    bases = torch.rand(6, BINS, 5)
    present = torch.eye(4, dtype=torch.bool)[[0, 1, 2, 3, 0, 1]]
    absent = ~present
    absent[:, 3] = False  # nobody can tell
    scores, both, neither = one._joined(bag_scores(one.model(bases)), present, absent, 0)
    partners = []
    for row in range(6):
        joined = torch.cat([bases[row : row + 1].expand(6, -1, -1), bases], 2)
        same = (bag_scores(one.model(joined)) - scores[row]).abs().amax(1) < 1e-6
        assert same.any(), "a row is what some pair of bags scores"
        partner = next(
            other
            for other in same.nonzero().flatten().tolist()
            if torch.equal(both[row], present[row] | present[other])
        )
        assert torch.equal(neither[row], absent[row] & absent[partner])
        assert not (neither[row] & both[row]).any()
        partners.append(partner)
    assert sorted(partners) == list(range(6)), "each is someone's partner once"
    assert partners != list(range(6))
    again = one._joined(bag_scores(one.model(bases)), present, absent, 0)
    assert torch.equal(again[0], scores), "what is drawn depends on the batch alone"


@torch.no_grad()
def test_bags_stay_alone_unless_asked_for() -> None:
    one = task()
    present = torch.eye(4, dtype=torch.bool)
    scores = torch.rand(4, 4)
    joined = one._joined(scores, present, ~present, 0)
    assert all(torch.equal(new, old) for new, old in zip(joined, (scores, present, ~present), strict=True))


def test_bases_of_other_bins_are_refused() -> None:
    with pytest.raises(SettingsError, match=r"model\.hyper\.bins = 48: the bags' bases have 47"):
        WatchTask(task().recipe, BINS - 1)

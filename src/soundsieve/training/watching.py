"""A map of bases and objects being learned: what Lightning calls at each step."""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from soundsieve import models
from soundsieve.errors import SettingsError
from soundsieve.losses import base_labels, label_margin
from soundsieve.metrics.base_maps import map_accuracy, mean_average_precision, pair_accuracy
from soundsieve.mixing.generators import Purpose, generator_for
from soundsieve.models.base_cnn import BaseCNN
from soundsieve.models.miml import bag_scores
from soundsieve.training.bag_data import BagExample
from soundsieve.training.task import TrainedTask
from soundsieve.training.watch_recipe import WatchRecipe

MONITORS: Final = {
    "map": "val/map_accuracy",
    "pairs": "val/pair_accuracy",
    "labels": "val/label_precision",
    "loss": "val/minus_loss",
}
"""Setting `training.monitor` → what is logged under; the more the better."""


class WatchTask(TrainedTask):
    """Optimises one network.

    Args:
        recipe: How.
        bins: Of the bases.
        known: What is known to be in the validation bags, (n, l); None where nobody knows.

    Raises:
        SettingsError: when the network takes bases of other bins.
    """

    def __init__(self, recipe: WatchRecipe, bins: int, known: NDArray[np.bool_] | None = None) -> None:
        super().__init__(recipe.training)
        self.recipe = recipe
        self._known = known
        wanted = getattr(models.settings(recipe.model.name, recipe.model.hyper), "bins", None)
        if wanted != bins:
            raise SettingsError(f"model.hyper.bins = {wanted}: the bags' bases have {bins}")
        self.model = models.build(recipe.model.name, recipe.model.hyper, len(recipe.labels))
        self._validated: list[tuple[Tensor, ...]] = []

    def training_step(self, batch: BagExample, index: int) -> Tensor:
        """Map the bases, join some bags, and compare what they hold with what is said of them."""
        network = self.model
        maps = network.each(batch["bases"]) if isinstance(network, BaseCNN) else network(batch["bases"])[None]
        total = torch.stack([self._loss(base_map.float(), batch, index) for base_map in maps]).mean()
        self.log("train/loss", total, prog_bar=True, batch_size=len(batch["present"]))
        return total

    def _loss(self, base_map: Tensor, batch: BagExample, index: int) -> Tensor:
        present, absent, loss = batch["present"], batch["absent"], self.recipe.loss
        aside = base_map.new_zeros(())
        if loss.each_base:
            aside = loss.each_base * base_labels(base_map=base_map, present=present, absent=absent)
        scores, present, absent = self._joined(bag_scores(base_map), present, absent, index)
        return label_margin(scores=scores, present=present, absent=absent, margin=loss.margin) + aside

    def _joined(self, scores: Tensor, present: Tensor, absent: Tensor, index: int) -> tuple[Tensor, Tensor, Tensor]:
        """Join bags of the batch in pairs, (b, l) each.

        Bases do not see each other, so all bases of two bags score what the better of the two bags does.
        """
        share, count = self.recipe.training.mix, len(scores)
        if not share:
            return scores, present, absent
        rng = generator_for(self.recipe.training.seed, self.current_epoch, index, Purpose.BATCH)
        partner = torch.from_numpy(np.where(rng.random(count) < share, rng.permutation(count), np.arange(count)))
        partner = partner.to(scores.device)
        both = present | present[partner]
        return torch.maximum(scores, scores[partner]), both, absent & absent[partner] & ~both

    def validation_step(self, batch: BagExample, index: int) -> None:
        """Keep the maps; they are judged together."""
        base_map = self.model(batch["bases"]).float()
        self._validated.append((base_map, batch["present"], batch["absent"], batch["truth"], batch["row"]))

    def on_validation_epoch_end(self) -> None:
        """Judge the maps by what was seen, by each other, and by the truth where it is known."""
        maps, present, absent, truth, rows = map(torch.cat, zip(*self._validated, strict=True))
        self._validated = []
        scores = bag_scores(maps)
        loss = label_margin(scores=scores, present=present, absent=absent, margin=self.recipe.loss.margin)
        said, drawn, visible = (x.cpu().numpy() for x in (scores, maps, present))
        found = {
            "val/loss": float(loss),
            MONITORS["loss"]: -float(loss),
            MONITORS["labels"]: mean_average_precision(scores=said, labels=visible),
            MONITORS["pairs"]: pair_accuracy(maps=drawn, visible=visible),
            MONITORS["map"]: map_accuracy(maps=drawn, visible=visible, truth=truth.cpu().numpy()),
        }
        if self._known is not None:
            found["val/true_label_precision"] = mean_average_precision(
                scores=said, labels=self._known[rows.cpu().numpy()]
            )
        wanted = MONITORS[self.recipe.training.monitor]
        if np.isnan(found[wanted]):
            raise SettingsError(
                f"training.monitor = {self.recipe.training.monitor}: the validation bags have no such value"
            )
        for name, value in found.items():
            if not np.isnan(value):  # what these bags cannot tell
                self.log(name, value, prog_bar=name == wanted, sync_dist=True)

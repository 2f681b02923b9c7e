"""Training a map of bases and objects: from a recipe and a folder of bags to a checkpoint with its card."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor

from soundsieve import checkpoint
from soundsieve.checkpoint import RUN_FILE, Checkpoint
from soundsieve.inference.basis_choice import fit_calibration
from soundsieve.models.miml import bag_scores
from soundsieve.training import curves
from soundsieve.training.bag_corpus import BagCorpus, Targets, open_bags
from soundsieve.training.bag_data import BagData
from soundsieve.training.evidence import clear_from, refined
from soundsieve.training.run import Hardware, best_score, best_weights, check_hardware, fit, is_first_process, prepare
from soundsieve.training.watch_recipe import EvidenceSettings, WatchRecipe
from soundsieve.training.watching import MONITORS, WatchTask

EVIDENCE_FILE = "evidence.json"
_SAMPLE_RATE = 48_000  # where the bags do not say


@dataclass(frozen=True)
class TrainedWatcher:
    """Where a finished run left what it made.

    Attributes:
        folder: The run folder.
        model: The checkpoint, with the weights of the best validation.
        curves: The figure of loss, validation, gradient norm, learning rate and time.
        validation: The best value of what the recipe monitors.
        unlabelled: How many bags were left out because nothing of the recipe's labels is seen.
    """

    folder: Path
    model: Path
    curves: Path
    validation: float
    unlabelled: int


def train(
    recipe: WatchRecipe, data: Path, folder: Path, *, resume: bool = False, hardware: Hardware | None = None
) -> TrainedWatcher:
    """Train a map, or go on with a run that was stopped.

    With `evidence` each round begins anew, in a folder of its own, with labels that the best network so far heard. The
    best of all rounds is kept.

    Args:
        recipe: What to do.
        data: The folder of bags.
        folder: The run folder; made when missing.
        resume: Go on with the run in `folder`.
        hardware: Devices; one of the best kind there is when not given.

    Raises:
        DatasetError: when bags are missing or damaged.
        OutputError: when `folder` holds a run and `resume` is not set.
        SettingsError: when the recipe does not fit the bags, or a resumed run has another recipe.
    """
    hardware = hardware or Hardware()
    corpus = open_bags(recipe, data)
    bags = BagData(recipe, corpus)
    check_hardware(hardware, recipe.training.batch, bags.examples)
    WatchTask(recipe, bags.shape[0])  # what does not fit is said before a folder is made
    if is_first_process():  # with several devices the other processes find it prepared
        prepare(folder, recipe, corpus.digest(), resume=resume)
    scores = [_phase(recipe, bags, folder, hardware)]
    folders = [folder]
    for number in range(1, 1 + (recipe.evidence.rounds if recipe.evidence else 0)):
        place = folder / f"evidence-{number}"
        best = max(range(len(scores)), key=scores.__getitem__)
        targets = _heard(recipe, bags, best_weights(folders[best]), place)
        scores.append(_phase(recipe, BagData(recipe, corpus, targets), place, hardware))
        folders.append(place)
    best = max(range(len(scores)), key=scores.__getitem__)
    if best and is_first_process():  # else the first phase was best, and its weights are kept
        _export(recipe, bags, folder, best_weights(folders[best]), scores[best])
    return TrainedWatcher(folder, folder / RUN_FILE, folder / "curves.png", scores[best], corpus.unlabelled)


def _phase(recipe: WatchRecipe, bags: BagData, folder: Path, hardware: Hardware) -> float:
    """Train once, unless that has been done; return the best value of what is monitored."""
    done = folder / "phase.json"
    if done.is_file() and (folder / RUN_FILE).is_file():
        return float(json.loads(done.read_text(encoding="utf-8"))["validation"])
    task = WatchTask(recipe, bags.shape[0], bags.known("validation"))
    monitor = MONITORS[recipe.training.monitor]
    trainer = fit(task, bags, recipe.training, folder, monitor=monitor, examples=bags.examples, hardware=hardware)
    best = best_score(trainer)
    if trainer.is_global_zero:
        curves.draw(folder, folder / "curves.png")
        _export(recipe, bags, folder, best_weights(folder), best)
        done.write_text(json.dumps({"validation": best, "monitor": monitor}) + "\n", encoding="utf-8")
    return best


@torch.inference_mode()
def _maps(recipe: WatchRecipe, bags: BagData, weights: Mapping[str, Tensor], subset: str) -> Tensor:
    """The maps of all bags of a subset, (n, l, m)."""
    task = WatchTask(recipe, bags.shape[0])
    task.model.load_state_dict(weights)
    task.eval()
    return torch.cat([task.model(batch["bases"]).float() for batch in bags.as_they_are(subset)])


def _heard(recipe: WatchRecipe, bags: BagData, weights: Mapping[str, Tensor], place: Path) -> Targets:
    """Labels for training from pictures and from what a network hears; what joined is written down."""
    settings, corpus = cast(EvidenceSettings, recipe.evidence), bags.corpus
    train, choose = (
        bag_scores(_maps(recipe, bags, weights, subset)).double().numpy() for subset in ("train", "validation")
    )
    clear = clear_from(choose, corpus.targets("validation").present, settings)
    visible = corpus.targets("train").present
    targets = refined(visible, corpus.visual("train"), train, clear, settings)
    joined, open_ones = targets.present & ~visible, ~targets.present & ~targets.absent
    table = {
        label: {
            "clear_from": float(clear[row]) if clear[row] < float("inf") else None,
            "seen": int(visible[:, row].sum()),
            "joined": int(joined[:, row].sum()),
            "left_open": int(open_ones[:, row].sum()),
        }
        for row, label in enumerate(recipe.labels)
    }
    if is_first_process():
        place.mkdir(parents=True, exist_ok=True)
        (place / EVIDENCE_FILE).write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
    return targets


def _export(recipe: WatchRecipe, bags: BagData, folder: Path, weights: dict[str, Tensor], best: float) -> None:
    """Write weights as a checkpoint with what is known about them."""
    corpus: BagCorpus = bags.corpus
    seen = torch.from_numpy(corpus.targets("validation").present)
    calibration = fit_calibration(_maps(recipe, bags, weights, "validation"), seen)
    results: dict[str, Any] = {"validation": round(best, 4), "monitor": MONITORS[recipe.training.monitor]}
    card = {
        "data": ["bags"],
        "viewer": corpus.index.viewer,
        "bags": {subset: len(rows) for subset, rows in corpus.bags.items()},
        "recordings": corpus.counts(),
        "unlabelled": corpus.unlabelled,
        "left_out": len(corpus.index.left_out),
        "seed": recipe.training.seed,
        "choice": recipe.choice.model_copy(update=calibration).model_dump(mode="json"),
        "results": results,
    }
    checkpoint.save(
        folder / RUN_FILE,
        Checkpoint(
            task="watch",
            model=recipe.model.name,
            hyper=recipe.model.hyper,
            classes=recipe.labels,
            sample_rate=int(corpus.index.front_end.get("sample_rate", _SAMPLE_RATE)),
            card=card,
            recipe=recipe.model_dump(mode="json"),
            front_end=corpus.index.front_end,
            weights=weights,
        ),
    )

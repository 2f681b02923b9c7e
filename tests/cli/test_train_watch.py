"""`train watch`: maps learned from bags' labels alone, runs that are stopped and go on, and labels that are heard."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from made_bags import BASES, BINS, LABELS, bag, write_bags
from soundsieve import checkpoint, models, recipes
from soundsieve.cli import main
from soundsieve.datasets.object_groups import NAMES
from soundsieve.inference.basis_choice import BasisChoice, assign
from soundsieve.settings import read_yaml
from soundsieve.training import curves
from soundsieve.training.bags import read_bags
from soundsieve.training.run import best_weights
from soundsieve.training.watch_recipe import WatchRecipe

QUICK = (
    f"model.hyper={{bins: {BINS}, hidden: 24, dropout: 0.2}}",
    f"labels=[{', '.join(LABELS)}]",
    "training.optimiser.learning_rate=1.0e-2",
    "training.epochs=12",
    "variation={}",
)
PUBLISHED = (*QUICK, "training.batch=16", "training.workers=0", "corpus.hold=true", "model.hyper.dropout=0")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_bags(tmp_path_factory.mktemp("bags"), {"train": 96, "validation": 30, "test": 4})


def call(*arguments: object) -> int:
    with pytest.raises(SystemExit) as stop:
        main([str(argument) for argument in arguments])
    return int(stop.value.code or 0)


def begin(data: Path, run: Path, recipe: str, *sets: str) -> list[object]:
    options = [part for text in sets for part in ("--set", text)]
    return ["train", "watch", "--recipe", recipe, "--data", data, "--run", run, "--device", "cpu", "--quiet", *options]


@pytest.fixture(scope="module")
def trained(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("trained") / "run"
    assert call(*begin(data, run, "small", *QUICK, "choice={kind: best, rest: unseen, margin: 0.2}")) == 0
    return run


def test_the_map_is_learned_from_labels_of_whole_bags(data: Path, trained: Path) -> None:
    kept = checkpoint.load(trained / "model.safetensors")
    assert (kept.task, kept.model, kept.classes, kept.sample_rate) == ("watch", "miml", LABELS, 48_000)
    assert kept.front_end["window"] == 2 * (BINS - 1)
    assert kept.card["bags"] == {"train": 96, "validation": 30, "test": 4}
    assert kept.card["results"]["validation"] > 0.9
    for name in ("val/map_accuracy", "val/label_precision", "val/true_label_precision"):
        assert max(curves.column(trained, name)) > 0.9
    # Of nine bases three or six are of something visible, and the others go either way: 0.75 is the best there is.
    assert max(curves.column(trained, "val/pair_accuracy")) == pytest.approx(0.75, abs=0.05)
    assert (trained / "curves.png").read_bytes().startswith(b"\x89PNG")
    choice = BasisChoice.parse(kept.card["choice"])
    assert (choice.kind, len(choice.centre), len(choice.scale)) == ("best", 4, 4)


def test_a_learned_map_divides_the_bases_of_a_new_video(trained: Path) -> None:
    kept = checkpoint.load(trained / "model.safetensors")
    model, choice, objects = kept.build(), BasisChoice.parse(kept.card["choice"]), ("violin", "car")
    right = []
    for seed in range(20):
        new = bag(objects, np.random.default_rng([99, seed]))
        with torch.inference_mode():
            weights = assign(model(new.bases[None])[0], [LABELS.index(name) for name in objects], choice)
        true = new.truth[[NAMES.index(name) for name in objects]]
        owned = true.sum(0) > 0
        assert owned.sum() == 6 < BASES
        right.append((weights == true)[:, owned].all(0).float().mean())
    assert torch.stack(right).mean() > 0.9


def test_a_stopped_run_ends_with_the_weights_of_one_that_was_not(data: Path, tmp_path: Path) -> None:
    sets = [*QUICK, "variation={keep: 0.6, stretch_octaves: 0.1, colour_db: 2}", "training.optimiser.schedule=step"]
    assert call(*begin(data, tmp_path / "whole", "small", *sets, "training.epochs=2")) == 0
    assert call(*begin(data, tmp_path / "parts", "small", *sets, "training.epochs=1")) == 0
    (tmp_path / "parts" / "model.safetensors").unlink()
    again = ["train", "watch", "--resume", tmp_path / "parts", "--data", data, "--quiet", "--device", "cpu"]
    assert call(*again, "--set", "training.epochs=2") == 0
    whole, parts = (checkpoint.load(tmp_path / name / "model.safetensors") for name in ("whole", "parts"))
    for name, weight in whole.weights.items():
        torch.testing.assert_close(parts.weights[name], weight, atol=0, rtol=0, msg=name)
    assert parts.card["choice"] == whole.card["choice"]


@pytest.mark.slow  # three networks are trained
def test_what_is_heard_joins_what_is_seen(tmp_path: Path) -> None:
    data = write_bags(tmp_path / "bags", {"train": 96, "validation": 40}, truth=False, blind=0.5)
    assert (
        call(
            *begin(
                data,
                tmp_path / "run",
                "evidence",
                *PUBLISHED,
                "seen.rule=evidence",
                "evidence.fewest=3",
                "training.epochs=8",
            )
        )
        == 0
    )
    heard = json.loads((tmp_path / "run" / "evidence-1" / "evidence.json").read_text())
    index = read_bags(data)
    for label in LABELS:
        true = sum(label in (video.labels_true or ()) for video in index.videos if video.part == "train")
        assert heard[label]["seen"] + heard[label]["joined"] <= true, "nothing joins that is not there"
    missed = sum(len(video.labels_true or ()) for video in index.videos if video.part == "train") - sum(
        row["seen"] for row in heard.values()
    )
    assert missed > 15
    assert sum(row["joined"] for row in heard.values()) > 0.7 * missed
    best = max(curves.column(tmp_path / "run", "val/pair_accuracy"))
    again = max(curves.column(tmp_path / "run" / "evidence-1", "val/pair_accuracy"))
    kept = checkpoint.load(tmp_path / "run" / "model.safetensors").card["results"]["validation"]
    assert kept == pytest.approx(max(best, again), abs=1e-4)
    first = (tmp_path / "run" / "checkpoints" / "best.ckpt").stat().st_mtime_ns
    assert call("train", "watch", "--resume", tmp_path / "run", "--data", data, "--quiet", "--device", "cpu") == 0
    assert (tmp_path / "run" / "checkpoints" / "best.ckpt").stat().st_mtime_ns == first, "nothing is trained twice"
    weights = best_weights(tmp_path / "run" / "evidence-1")
    shutil.rmtree(tmp_path / "run" / "evidence-1")  # as if stopped after the first round
    assert call("train", "watch", "--resume", tmp_path / "run", "--data", data, "--quiet", "--device", "cpu") == 0
    assert json.loads((tmp_path / "run" / "evidence-1" / "evidence.json").read_text()) == heard
    for name, weight in best_weights(tmp_path / "run" / "evidence-1").items():
        torch.testing.assert_close(weight, weights[name], atol=0, rtol=0, msg=name)


@pytest.mark.parametrize("name", [name for name in recipes.names("watch") if name not in {"network", "taught"}])
def test_every_recipe_can_be_read_and_its_network_built(name: str) -> None:
    recipe = WatchRecipe.parse(read_yaml(recipes.locate("watch", name)))
    model = models.build(recipe.model.name, recipe.model.hyper, len(recipe.labels))
    parameters = sum(parameter.numel() for parameter in model.parameters())
    published = {"gao": 2_523_316, "small": 639_252, "bands": 5 * 224_015}
    assert parameters == published.get(name, 2_556_180)


def test_the_papers_recipes_are_the_papers() -> None:
    for name, labels in (("gao", 15), ("gao23", 23)):
        recipe = WatchRecipe.parse(read_yaml(recipes.locate("watch", name)))
        training, optimiser = recipe.training, recipe.training.optimiser
        assert len(recipe.labels) == labels
        assert models.settings("miml", recipe.model.hyper) == models.settings("miml", {})
        assert (training.epochs, training.batch, training.mix) == (300, 256, 0)
        assert (optimiser.learning_rate, optimiser.weight_decay, optimiser.decoupled) == (1e-3, 1e-5, False)
        assert (optimiser.schedule, optimiser.step_epochs, optimiser.step_factor) == ("step", 5, 0.94)
        assert optimiser.clip_norm is None
        assert (recipe.seen.threshold, recipe.choice.kind) == (0.3, "threshold")
        assert (recipe.variation.keep, recipe.variation.stretch_octaves, recipe.variation.colour_db) == (1, 0, 0)
        assert (recipe.loss.margin, recipe.loss.each_base, recipe.evidence) == (1, 0, None)


def test_what_cannot_be_trained_is_said_in_a_sentence(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    blind = write_bags(tmp_path / "blind", {"train": 40, "validation": 10}, truth=False)
    alike = write_bags(tmp_path / "alike", {"train": 40, "validation": 1})
    for place, sets, sentence in (
        (data, [], "model.hyper.bins = 2401: the bags' bases have 48"),
        (data, ["labels=[dog, horse]"], "unknown label 'horse'"),
        (data, ["labels=[dog, dog]"], "named twice: dog"),
        (data, ["model={name: mask_unet}"], "expected base_cnn, miml"),
        (data, ["labels=[cat, frog]"], "expected bags of the part train with labels of the recipe, found none"),
        (data, ["training.batch=97"], "training.batch = 97: there are 96 bags to train on"),
        (blind, [], "training.monitor = map: no validation video with several visible objects has known truth"),
        (alike, ["training.monitor=pairs"], "training.monitor = pairs: no two validation videos"),
        (
            alike,
            ["training.monitor=labels"],
            "training.monitor = labels: every object is in all of the validation videos or in none",
        ),
        (tmp_path, [], "holds no bags.json; make it with `soundsieve prepare watch VIDEOS -o"),
    ):
        assert call(*begin(place, tmp_path / "run", "small", *sets)) == 2
        assert sentence in capsys.readouterr().err
        assert not (tmp_path / "run").exists()

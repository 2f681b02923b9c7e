"""Short training runs of classifiers: they learn, repeat, go on when stopped, and never test what they heard."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml

from soundsieve import checkpoint
from soundsieve.errors import OutputError, SettingsError
from soundsieve.evaluation import predictions
from soundsieve.settings import override
from soundsieve.systems.evaluate_tag import report_run
from soundsieve.systems.train_tag import train
from soundsieve.training import curves
from soundsieve.training.clips import balanced_order, numbered
from soundsieve.training.run import Hardware
from soundsieve.training.tag_recipe import TagRecipe

QUIET = Hardware(device="cpu", quiet=True)


@pytest.fixture
def tag_recipe() -> dict[str, Any]:
    """A recipe that tells the tones of `sounds` apart within a few epochs."""
    return yaml.safe_load(
        """
        front_end: {sample_rate: 8000, n_fft: 256, win_length: 256, hop: 128, mels: 16}
        model: {name: tag_lstm, hyper: {mels: 16, hidden: 16}}
        corpus: {events: [{dataset: folder, root: sounds}], folds: 3}
        transforms: {choices: [nothing, noise, volume], shift_s: 0.2}
        spec_augment: {mel_masks: 1, mel_width: 3, frame_masks: 1, frame_width: 10}
        mixup: {alpha: 0.2}
        training: {epochs: 12, batch: 5, workers: 0, crop_s: 1.0, optimiser: {learning_rate: 1.0e-2, schedule: cosine}}
        """
    )


def weights(run: Path) -> dict[str, torch.Tensor]:
    return dict(checkpoint.load(run / "model.safetensors").weights)


def same(one: Path, other: Path) -> bool:
    a, b = weights(one), weights(other)
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def test_every_fold_learns_and_leaves_everything_behind(
    sounds: Path, tag_recipe: dict[str, Any], tmp_path: Path
) -> None:
    run = tmp_path / "run"
    trained = train(TagRecipe.parse(tag_recipe), sounds, run, hardware=QUIET)
    assert trained.accuracy > 0.9, "three tones an octave and more apart are easy to tell apart"
    assert [fold.name for fold in trained.folds] == ["fold1", "fold2", "fold3"]
    for fold in trained.folds:
        assert {path.name for path in fold.iterdir()} >= {"recipe.yaml", "curves.png", "model.safetensors", "test.npz"}
        assert curves.column(fold, "train/loss_nats")[-1] < curves.column(fold, "train/loss_nats")[0]
        kept = checkpoint.load(fold / "model.safetensors")
        assert kept.classes == ("high", "low", "middle")
        assert kept.build_front_end().settings.mels == 16
        assert set(kept.card["thresholds"]) == set(kept.classes)
    report = report_run(run)
    assert report.accuracy[0].clips == 30, "each clip is tested once"
    assert len(report.accuracy[0].of_folds) == 3
    assert report.confusion.sum() == 30


def test_no_clip_is_tested_by_a_model_that_trained_on_it_or_chose_by_it(
    sounds: Path, tag_recipe: dict[str, Any], tmp_path: Path
) -> None:
    short = override(tag_recipe, ["training.epochs=1"])
    run = train(TagRecipe.parse(short), sounds, tmp_path / "run", hardware=QUIET).folder
    tested = {}
    for fold in (1, 2, 3):
        test = predictions.load(run / f"fold{fold}" / "test.npz")
        choice = predictions.load(run / f"fold{fold}" / "choice.npz")
        assert not set(test.sources) & set(choice.sources)
        tested[fold] = set(test.files)
        assert len(test) + len(choice) == 20, "the third fold trains"
    assert len(set.union(*tested.values())) == 30


def test_the_published_protocol_chooses_on_the_test_fold_and_says_so(
    sounds: Path, tag_recipe: dict[str, Any], tmp_path: Path
) -> None:
    published = override(tag_recipe, ["training.epochs=1", "corpus.protocol=published"])
    run = train(TagRecipe.parse(published), sounds, tmp_path / "run", folds=[2], hardware=QUIET).folds[0]
    assert predictions.load(run / "test.npz").files == predictions.load(run / "choice.npz").files
    assert report_run(run.parent).protocol["protocol"] == "published"


def test_a_run_repeats_whatever_the_number_of_workers(sounds: Path, tag_recipe: dict[str, Any], tmp_path: Path) -> None:
    short = override(tag_recipe, ["training.epochs=2"])
    for name, more in {"a": [], "b": [], "c": ["training.workers=2"], "d": ["training.seed=1"]}.items():
        train(TagRecipe.parse(override(short, more)), sounds, tmp_path / name, folds=[1], hardware=QUIET)
    assert same(tmp_path / "a" / "fold1", tmp_path / "b" / "fold1")
    assert same(tmp_path / "a" / "fold1", tmp_path / "c" / "fold1")
    assert not same(tmp_path / "a" / "fold1", tmp_path / "d" / "fold1")


def test_a_stopped_run_goes_on_and_ends_like_one_that_was_not(
    sounds: Path, tag_recipe: dict[str, Any], tmp_path: Path
) -> None:
    # A constant learning rate: a cosine depends on how long the run is to be.
    constant = override(tag_recipe, ["training.optimiser.schedule=constant", "training.epochs=3"])
    train(TagRecipe.parse(constant), sounds, tmp_path / "whole", folds=[1, 2], hardware=QUIET)
    begun = override(constant, ["training.epochs=2"])
    train(TagRecipe.parse(begun), sounds, tmp_path / "parts", folds=[1], hardware=QUIET)
    (tmp_path / "parts" / "fold1" / "model.safetensors").unlink()  # as if killed before the end
    train(TagRecipe.parse(constant), sounds, tmp_path / "parts", folds=[1, 2], resume=True, hardware=QUIET)
    for fold in ("fold1", "fold2"):
        assert same(tmp_path / "whole" / fold, tmp_path / "parts" / fold)


def test_a_finished_fold_is_not_trained_again(sounds: Path, tag_recipe: dict[str, Any], tmp_path: Path) -> None:
    recipe = TagRecipe.parse(override(tag_recipe, ["training.epochs=1"]))
    train(recipe, sounds, tmp_path / "run", folds=[1], hardware=QUIET)
    before = (tmp_path / "run" / "fold1" / "model.safetensors").stat().st_mtime_ns
    with pytest.raises(OutputError, match="go on with --resume"):
        train(recipe, sounds, tmp_path / "run", folds=[1, 2], hardware=QUIET)
    train(recipe, sounds, tmp_path / "run", folds=[1, 2], resume=True, hardware=QUIET)
    assert (tmp_path / "run" / "fold1" / "model.safetensors").stat().st_mtime_ns == before
    assert (tmp_path / "run" / "fold2" / "model.safetensors").is_file()


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (["front_end.mels=20"], "front_end.mels = 20: tag_lstm takes 16"),
        (["classes=[low]"], "at least two"),
        (["classes=[low, owl]"], "no recording of owl"),
        (["training.batch=50"], "10 clips to train"),
    ],
)
def test_what_does_not_fit_is_one_sentence(
    sounds: Path, tag_recipe: dict[str, Any], tmp_path: Path, settings: list[str], sentence: str
) -> None:
    recipe = TagRecipe.parse(override(tag_recipe, settings))
    with pytest.raises(SettingsError, match=sentence):
        train(recipe, sounds, tmp_path / "run", hardware=QUIET)


def test_a_fold_that_is_not_there_is_one_sentence(sounds: Path, tag_recipe: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="there are 1 to 3"):
        train(TagRecipe.parse(tag_recipe), sounds, tmp_path / "run", folds=[4], hardware=QUIET)


def test_statistics_of_the_bands_come_from_training_and_travel(
    sounds: Path, tag_recipe: dict[str, Any], tmp_path: Path
) -> None:
    by_band = override(tag_recipe, ["front_end.normalise=band", "training.epochs=1"])
    run = train(TagRecipe.parse(by_band), sounds, tmp_path / "run", folds=[1], hardware=QUIET).folds[0]
    front_end = checkpoint.load(run / "model.safetensors").build_front_end()
    assert (front_end.band_deviation > 0).all()


def test_a_balanced_epoch_draws_every_label_as_often_and_leaves_no_clip_out() -> None:
    labels = ["dog"] * 9 + ["rain"] * 3
    order = balanced_order(labels, np.random.default_rng(0), repeats=2)
    drawn = [labels[row] for row in order]
    assert drawn.count("dog") == drawn.count("rain") == 12
    assert set(order) == set(range(12))
    assert order != balanced_order(labels, np.random.default_rng(1), repeats=2)


def test_a_clip_that_comes_again_is_varied_anew() -> None:
    draws = numbered([1, 1, 0, 1], 4)
    assert draws == [1, 5, 0, 9]
    assert len(set(draws)) == 4

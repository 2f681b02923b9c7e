"""Short training runs: they learn, repeat, survive being killed, and use several processes."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from soundsieve import checkpoint
from soundsieve.corpus import open_corpus
from soundsieve.errors import OutputError, SettingsError
from soundsieve.mixing import Draw, plan_mixture
from soundsieve.mixing.stored import manifest_rows, prepare, render_missing
from soundsieve.settings import override
from soundsieve.systems.train_select import train
from soundsieve.training import curves
from soundsieve.training.recipe import SelectRecipe
from soundsieve.training.run import Hardware

QUIET = Hardware(device="cpu", quiet=True)


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return dict(checkpoint.load(folder / "model.safetensors").weights)


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_a_short_run_learns_and_leaves_everything_behind(sounds: Path, recipe: dict[str, Any], tmp_path: Path) -> None:
    run = tmp_path / "run"
    trained = train(SelectRecipe.parse(override(recipe, ["training.epochs=8"])), sounds, run, hardware=QUIET)
    assert trained.validation_db > 8, "three tones an octave and more apart are easy to tell apart"
    loss = curves.column(run, "train/loss_db")
    assert loss[-1] < loss[0]
    rates = curves.column(run, "train/learning_rate")
    assert rates[0] == pytest.approx(1e-2, rel=0.1)
    assert rates[-1] < 0.1 * rates[0], "a cosine ends near zero"
    for name in ("train/gradient_norm", "train/learning_rate", "train/batch_s"):
        logged = curves.column(run, name)
        assert logged, name
        assert all(value > 0 for value in logged), name
    assert {path.name for path in run.iterdir()} >= {"recipe.yaml", "curves.png", "model.safetensors", "tensorboard"}
    kept = checkpoint.load(run / "model.safetensors")
    assert kept.classes == ("high", "low", "middle")
    assert SelectRecipe.parse(kept.recipe).training.epochs == 8
    assert kept.card["results"]["validation_sdr_improvement_db"] == pytest.approx(trained.validation_db, abs=1e-3)
    kept.build()


def test_cells_are_named_beside_the_estimate_and_refused_where_they_cannot_be(
    sounds: Path, recipe: dict[str, Any], tmp_path: Path
) -> None:
    naming = override(recipe, ["training.epochs=4", "loss.shares=0.5", "queries.others=1"])
    trained = train(SelectRecipe.parse(naming), sounds, tmp_path / "run", hardware=QUIET)
    assert trained.validation_db > 8
    assert len(curves.column(tmp_path / "run", "train/naming_nats")) == 4
    for wrong in (["queries={each: false, several: 1}"], ["model={name: conv_tasnet, hyper: {}}"]):
        with pytest.raises(SettingsError, match=r"loss\.shares: needs queries\.each"):
            train(SelectRecipe.parse(override(naming, wrong)), sounds, tmp_path / "wrong", hardware=QUIET)
        assert not (tmp_path / "wrong").exists(), "refused before anything is left behind"


def test_one_seed_gives_one_model(sounds: Path, recipe: dict[str, Any], tmp_path: Path) -> None:
    short = override(recipe, ["training.epochs=1"])
    for name in ("one", "two"):
        train(SelectRecipe.parse(short), sounds, tmp_path / name, hardware=QUIET)
    train(SelectRecipe.parse(override(short, ["training.workers=2"])), sounds, tmp_path / "workers", hardware=QUIET)
    train(SelectRecipe.parse(override(short, ["training.seed=1"])), sounds, tmp_path / "seed", hardware=QUIET)
    assert same(weights(tmp_path / "one"), weights(tmp_path / "two"))
    assert same(weights(tmp_path / "one"), weights(tmp_path / "workers"))
    assert not same(weights(tmp_path / "one"), weights(tmp_path / "seed"))


def wait_for(file: Path, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 120
    while not file.exists():
        assert process.poll() is None, "it ended before it could be stopped"
        assert time.monotonic() < deadline
        time.sleep(0.02)


def launch(
    recipe: dict[str, Any], data: Path, run: Path, *arguments: str, stderr: int | None = None
) -> subprocess.Popen[bytes]:
    file = run.parent / f"{run.name}.yaml"
    file.write_text(yaml.safe_dump(recipe))
    begin = ["--resume", str(run)] if (run / "recipe.yaml").exists() else ["--recipe", str(file), "--run", str(run)]
    command = [sys.executable, "-m", "soundsieve", "train", "select", *begin, "--data", str(data), "--device", "cpu"]
    return subprocess.Popen(
        [*command, "--quiet", *arguments],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        start_new_session=True,
        stderr=stderr,
    )


@pytest.mark.slow
def test_a_killed_run_resumed_ends_like_one_that_was_not(sounds: Path, recipe: dict[str, Any], tmp_path: Path) -> None:
    long = override(recipe, ["training.epochs=6", "training.optimiser.average=0.9"])
    assert launch(long, sounds, tmp_path / "unbroken").wait() == 0
    broken = tmp_path / "broken"
    first = launch(long, sounds, broken)
    wait_for(broken / "checkpoints" / "last.ckpt", first)
    os.killpg(first.pid, signal.SIGKILL)
    assert first.wait() != 0
    assert not (broken / "model.safetensors").exists()
    assert launch(long, sounds, broken).wait() == 0
    assert same(weights(tmp_path / "unbroken"), weights(broken))


@pytest.mark.slow
def test_ctrl_c_stops_a_run_and_says_how_to_go_on(sounds: Path, recipe: dict[str, Any], tmp_path: Path) -> None:
    run = tmp_path / "run"
    process = launch(override(recipe, ["training.epochs=500"]), sounds, run, stderr=subprocess.PIPE)
    wait_for(run / "checkpoints" / "last.ckpt", process)
    process.send_signal(signal.SIGINT)
    _, sentence = process.communicate(timeout=60)
    assert process.returncode == 130
    assert f"soundsieve: stopped; go on with --resume {run}" in sentence.decode()


@pytest.mark.slow
def test_two_processes_train_together(sounds: Path, recipe: dict[str, Any], tmp_path: Path) -> None:
    run = tmp_path / "two"
    assert launch(override(recipe, ["training.epochs=2"]), sounds, run, "--devices", "2").wait() == 0
    # 32 mixtures an epoch in batches of 4 are 8 steps for one process and 4 for each of two.
    last = torch.load(run / "checkpoints" / "last.ckpt", weights_only=False)
    assert last["global_step"] == 8
    assert checkpoint.load(run / "model.safetensors").card["results"]["validation_sdr_improvement_db"] > 0


def test_early_stopping_and_the_papers_schedule(sounds: Path, recipe: dict[str, Any], tmp_path: Path) -> None:
    stopped = override(
        recipe,
        [
            "training.epochs=30",
            "training.patience_epochs=1",
            "training.optimiser.learning_rate=1e-9",
            "training.optimiser.schedule=step",
            "training.optimiser.step_epochs=1",
        ],
    )
    train(SelectRecipe.parse(stopped), sounds, tmp_path / "run", hardware=QUIET)
    assert len(curves.column(tmp_path / "run", "val/sdr_improvement_db")) < 30
    rates = curves.column(tmp_path / "run", "train/learning_rate")
    assert rates[-1] / rates[0] == pytest.approx(0.2 ** (len(set(rates)) - 1)), "a fifth of it after each epoch"
    assert len(set(rates)) > 1


def test_a_run_that_was_moved_keeps_its_best_weights(sounds: Path, recipe: dict[str, Any], tmp_path: Path) -> None:
    short = override(recipe, ["training.epochs=2"])
    train(SelectRecipe.parse(short), sounds, tmp_path / "a", hardware=QUIET)
    best = torch.load(tmp_path / "a" / "checkpoints" / "best.ckpt", weights_only=False)
    # From now on every epoch is worse than what was best.
    for name in ("best.ckpt", "last.ckpt"):
        state = torch.load(tmp_path / "a" / "checkpoints" / name, weights_only=False)
        for values in state["callbacks"].values():
            if "best_k_models" in values and values["monitor"]:
                values["best_model_score"] = values["kth_value"] = torch.tensor(99.0)
                values["best_k_models"] = dict.fromkeys(values["best_k_models"], torch.tensor(99.0))
        torch.save(state, tmp_path / "a" / "checkpoints" / name)
    shutil.move(tmp_path / "a", tmp_path / "b")
    longer = SelectRecipe.parse(override(recipe, ["training.epochs=3"]))
    trained = train(longer, sounds, tmp_path / "b", resume=True, hardware=QUIET)
    assert trained.validation_db == 99.0, "the score of the weights that are kept"
    kept = torch.load(tmp_path / "b" / "checkpoints" / "best.ckpt", weights_only=False)["state_dict"]
    assert all(torch.equal(kept[name], tensor) for name, tensor in best["state_dict"].items())
    assert not (tmp_path / "a").exists()


def test_too_few_mixtures_for_the_devices_are_refused(sounds: Path, recipe: dict[str, Any], tmp_path: Path) -> None:
    few = SelectRecipe.parse(override(recipe, ["training.mixtures_per_epoch=4"]))
    with pytest.raises(SettingsError, match=r"4 examples .* at least training\.batch for each device, 8"):
        train(few, sounds, tmp_path / "run", hardware=Hardware(device="cpu", devices=2, quiet=True))
    assert not (tmp_path / "run").exists()


def test_a_run_is_neither_overwritten_nor_bent(sounds: Path, recipe: dict[str, Any], tmp_path: Path) -> None:
    parsed = SelectRecipe.parse(override(recipe, ["training.epochs=1"]))
    run = tmp_path / "run"
    with pytest.raises(SettingsError, match="no training run to resume"):
        train(parsed, sounds, run, resume=True, hardware=QUIET)
    train(parsed, sounds, run, hardware=QUIET)
    with pytest.raises(OutputError, match="holds a training run already"):
        train(parsed, sounds, run, hardware=QUIET)
    with pytest.raises(SettingsError, match="keeps its recipe"):
        train(SelectRecipe.parse(override(recipe, ["sample_rate=4000"])), sounds, run, resume=True, hardware=QUIET)


def test_a_resumed_run_keeps_its_recordings(sounds: Path, recipe: dict[str, Any], tmp_path: Path) -> None:
    run = tmp_path / "run"
    train(SelectRecipe.parse(override(recipe, ["training.epochs=1"])), sounds, run, hardware=QUIET)
    longer = SelectRecipe.parse(override(recipe, ["training.epochs=2"]))
    moved = sounds.rename(tmp_path / "elsewhere")
    shutil.copy(moved / "sounds" / "low" / "0.wav", moved / "sounds" / "low" / "new.wav")
    with pytest.raises(SettingsError, match=r"keeps its recordings; train had \d+ recordings, .* now has \d+"):
        train(longer, moved, run, resume=True, hardware=QUIET)
    (moved / "sounds" / "low" / "new.wav").unlink()
    train(longer, moved, run, resume=True, hardware=QUIET)
    assert len(curves.column(run, "val/sdr_improvement_db")) == 2


def test_a_finished_run_can_be_made_longer(sounds: Path, recipe: dict[str, Any], tmp_path: Path) -> None:
    for epochs in (1, 2):
        parsed = SelectRecipe.parse(override(recipe, [f"training.epochs={epochs}"]))
        train(parsed, sounds, tmp_path / "run", resume=epochs > 1, hardware=QUIET)
    assert len(curves.column(tmp_path / "run", "val/sdr_improvement_db")) == 2


def test_training_from_disk_is_training_on_the_fly(sounds: Path, recipe: dict[str, Any], tmp_path: Path) -> None:
    """The same first epoch either way, when the set on disk holds the mixtures that would have been drawn."""
    short = SelectRecipe.parse(override(recipe, ["training.epochs=1"]))
    corpus = open_corpus(short.corpus, sounds)
    banks = corpus.banks("train", short.sample_rate)
    plans = [plan_mixture(*banks, short.mixture, (0, Draw.TRAIN, 0, index)) for index in range(32)]
    rows = manifest_rows(plans, banks, is_train=True)
    prepare(tmp_path / "set", rows)
    render_missing(tmp_path / "set", rows, banks)
    train(short, sounds, tmp_path / "fly", hardware=QUIET)
    stored = override(short.model_dump(mode="json"), [f"training.stored={tmp_path / 'set'}"])
    train(SelectRecipe.parse(stored), sounds, tmp_path / "disk", hardware=QUIET)
    assert same(weights(tmp_path / "fly"), weights(tmp_path / "disk"))
    with pytest.raises(SettingsError, match="holds mixtures at 8000 Hz; the recipe trains at 4000 Hz"):
        train(SelectRecipe.parse({**stored, "sample_rate": 4000}), sounds, tmp_path / "rate", hardware=QUIET)


def test_hardware_that_is_not_there_is_a_sentence(sounds: Path, recipe: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"--device abacus .* cannot do that"):
        train(SelectRecipe.parse(recipe), sounds, tmp_path / "run", hardware=Hardware(device="abacus", quiet=True))
    assert not (tmp_path / "run").exists(), "the next try finds its place free"


def test_a_run_in_a_place_that_is_a_file_is_a_sentence(sounds: Path, recipe: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "run").write_text("taken")
    with pytest.raises(OutputError, match="a run cannot be kept there"):
        train(SelectRecipe.parse(recipe), sounds, tmp_path / "run", hardware=QUIET)


def test_classes_without_recordings_are_refused(sounds: Path, recipe: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no recording of dog"):
        train(SelectRecipe.parse({**recipe, "classes": ["dog", "low"]}), sounds, tmp_path / "run", hardware=QUIET)

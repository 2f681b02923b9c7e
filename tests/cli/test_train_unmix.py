"""`train unmix`: recipes that can be read, runs that learn, are stopped, go on and are tuned."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
import yaml
from lightning import Callback

from soundsieve import checkpoint, models, recipes
from soundsieve.cli import main
from soundsieve.inference import engines
from soundsieve.settings import read_yaml
from soundsieve.systems import train_unmix
from soundsieve.training.unmix_recipe import UnmixRecipe

RATE = 4_000
RECIPE = {
    "reproduces": "a test",
    "sample_rate": RATE,
    "model": {
        "name": "stem_unet",
        "hyper": {"n_fft": 128, "hop": 64, "bands": 32, "filters": [8, 12], "context": 8, "context_blocks": 1},
    },
    "corpus": {"sources": [{"dataset": "stems", "root": "songs"}], "hold": True},
    "segments": {"length": 4_000},
    "loss": {"kind": "cells", "shares": 0.5},
    "training": {
        "epochs": 4,
        "steps_per_epoch": 12,
        "batch": 4,
        "workers": 0,
        "validation_segments": 6,
        "monitor": "sdr",
        "optimiser": {"learning_rate": 1.0e-2, "schedule": "constant"},
    },
}
HZ = {"bass": 80, "drums": 1_500, "other": 700, "vocals": 300}


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Songs whose stems are tones, each in a range of its own, and a recipe."""
    folder = tmp_path_factory.mktemp("unmix")
    rng = np.random.default_rng(0)
    for part, count in (("train", 4), ("validation", 2), ("test", 2)):
        for number in range(count):
            place = folder / "songs" / part / f"{part} {number} - tones"
            place.mkdir(parents=True)
            for stem, hz in HZ.items():
                t = np.arange(3 * RATE) / RATE
                tone = (
                    0.2
                    * np.sin(2 * np.pi * hz * rng.uniform(0.9, 1.1) * t)
                    * (np.sin(2 * np.pi * rng.uniform(1, 3) * t) > 0)
                )
                hiss = 1e-3 * rng.standard_normal(
                    (3 * RATE, 2)
                )  # else BSS Eval has no single best filter, and takes minutes
                soundfile.write(place / f"{stem}.wav", tone[:, None] + hiss, RATE)
    (folder / "recipe.yaml").write_text(yaml.safe_dump(RECIPE))
    return folder


def call(*arguments: object) -> int:
    with pytest.raises(SystemExit) as stop:
        main([str(argument) for argument in arguments])
    return int(stop.value.code or 0)


def begin(work: Path, run: Path, *sets: str) -> list[object]:
    options = [part for text in sets for part in ("--set", text)]
    recipe = work / "recipe.yaml"
    return ["train", "unmix", "--recipe", recipe, "--data", work, "--run", run, "--device", "cpu", "--quiet", *options]


def test_tones_are_learned_and_the_run_is_an_engine(
    work: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(*begin(work, tmp_path / "run")) == 0
    assert "validation mean SDR" in capsys.readouterr().out
    kept = checkpoint.load(tmp_path / "run" / "model.safetensors")
    assert kept.classes == ("vocals", "drums", "bass", "other")
    assert kept.card["results"]["validation_db"] > 8, "tones that far apart are easy to tell apart"
    assert kept.card["songs"] == {"train": 4, "validation": 2, "test": 2}
    assert (tmp_path / "run" / "curves.png").read_bytes().startswith(b"\x89PNG")
    engine = engines.load("checkpoint", tmp_path / "run")
    assert engine.stems == kept.classes
    out = tmp_path / "tones.safetensors"
    assert call("release", "unmix", tmp_path / "run", "-o", out, "--data", work / "songs", "--quiet") == 0
    released = checkpoint.load(out)
    assert released.card["results"]["test"]["vocals"]["sdr_gain_db"] > 8
    assert released.card["recordings"] == kept.card["songs"]
    page = out.with_suffix(".md").read_text()
    assert "2 songs of the part `test`" in page
    assert "`stems`" not in page, "data sets are called by their folder"
    assert "- `songs`: yours" in page
    assert call("release", "unmix", tmp_path / "run", "-o", out, "--data", work / "songs", "--quiet") == 2


def test_a_stopped_run_ends_with_the_weights_of_one_that_was_not(work: Path, tmp_path: Path) -> None:
    short = ["training.steps_per_epoch=2", "training.epochs=2"]
    assert call(*begin(work, tmp_path / "whole", *short)) == 0
    assert call(*begin(work, tmp_path / "parts", short[0], "training.epochs=1")) == 0
    (tmp_path / "parts" / "model.safetensors").unlink()
    again = ["train", "unmix", "--resume", tmp_path / "parts", "--data", work, "--quiet", "--device", "cpu"]
    assert call(*again, "--set", "training.epochs=2") == 0
    whole, parts = (checkpoint.load(tmp_path / name / "model.safetensors").weights for name in ("whole", "parts"))
    for name, weight in whole.items():
        torch.testing.assert_close(parts[name], weight, atol=0, rtol=0, msg=name)


def test_a_second_phase_begins_with_the_first_ones_weights(work: Path, tmp_path: Path) -> None:
    sets = [
        "model={name: wave_unet, hyper: {L: 3, F_c: 4}}",
        "loss={kind: mse}",
        "segments.length=500",
        "training.monitor=mse",
        "training.epochs=2",
        "training.fine_tune={learning_rate: 1.0e-4, batch: 8}",
    ]
    assert call(*begin(work, tmp_path / "run", *sets)) == 0
    first = (tmp_path / "run" / "checkpoints" / "best.ckpt").stat().st_mtime_ns
    second = checkpoint.load(tmp_path / "run" / "fine-tuning" / "model.safetensors")
    assert second.recipe["training"]["batch"] == 8
    kept = checkpoint.load(tmp_path / "run" / "model.safetensors")
    scores = [kept.card["results"]["validation_db"], second.card["results"]["validation_db"]]
    assert scores[0] >= scores[1]
    again = ["train", "unmix", "--resume", tmp_path / "run", "--data", work, "--quiet", "--device", "cpu"]
    assert call(*again) == 0
    assert (tmp_path / "run" / "checkpoints" / "best.ckpt").stat().st_mtime_ns == first, "nothing is trained twice"


def test_a_second_phase_that_is_stopped_says_which_run_goes_on(
    work: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stopping(Callback):
        def on_train_batch_end(self, *_: object) -> None:
            raise KeyboardInterrupt

    plain, phases = train_unmix.fit, []

    def second_stops(*arguments: Any, **options: Any) -> Any:
        phases.append(arguments[3])
        return plain(*arguments, **options, callbacks=[Stopping()] if len(phases) == 2 else [])

    monkeypatch.setattr(train_unmix, "fit", second_stops)
    short = ["training.steps_per_epoch=1", "training.epochs=1", "training.fine_tune={learning_rate: 1.0e-4, batch: 4}"]
    assert call(*begin(work, tmp_path / "run", *short)) == 130
    assert phases == [tmp_path / "run", tmp_path / "run" / "fine-tuning"]
    assert capsys.readouterr().err.endswith(f"stopped; go on with --resume {tmp_path / 'run'}\n")


@pytest.mark.parametrize("name", recipes.names("unmix"))
def test_every_recipe_can_be_read_and_its_model_built(name: str) -> None:
    recipe = UnmixRecipe.parse(read_yaml(recipes.locate("unmix", name)))
    model = models.build(recipe.model.name, recipe.model.hyper, len(recipe.stems))
    parameters = sum(parameter.numel() for parameter in model.parameters())
    published = {"m1": 10_263_028, "m4": 10_263_390, "m5": 10_265_550, "m6": 10_263_498}
    assert parameters == published.get(name, parameters)


def test_what_cannot_be_trained_is_said_in_a_sentence(
    work: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for sets, sentence in (
        (["model={name: wave_unet}"], "loss.kind = cells: a wave_unet does not mask cells"),
        (["model={name: tag_lstm}"], "model.name = tag_lstm: expected"),
        (["corpus.sources=[{dataset: stems, root: nothing}]"], "nothing"),
        (["corpus.sources=[{dataset: esc50, root: songs}]"], "holds single sounds"),
    ):
        assert call(*begin(work, tmp_path / "run", *sets)) == 2
        assert sentence in capsys.readouterr().err
        assert not (tmp_path / "run").exists()

"""`train watch --recipe network`: sounds told apart from what is seen alone, and runs that are stopped and go on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from made_films import LABELS, RATE_HZ, sound, write_films
from soundsieve import checkpoint
from soundsieve.cli import main
from soundsieve.errors import UnknownNameError
from soundsieve.inference.object_network import NetworkSeparator
from soundsieve.inference.object_pieces import ObjectEngine, ObjectPieces
from soundsieve.inference.unmixing import StreamUnmixer
from soundsieve.training import curves

QUICK = (
    f"sample_rate={RATE_HZ}",
    f"labels=[cat, {', '.join(LABELS)}]",
    "model.hyper={n_fft: 128, hop: 64, bands: 24, filters: [16, 16], context: 16, context_blocks: 1, dropout: 0}",
    "mixture.crop_s=1",
    "mixture.least_videos=1",
    "training.epochs=2",
    "training.steps_per_epoch=16",
    "training.validation_mixtures=8",
    "training.optimiser.learning_rate=1.0e-2",
    "training.optimiser.average=null",
    "training.optimiser.warmup_steps=4",
)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_films(tmp_path_factory.mktemp("films"), {"train": 24, "validation": 6})


def call(*arguments: object) -> int:
    with pytest.raises(SystemExit) as stop:
        main([str(argument) for argument in arguments])
    return int(stop.value.code or 0)


def begin(data: Path, run: Path, *sets: str) -> list[object]:
    options = [part for text in sets for part in ("--set", text)]
    given = ["--recipe", "network", "--data", data, "--run", run, "--device", "cpu", "--quiet"]
    return ["train", "watch", *given, *options]


@pytest.fixture(scope="module")
def trained(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("trained") / "run"
    assert call(*begin(data, run, *QUICK)) == 0
    return run


def separator(run: Path, labels: tuple[str, ...], seen: tuple[str, ...]) -> NetworkSeparator:
    kept = checkpoint.load(run / "model.safetensors")
    return NetworkSeparator(kept.build().eval(), kept.classes, labels, lambda start_s: seen)


def sdr_db(estimate: np.ndarray, reference: np.ndarray) -> float:
    return float(10 * np.log10(np.square(reference).sum() / np.square(reference - estimate).sum()))


def test_sounds_are_told_apart_by_what_is_seen_alone(trained: Path) -> None:
    kept = checkpoint.load(trained / "model.safetensors")
    assert (kept.task, kept.model, kept.sample_rate) == ("watch", "object_unet", RATE_HZ)
    assert kept.classes == ("cat", *LABELS)
    assert kept.card["unlabelled"] == {"train": 6, "validation": 0}
    assert kept.card["recordings"]["train"] == {"cat": 0, "dog": 12, "violin": 12}
    assert kept.card["results"]["validation_db"] > 6
    rng = np.random.default_rng(99)
    dog, violin, nothing = (np.stack([sound(name, rng)] * 2) for name in ("dog", "violin", ""))
    violin[1] = 0  # on the left alone
    tracks = separator(trained, ("violin", "dog"), ("dog", "violin"))(dog + violin, 0.0)
    assert tracks.shape == (2, *dog.shape)
    assert sdr_db(tracks[0, 0], violin[0]) > 10
    assert sdr_db(tracks[1], dog) > 10
    assert np.square(tracks[0, 1]).mean() < 0.05 * np.square(violin[0]).mean(), "the right keeps what is its own"
    alone = separator(trained, ("dog",), ("dog",))(dog + nothing, 0.0)[0]
    assert sdr_db(alone, dog) > sdr_db(dog + nothing, dog) + 3, "what nothing is seen of is the rest's"
    assert not separator(trained, ("dog",), ())(dog, 0.0).any()


def test_a_recording_of_any_rate_comes_apart_and_adds_up(trained: Path) -> None:
    rng = np.random.default_rng(5)
    mixture = np.concatenate([sound(name, rng, 3.0) for name in LABELS])[None]
    engine = ObjectEngine(
        ("dog", "violin"),
        separator(trained, ("dog", "violin"), ("dog", "violin")),
        ObjectPieces(sample_rate=RATE_HZ, piece_s=2, fade_s=0.5),
    )
    unmixer = StreamUnmixer(engine, sample_rate=RATE_HZ, channels=1)
    tracks = np.concatenate([unmixer.push(mixture), unmixer.finish()], axis=-1)
    np.testing.assert_allclose(tracks.sum(0), mixture, atol=1e-5)
    half = mixture.shape[-1] // 2
    assert sdr_db(tracks[0, 0, :half], mixture[0, :half]) > 6
    assert sdr_db(tracks[1, 0, half:], mixture[0, half:]) > 6


def test_a_stopped_run_ends_with_the_weights_of_one_that_was_not(data: Path, tmp_path: Path) -> None:
    sets = [*QUICK, "training.steps_per_epoch=3", "training.optimiser.schedule=step", "model.hyper.dropout=0.3"]
    assert call(*begin(data, tmp_path / "whole", *sets, "training.epochs=2")) == 0
    assert call(*begin(data, tmp_path / "parts", *sets, "training.epochs=1")) == 0
    (tmp_path / "parts" / "model.safetensors").unlink()
    again = ["train", "watch", "--resume", tmp_path / "parts", "--data", data, "--quiet", "--device", "cpu"]
    assert call(*again, "--set", "training.epochs=2") == 0
    whole, parts = (checkpoint.load(tmp_path / name / "model.safetensors") for name in ("whole", "parts"))
    for name, weight in whole.weights.items():
        torch.testing.assert_close(parts.weights[name], weight, atol=0, rtol=0, msg=name)


def test_a_network_teaches_another_and_a_run_goes_on_with_the_same_teacher(
    trained: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sets = [*QUICK, "training.steps_per_epoch=2", "training.epochs=1"]
    teacher = tmp_path / "teacher.safetensors"
    teacher.write_bytes((trained / "model.safetensors").read_bytes())
    assert call(*begin(data, tmp_path / "run", *sets, f"teacher={teacher}")) == 0
    assert call(*begin(data, tmp_path / "alone", *sets)) == 0
    taught, alone = (checkpoint.load(tmp_path / name / "model.safetensors") for name in ("run", "alone"))
    assert taught.recipe["teacher"] == str(teacher)
    assert any(not torch.equal(weight, alone.weights[name]) for name, weight in taught.weights.items())
    other = checkpoint.load(teacher)
    checkpoint.save(teacher, replace(other, weights={name: 0.5 * each for name, each in other.weights.items()}))
    again = ["train", "watch", "--resume", tmp_path / "run", "--data", data, "--quiet", "--device", "cpu"]
    assert call(*again, "--set", "training.epochs=2") == 2
    assert "recordings" in capsys.readouterr().err


def test_the_curves_show_what_was_learned(trained: Path) -> None:
    assert curves.column(trained, "val/sdr_improvement_db")[-1] > 6
    assert curves.column(trained, "val/leaked_db")[-1] < -10
    assert (trained / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_what_cannot_be_trained_is_said_in_a_sentence(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lost = write_films(tmp_path / "lost", {"train": 8, "validation": 4})
    (lost / "train-003.wav").unlink()
    for place, sets, sentence in (
        (data, ["labels=[dog, horse]"], "unknown label 'horse'"),
        (data, ["labels=[dog, dog]"], "named twice: dog"),
        (data, ["labels=[dog, cat]"], "expected videos of two labels of the recipe or more to train, found ['dog']"),
        (data, ["model={name: miml}"], "expected object_unet"),
        (data, ["engine=nmf"], "engine = 'nmf': input should be 'network'"),
        (data, ["mixture.least_videos=4"], "expected least_videos (4) or more"),
        (data, ["teacher=nobody"], "nobody"),
        (data, ["teacher=tag"], "tag: is for tag, and takes no videos apart"),
        (lost, [], "train-003.wav"),
        (tmp_path, [], "holds no bags.json"),
    ):
        assert call(*begin(place, tmp_path / "run", *QUICK, *sets)) == 2
        assert sentence in capsys.readouterr().err
        assert not (tmp_path / "run").exists()


def test_a_label_that_the_network_does_not_know_is_refused(trained: Path) -> None:
    with pytest.raises(UnknownNameError, match="unknown label 'harp'"):
        separator(trained, ("harp",), ())
    with pytest.raises(UnknownNameError, match="unknown label 'harp'"):
        separator(trained, ("dog",), ("harp",))(np.zeros((1, 500), np.float32), 0.0)

"""Checkpoints: everything in one file, nothing unpickled, every mistake a sentence."""

from pathlib import Path

import pytest
import safetensors.numpy
import torch

from soundsieve import checkpoint, models
from soundsieve.checkpoint import Checkpoint
from soundsieve.errors import CheckpointError, OutputError, UnknownNameError

HYPER = {"N": 8, "L": 16, "B": 8, "H": 8, "X": 2, "R": 1, "D": 8}


@pytest.fixture
def saved(tmp_path: Path) -> tuple[Path, torch.nn.Module]:
    torch.manual_seed(0)
    model = models.build("conv_tasnet", HYPER, 2).eval()
    kept = Checkpoint(
        "select", "conv_tasnet", HYPER, ("dog", "rain"), 16_000, {"licence": "MIT"}, {}, model.state_dict()
    )
    checkpoint.save(tmp_path / "model.safetensors", kept)
    return tmp_path / "model.safetensors", model


def test_a_model_comes_back_as_it_was(saved: tuple[Path, torch.nn.Module]) -> None:
    path, model = saved
    kept = checkpoint.load(path)
    assert (kept.task, kept.classes, kept.sample_rate, kept.card) == (
        "select",
        ("dog", "rain"),
        16_000,
        {"licence": "MIT"},
    )
    mixture, wanted = torch.randn(1, 1, 500), torch.eye(2)[None]
    assert torch.equal(kept.build()(mixture, wanted), model(mixture, wanted))


def test_the_header_is_read_without_the_weights(saved: tuple[Path, torch.nn.Module]) -> None:
    kept = checkpoint.load(saved[0], weights=False)
    assert kept.classes == ("dog", "rain")
    assert not kept.weights


def test_half_precision_halves_the_file(saved: tuple[Path, torch.nn.Module], tmp_path: Path) -> None:
    kept = checkpoint.load(saved[0])
    checkpoint.save(tmp_path / "half.safetensors", kept, half=True)
    again = checkpoint.load(tmp_path / "half.safetensors")
    assert all(tensor.dtype == torch.float16 for tensor in again.weights.values())
    mixture, wanted = torch.randn(1, 1, 500), torch.eye(2)[None]
    torch.testing.assert_close(again.build()(mixture, wanted), kept.build()(mixture, wanted), atol=1e-2, rtol=0)


def test_it_may_be_read_by_those_who_may_read_other_files(saved: tuple[Path, torch.nn.Module], tmp_path: Path) -> None:
    (tmp_path / "other").touch()
    assert saved[0].stat().st_mode == (tmp_path / "other").stat().st_mode


def test_a_checkpoint_is_found_by_path_and_by_run_folder(saved: tuple[Path, torch.nn.Module]) -> None:
    assert checkpoint.locate(saved[0]) == saved[0]
    assert checkpoint.locate(saved[0].parent) == saved[0]


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no such checkpoint"):
        checkpoint.locate(tmp_path / "none.safetensors")
    with pytest.raises(CheckpointError, match="is its training finished"):
        checkpoint.locate(tmp_path)
    with pytest.raises(UnknownNameError, match="unknown model 'selekt'"):
        checkpoint.locate("selekt")


def test_a_damaged_or_foreign_file_is_refused(saved: tuple[Path, torch.nn.Module], tmp_path: Path) -> None:
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(saved[0].read_bytes()[:-100])
    with pytest.raises(CheckpointError, match="not a readable checkpoint"):
        checkpoint.load(cut)
    foreign = tmp_path / "foreign.safetensors"
    safetensors.numpy.save_file({"x": torch.zeros(3).numpy()}, foreign)
    with pytest.raises(CheckpointError, match="not a soundsieve checkpoint"):
        checkpoint.load(foreign)


def test_weights_of_another_shape_are_refused(saved: tuple[Path, torch.nn.Module]) -> None:
    kept = checkpoint.load(saved[0])
    other = Checkpoint("select", "conv_tasnet", {**HYPER, "H": 9}, kept.classes, 16_000, weights=kept.weights)
    with pytest.raises(CheckpointError, match="do not fit"):
        other.build()


def test_a_released_name_is_not_hidden_by_a_folder_of_that_name(
    saved: tuple[Path, torch.nn.Module], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint, "released", lambda: {"select": saved[0]})
    monkeypatch.chdir(tmp_path)
    Path("select").mkdir()
    assert checkpoint.locate("select") == saved[0]
    with pytest.raises(CheckpointError, match="is its training finished"):
        checkpoint.locate("./select")


def test_a_place_that_cannot_be_written_is_a_sentence(saved: tuple[Path, torch.nn.Module], tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written"):
        checkpoint.save(tmp_path, checkpoint.load(saved[0]))
    (tmp_path / "file").write_text("taken")
    with pytest.raises(OutputError, match="cannot be written"):
        checkpoint.save(tmp_path / "file" / "model.safetensors", checkpoint.load(saved[0]))


def test_a_failed_write_leaves_the_old_file(
    saved: tuple[Path, torch.nn.Module], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = saved[0].read_bytes()

    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("safetensors.torch.save_file", fail)
    with pytest.raises(OutputError, match="disk full"):
        checkpoint.save(saved[0], checkpoint.load(saved[0]))
    assert saved[0].read_bytes() == before
    assert [path.name for path in saved[0].parent.iterdir()] == [saved[0].name]

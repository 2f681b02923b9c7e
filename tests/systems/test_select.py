import json
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import soundsieve
from networks import tiny_checkpoint
from soundsieve import audio, checkpoint
from soundsieve.errors import (
    AudioError,
    Cancelled,
    CheckpointError,
    OutputError,
    SettingsError,
    UnknownNameError,
)
from soundsieve.inference.separate import SeparationSettings
from soundsieve.systems.select import Selector

RATE = 11_025
OPEN = SeparationSettings.parse({"gate": {"enabled": False}})


@pytest.fixture(scope="module")
def selector(tiny_selector: Path) -> Selector:
    return Selector(checkpoint.load(tiny_selector), "cpu")


@pytest.fixture
def wave() -> NDArray[np.float32]:
    return np.random.default_rng(0).uniform(-0.9, 0.9, (2, 8_001)).astype(np.float32)


@pytest.fixture
def file(wave: NDArray[np.float32], tmp_path: Path) -> Path:
    audio.write(tmp_path / "street.wav", wave, RATE)
    return tmp_path / "street.wav"


@pytest.mark.parametrize("method", ["keep", "remove"])
def test_the_parts_add_up_to_the_input_and_look_like_it(
    selector: Selector, wave: NDArray[np.float32], method: str
) -> None:
    for given in (wave, wave[:1], wave[0], wave.astype(np.float64)):
        result = getattr(selector, method)(given, ["dog", "rain"], sample_rate=RATE)
        assert result.selected.shape == result.rest.shape == given.shape
        assert result.sample_rate == RATE
        np.testing.assert_allclose(result.selected + result.rest, given, atol=1e-6)


def test_a_file_and_its_samples_give_the_same(selector: Selector, wave: NDArray[np.float32], file: Path) -> None:
    of_samples = selector.keep(wave, "dog", sample_rate=RATE)
    assert np.abs(of_samples.selected).max() > 0.01
    for path in (file, str(file)):
        np.testing.assert_array_equal(selector.keep(path, ["dog"]).selected, of_samples.selected)


def test_keep_and_remove_are_two_sides_of_one_thing(selector: Selector, file: Path) -> None:
    kept, removed = selector.keep(file, "dog"), selector.remove(file, "dog")
    np.testing.assert_array_equal(kept.selected, removed.rest)
    np.testing.assert_array_equal(kept.rest, removed.selected)


def test_presence_says_what_was_found(selector: Selector, file: Path) -> None:
    result = selector.keep(file, ["rain", "Dog"])
    assert [(name, found.present) for name, found in result.presence.items()] == [("rain", False), ("dog", True)]
    assert np.abs(selector.keep(file, "rain").selected).max() == 0


def test_without_the_gate_leakage_is_handed_over(tiny_selector: Path, file: Path) -> None:
    result = Selector(checkpoint.load(tiny_selector), "cpu", OPEN).keep(file, "rain")
    assert not result.presence["rain"].present
    assert np.abs(result.selected).max() > 0.01


def test_a_result_saves_itself(selector: Selector, file: Path, wave: NDArray[np.float32], tmp_path: Path) -> None:
    result = selector.keep(file, "dog")
    paths = result.save(tmp_path / "new" / "folder")
    assert [path.name for path in paths] == ["street.selected.wav", "street.rest.wav"]
    for path, part in zip(paths, (result.selected, result.rest), strict=True):
        found, rate = audio.read(path)
        np.testing.assert_array_equal(found, part)
        assert rate == RATE
    with pytest.raises(OutputError, match="exists"):
        result.save(tmp_path / "new" / "folder")
    result.save(tmp_path / "new" / "folder", force=True)
    mono = selector.keep(wave[0], "dog", sample_rate=RATE).save(tmp_path, suffix="flac", subtype="PCM_16")
    assert [path.name for path in mono] == ["audio.selected.flac", "audio.rest.flac"]
    assert audio.probe(mono[0]).channels == 1


def test_a_result_speaks_json(selector: Selector, file: Path) -> None:
    plain = json.loads(selector.remove(file, ["rain", "dog"]).to_json())
    assert plain["file"] == str(file)
    assert plain["mode"] == "remove"
    assert (plain["sample_rate"], plain["channels"], plain["duration_s"]) == (RATE, 2, 8_001 / RATE)
    assert plain["classes"]["dog"]["present"] is True
    assert len(plain["classes"]["rain"]["per_second_db"]) == 1


def test_a_file_is_processed_to_files_of_the_same_content(selector: Selector, file: Path, tmp_path: Path) -> None:
    outputs = tmp_path / "a.wav", tmp_path / "b.wav"
    told: list[tuple[float, float | None]] = []
    report = selector.process_file(file, outputs, "dog", progress=lambda *seconds: told.append(seconds))
    result = selector.keep(file, "dog")
    np.testing.assert_array_equal(audio.read(outputs[0])[0], result.selected)
    np.testing.assert_array_equal(audio.read(outputs[1])[0], result.rest)
    assert told[-1] == (8_001 / RATE, 8_001 / RATE)
    plain = report.to_dict()
    assert plain["outputs"] == {"selected": str(outputs[0]), "rest": str(outputs[1])}
    assert plain["clipped"] == 0
    assert plain["classes"].keys() == {"dog"}


def test_outputs_may_be_strings_and_a_mode_that_there_is_not_is_refused(
    selector: Selector, file: Path, tmp_path: Path
) -> None:
    outputs = str(tmp_path / "a.wav"), str(tmp_path / "b.wav")
    with pytest.raises(UnknownNameError, match="mode 'Keep': did you mean 'keep'"):
        selector.process_file(file, outputs, "dog", mode="Keep")  # type: ignore[arg-type]
    assert not Path(outputs[0]).exists()
    selector.process_file(file, outputs, "dog")
    assert Path(outputs[1]).is_file()


def test_a_waveform_needs_a_whole_sample_rate(selector: Selector) -> None:
    for rate in ("44100", 44_100.5, None, 0):
        with pytest.raises(SettingsError, match="whole number"):
            selector.keep(np.zeros(800), "dog", sample_rate=rate)  # type: ignore[arg-type]


def test_the_input_is_never_overwritten(selector: Selector, file: Path, tmp_path: Path) -> None:
    (tmp_path / "link.wav").symlink_to(file)
    before = file.read_bytes()
    for outputs in ((file, tmp_path / "b.wav"), (tmp_path / "b.wav", tmp_path / "link.wav")):
        with pytest.raises(OutputError, match="never overwritten"):
            selector.process_file(file, outputs, "dog", force=True)
    assert file.read_bytes() == before
    assert not (tmp_path / "b.wav").exists()


def test_a_cancelled_call_leaves_nothing_behind(selector: Selector, file: Path, tmp_path: Path) -> None:
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(Cancelled):
        selector.process_file(file, (tmp_path / "a.wav", tmp_path / "b.wav"), "dog", cancel=cancel)
    with pytest.raises(Cancelled):
        selector.keep(file, "dog", cancel=cancel)
    assert [path.name for path in tmp_path.iterdir()] == ["street.wav"]


def test_mistakes_are_sentences(selector: Selector, file: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'dog'"):
        selector.keep(file, ["doog"])
    with pytest.raises(SettingsError, match="at least one"):
        selector.keep(file, [])
    with pytest.raises(SettingsError, match="sample_rate"):
        selector.keep(np.zeros(100), "dog")
    with pytest.raises(AudioError, match="no such file"):
        selector.keep(tmp_path / "absent.wav", "dog")


def test_the_bare_network_can_be_asked(selector: Selector) -> None:
    estimate = selector.estimate(torch.randn(2, 1, 500), torch.eye(3).expand(2, 3, 3))
    assert estimate.shape == (2, 3, 500)
    assert not estimate.requires_grad


def test_it_is_loaded_by_path_by_run_folder_and_says_what_it_knows(tiny_selector: Path, tmp_path: Path) -> None:
    tiny_checkpoint(tmp_path / checkpoint.RUN_FILE)
    for name in (tiny_selector, str(tiny_selector), tmp_path):
        selector = soundsieve.load(name, device="cpu")
        assert isinstance(selector, soundsieve.Selector)
        assert selector.classes == ("dog", "finger_snapping", "rain")
        assert selector.sample_rate == 8_000


def test_a_checkpoint_for_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    other = checkpoint.load(tiny_checkpoint(path))
    other = checkpoint.Checkpoint("juggle", other.model, other.hyper, other.classes, 8_000, weights=other.weights)
    checkpoint.save(path, other)
    with pytest.raises(CheckpointError, match=r"'juggle'; this version knows genre, select, tag"):
        soundsieve.load(path)
    with pytest.raises(CheckpointError, match="'juggle' cannot select"):
        Selector(other)


def test_released_selectors_work_out_of_the_box() -> None:
    if "select" not in checkpoint.released():
        pytest.skip("this copy comes without the released selector")
    selector = soundsieve.load("select", device="cpu")
    result = selector.keep(np.zeros((1, 8_000), np.float32), selector.classes[0], sample_rate=16_000)
    assert not result.presence[selector.classes[0]].present

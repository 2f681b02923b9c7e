"""Training on mixtures with known times: what is heard when is learned, and found again in use."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

import soundsieve
from soundsieve import checkpoint
from soundsieve.errors import SettingsError
from soundsieve.inference.classify import Classifier
from soundsieve.mixing import Rendered
from soundsieve.settings import override
from soundsieve.systems.evaluate_tag import evaluate_times
from soundsieve.systems.release_tag import release
from soundsieve.systems.train_tag import train
from soundsieve.training.run import Hardware
from soundsieve.training.tag_mixtures import heard_in
from soundsieve.training.tag_recipe import TagRecipe

QUIET = Hardware(device="cpu", quiet=True)


@pytest.fixture
def hearing_recipe() -> dict[str, Any]:
    """A recipe that learns when each tone of `sounds` is heard."""
    return yaml.safe_load(
        """
        front_end: {sample_rate: 8000, n_fft: 256, win_length: 256, hop: 128, mels: 16}
        model: {name: tag_small, hyper: {mels: 16, stem: 8, channels: [8, 12, 16], blocks: [1, 1, 1], hidden: 24}}
        corpus: {events: [{dataset: folder, root: sounds, fractions: {train: 0.6, validation: 0.2, test: 0.2}}]}
        mixture: &short {duration_s: 2.0, events: 2, classes: [1, 2], event_s: [0.6, 1.0]}
        protocol: *short
        spec_augment: {mel_masks: 1, mel_width: 2, frame_masks: 0}
        loss: {kind: each}
        training:
          epochs: 16
          mixtures_per_epoch: 48
          validation_mixtures: 12
          batch: 8
          workers: 0
          optimiser: {learning_rate: 1.0e-2, schedule: cosine}
        """
    )


def test_what_is_heard_when_is_learned_and_found_again(
    sounds: Path, hearing_recipe: dict[str, Any], tmp_path: Path
) -> None:
    run = tmp_path / "run"
    trained = train(TagRecipe.parse(hearing_recipe), sounds, run, hardware=QUIET)
    assert trained.accuracy > 0.9, "average precision on validation mixtures of three tones"
    kept = checkpoint.load(run / "model.safetensors")
    assert kept.card["stretch"] == 16 * 128
    time_s = np.arange(16_000) / 8_000
    wave = np.concatenate([0.1 * np.sin(2 * np.pi * hz * time_s) for hz in (215, 3250)])
    wave += 3e-3 * np.random.default_rng(0).standard_normal(len(wave))  # as in the recordings it was trained on
    found = soundsieve.load(run).tag(wave, sample_rate=8_000)
    parts = [part for part in found.segments if part.end_s - part.start_s > 1 and part.label != "unknown"]
    assert [part.label for part in parts] == ["low", "high"]
    for part, (start, end) in zip(parts, [(0, 2), (2, 4)], strict=True):
        assert part.start_s == pytest.approx(start, abs=0.4)
        assert part.end_s == pytest.approx(end, abs=0.4)


def test_a_release_says_how_well_it_says_when(sounds: Path, hearing_recipe: dict[str, Any], tmp_path: Path) -> None:
    run, out = tmp_path / "run", tmp_path / "tones.safetensors"
    train(TagRecipe.parse(override(hearing_recipe, ["training.epochs=8"])), sounds, run, hardware=QUIET)
    made = release(run, sounds, out, command="as above", licence="CC0", note="Three tones.", mixtures=6)
    released = checkpoint.load(out)
    assert {tensor.dtype.itemsize for tensor in released.weights.values() if tensor.is_floating_point()} == {2}
    before, after = checkpoint.load(run / "model.safetensors").card, released.card
    for name in ("temperature", "thresholds", "clip", "stretch", "timeline"):
        assert after[name] == before[name]
    measured = after["results"]["test"]
    assert measured["clips"] == sum(after["recordings"]["test"].values())
    low, high = measured["interval_95"]
    assert low <= measured["accuracy"] <= high
    assert measured["mixtures"] == 6
    assert 0 <= measured["mean_recall"] <= 1
    page = made.card.read_text()
    for expected in ("# tones\n", "CC0", "Three tones.", "| low |", "`sounds`", "--mixtures 6"):
        assert expected in page
    again = evaluate_times(out, sounds, mixtures=6)
    assert f"{100 * again.f1:.1f} %" in page
    wave = 0.1 * np.sin(2 * np.pi * 215 * np.arange(16_000) / 8_000)
    assert soundsieve.load(out).tag(wave, sample_rate=8_000).labels[0].label == "low"


def test_a_run_with_folds_is_not_released(sounds: Path, tmp_path: Path) -> None:
    (tmp_path / "run" / "fold1").mkdir(parents=True)
    (tmp_path / "run" / "fold1" / "model.safetensors").touch()
    with pytest.raises(SettingsError, match="trained by a recipe without folds"):
        release(tmp_path / "run", sounds, tmp_path / "x.safetensors", command="")
    assert not (tmp_path / "x.safetensors").exists()


def test_scores_of_a_whole_recording_have_a_calibration_of_their_own(
    sounds: Path, hearing_recipe: dict[str, Any], tmp_path: Path
) -> None:
    run = tmp_path / "run"
    train(TagRecipe.parse(override(hearing_recipe, ["training.epochs=2"])), sounds, run, hardware=QUIET)
    kept = checkpoint.load(run / "model.safetensors")
    classifier = Classifier(kept, "cpu")
    wave = (0.1 * np.random.default_rng(0).standard_normal(16_000)).astype(np.float32)
    stretches = classifier.stretch_scores([wave], 8)[0]
    own = kept.card["clip"]
    logits = np.log(stretches.max(0) / (1 - stretches.max(0))) * kept.card["temperature"]
    expected = 1 / (1 + np.exp(-(logits / own["temperature"] + own["offset"])))
    np.testing.assert_allclose(classifier.heard_at_all(stretches.max(0)), expected, rtol=1e-4)
    np.testing.assert_allclose(classifier.scores([wave])[0], expected, rtol=1e-3)
    known = Classifier(replace(kept, card={**kept.card, "clip": {"temperature": 1.2, "offset": -1.0}}), "cpu")
    even = known.peaks({"low": 0.0})["low"]
    assert known.heard_at_all(np.array([even]))[0] == pytest.approx(0.5, abs=1e-6)
    assert known.peaks({"low": 0.9999}) == {"low": 0.9999}
    moved = replace(kept, card={**kept.card, "clip": {"temperature": 1.0, "offset": -20.0}})
    assert Classifier(moved, "cpu").scores([wave]).max() < 1e-3


def test_a_network_that_does_not_say_when_is_refused(
    sounds: Path, hearing_recipe: dict[str, Any], tmp_path: Path
) -> None:
    other = override(hearing_recipe, ["model={name: tag_lstm, hyper: {mels: 16}}"])
    with pytest.raises(SettingsError, match="tag_lstm does not say when"):
        train(TagRecipe.parse(other), sounds, tmp_path / "run", hardware=QUIET)
    folded = override(hearing_recipe, ["corpus.folds=3"])
    with pytest.raises(SettingsError, match=r"leave out corpus\.folds"):
        train(TagRecipe.parse(folded), sounds, tmp_path / "run", hardware=QUIET)


def test_a_class_is_heard_where_it_is_loud_enough() -> None:
    stretch, wave = 100, np.full(400, 0.5, np.float32)
    own = wave * np.repeat([1.0, 0.2, 0.05, 0.0], 100).astype(np.float32)  # 0, -14, -26 dB, nothing
    found = heard_in(Rendered(own + wave, {"dog": own}, wave), ["dog"], stretch)
    assert found.tolist() == [[1.0, 1.0, 0.0, 0.0]], "20 dB below all that sounds is not heard"
    alone = heard_in(Rendered(own, {"dog": own}, 0 * own), ["dog"], stretch)
    assert alone.tolist() == [[1.0, 1.0, 1.0, 0.0]]
    faded = own * np.repeat([1.0, 1.0, 0.1, 1.0], 100).astype(np.float32)  # 46 dB below its loudest
    assert heard_in(Rendered(faded, {"dog": faded}, 0 * own), ["dog"], stretch).tolist() == [[1.0, 1.0, 0.0, 0.0]]

"""Training on mixtures with known times: what is heard when is learned, and found again in use."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

import soundsieve
from soundsieve import checkpoint
from soundsieve.errors import SettingsError
from soundsieve.mixing import Rendered
from soundsieve.settings import override
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

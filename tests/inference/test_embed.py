"""Embedding recordings: whole and in blocks alike, from files of torchvggish and of ours."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from soundsieve import checkpoint
from soundsieve.checkpoint import Checkpoint
from soundsieve.errors import CheckpointError, DownloadError, SettingsError
from soundsieve.features.vggish import VGGishExamples, VGGishExamplesSettings
from soundsieve.inference import embed
from soundsieve.inference.embed import Embedder
from soundsieve.models.vggish import VGGish, VGGishSettings

STEP, REACH = 15_360, 15_600
HYPER: dict[str, Any] = {"channels": [2, 3, 4, 5], "dense": 6}


def network(output: str = "embedding") -> VGGish:
    torch.manual_seed(0)
    model = VGGish(VGGishSettings.parse({**HYPER, "output": output})).eval()
    for name, parameter in model.named_parameters():
        if name.endswith("weight"):
            torch.nn.init.kaiming_normal_(parameter)  # so that what goes in is not lost on its way through 9 layers
    return model


def noise(samples: int) -> NDArray[np.float32]:
    loudness = np.linspace(0.05, 0.5, samples) if samples else 0  # so that no two examples are alike
    return (loudness * np.random.default_rng(0).standard_normal(samples)).astype(np.float32)


def embedder(**changes: Any) -> Embedder:
    found = {"task": "embed", "model": "vggish", "hyper": HYPER, "classes": (), "sample_rate": 16_000}
    return Embedder(Checkpoint(**{**found, "weights": network().state_dict(), **changes}), "cpu")


TINY = embedder()


def save_published(folder: Path) -> tuple[Path, Path]:
    """Write files like torchvggish's, tiny, under names that begin their digests."""
    rng = np.random.default_rng(1)
    pca = {"pca_eigen_vectors": 0.1 * rng.standard_normal((128, 128)), "pca_means": rng.standard_normal((128, 1))}
    places = []
    for name, values in (("vggish", network().state_dict()), ("vggish_pca_params", pca)):
        draft = folder / "draft"
        torch.save(values, draft, _use_new_zipfile_serialization=False)
        digest = hashlib.sha256(draft.read_bytes()).hexdigest()
        places.append(draft.rename(folder / f"{name}-{digest[:8]}.pth"))
    return places[0], places[1]


def test_a_recording_becomes_its_examples_embedded() -> None:
    recording = noise(20 * STEP + REACH + 77)
    found = TINY.embed(recording)
    assert found.shape == (21, 128)
    assert found.dtype == np.float32
    with torch.no_grad():
        expected = network()(VGGishExamples(VGGishExamplesSettings())(torch.from_numpy(recording)))
    np.testing.assert_allclose(found, expected.numpy(), atol=1e-6)
    assert found.std(0).max() > 1e-3, "embeddings that are all alike would prove nothing"
    assert (TINY.sample_rate, TINY.size, TINY.step) == (16_000, 128, STEP)


@pytest.mark.parametrize(("seconds", "count"), [(0.1, 1), (3, 3), (30, 31)])
def test_pieces_and_songs(seconds: float, count: int) -> None:
    assert TINY.embed(noise(round(seconds * 16_000))).shape == (count, 128)


@settings(max_examples=15)
@given(st.integers(1, 12 * STEP), st.lists(st.integers(0, 3 * STEP), min_size=1, max_size=6))
def test_blocks_add_up_to_the_whole(samples: int, lengths: list[int]) -> None:
    recording = noise(samples)
    ends = np.cumsum(lengths).clip(max=samples)
    blocks = np.split(recording, ends)
    np.testing.assert_allclose(np.concatenate(list(TINY.embed_blocks(blocks))), TINY.embed(recording), atol=1e-6)


@pytest.mark.parametrize("batches", [1, 2])
@pytest.mark.parametrize("rest", [0, REACH - STEP - 1, REACH - STEP, REACH - 1])
def test_nothing_is_lost_or_doubled_where_batches_end(batches: int, rest: int) -> None:
    samples = batches * 8 * STEP + rest
    expected = TINY.front_end.examples_of(samples)
    assert sum(map(len, TINY.embed_blocks(np.array_split(noise(samples), 50)))) == len(TINY.embed(noise(samples)))
    assert len(TINY.embed(noise(samples))) == expected


def test_a_long_stream_is_embedded_as_it_comes() -> None:
    """Each batch is there before more than a block past its end has been asked for, so no more needs to be held."""
    asked = 0

    def stream() -> Iterator[NDArray[np.float32]]:
        nonlocal asked
        for _ in range(60):
            asked += 8_000
            yield noise(8_000)

    embedded = 0
    for part in TINY.embed_blocks(stream()):
        embedded += len(part)
        assert asked - embedded * STEP < REACH - STEP + 8_000 or asked == 60 * 8_000
    assert embedded == TINY.front_end.examples_of(60 * 8_000) == 31


def test_what_is_no_recording_is_refused() -> None:
    for blocks in ([], [noise(0)], [noise(0), noise(0)]):
        with pytest.raises(ValueError, match="without samples"):
            list(TINY.embed_blocks(blocks))
    with pytest.raises(ValueError, match=r"block: expected floating-point \(time,\), found float32 \(2, 8\)"):
        TINY.embed(np.zeros((2, 8), np.float32))
    with pytest.raises(ValueError, match=r"found int16 \(8,\)"):
        TINY.embed(np.zeros(8, np.int16))  # type: ignore[arg-type]


def test_checkpoints_for_something_else_are_refused() -> None:
    with pytest.raises(CheckpointError, match="a genre_vggish is for genre: expected a model for embed"):
        embedder(task="genre", model="genre_vggish")
    with pytest.raises(CheckpointError, match=r"takes .* = \(16000, 96, 64\); its front end is for \(16000, 96, 32\)"):
        embedder(front_end={"mels": 32})
    with pytest.raises(CheckpointError, match=r"= \(22050, 96, 64\); its front end is for \(16000, 96, 64\)"):
        embedder(sample_rate=22_050)
    with pytest.raises(CheckpointError, match="the weights do not fit a vggish"):
        embedder(hyper={})
    with pytest.raises(SettingsError, match="unknown key 'log'"):
        embedder(front_end={"log": "db"})


def test_files_are_fetched_read_and_kept_as_one_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weights, pca = save_published(tmp_path)
    monkeypatch.setattr(embed, "WEIGHTS_URL", weights.as_uri())
    monkeypatch.setattr(embed, "PCA_URL", pca.as_uri())
    steps: list[tuple[int, int | None]] = []
    cache, hyper = tmp_path / "cache", {**HYPER, "output": "whitened"}
    found = embed.published(hyper, folder=cache, progress=lambda done, size: steps.append((done, size)))
    assert sorted(path.name for path in cache.iterdir()) == sorted((weights.name, pca.name))
    assert [done for done, _ in steps] == [weights.stat().st_size, pca.stat().st_size]
    assert found.card["licence"] == "Apache-2.0"
    assert found.front_end["f_max_hz"] == 7500
    recording = noise(50_000)
    expected = Embedder(found, "cpu").embed(recording)
    assert np.abs(expected).max() == 2
    assert 0.1 < np.abs(expected).mean() < 1.99

    checkpoint.save(tmp_path / "ours.safetensors", found)
    again = Embedder(embed.read(tmp_path / "ours.safetensors"), "cpu")
    np.testing.assert_array_equal(again.embed(recording), expected)
    from_disk = Embedder(embed.read(weights, pca, {**HYPER, "output": "quantised"}), "cpu").embed(recording)
    assert from_disk.dtype == np.uint8
    np.testing.assert_array_equal(from_disk, np.floor((expected + 2) * 63.75))


def test_the_plain_embedding_needs_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weights, _ = save_published(tmp_path)
    monkeypatch.setattr(embed, "WEIGHTS_URL", weights.as_uri())
    monkeypatch.setattr(embed, "PCA_URL", "http://nowhere.invalid/pca-00000000.pth")
    found = embed.published(HYPER, folder=tmp_path / "cache")
    np.testing.assert_array_equal(Embedder(found, "cpu").embed(noise(20_000)), TINY.embed(noise(20_000)))
    with pytest.raises(DownloadError, match=r"^http://nowhere.invalid/pca-00000000.pth: cannot be fetched"):
        embed.published({**HYPER, "output": "quantised"}, folder=tmp_path / "cache")


def test_a_wrong_setting_is_said_before_anything_is_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embed, "WEIGHTS_URL", "http://nowhere.invalid/vggish-00000000.pth")
    with pytest.raises(SettingsError, match="output = 'pca'"):
        embed.published({"output": "pca"}, folder=tmp_path)


def test_addresses_say_how_the_digests_begin() -> None:
    assert embed.WEIGHTS_URL.endswith("/vggish-10086976.pth")
    assert embed.PCA_URL.endswith("/vggish_pca_params-970ea276.pth")


def test_files_that_say_all_by_themselves(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="there is no such checkpoint"):
        embed.read(tmp_path / "none.safetensors")
    with pytest.raises(CheckpointError, match="expected neither PCA nor hyper-parameters"):
        embed.read(tmp_path / "none.safetensors", hyper={"output": "whitened"})
    with pytest.raises(CheckpointError, match=r"none\.pth: no such file"):
        embed.read(tmp_path / "none.pth")

"""A release of a separator of songs: what its card says of the songs it learned from and of those it was tested on."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from songs import stems, write_folder
from soundsieve import checkpoint, models
from soundsieve.checkpoint import Checkpoint
from soundsieve.errors import DatasetError
from soundsieve.systems import release_unmix
from soundsieve.systems.release_unmix import LIMITS, limits, release
from soundsieve.training.unmix_recipe import UnmixRecipe

RATE = 8_000
FOUR = ("vocals", "drums", "bass", "other")


def write_run(folder: Path, root: str = "songs") -> Path:
    """A finished run with an untrained network."""
    hyper = {"L": 2, "F_c": 2}
    recipe = UnmixRecipe.parse(
        {
            "sample_rate": RATE,
            "model": {"name": "wave_unet", "hyper": hyper},
            "corpus": {"sources": [{"dataset": "stems", "root": root}]},
        }
    )
    torch.manual_seed(0)
    weights = models.build("wave_unet", hyper, 4).state_dict()
    kept = Checkpoint("unmix", "wave_unet", hyper, FOUR, RATE, {"results": {"validation_db": 1.0}}, weights=weights)
    folder.mkdir()
    checkpoint.save(folder / "model.safetensors", replace(kept, recipe=recipe.model_dump(mode="json")))
    return folder


def write_songs(root: Path, *, without: str = "vocals") -> Path:
    """A song of each part; those of the test lack a stem."""
    for seed, name in enumerate(("train/Ann - One", "validation/Ben - Two", "test/Cid - Three")):
        made = stems(3 * RATE, channels=1, seed=10 * seed)
        missing = {"mixture", without} if name.startswith("test") else {"mixture"}
        write_folder(root / name, {stem: x for stem, x in made.items() if stem not in missing}, RATE)
    return root


def render(root: Path, singers: dict[str, int] | None) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    sources: dict[str, Any] = {"train": {"singers": singers}} if singers is not None else {}
    (root / "rendered.json").write_text(json.dumps({"version": 2, "sources": sources}))
    return root


def test_limits_are_those_of_the_songs_it_learned_from(tmp_path: Path) -> None:
    own, sung, unsung = tmp_path / "own", render(tmp_path / "sung", {"amy": 2}), render(tmp_path / "unsung", {})
    own.mkdir()
    assert limits([own]) == LIMITS
    assert not any("rendered" in limit or "voices" in limit for limit in LIMITS)
    assert "rendered" in limits([sung])[0]
    assert "amateurs' singing" in limits([sung])[1]
    assert limits([sung, unsung]) == limits([sung])
    assert "Nobody sings" in limits([unsung])[1]
    assert limits([own, sung]) == ("Some of the songs it learned from were rendered from scores.", *LIMITS)
    with pytest.raises(DatasetError, match=r"rendered\.json: does not say"):
        limits([render(tmp_path / "damaged", None)])


def test_a_stem_that_no_song_of_the_test_has_is_said_to_be_missing(tmp_path: Path) -> None:
    write_songs(tmp_path / "data" / "songs")
    out = tmp_path / "mine.safetensors"
    release(write_run(tmp_path / "run"), tmp_path / "data" / "songs", out, command="mine")
    card = checkpoint.load(out).card
    measured = card["results"]["test"]
    assert measured["vocals"] == {
        "songs": 0,
        "sdr_db": None,
        "sdr_gain_db": None,
        "interval_95_db": None,
        "median_of_medians_sdr_db": None,
    }
    assert measured["drums"]["songs"] == 1
    assert isinstance(measured["drums"]["sdr_gain_db"], float)
    assert measured["drums"]["interval_95_db"] is None, "one song has none"
    assert "vocals not in the test songs" in card["result"]
    assert "nan" not in json.dumps(card).lower()
    page = out.with_suffix(".md").read_text(encoding="utf-8")
    assert "| vocals | 0 | not in the test songs |" in page
    assert "nan" not in page
    assert len({line.count("|") for line in page.splitlines() if line.startswith("|")}) == 1
    assert card["limits"] == list(LIMITS)
    assert card["data"] == {"songs": "yours"}
    assert "no song of theirs or of their artists was" in page
    assert "soundfont" not in page


@pytest.mark.parametrize("place", ["data", "data/songs"])
def test_rendered_songs_are_found_in_the_folder_or_beside_it(tmp_path: Path, place: str) -> None:
    write_songs(render(tmp_path / "data" / "songs", {"amy": 1}), without="bass")
    (tmp_path / "data" / "stems").symlink_to("songs")  # data sets are found under their names
    out = tmp_path / "mine.safetensors"
    release(write_run(tmp_path / "run"), tmp_path / place, out, command="mine")
    page = out.with_suffix(".md").read_text(encoding="utf-8")
    assert "rendered from scores" in page
    assert "no song, voice, drum kit or soundfont of theirs was" in page


def test_songs_that_are_nowhere_and_artists_that_were_heard_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(release_unmix, "evaluate_unmix", None)  # before any work
    out = tmp_path / "mine.safetensors"
    songs = write_songs(tmp_path / "data" / "songs")
    with pytest.raises(DatasetError, match=r"learned from \(elsewhere\) is neither in it nor beside it"):
        release(write_run(tmp_path / "other", "elsewhere"), songs, out, command="mine")
    again = write_songs(tmp_path / "data" / "again")
    (again / "test" / "Cid - Three").rename(again / "test" / "Ann - Three")
    with pytest.raises(DatasetError, match=r"by artists that training heard \(Ann - Three first\)"):
        release(write_run(tmp_path / "run"), again, out, command="mine")
    assert not out.exists()

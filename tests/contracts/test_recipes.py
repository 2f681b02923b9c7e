"""One suite over every recipe in the package."""

from pathlib import Path

import pytest

import soundsieve
from soundsieve import datasets, models
from soundsieve.datasets.object_groups import NAMES
from soundsieve.settings import read_yaml
from soundsieve.training import genre_baselines
from soundsieve.training.genre_recipe import GenreRecipe
from soundsieve.training.object_recipe import ObjectRecipe
from soundsieve.training.recipe import SelectRecipe
from soundsieve.training.tag_recipe import TagRecipe
from soundsieve.training.watch_recipe import WatchRecipe

FILES = sorted((Path(soundsieve.__file__).parent / "recipes" / "select").glob("*.yaml"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_it_parses_and_names_things_that_exist(file: Path) -> None:
    recipe = SelectRecipe.parse(read_yaml(file))
    assert recipe.reproduces
    models.settings(recipe.model.name, recipe.model.hyper)
    for source in (*recipe.corpus.events, *recipe.corpus.backgrounds):
        assert source.dataset in datasets.names()
        assert (source.parts is None) != (source.fractions is None)


TAG_FILES = sorted((Path(soundsieve.__file__).parent / "recipes" / "tag").glob("*.yaml"))


@pytest.mark.parametrize("file", TAG_FILES, ids=lambda file: file.stem)
def test_a_taggers_recipe_parses_and_its_front_end_fits_its_model(file: Path) -> None:
    recipe = TagRecipe.parse(read_yaml(file))
    assert recipe.reproduces
    assert recipe.model.name in models.names("tag")
    assert models.settings(recipe.model.name, recipe.model.hyper).mels == recipe.front_end.mels
    for source in recipe.corpus.events:
        assert source.dataset in datasets.names()
        assert (source.parts or source.fractions or recipe.corpus.folds) is not None
    if recipe.transforms is not None and "background" in recipe.transforms.choices:
        assert recipe.corpus.backgrounds


@pytest.mark.parametrize("file", [file for file in TAG_FILES if file.stem.startswith("study-")], ids=lambda f: f.stem)
def test_the_studys_recipes_have_its_one_configuration(file: Path) -> None:
    recipe = TagRecipe.parse(read_yaml(file))
    front_end, training = recipe.front_end, recipe.training
    assert (front_end.n_fft, front_end.win_length, front_end.hop, front_end.sample_rate) == (1024, 1024, 256, 44_100)
    assert front_end.mels == (128 if file.stem == "study-kumar" else 64)
    assert (training.epochs, training.batch, training.balanced) == (10, 128, True)
    assert training.optimiser.learning_rate == (6e-4 if file.stem == "study-vgg" else 3e-4)
    assert (training.optimiser.weight_decay, training.optimiser.decoupled) == (1e-5, False)
    assert recipe.transforms is not None
    assert len(recipe.transforms.choices) == 6


GENRE_FILES = sorted((Path(soundsieve.__file__).parent / "recipes" / "genre").glob("*.yaml"))


@pytest.mark.parametrize("file", GENRE_FILES, ids=lambda file: file.stem)
def test_a_genre_recipe_parses_and_is_no_plain_classifiers_namesake(file: Path) -> None:
    values = read_yaml(file)
    if "corpus" in values:  # trained on recordings, as taggers are
        assert TagRecipe.parse(values).task == "genre"
        return
    recipe = GenreRecipe.parse(values)
    assert recipe.reproduces
    assert recipe.model.name in models.names("genre")
    assert file.stem not in genre_baselines.names(), "a ladder would not know which is meant"
    if file.stem.startswith("mlp"):
        training = recipe.training
        assert (training.epochs, training.batch, training.learning_rate) == (100, 32, 1e-4)
        assert training.views == ("plain",)


WATCH_FILES = sorted((Path(soundsieve.__file__).parent / "recipes" / "watch").glob("*.yaml"))
NETWORK_FILES = [file for file in WATCH_FILES if "engine" in read_yaml(file)]


@pytest.mark.parametrize("file", NETWORK_FILES, ids=lambda file: file.stem)
def test_a_recipe_for_a_network_that_is_told_what_is_seen_parses(file: Path) -> None:
    recipe = ObjectRecipe.parse(read_yaml(file))
    assert recipe.reproduces
    assert set(recipe.labels) <= set(NAMES)
    assert recipe.model.name in models.names("objects")
    model = models.build(recipe.model.name, recipe.model.hyper, len(recipe.labels))
    assert sum(parameter.numel() for parameter in model.parameters()) * 4 < 5_000_000, "released weights are below 5 MB"


@pytest.mark.parametrize(
    "file", [file for file in WATCH_FILES if file not in NETWORK_FILES], ids=lambda file: file.stem
)
def test_a_recipe_for_objects_parses_and_says_what_it_reproduces(file: Path) -> None:
    recipe = WatchRecipe.parse(read_yaml(file))
    assert recipe.reproduces
    assert set(recipe.labels) <= set(NAMES)
    models.settings(recipe.model.name, recipe.model.hyper)
    assert not recipe.choice.centre, "calibration is found by training"


def test_the_papers_recipe_is_the_papers() -> None:
    recipe = SelectRecipe.parse(read_yaml(next(file for file in FILES if file.stem == "paper")))
    assert models.settings(recipe.model.name, recipe.model.hyper) == models.settings("conv_tasnet", {})
    assert (recipe.training.epochs, recipe.training.mixtures_per_epoch, recipe.training.batch) == (200, 50_000, 8)
    assert recipe.training.optimiser.learning_rate == 5e-4
    assert (recipe.loss.si_snr, recipe.loss.ceiling_db, recipe.loss.absent) == (0, None, 0)
    for mixture in (recipe.mixture, recipe.protocol):
        assert (mixture.events, mixture.classes, mixture.event_s) == (6, (3, 5), (1.5, 3.0))
        assert (mixture.background_db, mixture.duration_s) == ((15.0, 25.0), 6.0)

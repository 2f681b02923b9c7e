"""One suite over every recipe in the package."""

from pathlib import Path

import pytest

import soundsieve
from soundsieve import datasets, models
from soundsieve.settings import read_yaml
from soundsieve.training.recipe import SelectRecipe

FILES = sorted((Path(soundsieve.__file__).parent / "recipes" / "select").glob("*.yaml"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_it_parses_and_names_things_that_exist(file: Path) -> None:
    recipe = SelectRecipe.parse(read_yaml(file))
    assert recipe.reproduces
    models.settings(recipe.model.name, recipe.model.hyper)
    for source in (*recipe.corpus.events, *recipe.corpus.backgrounds):
        assert source.dataset in datasets.names()
        assert (source.parts is None) != (source.fractions is None)


def test_the_papers_recipe_is_the_papers() -> None:
    recipe = SelectRecipe.parse(read_yaml(next(file for file in FILES if file.stem == "paper")))
    assert models.settings(recipe.model.name, recipe.model.hyper) == models.settings("conv_tasnet", {})
    assert (recipe.training.epochs, recipe.training.mixtures_per_epoch, recipe.training.batch) == (200, 50_000, 8)
    assert recipe.training.optimiser.learning_rate == 5e-4
    assert (recipe.loss.si_snr, recipe.loss.ceiling_db, recipe.loss.absent) == (0, None, 0)
    for mixture in (recipe.mixture, recipe.protocol):
        assert (mixture.events, mixture.classes, mixture.event_s) == (6, (3, 5), (1.5, 3.0))
        assert (mixture.background_db, mixture.duration_s) == ((15.0, 25.0), 6.0)

"""What training would stumble over is refused before it begins."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

import soundsieve
from soundsieve.corpus import open_corpus
from soundsieve.errors import SettingsError
from soundsieve.mixing import plan_mixture
from soundsieve.mixing.stored import manifest_rows, prepare, render_missing
from soundsieve.settings import override
from soundsieve.training.mixtures import FromDisk, SelectionData, draw_queries
from soundsieve.training.recipe import QuerySettings, SelectRecipe, TrainingSettings


def data(recipe: SelectRecipe, folder: Path) -> SelectionData:
    corpus = open_corpus(recipe.corpus, folder)
    return SelectionData(recipe, corpus, corpus.classes("train"))


def test_too_few_classes_are_refused_with_what_to_change(sounds: Path, recipe: dict[str, Any]) -> None:
    shutil.rmtree(sounds / "sounds" / "high")
    with pytest.raises(SettingsError) as caught:
        data(SelectRecipe.parse(recipe), sounds).setup("fit")
    remedy = "--set mixture.classes=[2,2] --set protocol.classes=[2,2]"
    assert str(caught.value).endswith(f"try {remedy}")
    data(SelectRecipe.parse(override(recipe, remedy.replace("--set ", "").split())), sounds).setup("fit")


def test_two_folders_suffice_for_ones_own_sounds(sounds: Path) -> None:
    shutil.rmtree(sounds / "sounds" / "high")
    file = Path(soundsieve.__file__).parent / "recipes" / "select" / "own-sounds.yaml"
    small = ["sample_rate=8000", "training.workers=0", "training.batch=2"]
    module = data(SelectRecipe.parse(override(yaml.safe_load(file.read_text(encoding="utf-8")), small)), sounds)
    module.setup("fit")
    for loader in (module.train_dataloader(), module.val_dataloader()):
        assert next(iter(loader))["references"].abs().sum() > 0


@pytest.mark.parametrize(
    ("is_train", "most", "sentence"),
    [(True, 3, None), (False, 3, "other than training recordings"), (True, 2, "up to 3 classes; mixture.classes")],
)
def test_a_stored_set_must_be_one_to_train_on(
    sounds: Path, recipe: dict[str, Any], tmp_path: Path, is_train: bool, most: int, sentence: str | None
) -> None:
    parsed = SelectRecipe.parse(override(recipe, ["mixture.classes=[3,3]"]))
    banks = open_corpus(parsed.corpus, sounds).banks("train", 8000)
    rows = manifest_rows([plan_mixture(*banks, parsed.mixture, (0,))], banks, is_train=is_train)
    prepare(tmp_path / "set", rows)
    render_missing(tmp_path / "set", rows, banks)
    if sentence is None:
        assert len(FromDisk(tmp_path / "set", 8000, 0, most_classes=most)(0).references) == 3
    else:
        with pytest.raises(SettingsError, match=sentence):
            FromDisk(tmp_path / "set", 8000, 0, most_classes=most)


@pytest.mark.parametrize("wrong", [{"seed": -1}, {"crop_s": 0}, {"mixtures_per_epoch": 4}, {"batch": 0}], ids=str)
def test_training_that_cannot_take_a_step_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=f"{next(iter(wrong))} = "):
        TrainingSettings.parse(wrong)


def test_others_are_all_the_classes_but_some_of_those_there() -> None:
    settings = QuerySettings(each=False, others=40)
    wanted, weight = draw_queries(["b", "d", "e"], list("abcdef"), settings, 5, np.random.default_rng(0))
    assert wanted.shape == (40, 6)
    assert weight.all()
    assert (wanted[:, [0, 2, 5]] == 1).all(), "what is not there is asked for too"
    left = wanted[:, [1, 3, 4]].sum(1)
    assert set(left) == {1.0, 2.0}, "something there is left out, and something is not"
    assert not draw_queries(["b"], list("abc"), settings, 5, np.random.default_rng(0))[1].any()


def test_a_query_refers_to_the_sum_of_what_it_asks_for(sounds: Path, recipe: dict[str, Any]) -> None:
    parsed = SelectRecipe.parse(override(recipe, ["queries={each: true, several: 2, others: 1, absent: 1}"]))
    module = data(parsed, sounds)
    module.setup("fit")
    batch = next(iter(module.train_dataloader()))
    single = batch["references"][:, :3]
    owned = np.einsum("bqc,bqt->bct", batch["wanted"][:, :3] * batch["weight"][:, :3, None], single)
    expected = np.einsum("bqc,bct->bqt", batch["wanted"], owned)
    np.testing.assert_allclose(batch["references"], expected, atol=1e-6)

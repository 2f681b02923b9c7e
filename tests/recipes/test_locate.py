"""Recipes are found by name or by path."""

from pathlib import Path

import pytest

from soundsieve import recipes
from soundsieve.errors import SettingsError, UnknownNameError


def test_a_name_leads_to_its_file() -> None:
    assert "paper" in recipes.names("select")
    for name in recipes.names("select"):
        assert recipes.locate("select", name).is_file()


def test_a_file_is_found_whatever_it_is_called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.yaml").write_text("")
    (tmp_path / "mine").write_text("")
    assert recipes.locate("select", tmp_path / "mine.yaml") == tmp_path / "mine.yaml"
    monkeypatch.chdir(tmp_path)
    assert recipes.locate("select", "mine") == Path("mine")


def test_a_recipe_is_not_hidden_by_a_file_of_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("paper").write_text("notes")
    assert recipes.locate("select", "paper").suffix == ".yaml"
    assert recipes.locate("select", "./paper").read_text() == "notes"


def test_an_unknown_name_lists_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match=r"unknown recipe 'papr': did you mean 'paper'\?"):
        recipes.locate("select", "papr")


@pytest.mark.parametrize("path", ["gone.yaml", "some/where/gone"])
def test_a_path_that_leads_nowhere_is_named(path: str) -> None:
    with pytest.raises(SettingsError, match=f"{path}: there is no such recipe"):
        recipes.locate("select", path)

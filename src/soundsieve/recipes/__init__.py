"""Recipes: one YAML for each experiment, and the scripts that gather what an experiment is trained on."""

from __future__ import annotations

from pathlib import Path

from soundsieve.errors import SettingsError, unknown_name

SUFFIXES = (".yaml", ".yml")


def names(task: str) -> list[str]:
    """Return the names of the recipes for a task, in alphabetical order.

    >>> "paper" in names("select")
    True
    """
    return sorted(path.stem for path in (Path(__file__).parent / task).glob("*.yaml"))


def locate(task: str, name: str | Path) -> Path:
    """Find a recipe by its name or by the path of a YAML file.

    Raises:
        SettingsError: when a path leads to no file.
        UnknownNameError: when it is neither a path nor a recipe's name; lists the nearest names.

    >>> locate("select", "paper").name
    'paper.yaml'
    >>> locate("select", "papier")
    Traceback (most recent call last):
    ...
    soundsieve.errors.UnknownNameError: unknown recipe 'papier': did you mean 'paper'?
    """
    path = Path(name)
    # A file of a recipe's name is meant by ./NAME.
    if path.is_file() and not (isinstance(name, str) and name in names(task)):
        return path
    if path.suffix in SUFFIXES or len(path.parts) > 1:
        raise SettingsError(f"{path}: there is no such recipe; expected a YAML file or one of {', '.join(names(task))}")
    if str(name) not in names(task):
        raise unknown_name("recipe", str(name), names(task))
    return Path(__file__).parent / task / f"{name}.yaml"

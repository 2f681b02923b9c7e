"""Frozen settings that refuse unknown keys, YAML recipes, and `a.b=1` overrides."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Self

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from soundsieve.errors import SettingsError, unknown_name


def _ordered(pair: tuple[float, float]) -> tuple[float, float]:
    if not (math.isfinite(pair[0]) and math.isfinite(pair[1]) and pair[0] <= pair[1]):
        raise ValueError("expected two numbers, the smaller one first")
    return pair


def _positive(pair: tuple[float, float]) -> tuple[float, float]:
    if pair[0] <= 0:
        raise ValueError("expected two numbers above 0")
    return pair


Span = Annotated[tuple[float, float], AfterValidator(_ordered)]
"""A range to draw from: least and most."""

PositiveSpan = Annotated[Span, AfterValidator(_positive)]
"""A range of numbers above 0."""


class Settings(BaseModel):
    """Base of every settings class: immutable, and an unknown key is an error that names the nearest valid one.

    >>> class Point(Settings):
    ...     x: int = 0
    >>> Point.parse({"x": 3}).x
    3
    >>> Point.parse({"y": 3})
    Traceback (most recent call last):
    ...
    soundsieve.errors.SettingsError: Point: unknown key 'y': choose from x
    """

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    @classmethod
    def parse(cls, values: Mapping[str, Any]) -> Self:
        """Build the settings from plain values.

        Raises:
            SettingsError: with one sentence naming the field, what was found and what is allowed.
        """
        try:
            return cls.model_validate(dict(values))
        except ValidationError as error:
            raise SettingsError(f"{cls.__name__}: {_sentence(cls, error)}") from None


def _sentence(cls: type[BaseModel], error: ValidationError) -> str:
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        owner = _owner(cls, first["loc"][:-1])
        return str(unknown_name("key", where, owner.model_fields if owner else ()))
    # A validator's own sentence is taken as it stands, without the kind of error that pydantic writes before it.
    reason = str(first["ctx"]["error"]) if first["type"] == "value_error" else first["msg"].lower()
    return f"{where or 'value'} = {first['input']!r}: {reason}"


def _owner(cls: type[BaseModel], path: Iterable[int | str]) -> type[BaseModel] | None:
    for part in path:
        field = cls.model_fields.get(str(part))
        inner = field.annotation if field else None
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            return None
        cls = inner
    return cls


def override(values: Mapping[str, Any], assignments: Iterable[str]) -> dict[str, Any]:
    """Return a copy of nested `values` with `a.b=1` assignments applied; the right side is read as YAML.

    >>> override({"a": {"b": 1}}, ["a.b=2", "c=[x, y]"])
    {'a': {'b': 2}, 'c': ['x', 'y']}
    """
    result: dict[str, Any] = yaml.safe_load(yaml.safe_dump(dict(values), sort_keys=False)) or {}
    for assignment in assignments:
        key, sign, text = assignment.partition("=")
        if not sign or not key.strip():
            raise SettingsError(f"--set {assignment!r}: expected KEY=VALUE, for example training.epochs=10")
        *parents, last = key.strip().split(".")
        node = result
        for parent in parents:
            child = node.setdefault(parent, {})
            if not isinstance(child, dict):
                raise SettingsError(f"--set {assignment!r}: {parent!r} holds a single value, not a group of settings")
            node = child
        try:
            node[last] = yaml.safe_load(text)
        except yaml.YAMLError:
            raise SettingsError(f"--set {assignment!r}: {text!r} is not a value YAML can read") from None
    return result


def read_yaml(path: Path) -> dict[str, Any]:
    """Read one YAML mapping; a missing or malformed file is a `SettingsError`."""
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror or error}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: not valid YAML ({str(error).splitlines()[0]})") from None
    if not isinstance(values, dict):
        raise SettingsError(f"{path}: expected a mapping of settings, found {type(values).__name__}")
    return values

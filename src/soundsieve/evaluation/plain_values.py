"""Reports as plain values, which JSON can hold."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any


def plain_values(value: Any, number: Callable[[float], Any]) -> Any:
    """Return mappings as dictionaries with names for keys, other collections as lists, and the rest as it is.

    Args:
        value: Of any depth.
        number: What a float becomes; JSON has neither NaN nor infinity.

    >>> plain_values({1: (0.12, float("nan")), "name": "a"}, lambda x: round(x, 1) if x == x else None)
    {'1': [0.1, None], 'name': 'a'}
    """
    if isinstance(value, Mapping):
        return {str(key): plain_values(item, number) for key, item in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, str):
        return [plain_values(item, number) for item in value]
    return number(value) if isinstance(value, float) else value

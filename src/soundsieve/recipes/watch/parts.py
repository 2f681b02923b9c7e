"""Dividing pictures and sounds between the parts, so that nothing is seen or heard in two of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence

FIRST = ("train", "test", "validation")  # what must not be lacking, in this order
CYCLE = ("train", "train", "train", "test", "validation")


def divide(names: Mapping[str, Sequence[str]], provided: Mapping[str, Iterable[str]] | None = None) -> dict[str, str]:
    """Return the part of each name: of an object's first three one trains, one tests, one validates, then 3 : 1 : 1.

    An object with one source is only trained on, with two it is not validated. A name that several objects have, a
    recording with two labels, has the part that the first of them gives it.

    Args:
        names: the sources of each object, the most useful ones first; see `shuffled`.
        provided: the parts in which an object has a source already.

    >>> divide({"dog": ["a", "b", "c", "d"], "cat": ["e"]})
    {'a': 'train', 'b': 'test', 'c': 'validation', 'd': 'train', 'e': 'train'}
    >>> divide({"harp": ["a", "b"]}, {"harp": ["train", "test"]})
    {'a': 'validation', 'b': 'train'}
    """
    part_of: dict[str, str] = {}
    for label, sources in names.items():
        had = {*(provided or {}).get(label, ()), *(part_of[name] for name in sources if name in part_of)}
        absent = [part for part in FIRST if part not in had]
        new = [name for name in dict.fromkeys(sources) if name not in part_of]
        for place, name in enumerate(new):
            after = place - len(absent)
            part_of[name] = absent[place] if after < 0 else CYCLE[after % len(CYCLE)]
    return part_of


def shuffled(names: Iterable[str]) -> list[str]:
    """Return names in an order that depends on nothing but themselves.

    >>> shuffled(["a", "b", "c"]) == shuffled(["c", "b", "a", "a"])
    True
    """
    return sorted(set(names), key=lambda name: hashlib.sha256(name.encode()).digest())

"""Data sets, one file each: file name = name of the data set, found by looking into this folder.

A data set is a module with the attributes of `Dataset`. Adding one is adding a file; nothing else is edited.
"""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path
from typing import Literal, Protocol, cast

from soundsieve.datasets.check import Check
from soundsieve.datasets.clip import Clip, label_name
from soundsieve.datasets.splits import leaks, split_by_fraction, split_by_part
from soundsieve.errors import unknown_name

__all__ = [
    "Check",
    "Clip",
    "Dataset",
    "get",
    "label_name",
    "leaks",
    "listed",
    "names",
    "split_by_fraction",
    "split_by_part",
]


class Dataset(Protocol):
    """What the module of a data set offers.

    Attributes:
        NAME: the name of the module.
        ROLE: `events` are sounds to be found or separated, `noise` is what they are heard against.
        LICENCE: the licence of the whole set, or where to find that of each recording.
        CITATION: the publication to cite.
        URL: where the set is published.
        CHECKSUMS: the published MD5 of each archive by its file name, empty where none is known.

    A module whose groups are those of other data sets too, Freesound's numbers for example, says so in an attribute
    `GROUPS`: data sets with the same one are divided together.
    """

    NAME: str
    ROLE: Literal["events", "noise"]
    LICENCE: str
    CITATION: str
    URL: str
    CHECKSUMS: dict[str, str]

    def clips(self, root: Path) -> list[Clip]:
        """List the recordings of the copy in the folder `root`, ordered by path, without opening any.

        Raises:
            DatasetError: the folder is missing, not laid out as published, or lacks files that its table names.
        """
        ...

    def check(self, root: Path) -> Check:
        """Say what the copy in the folder `root` lacks and which recordings cannot be read.

        Raises:
            DatasetError: the folder is missing or not laid out as published.
        """
        ...


def names() -> list[str]:
    """Return the names of all data sets in alphabetical order.

    >>> "esc50" in names()
    True
    """
    found = (module.name for module in pkgutil.iter_modules(__path__))
    return sorted(name for name in found if hasattr(importlib.import_module(f"{__name__}.{name}"), "ROLE"))


def get(name: str) -> Dataset:
    """Return the data set of that name.

    Raises:
        UnknownNameError: there is none; the message lists the nearest names.

    >>> get("esc50").ROLE
    'events'
    >>> get("esc5")
    Traceback (most recent call last):
    ...
    soundsieve.errors.UnknownNameError: unknown data set 'esc5': did you mean 'esc50' or 'esc10'?
    """
    known = names()
    if name not in known:
        raise unknown_name("data set", name, known)
    return cast(Dataset, importlib.import_module(f"{__name__}.{name}"))


def listed(name: str, root: Path) -> list[Clip]:
    """List what the table of a copy names, its recordings there or not; without a table, the recordings there are.

    A data set with a table offers this as an optional function `listed(root)`, beside those of `Dataset`.

    Raises:
        UnknownNameError: there is no such data set.
        DatasetError: as for `Dataset.clips`, except for recordings that are missing.
    """
    module = get(name)
    found: list[Clip] = getattr(module, "listed", module.clips)(root)
    return found

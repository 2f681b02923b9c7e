"""Names of classes as people type them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from soundsieve.datasets import label_name
from soundsieve.errors import SettingsError, unknown_name


def match_classes(asked: str | Iterable[str], known: Sequence[str]) -> tuple[str, ...]:
    """Find the classes that were meant; case, spaces, hyphens and underscores do not matter.

    Args:
        asked: Names, each entry one or several with commas between them.
        known: The classes there are.

    Returns:
        Each class once, in the order asked for.

    Raises:
        UnknownNameError: when there is no such class; lists the nearest.
        SettingsError: when nothing was asked for, or something that is not a name.

    >>> match_classes(["Finger Snapping", "dog", "DOG"], ["dog", "finger_snapping"])
    ('finger_snapping', 'dog')
    >>> match_classes("dog, finger snapping", ["dog", "finger_snapping"])
    ('dog', 'finger_snapping')
    """
    by_key = {_key(name): name for name in known}
    found: dict[str, None] = {}
    for name in _names(asked):
        if _key(name) not in by_key:
            raise unknown_name("class", name, known)
        found[by_key[_key(name)]] = None
    if not found:
        raise SettingsError("classes: none was asked for, name at least one")
    return tuple(found)


def _names(asked: object) -> Iterator[str]:
    entries = [asked] if isinstance(asked, str) or not isinstance(asked, Iterable) else asked
    for entry in entries:
        if not isinstance(entry, str):
            raise SettingsError(f"classes: expected names of classes, found {entry!r} ({type(entry).__name__})")
        yield from (name.strip() for name in entry.split(",") if name.strip())


def _key(name: str) -> str:
    return label_name(name).replace("_", "")

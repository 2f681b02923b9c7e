from typing import Any

import pytest

from soundsieve.errors import SettingsError, UnknownNameError
from soundsieve.inference.classes import match_classes

KNOWN = ("dog", "finger_snapping", "Acoustic_guitar")


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("dog", ("dog",)),
        ("dog, finger snapping,", ("dog", "finger_snapping")),
        (["dog,finger_snapping", "dog"], ("dog", "finger_snapping")),
        (["DOG ", "dog"], ("dog",)),
        (["finger-snapping"], ("finger_snapping",)),
        (["FingerSnapping", "acoustic guitar"], ("finger_snapping", "Acoustic_guitar")),
    ],
)
def test_spelling_is_forgiving_and_nothing_is_asked_twice(asked: str | list[str], meant: tuple[str, ...]) -> None:
    assert match_classes(asked, KNOWN) == meant


def test_an_unknown_class_is_named_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="unknown class 'doog': did you mean 'dog'"):
        match_classes(["doog"], KNOWN)


def test_something_must_be_asked_for() -> None:
    with pytest.raises(SettingsError, match="at least one"):
        match_classes([], KNOWN)


@pytest.mark.parametrize(("asked", "found"), [([1], r"1 \(int\)"), (3, r"3 \(int\)"), (None, "None"), (b"dog", "int")])
def test_what_is_not_a_name_is_a_sentence(asked: Any, found: str) -> None:
    with pytest.raises(SettingsError, match=f"classes: expected names of classes, found .*{found}"):
        match_classes(asked, KNOWN)

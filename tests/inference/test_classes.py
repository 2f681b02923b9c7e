import pytest

from soundsieve.errors import SettingsError, UnknownNameError
from soundsieve.inference.classes import match_classes

KNOWN = ("dog", "finger_snapping", "Acoustic_guitar")


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("dog", ("dog",)),
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

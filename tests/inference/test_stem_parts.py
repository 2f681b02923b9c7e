"""Stems and mixdowns by name."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from soundsieve.errors import SettingsError, UnknownNameError
from soundsieve.inference.stem_parts import FOUR, TWO, find_parts, minus_names, stem_names


@pytest.mark.parametrize(
    ("asked", "expected"),
    [(None, None), (2, TWO), ("4", FOUR), (["Vocals, drums", "drums"], ("vocals", "drums")), ("bass", ("bass",))],
)
def test_what_is_asked_for(asked: Any, expected: Any) -> None:
    assert stem_names(asked) == expected


@pytest.mark.parametrize(("asked", "sentence"), [(3, "stems = 3: must be 2, 4 or"), (" , ", "name at least one")])
def test_what_cannot_be_asked_for(asked: Any, sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        stem_names(asked)


@pytest.mark.parametrize("asked", ["vocals", "minus-", "minus-vocals,"])
def test_a_mixdown_is_minus_something(asked: str) -> None:
    with pytest.raises(SettingsError, match="must be minus- and a stem"):
        minus_names(asked)


def test_parts_are_made_of_stems_and_the_song() -> None:
    mixture = np.full((1, 2), 1.0, np.float32)
    stems = np.asarray([0.5, 0.25, 0.125], np.float32)[:, None, None] * mixture
    found = find_parts(["drums", "accompaniment", "minus-drums", "minus-accompaniment"], ["vocals", "drums", "other"])
    assert [float(part.of(mixture, stems)[0, 0]) for part in found] == [0.25, 0.5, 0.75, 0.5]
    assert [part.mixdown for part in found] == [False, False, True, True]
    own = find_parts(["accompaniment"], ["vocals", "accompaniment"])[0]
    assert float(own.of(mixture, stems)[0, 0]) == 0.25  # as the engine has it


def test_stems_that_are_not_found_are_named_with_those_that_are() -> None:
    with pytest.raises(UnknownNameError, match="unknown stem 'drums': choose from accompaniment, vocals"):
        find_parts(FOUR, TWO)
    with pytest.raises(UnknownNameError, match="unknown stem 'vocal': did you mean 'vocals'"):
        find_parts(["minus-vocal"], FOUR)
    with pytest.raises(UnknownNameError, match="'accompaniment'"):
        find_parts(["accompaniment"], ["drums", "other"])

from __future__ import annotations

import numpy as np
import pytest

from soundsieve.datasets import STEMS
from soundsieve.errors import SettingsError
from soundsieve.evaluation.stem_groups import added_up, stem_groups

SONG = np.array([[[1.0]], [[2.0]], [[4.0]], [[8.0]]], np.float32)  # bass, drums, other, vocals


def test_two_stems_are_judged_on_vocals_and_the_sum_of_the_others() -> None:
    [groups] = stem_groups(("accompaniment", "vocals"))
    assert groups.stems == ("vocals", "accompaniment")
    assert added_up(SONG, groups.references).ravel().tolist() == [8, 7]
    assert groups.estimates == ((1,), (0,))


def test_four_stems_are_judged_both_ways_whatever_their_order() -> None:
    engine = ("vocals", "drums", "bass", "other")
    estimate = np.stack([SONG[STEMS.index(stem)] for stem in engine])
    four, two = stem_groups(engine)
    assert four.stems == STEMS
    np.testing.assert_array_equal(added_up(SONG, four.references), SONG)
    np.testing.assert_array_equal(added_up(estimate, four.estimates), SONG)
    assert two.stems == ("vocals", "accompaniment")
    assert added_up(estimate, two.estimates).ravel().tolist() == added_up(SONG, two.references).ravel().tolist()
    assert added_up(estimate, two.estimates).ravel().tolist() == [8, 7]


def test_the_accompaniment_is_what_is_not_named() -> None:
    first, second = stem_groups(("vocals", "drums", "accompaniment"))
    assert first.stems == ("drums", "vocals", "accompaniment")
    assert added_up(SONG, first.references).ravel().tolist() == [2, 8, 5]
    assert second.estimates == ((0,), (1, 2))
    [without] = stem_groups(("drums", "accompaniment"))
    assert added_up(SONG, without.references).ravel().tolist() == [2, 13]


@pytest.mark.parametrize(
    "stems",
    [("centre", "sides"), ("vocals", "other"), (*STEMS, "accompaniment"), ("vocals", "piano", "accompaniment")],
)
def test_stems_that_a_song_has_not_are_refused(stems: tuple[str, ...]) -> None:
    with pytest.raises(SettingsError, match=f"the engine finds {', '.join(stems)}; expected bass, drums"):
        stem_groups(stems)

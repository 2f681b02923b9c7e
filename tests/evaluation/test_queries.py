"""Questions are dealt fairly, and an absent class is really absent."""

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from soundsieve.evaluation.queries import absent_classes, groups_of, wanted_rows

labels = st.lists(st.text("abcdefgh", min_size=1, max_size=3), unique=True, max_size=7)


@given(labels, st.integers(1, 4), st.integers(0, 1000))
def test_every_class_is_asked_for_equally_often(names: list[str], size: int, seed: int) -> None:
    groups = groups_of(names, size, np.random.default_rng(seed))
    assert len(set(groups)) == len(groups)
    assert all(len(set(group)) == size and set(group) <= set(names) for group in groups)
    expected = 0 if len(names) < size else (1 if len(names) == size else size)
    assert Counter(name for group in groups for name in group) == Counter(
        dict.fromkeys(names, expected) if expected else {}
    )


@given(labels, labels, st.integers(0, 8), st.integers(0, 1000))
def test_absent_classes_are_known_and_not_there(present: list[str], others: list[str], count: int, seed: int) -> None:
    classes = sorted({*present[1:], *others})  # the first one may be a class that the model does not know
    drawn = absent_classes(present, classes, count, np.random.default_rng(seed))
    assert set(drawn) <= set(classes) - set(present)
    assert len(drawn) == len(set(drawn)) == min(count, len(set(classes) - set(present)))


def test_all_absent_classes_get_their_turn() -> None:
    drawn = Counter(absent_classes(["a"], list("abcde"), 1, np.random.default_rng(k))[0] for k in range(400))
    assert set(drawn) == set("bcde")
    assert min(drawn.values()) > 60


def test_rows_follow_the_order_of_the_classes() -> None:
    assert wanted_rows([("c",), ("a", "b")], ["b", "c", "a"]).tolist() == [[0, 1, 0], [1, 0, 1]]

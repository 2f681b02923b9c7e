import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundsieve.inference.fifo import Fifo


@given(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 9)), max_size=20))
def test_what_goes_in_comes_out_in_order(steps: list[tuple[int, int]]) -> None:
    fifo, pushed, taken = Fifo(2), 0, 0
    for push, take in steps:
        fifo.push(np.stack([np.arange(pushed, pushed + push), -np.arange(pushed, pushed + push)]))
        pushed += push
        found = fifo.take(min(take, len(fifo)))
        assert found[0].tolist() == list(range(taken, taken + found.shape[1]))
        assert found[1].tolist() == [-value for value in found[0]]
        taken += found.shape[1]
        assert (fifo.start, fifo.end, len(fifo)) == (taken, pushed, pushed - taken)


def test_what_was_dropped_or_never_came_cannot_be_seen() -> None:
    fifo = Fifo(1)
    fifo.push(np.ones((1, 10)))
    fifo.drop(4)
    assert fifo.peek(4, 10).shape == (1, 6)
    for start, end in ((3, 10), (4, 11), (6, 5)):
        with pytest.raises(IndexError, match="4 to 10 held"):
            fifo.peek(start, end)


def test_a_block_that_was_taken_is_not_changed_by_what_follows() -> None:
    fifo = Fifo(1)
    fifo.push(np.zeros((1, 4), np.float32))
    taken = fifo.take(2)
    fifo.push(np.ones((1, 4), np.float32))
    fifo.take(3)
    assert taken.tolist() == [[0, 0]]

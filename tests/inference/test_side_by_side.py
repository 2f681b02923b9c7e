"""Work in processes: what comes of it, in which order, and what is left of it when something ends."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from pathlib import Path

import pytest

from soundsieve.errors import AudioError, Cancelled
from soundsieve.inference.side_by_side import Step, in_turn, side_by_side
from workers import endless, halves


def gathered(steps: Iterable[Step[float]]) -> dict[int, list[object]]:
    found: dict[int, list[object]] = {}
    for step in steps:
        found.setdefault(step.index, []).append(step.part if step.error is None else str(step.error))
    return found


def ended(process: int) -> bool:
    for _ in range(400):
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("jobs", [None, 1, 3])
def test_every_item_is_worked_on_and_one_that_fails_does_not_stop_the_others(jobs: int | None) -> None:
    items = [4, 13, 6, 14, 8]
    steps = in_turn(halves, items) if jobs is None else side_by_side(halves, items, jobs)
    assert gathered(steps) == {
        0: [2.0, 2.0, None],
        1: ["thirteen: cannot be read; expected another number"],
        2: [3.0, 3.0, None],
        3: [7.0, "fourteen: cannot be read to its end"],
        4: [4.0, 4.0, None],
    }


def test_of_nothing_comes_nothing() -> None:
    assert list(side_by_side(halves, [], 2)) == []


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such signal")
def test_a_process_that_dies_costs_its_item_and_is_replaced() -> None:
    found = {}
    errors = []
    for step in side_by_side(halves, [99, 4, 99, 6], 1):
        if step.error is None:
            found.setdefault(step.index, []).append(step.part)
        else:
            errors.append((step.index, step.error))
    assert found == {1: [2.0, 2.0, None], 3: [3.0, 3.0, None]}
    assert [index for index, _ in errors] == [0, 2]
    assert all(isinstance(error, AudioError) for _, error in errors)
    assert str(errors[0][1]) == "99: the process that worked on it died with code -9; out of memory, perhaps"


def test_a_fault_of_ours_is_not_taken_for_the_items() -> None:
    with pytest.raises(RuntimeError, match="ValueError: a fault"):
        list(side_by_side(halves, [4, 15], 1))
    with pytest.raises(ValueError, match="a fault"):
        list(in_turn(halves, [15]))


def test_each_process_computes_in_one_thread_and_this_one_in_as_many_as_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    program = (
        "import os\n"
        "from workers import environment\n"
        "from soundsieve.inference.side_by_side import side_by_side\n"
        "(first, *_) = side_by_side(environment, ['OMP_NUM_THREADS'], 1)\n"
        "process, threads = first.part\n"
        "print(threads, process == os.getpid(), os.environ['OMP_NUM_THREADS'], 'MKL_NUM_THREADS' in os.environ)\n"
    )
    # In a program of its own: the server that processes are forked from keeps the environment it began with.
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=Path(__file__).parents[1], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["1", "False", "7", "False"]


def test_the_processes_end_with_the_iterator() -> None:
    steps = side_by_side(endless, [0.01, 0.01], 2)
    processes = {step.part for step in itertools.islice(steps, 20)}
    steps.close()
    assert all(ended(process) for process in processes if process is not None)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such signal")
def test_the_processes_end_when_this_one_is_killed() -> None:
    program = (
        "from workers import endless\n"
        "from soundsieve.inference.side_by_side import side_by_side\n"
        "for step in side_by_side(endless, [0.01], 1):\n"
        "    print(step.part, flush=True)\n"
    )
    folder = Path(__file__).parents[1]
    with subprocess.Popen([sys.executable, "-c", program], cwd=folder, stdout=subprocess.PIPE, text=True) as begun:
        assert begun.stdout is not None
        process = int(begun.stdout.readline())
        begun.kill()
    assert ended(process)


@pytest.mark.parametrize("jobs", [None, 1])
def test_a_token_stops_the_work(jobs: int | None) -> None:
    token = threading.Event()
    steps = in_turn(endless, [0.01], cancel=token) if jobs is None else side_by_side(endless, [0.01], 1, cancel=token)
    assert next(steps).index == 0
    token.set()
    with pytest.raises(Cancelled):
        list(steps)

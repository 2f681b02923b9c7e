"""Work that tests give to other processes, which import it from here."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

from soundsieve.errors import AudioError


def halves(number: int) -> Iterator[float]:
    """Two parts for a number; what else is done depends on the number."""
    if number == 13:
        raise AudioError("thirteen: cannot be read; expected another number")
    if number == 99:
        os.kill(os.getpid(), signal.SIGKILL)
    yield number / 2
    if number == 14:
        raise AudioError("fourteen: cannot be read to its end")
    if number == 15:
        raise ValueError("a fault")
    yield number / 2


def environment(name: str) -> Iterator[tuple[int, str | None]]:
    yield os.getpid(), os.environ.get(name)


def endless(seconds: float) -> Iterator[int]:
    yield os.getpid()
    while True:
        time.sleep(seconds)
        yield os.getpid()

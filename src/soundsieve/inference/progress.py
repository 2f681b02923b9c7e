"""How a long call tells where it is, and how it is told to stop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeAlias

from soundsieve.errors import Cancelled

Progress: TypeAlias = Callable[[float, float | None], None]
"""Called with the seconds of audio done and the seconds there are, None where the file does not say."""


class CancelToken(Protocol):
    """Anything with `is_set()`, a `threading.Event` for example."""

    def is_set(self) -> bool:
        """Say whether the call should stop."""
        ...


def check_cancel(cancel: CancelToken | None) -> None:
    """Stop where the token has been set.

    Raises:
        Cancelled: it has been.
    """
    if cancel is not None and cancel.is_set():
        raise Cancelled("cancelled before it was done")

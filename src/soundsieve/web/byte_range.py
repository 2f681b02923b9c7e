"""Which bytes of a file a browser asks for (RFC 9110, section 14)."""

from __future__ import annotations

import re

_ONE = re.compile(r"bytes=\s*(\d*)\s*-\s*(\d*)\s*", re.ASCII)
_MOST_DIGITS = 18  # `int` refuses text of thousands of digits


class UnsatisfiableError(ValueError):
    """The range lies behind the end of the file."""


def parse_range(header: str | None, size: int) -> tuple[int, int] | None:
    """Read the header `Range`.

    Args:
        header: Its value; None where there is none.
        size: Of the file, in bytes.

    Returns:
        The first byte and the one after the last; None for the whole file, which is also the answer to what is no range
        or several.

    Raises:
        UnsatisfiableError: the range holds no byte of the file.

    >>> parse_range("bytes=0-99", 1_000), parse_range("bytes=900-", 1_000), parse_range("bytes=-10", 1_000)
    ((0, 100), (900, 1000), (990, 1000))
    """
    match = _ONE.fullmatch((header or "").strip())
    if match is None or match.groups() == ("", ""):
        return None
    first, last = (_number(digits) if digits else None for digits in match.groups())
    if first is None:
        start, end = max(0, size - (last or 0)), size
    else:
        start, end = first, size if last is None else min(last, size - 1) + 1
        if last is not None and last < first:
            return None
    if start >= size or start >= end:
        raise UnsatisfiableError(f"bytes {start}-: the file has {size} bytes")
    return start, end


def _number(digits: str) -> int:
    """Read a number of any length; beyond what any file has, one is as good as another."""
    digits = digits.lstrip("0")
    return int(digits or "0") if len(digits) <= _MOST_DIGITS else 10**_MOST_DIGITS

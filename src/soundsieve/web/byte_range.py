"""Which bytes of a file a browser asks for (RFC 9110, section 14)."""

from __future__ import annotations

import re

_ONE = re.compile(r"bytes=\s*(\d*)\s*-\s*(\d*)\s*", re.ASCII)


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
    first, last = match.groups()
    if first:
        start, end = int(first), min(int(last), size - 1) + 1 if last else size
        if last and int(last) < int(first):
            return None
    else:
        start, end = max(0, size - int(last)), size
    if start >= size or start >= end:
        raise UnsatisfiableError(f"{header}: the file has {size} bytes")
    return start, end

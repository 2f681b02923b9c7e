from __future__ import annotations

import pytest

from soundsieve.web.byte_range import UnsatisfiableError, parse_range


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, None),
        ("bytes=0-0", (0, 1)),
        ("bytes=10-", (10, 100)),
        ("bytes=90-1000", (90, 100)),
        ("bytes=-1000", (0, 100)),
        ("bytes=-", None),
        ("bytes=5-4", None),
        ("bytes=0-1,5-6", None),
        ("lines=0-1", None),
        ("bytes=a-b", None),
        ("bytes=\u0661-\u0662", None),
        ("bytes=\u00b2-", None),
        ("bytes=10-" + "9" * 5_000, (10, 100)),
        ("bytes=-" + "9" * 5_000, (0, 100)),
        ("bytes=" + "0" * 5_000 + "10-20", (10, 21)),
        ("bytes=" + "9" * 5_000 + "-0", None),
    ],
)
def test_a_range_is_read_as_the_standard_says(header: str | None, expected: tuple[int, int] | None) -> None:
    assert parse_range(header, 100) == expected


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=100-200", "bytes=-0", "bytes=" + "9" * 5_000 + "-"])
def test_a_range_without_bytes_is_refused(header: str) -> None:
    with pytest.raises(UnsatisfiableError):
        parse_range(header, 100)

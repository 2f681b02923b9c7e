from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundsieve.datasets import label_name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Hi-hat", "hi_hat"),
        ("Gunshot, gunfire", "gunshot_gunfire"),
        ("  Dog  ", "dog"),
        ("__already_so__", "already_so"),
        ("Türklingel", "türklingel"),
        ("Tu\u0308rklingel", "türklingel"),  # as macOS spells file names
        ("808 kick!", "808_kick"),
        ("---", ""),
    ],
)
def test_label_name(text: str, name: str) -> None:
    assert label_name(text) == name


@given(st.text())
def test_label_name_is_settled_after_one_pass(text: str) -> None:
    name = label_name(text)
    assert label_name(name) == name
    assert not name.startswith("_")
    assert "__" not in name

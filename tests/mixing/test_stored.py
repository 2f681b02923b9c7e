"""A set on disk is what was rendered, survives being stopped, and is never mixed up with another."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from sounds import background_bank, event_bank
from soundsieve import audio
from soundsieve.errors import DatasetError, OutputError
from soundsieve.mixing import AugmentSettings, Bank, MixtureSettings, plan_mixture, render
from soundsieve.mixing.stored import MANIFEST, Row, StoredMixtures, manifest_rows, prepare, render_missing

BANKS = (event_bank(others=1), background_bank())
VARIED = MixtureSettings(
    duration_s=2.0,
    event_s=(0.5, 1.0),
    distractor_probability=0.5,
    augment=AugmentSettings(speed_octaves=0.4, colour_db=3, room_probability=0.5, lowpass_probability=0.5),
)


def rows(count: int, seed: int = 0, banks: tuple[Bank, Bank] = BANKS) -> list[Row]:
    plans = [plan_mixture(*banks, VARIED, (seed, index)) for index in range(count)]
    return manifest_rows(plans, banks, is_train=True)


def write(folder: Path, wanted: list[Row], banks: tuple[Bank, Bank] = BANKS, **how: bool) -> int:
    prepare(folder, wanted, **how)
    return render_missing(folder, wanted, banks)


@settings(max_examples=30)
@given(st.integers(0, 1 << 31))
def test_a_manifest_line_holds_all_of_a_plan(seed: int) -> None:
    (row,) = rows(1, seed)
    assert Row.from_line(row.to_line()) == row
    written = json.loads(row.to_line())
    assert written["index"] == 0
    assert written["is_train"] is True
    assert [event["path"] for event in written["events"]] == list(row.paths)
    for event, path in zip(row.plan.events, row.paths, strict=True):
        assert BANKS[0].recordings[event.recording].path.as_posix() == path
    assert written["background_path"].startswith("noise/")


def test_what_is_read_is_what_was_rendered(tmp_path: Path) -> None:
    wanted = rows(5)
    assert write(tmp_path / "set", wanted) == 5
    stored = StoredMixtures(tmp_path / "set")
    assert len(stored) == 5
    assert stored.sample_rate == BANKS[0].sample_rate
    for row in wanted:
        sound, read = render(row.plan, *BANKS), stored(row.index)
        assert np.array_equal(read.mixture, sound.mixture)
        assert np.array_equal(read.residual, sound.residual)
        assert list(read.references) == list(sound.references)
        assert all(np.array_equal(read.references[label], sound.references[label]) for label in sound.references)
    names = {path.name for path in (tmp_path / "set" / "000000").iterdir()}
    assert names == {"mixture.wav", "background.wav", *(f"{label}.wav" for label in wanted[0].plan.labels)}
    assert soundfile.info(tmp_path / "set" / "000000" / "mixture.wav").subtype == "FLOAT"


def test_a_stopped_set_is_finished_without_doing_anything_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted, folder = rows(4), tmp_path / "set"
    prepare(folder, wanted)
    written, plain = [], audio.write

    def stopping(path: Path, *args: Any, **kwargs: Any) -> None:
        if len(written) == 9:
            raise KeyboardInterrupt
        written.append(path)
        plain(path, *args, **kwargs)

    with monkeypatch.context() as patched:
        patched.setattr(audio, "write", stopping)
        with pytest.raises(KeyboardInterrupt):
            render_missing(folder, wanted, BANKS)
    complete = sorted(path.name for path in folder.iterdir() if path.is_dir())
    assert complete == ["000000"], "five to seven files make a mixture, so nine make one and a part"
    with pytest.raises(DatasetError, match="3 of 4 mixtures are missing, the first is 000001"):
        StoredMixtures(folder)
    before = (folder / "000000" / "mixture.wav").stat().st_mtime_ns
    assert write(folder, wanted, resume=True) == 3
    assert (folder / "000000" / "mixture.wav").stat().st_mtime_ns == before
    assert np.array_equal(StoredMixtures(folder)(2).mixture, render(wanted[2].plan, *BANKS).mixture)
    assert write(folder, wanted, resume=True) == 0


def test_a_killed_writers_leftovers_are_swept_away(tmp_path: Path) -> None:
    write(tmp_path / "set", rows(2))
    (tmp_path / "set" / ".part000001").mkdir()
    (tmp_path / "set" / ".part000001" / "mixture.wav").write_bytes(b"half")
    shutil.rmtree(tmp_path / "set" / "000001")
    assert write(tmp_path / "set", rows(2), resume=True) == 1
    assert not list((tmp_path / "set").glob(".part*"))


def test_a_set_grows_and_never_shrinks(tmp_path: Path) -> None:
    write(tmp_path / "set", rows(2))
    assert write(tmp_path / "set", rows(4), resume=True) == 2
    assert len(StoredMixtures(tmp_path / "set")) == 4
    with pytest.raises(OutputError, match="holds a set of 4 mixtures"):
        prepare(tmp_path / "set", rows(3), resume=True)


def test_another_set_is_neither_continued_nor_overwritten(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    write(folder, rows(2))
    kept = (folder / "000001" / "mixture.wav").read_bytes()
    with pytest.raises(OutputError, match="holds mixtures already"):
        prepare(folder, rows(2))
    with pytest.raises(OutputError, match="holds another set"):
        prepare(folder, rows(2, seed=1), resume=True)
    assert (folder / "000001" / "mixture.wav").read_bytes() == kept
    (folder / "notes.txt").write_text("mine")
    assert write(folder, rows(1, seed=1), force=True) == 1
    assert {path.name for path in folder.iterdir()} == {MANIFEST, "000000", "notes.txt"}


def test_a_set_with_a_damaged_manifest_can_be_replaced(tmp_path: Path) -> None:
    write(tmp_path / "set", rows(2))
    with (tmp_path / "set" / MANIFEST).open("a") as manifest:
        manifest.write("no mixture\n")
    assert write(tmp_path / "set", rows(1, seed=1), force=True) == 1
    assert {path.name for path in (tmp_path / "set").iterdir()} == {MANIFEST, "000000"}


def test_a_folder_of_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.doc").write_text("years of work")
    for how in ({}, {"resume": True}, {"force": True}):
        with pytest.raises(OutputError, match="holds other files"):
            prepare(tmp_path, rows(1), **how)
    with pytest.raises(OutputError, match=r"thesis.doc.*cannot be written"):
        prepare(tmp_path / "thesis.doc" / "set", rows(1))


def test_classes_named_like_the_other_files_do_not_collide(tmp_path: Path) -> None:
    bank = event_bank(("bell", "buzz", "chirp", "hum", "ping"))
    renamed = {"bell": "mixture", "buzz": "background", "chirp": "a/b", "hum": "a b", "ping": "A_B"}
    odd = Bank(bank.sample_rate, tuple(_named(item, renamed[item.label]) for item in bank.recordings))
    wanted = next(found for seed in range(99) if len((found := rows(1, seed, (odd, BANKS[1])))[0].plan.labels) == 5)
    write(tmp_path / "set", wanted, (odd, BANKS[1]))
    assert len(list((tmp_path / "set" / "000000").iterdir())) == 7
    read, sound = StoredMixtures(tmp_path / "set")(0), render(wanted[0].plan, odd, BANKS[1])
    assert set(read.references) <= set(renamed.values())
    assert all(np.array_equal(read.references[label], sound.references[label]) for label in sound.references)
    assert np.array_equal(read.mixture, sound.mixture)


def _named(item: Any, label: str) -> Any:
    from dataclasses import replace

    return replace(item, label=label)


@pytest.mark.parametrize("line", ["{", "[]", '{"index": 0}', ""])
def test_a_damaged_manifest_is_named_with_its_line(tmp_path: Path, line: str) -> None:
    write(tmp_path / "set", rows(1))
    manifest = tmp_path / "set" / MANIFEST
    manifest.write_text(manifest.read_text() + line + "\n")
    with pytest.raises(DatasetError, match=r"manifest.jsonl: line 2 is not a mixture"):
        StoredMixtures(tmp_path / "set")


def test_a_folder_without_a_manifest_is_no_set(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="soundsieve mix"):
        StoredMixtures(tmp_path)

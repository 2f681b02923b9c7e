import json
from pathlib import Path

import pytest
from rich.console import Console

from soundsieve.datasets import Clip
from soundsieve.datasets.audit import audit_clips
from soundsieve.errors import OutputError
from soundsieve.evaluation.audit_report import AuditReport, check_file
from soundsieve.evaluation.ladder import Ladder, Rung
from soundsieve.evaluation.near_duplicates import Duplicate, Duplicates

ROOT = Path("data")
A, B, C, D = (
    Clip(ROOT / "audio" / f"{name}.wav", (label,), group, part)
    for name, label, group, part in (
        ("a", "dog", "1", "fold1"),
        ("b", "dog", "1", "fold1"),
        ("c", "dog", "2", "fold2"),
        ("d", "wolf", "3", "fold2"),
    )
)


def duplicate(first: Clip, second: Clip) -> Duplicate:
    return Duplicate(first, second, 0.912, -0.25, 3.5, inverted=True)


def report(*pairs: Duplicate, clips: tuple[Clip, ...] = (A, B, C, D), ladder: Ladder | None = None) -> AuditReport:
    duplicates = Duplicates(pairs, (B,), ((C, "audio/c.wav: is not audio"),))
    return AuditReport("folder", ROOT, clips, 1, audit_clips(clips), duplicates, ladder, ("a note",))


def shown(what: AuditReport) -> str:
    console = Console(width=80, highlight=False, markup=False, soft_wrap=True)
    with console.capture() as capture:
        console.print(what.render())
    return capture.get()


LADDER = Ladder(
    (
        Rung("shuffled", 25, 1_400, 0.373, 0.687, 0.64, 0.732),
        Rung("by source, copies joined", 25, 1_400, 0, 0.6, 0.5, 0.7),
    ),
    drop=0.087,
    drop_low=0.05,
    drop_high=0.12,
    chance=0.1,
    left_out=3,
)


def test_copies_within_a_source_are_no_fault() -> None:
    found = report(duplicate(A, B))
    assert found.ok
    assert (found.crossing_pairs, found.conflicts) == ([], [])
    assert "near-duplicates: 1 in all" in shown(found)
    assert shown(found).rstrip().endswith("no fault found")


def test_copies_under_two_sources_or_two_labels_are_faults() -> None:
    found = report(duplicate(A, B), duplicate(A, C), duplicate(C, D))
    assert not found.ok
    assert [(pair.first, pair.second) for pair in found.crossing_pairs] == [(A, C), (C, D)]
    assert [(pair.first, pair.second) for pair in found.conflicts] == [(C, D)]
    lines = shown(found).splitlines()
    assert "fault: near-duplicates under two sources: 2" in lines
    expected = "(similarity 0.91, 3.5 s, -0.25 s apart, inverted, fold1 and fold2)"
    assert f"  audio/a.wav and audio/c.wav {expected}" in lines
    assert "fault: near-duplicates under two labels: 1" in lines
    assert any("audio/c.wav and audio/d.wav" in line and line.endswith("dog and wolf)") for line in lines)


def test_a_fault_of_the_table_is_a_fault() -> None:
    crossing = Clip(ROOT / "audio" / "e.wav", ("dog",), "1", "fold2")
    found = report(clips=(A, crossing))
    assert not found.ok
    assert "fault: source in several parts: 1\n  1 (fold1: a.wav; fold2: e.wav)\n" in shown(found)


def test_what_was_not_compared_is_shown() -> None:
    text = shown(report())
    assert text.startswith("folder: 4 recordings of 3 sources, 2 labels; 1 without audio here\n")
    assert "too little sound to compare: 1\n  audio/b.wav\n" in text
    assert "unreadable: 1\n  audio/c.wav: is not audio\n" in text
    assert "note: a note\n" in text


def test_a_long_list_is_cut_on_the_screen_and_whole_in_the_json() -> None:
    found = report(*[duplicate(A, C)] * 13)
    assert "  … and 3 more, all of them in the JSON\n" in shown(found)
    assert len(found.to_json()["duplicates"]["pairs"]) == 13


def test_the_ladder_is_a_table_of_its_rungs_that_fits_eighty_columns() -> None:
    text = shown(report(ladder=LADDER))
    rows = [line.split() for line in text.splitlines()]
    assert ["shuffled", "68.7", "64.0–73.2", "37.3", "1,400"] in rows
    assert ["by", "source,", "copies", "joined", "60.0", "50.0–70.0", "0.0", "1,400"] in rows
    assert "shuffled minus by source, copies joined: 8.7 [5.0, 12.0] points" in text
    assert "left out, unreadable or without exactly one label: 3" in text
    assert "…" not in text


def test_the_json_says_the_same(tmp_path: Path) -> None:
    found = report(duplicate(C, D), ladder=LADDER)
    path = tmp_path / "new" / "report.json"
    found.save(path)
    plain = json.loads(path.read_text(encoding="utf-8"))
    assert plain == json.loads(json.dumps(found.to_json()))
    assert (plain["ok"], plain["recordings"], plain["missing"], plain["sources"]) == (False, 4, 1, 3)
    assert plain["parts"] == {"fold1": 2, "fold2": 2}
    [pair] = plain["duplicates"]["pairs"]
    assert pair["first"] == {"file": "audio/c.wav", "source": "2", "part": "fold2", "labels": ["dog"]}
    assert (pair["similarity"], pair["offset_s"], pair["inverted"]) == (0.912, -0.25, True)
    assert plain["duplicates"]["sparse"] == ["audio/b.wav"]
    assert plain["ladder"]["rungs"][0]["leaked"] == 0.373
    assert [file.name for file in path.parent.iterdir()] == ["report.json"]


def test_what_was_not_asked_for_is_none() -> None:
    plain = AuditReport("folder", ROOT, [A], 0, [], None, None).to_json()
    assert (plain["duplicates"], plain["ladder"]) == (None, None)


def test_a_report_is_never_overwritten_unasked(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text("mine")
    with pytest.raises(OutputError, match="is there already"):
        report().save(path)
    assert path.read_text() == "mine"
    report().save(path, force=True)
    assert json.loads(path.read_text())["dataset"] == "folder"
    with pytest.raises(OutputError, match="is a folder"):
        check_file(tmp_path, force=True)

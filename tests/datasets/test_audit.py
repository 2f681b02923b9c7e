from pathlib import Path

from layouts import ESC50_COLUMNS, write_table
from soundsieve import datasets
from soundsieve.datasets import Clip, leaks, split_by_fraction
from soundsieve.datasets.audit import CROSSING, MIXED, NO_SOURCES, SINGLE_CLIP, SINGLE_SOURCE, SPELLINGS, audit_clips
from soundsieve.datasets.audit import joined as join


def clip(name: str, label: str = "dog", group: str = "", part: str = "all") -> Clip:
    return Clip(Path(f"{name}.wav"), (label,), group or name, part)


def found(clips: list[Clip], kind: str) -> list[str]:
    return [finding.subject for finding in audit_clips(clips) if finding.kind == kind]


def test_the_four_crossing_sources_of_esc50_are_named_from_its_table_alone(tmp_path: Path) -> None:
    # The rows of these four sources in the published table, and one that stays in its fold.
    names = """2-131943-A-38 3-131943-A-37 2-134049-A-6 3-134049-A-1 4-209698-A-37 5-209698-A-38
        4-234879-A-6 5-234879-A-1 5-234879-B-1 1-172649-A-40 1-172649-B-40"""
    category = {"1": "rooster", "6": "hen", "37": "clock_alarm", "38": "clock_tick", "40": "helicopter"}
    rows = []
    for name in names.split():
        fold, source, take, target = name.split("-")
        rows.append((f"{name}.wav", fold, target, category[target], target not in {"6", "37"}, source, take))
    write_table(tmp_path / "meta" / "esc50.csv", ESC50_COLUMNS, rows)
    clips = datasets.listed("esc50", tmp_path)
    assert len(clips) == len(rows)
    assert found(clips, CROSSING) == ["131943", "134049", "209698", "234879"]
    assert found(clips, MIXED) == ["131943", "134049", "209698", "234879"]  # Their labels differ from fold to fold.
    assert {finding.severity for finding in audit_clips(clips) if finding.kind == CROSSING} == {"fault"}


def test_a_source_in_one_part_is_no_fault() -> None:
    clips = [clip("a", group="7", part="fold1"), clip("b", group="7", part="fold1"), clip("c", part="fold2")]
    assert audit_clips(clips) == []


def test_labels_that_disagree_are_told() -> None:
    clips = [clip("a", "dog", "7"), clip("b", "wolf", "7"), clip("c", "wolf"), clip("d", "dog")]
    [finding] = audit_clips(clips)
    assert (finding.severity, finding.kind, finding.subject) == ("remark", MIXED, "7")
    assert finding.detail == "dog: a.wav; wolf: b.wav"


def test_spellings_of_one_label_are_told_and_other_labels_are_not() -> None:
    clips = [clip(str(k), name) for k, name in enumerate(("footstep", "footsteps", "foot_step", "glass", "grass"))]
    assert found(clips, SPELLINGS) == ["foot_step / footstep / footsteps"]


def test_labels_that_no_split_can_divide_are_told() -> None:
    clips = [clip("a", "rain"), *(clip(f"b{k}", "dog", "7") for k in range(3)), clip("c", "cat"), clip("d", "cat")]
    assert found(clips, SINGLE_CLIP) == ["rain"]
    assert found(clips, SINGLE_SOURCE) == ["dog"]


def test_a_table_without_sources_is_told() -> None:
    assert found([clip("a"), clip("b")], NO_SOURCES) == ["all"]
    assert found([clip("a"), clip("b", group="a")], NO_SOURCES) == []


def test_the_order_of_the_clips_does_not_matter() -> None:
    clips = [clip("a", "dog", "7", "fold2"), clip("b", "cat", "7", "fold1"), clip("c", "cats"), clip("d", "rain")]
    assert audit_clips(clips) == audit_clips(clips[::-1])
    assert audit_clips([]) == []


def test_a_long_list_of_names_is_cut() -> None:
    clips = [clip(f"{k}", group="7", part="fold1") for k in range(6)] + [clip("x", group="7", part="fold2")]
    assert audit_clips(clips)[0].detail == "fold1: 0.wav, 1.wav, 2.wav, 3.wav and 2 more; fold2: x.wav"


def test_a_chain_of_pairs_is_one_group_and_a_split_keeps_it_together() -> None:
    clips = [clip(f"{k:02}") for k in range(12)]
    pairs = [(clips[3], clips[9]), (clips[9], clips[1]), (clips[5], clips[6])]
    joined = join(clips, pairs)
    assert [c.path for c in joined] == [c.path for c in clips]
    assert {c.group for c in (joined[1], joined[3], joined[9])} == {"01"}
    assert joined[5].group == joined[6].group == "05"
    assert len({c.group for c in joined}) == 9
    assert leaks(split_by_fraction(joined, {"train": 0.5, "test": 0.5}, seed=0)) == []


def test_joining_takes_whole_groups() -> None:
    clips = [clip("a", group="1"), clip("b", group="1"), clip("c", group="2"), clip("d", group="2")]
    assert {c.group for c in join(clips, [(clips[1], clips[2])])} == {"1"}

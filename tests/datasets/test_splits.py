from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundsieve.datasets import Clip, leaks, split_by_fraction, split_by_part
from soundsieve.errors import DatasetError, SettingsError, UnknownNameError

FRACTIONS = {"train": 0.8, "validation": 0.1, "test": 0.1}
LABELS = "abcde"
PARTS = {"train": ["fold1", "fold2"], "test": ["fold3"]}


def clip(name: str, labels: tuple[str, ...] = ("a",), group: str = "g", part: str = "all") -> Clip:
    return Clip(Path(name), labels, group, part)


@st.composite
def clip_lists(draw: st.DrawFn, *, one_label_a_group: bool = False, least_groups: int = 3) -> list[Clip]:
    """Lists of clips with different paths, in at least so many groups."""
    count = draw(st.integers(least_groups, 12))
    clips = []
    for group in range(count):
        shared = (draw(st.sampled_from(LABELS)),)
        for index in range(draw(st.integers(1, 4))):
            labels = shared if one_label_a_group else tuple(draw(st.lists(st.sampled_from(LABELS), unique=True)))
            part = draw(st.sampled_from(["fold1", "fold2", "fold3"]))
            clips.append(clip(f"{group}-{index}.wav", labels, f"g{group}", part))
    return draw(st.permutations(clips))


@st.composite
def all_fractions(draw: st.DrawFn) -> dict[str, float]:
    weights = draw(st.lists(st.integers(1, 20), min_size=1, max_size=3))
    return {f"subset{index}": weight / sum(weights) for index, weight in enumerate(weights)}


class TestByFraction:
    @given(clip_lists(), all_fractions(), st.integers())
    def test_every_clip_lands_once_and_no_group_straddles(
        self, clips: list[Clip], fractions: dict[str, float], seed: int
    ) -> None:
        subsets = split_by_fraction(clips, fractions, seed)
        assert list(subsets) == list(fractions)
        assert Counter(c for members in subsets.values() for c in members) == Counter(clips)
        assert leaks(subsets) == []
        assert all(subsets.values()), "no subset is empty"

    @given(st.data(), st.integers(0, 3))
    def test_the_order_of_the_list_does_not_matter(self, data: st.DataObject, seed: int) -> None:
        clips = data.draw(clip_lists())
        shuffled = data.draw(st.permutations(clips))
        assert split_by_fraction(clips, FRACTIONS, seed) == split_by_fraction(shuffled, FRACTIONS, seed)

    @given(clip_lists(one_label_a_group=True), all_fractions(), st.integers())
    def test_a_label_with_enough_groups_is_in_every_subset(
        self, clips: list[Clip], fractions: dict[str, float], seed: int
    ) -> None:
        groups: defaultdict[str, set[str]] = defaultdict(set)
        for c in clips:
            groups[c.labels[0]].add(c.group)
        subsets = split_by_fraction(clips, fractions, seed)
        for label, members in groups.items():
            if len(members) >= len(fractions):
                assert all(any(label in c.labels for c in subset) for subset in subsets.values()), label

    @given(st.dictionaries(st.sampled_from(LABELS), st.integers(10, 60), min_size=1), st.integers(0, 99))
    def test_single_recordings_are_shared_out_to_within_one_a_label(self, counts: dict[str, int], seed: int) -> None:
        clips = [clip(f"{k}{i}.wav", (k,), f"{k}{i}") for k, count in counts.items() for i in range(count)]
        subsets = split_by_fraction(clips, FRACTIONS, seed)
        for name, fraction in FRACTIONS.items():
            got = Counter(c.labels[0] for c in subsets[name])
            for label, count in counts.items():
                assert abs(got[label] - fraction * count) <= 1

    def test_fractions_count_clips_not_groups(self) -> None:
        sizes = [40, 30, 10, 10, 5, 5]
        clips = [clip(f"{g}-{i}.wav", group=f"g{g}") for g, size in enumerate(sizes) for i in range(size)]
        subsets = split_by_fraction(clips, FRACTIONS, seed=0)
        assert {name: len(members) for name, members in subsets.items()} == {"train": 80, "validation": 10, "test": 10}

    def test_another_seed_gives_another_split_of_the_same_sizes(self) -> None:
        clips = [clip(f"{i}.wav", group=f"g{i}") for i in range(50)]
        splits = [split_by_fraction(clips, FRACTIONS, seed) for seed in range(5)]
        assert len({tuple(split["test"]) for split in splits}) == 5
        assert {len(split["test"]) for split in splits} == {5}

    def test_the_split_is_the_same_tomorrow(self) -> None:
        # Pinned: a released weight's test set must not change with a new version of this function.
        clips = [clip(f"{i}.wav", (LABELS[i % 2],), group=f"g{i}") for i in range(10)]
        subsets = split_by_fraction(clips, {"train": 0.8, "test": 0.2}, seed=7)
        assert [c.path.name for c in subsets["test"]] == ["2.wav", "5.wav"]

    def test_clips_without_labels_are_divided_too(self) -> None:
        clips = [clip(f"{i}.wav", (), group=f"g{i}") for i in range(10)]
        assert [len(members) for members in split_by_fraction(clips, FRACTIONS, 0).values()] == [8, 1, 1]

    @pytest.mark.parametrize(
        ("fractions", "sentence"),
        [
            ({"train": 0.8, "test": 0.1}, "fractions of train, test add up to 0.9: they must give 1"),
            ({"train": 1.0, "test": 0.0}, "fraction of 'test' is 0.0: it must be above 0"),
            ({"train": 1.5, "test": -0.5}, "fraction of 'test' is -0.5: it must be above 0"),
            ({"train": float("nan")}, "fraction of 'train' is nan: it must be above 0"),
            ({}, "fractions of no subset add up to 0: they must give 1"),
        ],
    )
    def test_bad_fractions(self, fractions: dict[str, float], sentence: str) -> None:
        with pytest.raises(SettingsError) as caught:
            split_by_fraction([clip("a.wav")], fractions, 0)
        assert str(caught.value) == sentence

    @pytest.mark.parametrize(("count", "found"), [(0, "0 groups"), (1, "1 group")])
    def test_too_few_groups(self, count: int, found: str) -> None:
        with pytest.raises(DatasetError, match=f"cannot divide {found} of clips into 3 subsets"):
            split_by_fraction([clip("a.wav")] * count, FRACTIONS, 0)


class TestByPart:
    @given(clip_lists())
    def test_only_groups_that_leak_lose_clips(self, clips: list[Clip]) -> None:
        parts = {name: [p for p in folds if p in {c.part for c in clips}] for name, folds in PARTS.items()}
        subsets = split_by_part(clips, parts)
        assert leaks(subsets) == []
        assert set(subsets["test"]) == {c for c in clips if c.part == "fold3"}
        tested = {c.group for c in subsets["test"]}
        assert set(subsets["train"]) == {c for c in clips if c.part != "fold3" and c.group not in tested}

    def test_the_last_subset_keeps_the_group(self) -> None:
        clips = [clip(f"{part}.wav", part=part) for part in ("fold1", "fold2", "fold3")]
        parts = {"train": ["fold1"], "validation": ["fold2"], "test": ["fold3"]}
        assert {name: len(c) for name, c in split_by_part(clips, parts).items()} == {
            "train": 0,
            "validation": 0,
            "test": 1,
        }
        backwards = dict(reversed(parts.items()))
        assert [c.part for c in split_by_part(clips, backwards)["train"]] == ["fold1"]

    def test_parts_that_are_not_named_are_left_out_and_do_not_count_as_leaks(self) -> None:
        clips = [clip("1.wav", part="fold1"), clip("2.wav", part="fold2")]
        assert split_by_part(clips, {"train": ["fold1"]}) == {"train": clips[:1]}

    def test_the_order_of_the_list_does_not_matter(self) -> None:
        clips = [clip(f"{i}.wav", group=f"g{i}", part=f"fold{1 + i % 3}") for i in range(9)]
        assert split_by_part(clips[::-1], PARTS) == split_by_part(clips, PARTS)

    def test_an_unknown_part_is_an_error(self) -> None:
        with pytest.raises(UnknownNameError, match="unknown part 'fold9': did you mean 'fold1'"):
            split_by_part([clip("a.wav", part="fold1")], {"train": ["fold9"]})

    def test_a_part_in_two_subsets_is_an_error(self) -> None:
        with pytest.raises(SettingsError, match="part 'fold1' is given to both 'train' and 'test'"):
            split_by_part([clip("a.wav", part="fold1")], {"train": ["fold1"], "test": ["fold1"]})


def test_leaks_names_each_group_once_and_in_order() -> None:
    a, b, c = (clip(f"{g}.wav", group=g) for g in "abc")
    assert leaks({"train": [c, a, a], "validation": [b, c], "test": [a, c]}) == ["a", "c"]
    assert leaks({"train": [a, a], "test": [b]}) == []
    assert leaks({}) == []

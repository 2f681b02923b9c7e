"""Dividing clips, or songs, into subsets so that no leakage group is on both sides."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol, TypeVar

from soundsieve.errors import DatasetError, SettingsError, unknown_name


class Member(Protocol):
    """What can be divided: a `Clip` or a `Song`."""

    @property
    def labels(self) -> tuple[str, ...]:
        """What its share of a subset is counted by."""

    @property
    def group(self) -> str:
        """The leakage group."""

    @property
    def part(self) -> str:
        """The part of the published split."""

    @property
    def order(self) -> tuple[str, ...]:
        """What members are sorted by."""


M = TypeVar("M", bound=Member)


def split_by_fraction(clips: Iterable[M], fractions: Mapping[str, float], seed: int) -> dict[str, list[M]]:
    """Divide clips by group, each label in the given proportions as nearly as whole groups allow.

    The answer depends on the clips and the seed, never on the order of the list. A label with at least as many
    groups as there are subsets is in every subset, provided that its groups hold no other label; no subset is empty.
    The method is iterative stratification (Sechidis, Tsoumakas, Vlahavas, "On the Stratification of Multi-label
    Data", ECML 2011): the rarest label first, each of its groups to the subset that lacks it most.

    Args:
        clips: the clips to divide.
        fractions: the share of each subset, counted in clips; they add up to 1.
        seed: decides between groups of the same size.

    Returns:
        The clips of each subset, ordered by path.

    Raises:
        SettingsError: a fraction is not above 0, or they do not add up to 1.
        DatasetError: there are fewer groups than subsets.

    >>> from pathlib import Path
    >>> from soundsieve.datasets import Clip
    >>> clips = [Clip(Path(f"{i}.wav"), ("dog",), group=str(i // 2), part="all") for i in range(20)]
    >>> {name: len(subset) for name, subset in split_by_fraction(clips, {"train": 0.8, "test": 0.2}, seed=1).items()}
    {'train': 16, 'test': 4}
    """
    _check_fractions(fractions)
    groups = _by_group(clips)
    if len(groups) < len(fractions):
        raise DatasetError(
            f"cannot divide {len(groups)} group{'' if len(groups) == 1 else 's'} of clips into {len(fractions)} subsets"
            f" ({', '.join(fractions)}): each needs at least one group of its own"
        )
    subset_of = _stratify(groups, fractions, seed)
    result: dict[str, list[M]] = {name: [] for name in fractions}
    for group, members in groups.items():
        result[subset_of[group]].extend(members)
    return {name: sorted(members, key=_order) for name, members in result.items()}


def _check_fractions(fractions: Mapping[str, float]) -> None:
    for name, fraction in fractions.items():
        if not fraction > 0:
            raise SettingsError(f"fraction of {name!r} is {fraction}: it must be above 0")
    total = sum(fractions.values())
    if not abs(total - 1) < 1e-6:
        raise SettingsError(f"fractions of {', '.join(fractions) or 'no subset'} add up to {total:g}: they must give 1")


def _by_group(clips: Iterable[M]) -> dict[str, list[M]]:
    groups: defaultdict[str, list[M]] = defaultdict(list)
    for clip in clips:
        groups[clip.group].append(clip)
    return {group: sorted(groups[group], key=_order) for group in sorted(groups)}


def _order(member: Member) -> tuple[str, ...]:
    return member.order


def _stratify(groups: Mapping[str, Sequence[Member]], fractions: Mapping[str, float], seed: int) -> dict[str, str]:
    """Return the subset of each group."""
    counts = {group: Counter(label for clip in members for label in clip.labels) for group, members in groups.items()}
    for group, members in groups.items():
        counts[group][""] = len(members)  # The clips as such: steers groups without labels, and breaks ties.
    totals: Counter[str] = sum(counts.values(), Counter())
    lack = {name: {label: total * share for label, total in totals.items()} for name, share in fractions.items()}
    held: dict[str, set[str]] = {name: set() for name in fractions}
    # Largest groups first, as a late large one could no longer be balanced; the seed orders those of one size.
    waiting = list(groups)
    random.Random(seed).shuffle(waiting)
    waiting.sort(key=lambda group: -len(groups[group]))
    subset_of: dict[str, str] = {}
    while waiting:
        open_counts = Counter(label for group in waiting for label in counts[group])
        label = min(open_counts, key=lambda name: (name == "", open_counts[name], name))
        chosen = [group for group in waiting if label in counts[group]]
        for index, group in enumerate(chosen):
            candidates = _short_of("", held, len(waiting) - index) or _short_of(label, held, len(chosen) - index)
            subset = max(candidates or fractions, key=lambda name: (lack[name][label], lack[name][""]))
            subset_of[group] = subset
            for member, count in counts[group].items():
                lack[subset][member] -= count
                held[subset].add(member)
        waiting = [group for group in waiting if group not in subset_of]
    return subset_of


def _short_of(label: str, held: Mapping[str, set[str]], left: int) -> list[str]:
    """Return the subsets that have nothing of `label` yet, where the groups left are only just enough for them."""
    without = [name for name, labels in held.items() if label not in labels]
    return without if left <= len(without) else []


def split_by_part(clips: Iterable[M], parts: Mapping[str, Sequence[str]]) -> dict[str, list[M]]:
    """Divide clips along the published parts, and mend published splits that leak.

    A group that is in several subsets keeps its clips only in the last of them, in the order of `parts`: write
    training first and testing last, and what is given up is given up by training. Clips of a part that is not
    named are left out.

    Args:
        clips: the clips to divide.
        parts: the published parts of each subset.

    Returns:
        The clips of each subset, ordered by path.

    Raises:
        SettingsError: a part is given to two subsets.
        UnknownNameError: no clip has one of the parts.

    >>> from pathlib import Path
    >>> from soundsieve.datasets import Clip
    >>> clips = [
    ...     Clip(Path("1-7-A-0.wav"), ("dog",), group="7", part="fold1"),
    ...     Clip(Path("1-8-A-0.wav"), ("dog",), group="8", part="fold1"),
    ...     Clip(Path("2-7-B-0.wav"), ("dog",), group="7", part="fold2"),
    ... ]
    >>> subsets = split_by_part(clips, {"train": ["fold1"], "test": ["fold2"]})
    >>> [clip.path.name for clip in subsets["train"]], [clip.path.name for clip in subsets["test"]]
    (['1-8-A-0.wav'], ['2-7-B-0.wav'])
    """
    clips = list(clips)
    subset_of = _subset_of_part(clips, parts)
    rank = {name: index for index, name in enumerate(parts)}
    keeper: dict[str, str] = {}
    for clip in clips:
        subset = subset_of.get(clip.part)
        if subset is not None and rank[subset] >= rank[keeper.get(clip.group, subset)]:
            keeper[clip.group] = subset
    result: dict[str, list[M]] = {name: [] for name in parts}
    for clip in sorted(clips, key=_order):
        subset = subset_of.get(clip.part)
        if subset is not None and keeper[clip.group] == subset:
            result[subset].append(clip)
    return result


def _subset_of_part(clips: Sequence[Member], parts: Mapping[str, Sequence[str]]) -> dict[str, str]:
    present = {clip.part for clip in clips}
    subset_of: dict[str, str] = {}
    for subset, names in parts.items():
        for part in names:
            if part not in present:
                raise unknown_name("part", part, present)
            if subset_of.setdefault(part, subset) != subset:
                raise SettingsError(f"part {part!r} is given to both {subset_of[part]!r} and {subset!r}: choose one")
    return subset_of


def leaks(subsets: Mapping[str, Iterable[Member]]) -> list[str]:
    """Return the groups that are in more than one subset, in order; an honest split gives an empty list.

    >>> from pathlib import Path
    >>> from soundsieve.datasets import Clip
    >>> def clip(name: str, group: str) -> Clip:
    ...     return Clip(Path(name), ("dog",), group, part="all")
    >>> leaks({"train": [clip("a.wav", "7"), clip("b.wav", "8")], "test": [clip("c.wav", "7")]})
    ['7']
    """
    seen: Counter[str] = Counter()
    for members in subsets.values():
        seen.update({clip.group for clip in members})
    return sorted(group for group, count in seen.items() if count > 1)

"""What the table of a data set gives away before any recording is opened: sources in two parts, labels that disagree.

A fault makes a score on the published parts wrong. A remark may be as it should be, and is worth a look.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from soundsieve.datasets.clip import Clip

_SHOWN = 4  # names that a finding lists at most


@dataclass(frozen=True, slots=True)
class Finding:
    """Something found in a data set.

    Attributes:
        severity: `fault` or `remark`.
        kind: what it is, in the words of `KINDS`.
        subject: the group, label or file name that it is about.
        detail: where it was found.
    """

    severity: Literal["fault", "remark"]
    kind: str
    subject: str
    detail: str


CROSSING = "source in several parts"
MIXED = "source under several labels"
SPELLINGS = "labels that differ in spelling only"
SINGLE_CLIP = "label with a single recording"
SINGLE_SOURCE = "label with a single source"
NO_SOURCES = "sources not stated"
KINDS = (CROSSING, MIXED, SPELLINGS, SINGLE_CLIP, SINGLE_SOURCE, NO_SOURCES)


def audit_clips(clips: Iterable[Clip]) -> list[Finding]:
    """Return what is wrong or odd with the listing of a data set, faults first, without opening a recording.

    Args:
        clips: all clips of the data set; their files need not be there.

    >>> from pathlib import Path
    >>> clips = [
    ...     Clip(Path("4-209698-A-14.wav"), ("birds",), group="209698", part="fold4"),
    ...     Clip(Path("5-209698-B-14.wav"), ("birds",), group="209698", part="fold5"),
    ...     Clip(Path("5-7-A-14.wav"), ("birds",), group="7", part="fold5"),
    ... ]
    >>> [(found.kind, found.subject, found.detail) for found in audit_clips(clips)]
    [('source in several parts', '209698', 'fold4: 4-209698-A-14.wav; fold5: 5-209698-B-14.wav')]
    """
    clips = sorted(clips, key=lambda clip: clip.path)
    return [*_crossing(clips), *_mixed(clips), *_spellings(clips), *_thin(clips), *_alone(clips)]


def joined(clips: Sequence[Clip], pairs: Iterable[tuple[Clip, Clip]]) -> list[Clip]:
    """Return the clips with one group for all that a chain of pairs links; the order is kept.

    >>> from pathlib import Path
    >>> a, b, c = (Clip(Path(f"{name}.wav"), ("dog",), group=name, part="all") for name in "abc")
    >>> [clip.group for clip in joined([a, b, c], [(c, a)])]
    ['a', 'b', 'a']
    """
    head = {clip.group: clip.group for clip in clips}

    def find(group: str) -> str:
        while head[group] != group:
            head[group] = head[head[group]]
            group = head[group]
        return group

    for first, second in pairs:
        low, high = sorted((find(first.group), find(second.group)))
        head[high] = low
    return [replace(clip, group=find(clip.group)) for clip in clips]


def _gather(clips: Iterable[Clip], key: Callable[[Clip], str]) -> dict[str, list[Clip]]:
    found: defaultdict[str, list[Clip]] = defaultdict(list)
    for clip in clips:
        found[key(clip)].append(clip)
    return dict(sorted(found.items()))


def _crossing(clips: Sequence[Clip]) -> list[Finding]:
    found = []
    for group, members in _gather(clips, lambda clip: clip.group).items():
        parts = _gather(members, lambda clip: clip.part)
        if len(parts) > 1:
            detail = "; ".join(f"{part}: {_some([c.path.name for c in inside])}" for part, inside in parts.items())
            found.append(Finding("fault", CROSSING, group, detail))
    return found


def _mixed(clips: Sequence[Clip]) -> list[Finding]:
    groups = _gather(clips, lambda clip: clip.group)
    return [
        Finding("remark", MIXED, group, _by_label(members)) for group, members in groups.items() if _differ(members)
    ]


def _differ(members: Sequence[Clip]) -> bool:
    return len({clip.labels for clip in members}) > 1


def _by_label(members: Sequence[Clip]) -> str:
    labels = _gather(members, lambda clip: "+".join(clip.labels))
    return "; ".join(f"{label}: {_some([clip.path.name for clip in inside])}" for label, inside in labels.items())


def _spellings(clips: Sequence[Clip]) -> list[Finding]:
    counts = {label: len(members) for label, members in _labelled(clips).items()}
    spelt: defaultdict[Hashable, list[str]] = defaultdict(list)
    for label in counts:
        spelt["".join(word.removesuffix("s") for word in label.split("_"))].append(label)
    return [
        Finding("remark", SPELLINGS, " / ".join(labels), "; ".join(f"{label}: {counts[label]}" for label in labels))
        for labels in spelt.values()
        if len(labels) > 1
    ]


def _labelled(clips: Sequence[Clip]) -> dict[str, list[Clip]]:
    labels = sorted({label for clip in clips for label in clip.labels})
    found: dict[str, list[Clip]] = {label: [] for label in labels}
    for clip in clips:
        for label in clip.labels:
            found[label].append(clip)
    return found


def _thin(clips: Sequence[Clip]) -> list[Finding]:
    found = []
    for label, members in _labelled(clips).items():
        groups = {clip.group for clip in members}
        if len(members) == 1:
            found.append(Finding("remark", SINGLE_CLIP, label, members[0].path.name))
        elif len(groups) == 1:
            found.append(Finding("remark", SINGLE_SOURCE, label, f"{len(members)} recordings of {groups.pop()}"))
    return found


def _alone(clips: Sequence[Clip]) -> list[Finding]:
    if len(clips) < 2 or len({clip.group for clip in clips}) < len(clips):
        return []
    return [Finding("remark", NO_SOURCES, "all", "every recording is a source of its own; look for near-duplicates")]


def _some(names: Sequence[str]) -> str:
    rest = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + rest

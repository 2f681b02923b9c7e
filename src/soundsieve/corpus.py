"""The recordings of an experiment: which data sets, divided into which subsets, read into banks for mixing."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import Field

from soundsieve import datasets
from soundsieve.datasets import Clip
from soundsieve.errors import DatasetError, SettingsError, unknown_name
from soundsieve.mixing import Bank, Source
from soundsieve.mixing.bank import load
from soundsieve.settings import Settings

UNLABELLED = ""
ORDER = ("train", "validation", "test")  # what is in two subsets stays in the last
MANY = 20  # recordings of a label with which a data set has its full share of the draws

T = TypeVar("T")


class SourceSettings(Settings):
    """One data set of an experiment.

    Either `parts` (published parts of each subset, `{train: [fold1, fold2], test: [fold5]}`) or `fractions`
    (`{train: 0.6, validation: 0.2, test: 0.2}`, drawn by group) says how it is divided.
    """

    dataset: str = Field(description="name of the data set")
    root: Path = Field(description="its folder, relative to the data folder")
    parts: dict[str, tuple[str, ...]] | None = None
    fractions: dict[str, float] | None = None
    validation: float | None = Field(
        None, gt=0, lt=1, description="share of a published training part kept to validate"
    )
    keep: tuple[str, ...] | None = Field(None, description="labels to use; all when not given")
    leave_out: tuple[str, ...] = Field(
        (), description="files not used, without suffix: near-duplicates of what is in another subset"
    )
    rename: dict[str, str] = Field(default_factory=dict, description="label → other label; '' makes it a distractor")
    weight: float = Field(1.0, gt=0, description="how often it is drawn, against other data sets of the same label")
    most_per_label: int | None = Field(None, ge=1, description="recordings of a label read in each subset")
    optional: bool = Field(False, description="go on without it when its folder is missing")


class CorpusSettings(Settings):
    """The recordings of an experiment."""

    events: tuple[SourceSettings, ...]
    backgrounds: tuple[SourceSettings, ...] = ()
    seed: int = Field(0, description="decides the drawn splits")


class FoldedCorpusSettings(CorpusSettings):
    """The recordings of an experiment, divided as each source says or into folds that are tested in turn."""

    folds: int | None = Field(
        None, ge=3, description="a data set's own where it has so many, else drawn by group; None: as each source says"
    )
    protocol: Literal["choose", "published"] = Field(
        "choose", description="one fold tests, and to choose the epoch another one, or (published) the test fold itself"
    )


@dataclass(frozen=True)
class Corpus:
    """Divided recordings: subset → sources to read, for events and for backgrounds."""

    events: Mapping[str, tuple[Source, ...]]
    backgrounds: Mapping[str, tuple[Source, ...]]

    def classes(self, subset: str) -> tuple[str, ...]:
        """The labels that can be asked for, in alphabetical order."""
        return tuple(sorted({source.label for source in self._events(subset)} - {UNLABELLED}))

    def counts(self, subset: str) -> dict[str, int]:
        """How many recordings there are of each label."""
        return dict(sorted(Counter(source.label for source in self._events(subset)).items()))

    def digest(self) -> dict[str, str]:
        """Return what tells these recordings from others: subset → their number and a hash of their names."""
        return {subset: _digest((*self._events(subset), *self.backgrounds.get(subset, ()))) for subset in self.events}

    def banks(self, subset: str, sample_rate: int) -> tuple[Bank, Bank]:
        """Read the events and the backgrounds of one subset.

        Raises:
            SettingsError: when the experiment has no such subset.
            AudioError: when a recording cannot be read.
        """
        return load(self._events(subset), sample_rate), load(self.backgrounds.get(subset, ()), sample_rate)

    def _events(self, subset: str) -> tuple[Source, ...]:
        if subset not in self.events:
            raise SettingsError(f"subset {subset!r}: the recordings are divided into {', '.join(self.events)}")
        return self.events[subset]


def _digest(sources: Sequence[Source]) -> str:
    # The folder they lie in may change between a run's beginning and its end, and so does not count.
    names = sorted(f"{source.path.name} {source.label} {source.group}" for source in sources)
    return f"{len(names)} recordings, {hashlib.sha256(chr(10).join(names).encode()).hexdigest()[:16]}"


def open_corpus(settings: CorpusSettings, data: Path) -> Corpus:
    """Find and divide the recordings; nothing is decoded yet.

    A leakage group that would be in two subsets, in one data set or across several (ESC-50 and FSDKaggle2018 both cut
    from Freesound), is kept in the last of them only, in the order train, validation, test.

    Args:
        settings: Which data sets, and how they are divided.
        data: The folder their `root` settings are relative to.

    Raises:
        DatasetError: when a data set is missing or damaged.
        SettingsError: when a source does not say how it is divided.
    """
    return Corpus(
        _mended([_divide(source, data, settings.seed) for source in settings.events]),
        _mended([_divide(source, data, settings.seed) for source in settings.backgrounds]),
    )


def open_folds(settings: FoldedCorpusSettings, data: Path) -> dict[int, Corpus]:
    """Find the recordings and divide them as many times as there are folds; nothing is decoded yet.

    To choose the epoch by, the fold after the tested one is set aside; the published protocol has no such subset.
    Backgrounds are divided as they say, and so are sources with parts or fractions.

    Args:
        settings: Which data sets, and how many folds.
        data: The folder their `root` settings are relative to.

    Returns:
        Number of the tested fold, from 1 → its corpus. Without folds, one corpus under 0.

    Raises:
        DatasetError, SettingsError: As for `open_corpus`.
    """
    if settings.folds is None:
        return {0: open_corpus(settings, data)}
    fixed = [_divide(source, data, settings.seed) for source in settings.events if _says_how(source)]
    folded = [
        (source, _in_folds(_listed(source, data), settings.folds, settings.seed))
        for source in settings.events
        if not _says_how(source)
    ]
    backgrounds = _mended([_divide(source, data, settings.seed) for source in settings.backgrounds])
    corpora = {}
    for fold in range(1, settings.folds + 1):
        parts = fold_parts(fold, settings.folds, settings.protocol)
        divided = [_weighed(source, datasets.split_by_part(clips, parts)) for source, clips in folded]
        corpora[fold] = Corpus(_mended([*divided, *fixed]), backgrounds)
    return corpora


def fold_parts(fold: int, folds: int, protocol: Literal["choose", "published"]) -> dict[str, tuple[str, ...]]:
    """Say which folds train, choose and test.

    >>> fold_parts(5, 5, "choose")
    {'train': ('fold2', 'fold3', 'fold4'), 'validation': ('fold1',), 'test': ('fold5',)}
    >>> fold_parts(2, 3, "published")
    {'train': ('fold1', 'fold3'), 'test': ('fold2',)}
    """
    aside = {"test": fold} if protocol == "published" else {"validation": fold % folds + 1, "test": fold}
    train = tuple(f"fold{k}" for k in range(1, folds + 1) if k not in aside.values())
    return {"train": train, **{name: (f"fold{k}",) for name, k in aside.items()}}


def _in_folds(clips: Sequence[Clip], folds: int, seed: int) -> list[Clip]:
    """Clips whose parts are `fold1` …: published ones where there are so many, else drawn by group."""
    names = [f"fold{k}" for k in range(1, folds + 1)]
    if {clip.part for clip in clips} == set(names):
        return list(clips)
    drawn = datasets.split_by_fraction(clips, dict.fromkeys(names, 1 / folds), seed)
    return [replace(clip, part=name) for name, members in drawn.items() for clip in members]


def _says_how(source: SourceSettings) -> bool:
    return source.parts is not None or source.fractions is not None


def _divide(source: SourceSettings, data: Path, seed: int) -> dict[str, list[Source]]:
    root = data / source.root
    if source.optional and not root.is_dir():
        return {}
    clips = _listed(source, data)
    if (source.parts is None) == (source.fractions is None):
        raise SettingsError(f"{source.dataset}: give either parts or fractions to say how it is divided")
    if source.parts is not None:
        subsets = datasets.split_by_part(clips, _in_order(source.parts))
    else:
        try:
            subsets = datasets.split_by_fraction(clips, _in_order(source.fractions or {}), seed)
        except DatasetError as error:
            raise DatasetError(f"{root}: {error}") from None
    if source.validation is not None:
        shares = {"train": 1 - source.validation, "validation": source.validation}
        subsets = {**datasets.split_by_fraction(subsets.pop("train", []), shares, seed), **subsets}
    return _weighed(source, subsets)


def _listed(source: SourceSettings, data: Path) -> list[Clip]:
    """The clips of a source that are to be used, under the labels they are to have."""
    root = data / source.root
    listed = datasets.get(source.dataset).clips(root)
    _check_labels(source, {label for clip in listed for label in clip.labels})
    stems = {clip.path.stem for clip in listed}
    for name in source.leave_out:
        if name not in stems:
            raise unknown_name("file to leave out", name, stems)
    clips = [_relabelled(clip, source.rename) for clip in listed]
    if source.keep is not None:
        clips = [clip for clip in clips if set(clip.labels) & {*source.keep, UNLABELLED}]
        if not clips:
            raise DatasetError(f"{root}: holds none of the labels to keep ({', '.join(source.keep)})")
    return clips


def _weighed(source: SourceSettings, subsets: Mapping[str, list[Clip]]) -> dict[str, list[Source]]:
    # Only now, so that what is left out does not change how the others are divided.
    subsets = {
        name: [clip for clip in members if clip.path.stem not in source.leave_out] for name, members in subsets.items()
    }
    # Singers, takes and files are names within a data set; Freesound's are the same in all that were cut from there.
    owner = getattr(datasets.get(source.dataset), "GROUPS", source.root.as_posix())
    return {
        name: _weighted(_limited(members, source.most_per_label), source.weight, owner)
        for name, members in subsets.items()
    }


def _check_labels(source: SourceSettings, labels: set[str]) -> None:
    """Refuse a label that is misspelt, whose recordings would be left out or mixed in without a word."""
    for label in source.rename:
        if label not in labels:
            raise unknown_name("label to rename", label, labels)
    for label in source.keep or ():
        if label not in labels | set(source.rename.values()):
            raise unknown_name("label to keep", label, labels)


def _in_order(subsets: Mapping[str, T]) -> dict[str, T]:
    """Subsets in the order of `ORDER`: what a split gives must not depend on how a recipe happens to be written."""
    return {name: subsets[name] for name in sorted(subsets, key=_rank)}


def _rank(subset: str) -> tuple[int, str]:
    return (ORDER.index(subset) if subset in ORDER else -1, subset)


def _relabelled(clip: Clip, rename: Mapping[str, str]) -> Clip:
    return replace(clip, labels=tuple(rename.get(label, label) for label in clip.labels))


def _limited(clips: Sequence[Clip], most: int | None) -> list[Clip]:
    """At most so many clips of each label, spread evenly over the list so that no singer or source is favoured."""
    if most is None:
        return list(clips)
    by_label: dict[str, list[Clip]] = {}
    for clip in clips:
        by_label.setdefault(_label(clip), []).append(clip)
    return [
        rows[k * len(rows) // min(most, len(rows))] for rows in by_label.values() for k in range(min(most, len(rows)))
    ]


def _weighted(clips: Sequence[Clip], weight: float, owner: str) -> list[Source]:
    # One recording is not drawn as often as a whole data set, nor do a thousand rendered ones hide ten real ones.
    counts = Counter(_label(clip) for clip in clips)
    each = {label: weight * min(count, MANY) / MANY / count for label, count in counts.items()}
    return [
        Source(clip.path, _label(clip), f"{owner}:{clip.group}", clip.channel, each[_label(clip)]) for clip in clips
    ]


def _label(clip: Clip) -> str:
    return clip.labels[0] if clip.labels else UNLABELLED


def _mended(parts: Sequence[Mapping[str, list[Source]]]) -> dict[str, tuple[Source, ...]]:
    order = sorted({name for part in parts for name in part}, key=_rank)
    merged = {name: [source for part in parts for source in part.get(name, [])] for name in order}
    later: set[str] = set()
    result = {}
    for name in reversed(order):
        result[name] = tuple(source for source in merged[name] if source.group not in later)
        later |= {source.group for source in merged[name]}
    return {name: result[name] for name in order}

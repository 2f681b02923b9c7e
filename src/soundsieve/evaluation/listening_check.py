"""Whether the versions of a stem can be heard side by side: read, equally long, and in one format."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from soundsieve import audio
from soundsieve.audio import AudioInfo
from soundsieve.errors import DatasetError
from soundsieve.evaluation.listening_material import REFERENCE, Item, Material, Question

NEGLIGIBLE_S: Final = 0.1
"""Codecs pad recordings by less than this; nothing is said of it."""

MOST_APART_S: Final = 1.0
"""Recordings of one song that differ in length by more than this are taken to be of different things."""


def check_recordings(material: Material) -> tuple[str, ...]:
    """Look at the header of every recording, before anybody listens.

    Lengths are compared among all that plays in step, the mixture too; rates and channels among what is rated.

    Returns:
        A sentence for each way in which versions differ that listeners may hear, for the person who runs the test.

    Raises:
        AudioError: a recording cannot be read.
        DatasetError: those of one stem differ in length by more than a second.

    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     items = tuple(Item(name, Path(folder, f"{name}.wav")) for name in ("a", "b"))
    ...     audio.write(items[0].path, np.ones((1, 8_000)), 8_000)
    ...     audio.write(items[1].path, np.ones((2, 8_000)), 8_000)
    ...     check_recordings(Material(("a", "b"), (Question("Song", "bass", items),)))
    ('versions of 1 of 1 stems differ in channels (Song.bass first: a 1, b 2), by which listeners may know a system',)
    """
    seen: list[tuple[Question, list[tuple[str, AudioInfo]]]] = []
    apart: list[tuple[Question, float]] = []
    for question in material.questions:
        rated = [(item.system, audio.probe(item.path)) for item in _versions(question)]
        heard = [info for _, info in rated]
        if question.mixture is not None:
            heard.append(audio.probe(question.mixture))
        apart.append((question, _length_difference(heard)))
        seen.append((question, rated))
    notes = [_lengths_differ(apart)]
    for what, value in (("sample rate", lambda info: f"{info.sample_rate:,} Hz"), ("channels", lambda i: i.channels)):
        notes.append(_formats_differ(what, value, seen))
    return tuple(note for note in notes if note)


def _versions(question: Question) -> tuple[Item, ...]:
    hidden = () if question.reference is None else (Item(REFERENCE, question.reference),)
    return (*question.items, *hidden)


def _length_difference(heard: Iterable[AudioInfo]) -> float:
    """Return by how many seconds recordings differ in length; a header that does not say it counts for nothing."""
    lengths = sorted(
        ((info.duration_s, str(info.path)) for info in heard if info.duration_s is not None), key=lambda one: one[0]
    )
    if not lengths:
        return 0.0
    (shortest_s, short), (longest_s, long) = lengths[0], lengths[-1]
    if longest_s - shortest_s > MOST_APART_S:
        raise DatasetError(
            f"{short} lasts {shortest_s:.1f} s and {long} {longest_s:.1f} s; expected recordings of one song, "
            f"equally long to within {MOST_APART_S:g} s"
        )
    return longest_s - shortest_s


def _lengths_differ(apart: list[tuple[Question, float]]) -> str | None:
    several = [(question, difference_s) for question, difference_s in apart if difference_s > NEGLIGIBLE_S]
    if not several:
        return None
    first, most_s = several[0][0], max(difference_s for _, difference_s in several)
    return (
        f"recordings of {len(several)} of {len(apart)} stems differ in length, by up to {most_s:.2f} s "
        f"({first.song}.{first.stem} first); they are played as if they began together"
    )


def _formats_differ(
    what: str, value: Callable[[AudioInfo], object], seen: list[tuple[Question, list[tuple[str, AudioInfo]]]]
) -> str | None:
    several = [(question, rated) for question, rated in seen if len({value(info) for _, info in rated}) > 1]
    if not several:
        return None
    question, rated = several[0]
    found = ", ".join(f"{system} {value(info)}" for system, info in rated)
    return (
        f"versions of {len(several)} of {len(seen)} stems differ in {what} "
        f"({question.song}.{question.stem} first: {found}), by which listeners may know a system"
    )

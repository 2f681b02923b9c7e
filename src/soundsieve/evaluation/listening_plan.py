"""Who hears what, when: the trials of a listener, in an order of their own.

A trial is a stem of a song with every system's version of it, unlabelled. Both the order of the trials and that of the
versions within a trial are drawn for each listener. The versions are drawn as the rows of Latin squares: within as many
trials as there are versions each system stands once in every place, so that no system profits from being heard first.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from soundsieve.errors import SettingsError
from soundsieve.evaluation.listening_material import MIXTURE, REFERENCE, Item, Material, Question


@dataclass(frozen=True)
class Trial:
    """One page of a listener's test.

    Attributes:
        number: Counted from 1 in the listener's own order.
        question: The stem and the song.
        order: What is rated, as it stands on the page: every system, the hidden reference, the anchor.
    """

    number: int
    question: Question
    order: tuple[Item, ...]

    @property
    def key(self) -> tuple[str, str]:
        """Song and stem."""
        return self.question.song, self.question.stem


def plan_trials(
    material: Material, listener: str, *, seed: int = 0, anchor: bool = False, most: int | None = None
) -> tuple[Trial, ...]:
    """Draw the trials of a listener; the same name and seed give the same ones.

    Args:
        material: What there is to hear.
        listener: Their name or pseudonym.
        seed: Of the whole test.
        anchor: Hide the mixture among what is rated, as the low end of the scale.
        most: Trials at most, a draw of them for each listener; None for all.

    Raises:
        SettingsError: an anchor is asked for where there is no mixture.

    >>> from pathlib import Path
    >>> items = (Item("a", Path("a")), Item("b", Path("b")))
    >>> material = Material(("a", "b"), tuple(Question("Song", stem, items) for stem in ("bass", "vocals")))
    >>> trials = plan_trials(material, "ear", seed=1)
    >>> sorted(item.system for trial in trials for item in trial.order[:1])  # each stands first once
    ['a', 'b']
    """
    if most is not None and most < 1:
        raise SettingsError(f"trials = {most}: must be 1 or more, or None for all")
    digest = hashlib.sha256(listener.encode()).digest()
    generator = np.random.default_rng([seed, *np.frombuffer(digest, np.uint32).tolist()])
    chosen = [material.questions[k] for k in generator.permutation(len(material.questions))][:most]
    rows: dict[tuple[str, ...], Iterator[list[int]]] = {}
    trials = []
    for number, question in enumerate(chosen, start=1):
        items = rated_items(question, anchor=anchor)
        names = tuple(item.system for item in items)
        row = next(rows.setdefault(names, _latin_rows(len(items), generator)))
        trials.append(Trial(number, question, tuple(items[k] for k in row)))
    return tuple(trials)


def rated_items(question: Question, *, anchor: bool) -> tuple[Item, ...]:
    """List what is rated in a trial: every system, the reference if there is one, the mixture if asked for.

    Raises:
        SettingsError: there is no mixture of this song.
    """
    hidden = []
    if question.reference is not None:
        hidden.append(Item(REFERENCE, question.reference))
    if anchor:
        if question.mixture is None:
            raise SettingsError(
                f"{question.song}: there is no mixture to be the anchor; expected {MIXTURE}/{question.song}.wav"
            )
        hidden.append(Item(MIXTURE, question.mixture))
    return (*question.items, *hidden)


def _latin_rows(n: int, generator: np.random.Generator) -> Iterator[list[int]]:
    """Yield the rows of one Latin square after the other, each with its rows, columns and symbols shuffled."""
    while True:
        rows, columns, symbols = (generator.permutation(n) for _ in range(3))
        for row in rows:
            yield [int(symbols[(row + column) % n]) for column in columns]

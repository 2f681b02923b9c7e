"""The protocol for selectors: which mixtures, what is asked of them, and what the answers are held against.

The four conditions are those of Ochiai et al., "Listen to What You Want" (Interspeech 2020), section 4: one class of
three, and one, two and three classes of three to five, on mixtures of recordings that training never heard; beside them
the same question on new mixtures of recordings that it did hear.

Three tasks are scored for each query. The wanted sound x is the sum of the wanted classes' events; everything else
in the mixture, background included, is mixture − x.

- keep: ask for the wanted classes; the reference is x.
- remove directly: ask for all the model's other classes; the reference is mixture − x, so the background, which is no
  class, counts as an error.
- remove by subtraction: mixture − the estimate of keep; the reference is mixture − x.

Where nothing but the background would remain, removing is not scored: it is 15–25 dB below the mixture, and a handful
of such queries would decide every mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from soundsieve.evaluation.baselines import ideal_ratio_mask
from soundsieve.evaluation.presence import Level, energy_ratio_db
from soundsieve.evaluation.queries import Estimator, Mixtures, Progress, absent_classes, answer, groups_of
from soundsieve.evaluation.scores import Floats, inner_products, sdr_pair
from soundsieve.mixing import Bank, Draw, MixtureSettings, Rendered, plan_mixture, render

KEEP, REMOVE_DIRECTLY, REMOVE_BY_SUBTRACTION = "keep", "remove directly", "remove by subtraction"
TASKS = (KEEP, REMOVE_DIRECTLY, REMOVE_BY_SUBTRACTION)
UNSEEN, SEEN = "unseen", "seen"

_NUMBERS = {1: "one class", 2: "two classes", 3: "three classes"}


@dataclass(frozen=True)
class DrawnMixtures:
    """Mixtures planned and rendered when they are asked for; number k depends on the key and k alone."""

    banks: tuple[Bank, Bank]
    settings: MixtureSettings
    key: tuple[int, ...]
    count: int

    def __len__(self) -> int:
        return self.count

    def __call__(self, index: int) -> Rendered:
        """Sound mixture number `index`."""
        return render(plan_mixture(*self.banks, self.settings, (*self.key, index)), *self.banks)


@dataclass(frozen=True)
class MixtureSet:
    """Mixtures, and how many of their classes are asked for at once: one condition for each number.

    Attributes:
        recordings: `unseen` or `seen` in training.
        classes: The least and the most classes in a mixture.
        wanted: How many classes are asked for at once.
        mixtures: The mixtures.
    """

    recordings: str
    classes: tuple[int, int]
    wanted: tuple[int, ...]
    mixtures: Mixtures

    def condition(self, wanted: int) -> str:
        """The condition's name, as the paper has it.

        >>> MixtureSet(UNSEEN, (3, 5), (1, 2), ()).condition(2)
        'two classes of 3–5'
        """
        low, high = self.classes
        number = _NUMBERS.get(wanted, f"{wanted} classes")
        return f"{number} of {low}" if low == high else f"{number} of {low}–{high}"


@dataclass(frozen=True, slots=True)
class Score:
    """One query of one mixture, for one task; every level in dB, NaN where there is none.

    Attributes:
        recordings: `unseen` or `seen`.
        condition: The condition's name.
        task: One of `TASKS`.
        mixture: Number of the mixture in its set.
        wanted: The classes asked for.
        heard_in: The recordings that their events were cut from, by their position in the set's bank.
        input_sdr: SDR of the mixture itself.
        sdr: SDR of the estimate.
        ideal_sdr: SDR of the ideal ratio mask.
        input_si_sdr, si_sdr, ideal_si_sdr: The same, scale-invariant.
    """

    recordings: str
    condition: str
    task: str
    mixture: int
    wanted: tuple[str, ...]
    heard_in: tuple[int, ...]
    input_sdr: float
    sdr: float
    ideal_sdr: float
    input_si_sdr: float
    si_sdr: float
    ideal_si_sdr: float


@dataclass(frozen=True)
class Evaluation:
    """Everything that was measured, before any mean is taken."""

    scores: tuple[Score, ...]
    levels: tuple[Level, ...]


def mixture_sets(
    unseen: tuple[Bank, Bank],
    seen: tuple[Bank, Bank] | None,
    settings: MixtureSettings,
    *,
    count: int,
    seed: int,
    recordings: str = UNSEEN,
) -> tuple[MixtureSet, ...]:
    """Return the paper's sets: 3 classes and 3–5 classes of unseen recordings, 3–5 of seen ones.

    A protocol with another number of classes, or recordings of fewer classes, give sets to match, and the conditions'
    names say so.

    Args:
        unseen: Recordings and backgrounds that training never heard.
        seen: Those it did hear; None leaves the comparison out.
        settings: The mixture protocol.
        count: Mixtures in each set.
        seed: Of the mixtures.
        recordings: What to call the first ones, where they are not unseen.
    """
    most = min(settings.classes[1], len(unseen[0].labels))
    least = min(settings.classes[0], most)

    def draw(number: int, banks: tuple[Bank, Bank], classes: tuple[int, int]) -> DrawnMixtures:
        drawn = settings.model_copy(update={"classes": classes})
        return DrawnMixtures(banks, drawn, (seed, Draw.EVALUATION, number), count)

    sets = []
    if least < most:
        sets.append(MixtureSet(recordings, (least, least), (1,), draw(0, unseen, (least, least))))
    wanted = tuple(range(1, min(3, least) + 1))
    sets.append(MixtureSet(recordings, (least, most), wanted, draw(1, unseen, (least, most))))
    if seen is not None:
        sets.append(MixtureSet(SEEN, (least, most), (1,), draw(2, seen, (least, most))))
    return tuple(sets)


def evaluate(
    estimator: Estimator,
    sets: Sequence[MixtureSet],
    classes: Sequence[str],
    *,
    seed: int = 0,
    progress: Progress | None = None,
) -> Evaluation:
    """Ask a selector for everything the protocol wants to know; each mixture is rendered and encoded once.

    Args:
        estimator: What is evaluated.
        sets: The mixtures, from `mixture_sets`.
        classes: The estimator's classes, in the order of its inputs.
        seed: Decides which classes are asked for together, and which absent ones.
        progress: Called after each mixture.
    """
    total = sum(len(part.mixtures) for part in sets)
    scores: list[Score] = []
    levels: list[Level] = []
    done = 0
    for number, part in enumerate(sets):
        for index in range(len(part.mixtures)):
            rng = np.random.default_rng([seed, Draw.EVALUATION, number, index, 1])  # apart from the plan's own
            case = _Case(part, index, part.mixtures(index), tuple(classes), rng)
            estimates = answer(estimator, case.sound.mixture, case.questions(), classes)
            scores += case.scores(estimates)
            levels += case.levels(estimates)
            done += 1
            if progress is not None:
                progress(done, total)
    return Evaluation(tuple(scores), tuple(levels))


class _Case:
    """One mixture of the protocol: its queries, and what its estimates are worth."""

    def __init__(
        self, part: MixtureSet, index: int, sound: Rendered, classes: tuple[str, ...], rng: np.random.Generator
    ) -> None:
        self.part, self.index, self.sound, self.classes = part, index, sound, classes
        # A class that the model does not know may sound, but cannot be asked for; nor can one that a cut left silent.
        self.present = [name for name in sound.references if name in classes and np.any(sound.references[name])]
        self.asked = [(k, group) for k in part.wanted for group in groups_of(self.present, k, rng)]
        self.absent = absent_classes(tuple(sound.references), classes, len(self.present), rng)

    def questions(self) -> list[tuple[str, ...]]:
        """The wanted groups, the complement of each, and the absent classes, in this order."""
        groups = [group for _, group in self.asked]
        others = [tuple(name for name in self.classes if name not in group) for group in groups]
        return [*groups, *others, *((name,) for name in self.absent)]

    def scores(self, estimates: NDArray[np.float32]) -> list[Score]:
        """Score every group for every task."""
        if not self.asked:
            return []
        count, sources = len(self.asked), np.stack([*self.sound.references.values(), self.sound.residual])
        wanted = np.zeros((count, len(sources)))
        for row, (_, group) in zip(wanted, self.asked, strict=True):
            row[[list(self.sound.references).index(name) for name in group]] = 1.0
        ideal = ideal_ratio_mask(torch.from_numpy(sources), torch.from_numpy(wanted.astype(np.float32))).numpy()
        products = inner_products(np.concatenate([sources, estimates[: 2 * count], ideal]))
        keep, direct, mask = np.split(np.eye(len(products))[len(sources) :], 3)
        target = np.pad(wanted, ((0, 0), (0, 3 * count)))
        mixture = np.zeros_like(target)
        mixture[:, : len(sources)] = 1.0
        remains = wanted[:, :-1].sum(1) < len(sources) - 1
        rest = np.where(remains[:, None], mixture - target, 0.0)  # a silent reference scores NaN
        return [
            *self._rows(KEEP, products, target, mixture, keep, mask),
            *self._rows(REMOVE_DIRECTLY, products, rest, mixture, direct, mixture - mask),
            *self._rows(REMOVE_BY_SUBTRACTION, products, rest, mixture, mixture - keep, mixture - mask),
        ]

    def _rows(
        self, task: str, products: Floats, reference: Floats, mixture: Floats, estimate: Floats, ideal: Floats
    ) -> list[Score]:
        pairs = [sdr_pair(products, estimate=x, reference=reference) for x in (mixture, estimate, ideal)]
        table = np.stack([*(sdr for sdr, _ in pairs), *(si_sdr for _, si_sdr in pairs)], axis=1)
        return [
            self._score(k, group, task, row)
            for (k, group), row in zip(self.asked, table, strict=True)
            if not np.isnan(row[0])
        ]

    def _score(self, number: int, group: tuple[str, ...], task: str, row: Floats) -> Score:
        heard_in = tuple(source for name in group for source in self.sound.recordings.get(name, ()))
        levels = (float(level) for level in row)
        return Score(self.part.recordings, self.part.condition(number), task, self.index, group, heard_in, *levels)

    def levels(self, estimates: NDArray[np.float32]) -> list[Level]:
        """How much is handed over when one class is asked for, present or absent."""
        ratios = energy_ratio_db(estimates, self.sound.mixture)
        single = [(group[0], row) for row, (k, group) in enumerate(self.asked) if k == 1]
        absent = [(name, 2 * len(self.asked) + row) for row, name in enumerate(self.absent)]
        return [
            Level(self.part.recordings, self.index, name, present, float(ratios[row]))
            for present, rows in ((True, single), (False, absent))
            for name, row in rows
        ]

"""From the scores of a video's pictures to the objects that are seen in it.

The published rule (Gao, Feris and Grauman, ECCV 2018; see `soundsieve.datasets.object_groups`): logits are max-pooled
over the pictures, averaged inside each of the 23 groups, and a softmax over the groups gives their scores. The best
group is seen, and all from 0.3 on.

That rule always sees something, also in a waterfall, and hardly ever a dog: the logit of the breed in the picture is
averaged with those of 124 others. Of 70 pictures from ImageNet it names 40 rightly with EfficientNet-Lite0, 4 of 32
dogs among them. The rule `evidence` adds up probabilities instead: the softmax over all 1000 classes, summed inside
each group, is how probable it is that the group is in the picture. The same pictures' best groups are right in 69
cases. Each group that reaches `LEAST_EVIDENCE` in some picture is seen, and none need to: all 70 are among the labels
then, with two wrong ones beside them. (The threshold is a round number between what was found for what is in those same
pictures, 0.17 and more, and most of what was found for the rest: 70 of 70 is no promise for others.)

All that is said of the middle of a picture. What the ends of a wide one show is cut off at a side more often, and is
believed less: `ENDS` of its probability counts. On validation videos that finds more objects than the middle alone and
names no more that are not there; if all of it counted, it would.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.special import softmax

from soundsieve.datasets.object_groups import GROUPS, NAMES
from soundsieve.settings import Settings

THRESHOLD = 0.3
LEAST_EVIDENCE = 0.1
ENDS = 0.4


class SeenSettings(Settings):
    """Which rule decides what is seen, and its threshold."""

    rule: Literal["evidence", "published"] = Field("evidence", description="see this file")
    threshold: float = Field(THRESHOLD, gt=0, le=1, description="published: the least score besides the best one")
    least_evidence: float = Field(LEAST_EVIDENCE, gt=0, le=1, description="evidence: the least probability")
    ends: float = Field(ENDS, ge=0, le=1, description="evidence: what counts of it at the ends of a wide picture")


@dataclass(frozen=True)
class Seen:
    """What is seen in a video.

    Attributes:
        labels: The objects, the best one first; none by the rule `evidence` where nothing is listed.
        scores: (23,), of all objects in the order of `NAMES`, by the rule that decided.
    """

    labels: tuple[str, ...]
    scores: NDArray[np.float64]


def look(
    logits: NDArray[np.floating], settings: SeenSettings | None = None, ends: NDArray[np.floating] | None = None
) -> Seen:
    """Decide which objects are seen.

    Args:
        logits: Of a video's pictures, (picture, 1000); of what a bag keeps, their maximum over the pictures, (1, 1000).
        settings: The rule; None for the defaults.
        ends: Of the ends of wide pictures, (any, 1000). The published rule does not look at them.

    Raises:
        ValueError: when the shape does not fit, quoting it.

    >>> logits = np.zeros((2, 1000))
    >>> look(logits, SeenSettings(rule="published")).labels
    ('cat',)
    >>> look(logits, SeenSettings(least_evidence=0.2)).labels
    ()
    >>> logits[0, 889], logits[1, 486] = 12, 11
    >>> look(logits).labels, look(logits, SeenSettings(rule="published")).labels
    (('violin', 'cello'), ('violin',))
    """
    s = settings or SeenSettings()
    if s.rule == "published":
        scores = group_scores(logits)
        return Seen(seen_labels(scores, s.threshold), scores)
    scores = evidence(logits)
    if ends is not None and len(ends):
        scores = np.maximum(scores, s.ends * evidence(ends))
    return Seen(_from(scores, s.least_evidence), scores)


def group_scores(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """Score the 23 groups as published.

    Args:
        logits: Of the pictures, (picture, 1000).

    Returns:
        (23,), in the order of `NAMES`; they add up to 1.

    Raises:
        ValueError: when the shape does not fit, quoting it.

    >>> logits = np.zeros((2, 1000))
    >>> logits[1, 889] = 12
    >>> scores = group_scores(logits)
    >>> NAMES[scores.argmax()], round(float(scores.max()), 3)
    ('violin', 1.0)
    """
    pooled = _checked(logits).max(0)
    means = np.array([pooled[list(indices)].mean() for indices in GROUPS.values()])
    return np.asarray(softmax(means), np.float64)


def seen_labels(scores: NDArray[np.float64], threshold: float = THRESHOLD) -> tuple[str, ...]:
    """Name the groups that are seen as published: the best one, and all whose score reaches the threshold.

    Args:
        scores: As of `group_scores`, (23,).
        threshold: From 0 to 1.

    Returns:
        One name or more, the best one first.

    >>> scores = np.zeros(23)
    >>> scores[[1, 5, 9]] = 0.35, 0.4, 0.25
    >>> seen_labels(scores), seen_labels(scores, 0.5)
    (('acoustic_guitar', 'dog'), ('acoustic_guitar',))
    """
    best = NAMES[int(scores.argmax())]
    return (best, *(name for name in _from(scores, threshold) if name != best))


def evidence(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """Say how probable each group is among all of ImageNet's classes, in the picture where it is most so.

    Args:
        logits: Of the pictures, (picture, 1000).

    Returns:
        (23,), in the order of `NAMES`; from 0 to 1 each.

    Raises:
        ValueError: when the shape does not fit, quoting it.

    >>> evidence(np.zeros((1, 1000))).round(3)[:4]
    array([0.005, 0.125, 0.002, 0.003])
    """
    shares = softmax(_checked(logits), axis=1)
    return np.array([shares[:, list(indices)].sum(1).max() for indices in GROUPS.values()])


def _from(scores: NDArray[np.float64], least: float) -> tuple[str, ...]:
    return tuple(NAMES[at] for at in np.argsort(-scores, kind="stable") if scores[at] >= least)


def _checked(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    if logits.ndim != 2 or logits.shape[1] != 1000 or not len(logits):
        raise ValueError(f"logits: expected shape (picture ≥ 1, 1000), found {logits.shape}")
    return logits.astype(np.float64)

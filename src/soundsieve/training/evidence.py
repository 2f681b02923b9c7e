"""Labels of bags from both senses: what pictures show, and what a trained network clearly hears.

Axes: n bag, l label.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from soundsieve.training.bag_corpus import Targets
from soundsieve.training.watch_recipe import EvidenceSettings


def clear_from(scores: NDArray[np.float64], seen: NDArray[np.bool_], settings: EvidenceSettings) -> NDArray[np.float64]:
    """Find from which score on a label is clearly heard, shape (l,); infinite where nothing shows that it ever is.

    It is the lowest score so that, of the bags that score at least as much, the wanted share shows the label. What is
    there and not seen counts against it, so labels are rather missed than made up.

    Args:
        scores: Of bags that the network was not trained on, shape (n, l).
        seen: Which labels their pictures show, shape (n, l).
        settings: The wanted share, and of how many bags at least.

    >>> scores = np.array([[4.0], [3.0], [2.0], [1.0]])
    >>> seen = np.array([[True], [True], [False], [True]])
    >>> clear_from(scores, seen, EvidenceSettings(precision=0.9, fewest=2)).tolist()
    [3.0]
    """
    found = np.full(scores.shape[1], np.inf)
    for label in range(scores.shape[1]):
        order = np.argsort(-scores[:, label], kind="stable")
        ranked = scores[order, label]
        count = np.arange(1, len(order) + 1)
        good = (np.cumsum(seen[order, label]) >= settings.precision * count) & (count >= settings.fewest)
        good[:-1] &= ranked[:-1] > ranked[1:]  # bags of equal score are clear together
        good &= ranked > 0  # a network that says nothing is not clear
        if good.any():
            found[label] = ranked[np.flatnonzero(good)[-1]]
    return found


def refined(
    visible: NDArray[np.bool_],
    visual: NDArray[np.float64],
    scores: NDArray[np.float64],
    clear: NDArray[np.float64],
    settings: EvidenceSettings,
) -> Targets:
    """Let labels join that are clearly heard.

    Those that the pictures show a little are present. Those that they do not show at all are neither present nor
    absent: a sound from outside the picture is not held against the network, nor is it taken for a sight.

    Args:
        visible: Labels by the pictures alone, shape (n, l).
        visual: Share that the pictures give each, shape (n, l).
        scores: Of the network, shape (n, l).
        clear: From which score on a label is clearly heard, shape (l,).
        settings: How much must be seen.

    >>> visible, visual = np.array([[True, False, False]]), np.array([[0.9, 0.1, 0.0]])
    >>> targets = refined(visible, visual, np.array([[1.0, 2.0, 2.0]]), np.array([1.5, 1.5, 1.5]), EvidenceSettings())
    >>> targets.present.tolist(), targets.absent.tolist()
    ([[True, True, False]], [[False, False, False]])
    """
    heard = scores >= clear
    return Targets(present=visible | (heard & (visual >= settings.seen)), absent=~visible & ~heard)

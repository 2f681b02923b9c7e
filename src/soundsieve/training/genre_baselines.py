"""Plain classifiers that a network has to beat on a table of descriptors: scikit-learn's, behind the same interface.

They need scikit-learn, which comes with the extra `baselines`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from soundsieve.datasets.genre_table import Examples
from soundsieve.errors import MissingExtraError, unknown_name
from soundsieve.features.standardise import log_columns

Floats = NDArray[np.float64]
_LEAST = 1e-12  # value under the logarithm


def names() -> tuple[str, ...]:
    """Every baseline.

    >>> names()
    ('discriminant', 'forest', 'logistic', 'svm', 'trees')
    """
    return tuple(sorted(_ESTIMATORS))


def learner(name: str, *, log: bool = False) -> Callable[[Examples, Examples, int], Callable[[Floats], Floats]]:
    """Return a baseline as a function of rows to learn from, rows to choose by (not looked at), and a seed.

    Args:
        name: `logistic` regression, `svm` with a radial kernel, gradient-boosted `trees`, random `forest`, or linear
            `discriminant` analysis with shrinkage. All see standardised columns.
        log: take the logarithm of variances and positive means.

    Raises:
        UnknownNameError: there is no such baseline.
        MissingExtraError: scikit-learn is not installed.
    """
    if name not in _ESTIMATORS:
        raise unknown_name("baseline", name, _ESTIMATORS)
    try:
        import sklearn  # noqa: F401
    except ImportError:
        raise MissingExtraError(
            f"baseline {name!r} needs scikit-learn, which is not installed: pip install 'soundsieve[baselines]'"
        ) from None
    return lambda train_rows, validation, seed: _fitted(name, train_rows, seed, log=log)


def _fitted(name: str, train_rows: Examples, seed: int, *, log: bool) -> Callable[[Floats], Floats]:
    from sklearn.preprocessing import StandardScaler

    chosen = set(log_columns(train_rows.columns)) if log else set()
    logged = np.array([column in chosen for column in train_rows.columns])

    def levels(values: Floats) -> Floats:
        return np.where(logged, np.log(np.maximum(values, _LEAST)), values)

    scaler = StandardScaler().fit(levels(train_rows.values))
    estimator = _ESTIMATORS[name](seed).fit(scaler.transform(levels(train_rows.values)), train_rows.targets)

    def predict(values: Floats) -> Floats:
        scaled = scaler.transform(levels(values))
        said = getattr(estimator, "decision_function" if name == "svm" else "predict_proba")(scaled)
        scores = np.full((len(values), train_rows.classes), -np.inf)
        scores[:, estimator.classes_] = said if name == "svm" else np.log(np.maximum(said, _LEAST))
        return scores

    return predict


def _logistic(seed: int) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(max_iter=1000, random_state=seed)


def _svm(seed: int) -> Any:
    from sklearn.svm import SVC

    return SVC(C=3.0, gamma="scale", random_state=seed)


def _trees(seed: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(max_iter=100, early_stopping=False, random_state=seed)


def _forest(seed: int) -> Any:
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(300, random_state=seed)


def _discriminant(_: int) -> Any:
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    return LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")


_ESTIMATORS: dict[str, Callable[[int], Any]] = {
    "logistic": _logistic,
    "svm": _svm,
    "trees": _trees,
    "forest": _forest,
    "discriminant": _discriminant,
}

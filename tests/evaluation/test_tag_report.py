"""From what classifiers said to the numbers, against counts done by hand."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from soundsieve.errors import OutputError, SettingsError
from soundsieve.evaluation import predictions, tag_figures
from soundsieve.evaluation.predictions import Predictions
from soundsieve.evaluation.tag_report import Outcome, TagReport, summarise

CLASSES = ("dog", "rain")
PROTOCOL = {
    "model": "m",
    "architecture": "tag_lstm",
    "parameters": 10,
    "classes": list(CLASSES),
    "data": ["esc10"],
    "protocol": "choose",
    "seed": 0,
    "epochs": 3,
}


def said(labels: list[str], logits: list[list[float]], sources: list[str] | None = None) -> Predictions:
    names = tuple(f"{k}.wav" for k in range(len(labels)))
    return Predictions(CLASSES, names, tuple(sources or names), tuple(labels), np.array(logits, np.float32))


def report(*tests: Predictions, temperature: float = 1.0, last: Predictions | None = None) -> TagReport:
    outcomes = [Outcome(test, last, temperature, {"dog": 0.6, "rain": 0.6}) for test in tests]
    return summarise(outcomes, "one", PROTOCOL)


FIRST = said(["dog", "dog", "rain"], [[2, 0], [0, 1], [0, 3]])
SECOND = said(["rain", "dog"], [[0, 1], [1, 0]])


def test_accuracy_is_over_all_clips_and_of_each_fold() -> None:
    row = report(FIRST, SECOND).accuracy[0]
    assert (row.clips, row.mean, row.of_folds) == (5, pytest.approx(0.8), (pytest.approx(2 / 3), 1.0))
    assert row.low <= row.mean <= row.high
    assert row.folds_low is not None
    assert row.folds_low < 5 / 6 < row.folds_high


def test_one_fold_has_no_interval_of_folds_and_json_has_no_nan(tmp_path: Path) -> None:
    found = report(FIRST)
    assert found.accuracy[0].folds_low is None
    assert "NaN" not in json.dumps(found.to_json(), allow_nan=False)


def test_each_class_and_who_is_taken_for_whom() -> None:
    found = report(FIRST, SECOND)
    assert found.confusion.tolist() == [[2, 1], [0, 2]]
    assert found.mean_recall == pytest.approx((2 / 3 + 1) / 2)
    dog, rain = found.classes
    assert (dog.clips, dog.precision, dog.recall) == (3, 1.0, pytest.approx(2 / 3))
    assert (rain.clips, rain.precision, rain.recall, rain.f1) == (2, pytest.approx(2 / 3), 1.0, pytest.approx(0.8))


def test_the_last_epoch_stands_beside_the_chosen_one_only_where_every_fold_has_it() -> None:
    both = report(FIRST, last=SECOND)
    assert [(row.weights, row.mean) for row in both.accuracy] == [
        ("chosen epoch", pytest.approx(2 / 3)),
        ("last epoch", 1),
    ]
    mixed = summarise([Outcome(FIRST, FIRST, 1, {}), Outcome(SECOND, None, 1, {})], "one", PROTOCOL)
    assert len(mixed.accuracy) == 1


def test_mistakes_are_the_most_certain_first() -> None:
    wrong = said(["dog", "rain", "dog"], [[0, 1], [4, 0], [3, 0]])
    found = report(wrong).mistakes
    assert [(m.file, m.label, m.said) for m in found] == [("1.wav", "rain", "dog"), ("0.wav", "dog", "rain")]
    assert found[0].score == pytest.approx(1 / (1 + math.exp(-4)), abs=1e-3)


def test_unknown_sounds_are_counted_where_no_class_reaches_its_threshold() -> None:
    mixed = said(["dog", "rain", "horn", "horn"], [[2, 0], [0, 0.1], [0.1, 0], [3, 0]])
    unknown = report(mixed).unknown
    assert unknown is not None
    assert (unknown.clips, unknown.rejected, unknown.known_rejected) == (2, 0.5, 0.5)
    assert report(mixed).accuracy[0].clips == 2, "they do not count in the accuracy"
    assert report(FIRST).unknown is None


def test_a_temperature_mends_what_is_too_sure_of_itself() -> None:
    labels = ["dog", "dog", "dog", "rain"]
    sure = said(labels, [[5, 0]] * 4)  # 99 % sure, 75 % right
    calibration = report(sure, temperature=5 / math.log(3)).calibration
    assert calibration.error_before == pytest.approx(0.243, abs=1e-3)
    assert calibration.error_after == pytest.approx(0, abs=1e-6)


def test_predictions_come_back_as_they_were_saved(tmp_path: Path) -> None:
    FIRST.save(tmp_path / "test.npz")
    back = predictions.load(tmp_path / "test.npz")
    assert (back.classes, back.files, back.sources, back.labels) == (CLASSES, FIRST.files, FIRST.sources, FIRST.labels)
    np.testing.assert_array_equal(back.logits, FIRST.logits)
    assert [path.name for path in tmp_path.iterdir()] == ["test.npz"]
    (tmp_path / "test.npz").write_bytes(b"no")
    with pytest.raises(SettingsError, match="holds no predictions"):
        predictions.load(tmp_path / "test.npz")


def test_a_report_is_saved_with_pictures_and_not_over_another(tmp_path: Path) -> None:
    found = report(FIRST, SECOND)

    def levels(file: str) -> tuple[NDArray[np.float32], float]:
        return np.zeros((4, 10), np.float32), 5.0

    pictures = tag_figures.draw(found, levels)
    assert set(pictures) == {"confusion.png", "reliability.png", "mistakes.png"}
    assert all(content.startswith(b"\x89PNG") for content in pictures.values())
    found.save(tmp_path / "r", pictures=pictures)
    assert json.loads((tmp_path / "r" / "report.json").read_text())["accuracy"][0]["clips"] == 5
    with pytest.raises(OutputError, match="holds a report already"):
        found.save(tmp_path / "r")

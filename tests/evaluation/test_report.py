"""Numbers in a report are the means and medians of what was measured, and they survive being written."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from soundsieve.errors import OutputError
from soundsieve.evaluation import tables
from soundsieve.evaluation.presence import SILENCE_DB, Level
from soundsieve.evaluation.report import Report, summarise
from soundsieve.evaluation.report_folder import check_folder
from soundsieve.evaluation.select import KEEP, REMOVE_BY_SUBTRACTION, SEEN, UNSEEN, Evaluation, Score

PROTOCOL: dict[str, Any] = {
    "model": "everyday",
    "architecture": "mask_unet",
    "classes": ["dog", "rain", "yodel"],
    "sample_rate_hz": 32_000,
    "events": ["esc10"],
    "backgrounds": ["noises"],
    "background_recordings": 7,
    "recordings_per_class": {"dog": 8, "rain": 9},
    "classes_without_recordings": ["yodel"],
    "mixture": {
        "duration_s": 6.0,
        "events": 6,
        "event_s": (1.5, 3.0),
        "background_db": (15.0, 25.0),
        "event_level_db": (-2.5, 2.5),
        "activity": 0.3,
    },
    "subset": "test",
    "mixtures": 10,
    "seed": 3,
    "gate": True,
}


def score(mixture: int, label: str, gain_db: float, *, task: str = KEEP, recordings: str = UNSEEN) -> Score:
    si_sdr = np.nan if np.isnan(gain_db) else gain_db - 6.0
    sdr = 0.0 if np.isnan(gain_db) else gain_db - 5.0
    return Score(
        recordings, "one class of 3–5", task, mixture, (label,), (mixture,), -5.0, sdr, 9.0, -4.0, si_sdr, 10.0
    )


@pytest.fixture
def report() -> Report:
    gains_db = {("dog", k): 10.0 + k for k in range(10)} | {("rain", k): 2.0 for k in range(9)}
    scores = [score(mixture, label, gain) for (label, mixture), gain in gains_db.items()]
    scores += [score(9, "rain", np.nan), score(0, "dog", 3.0, task=REMOVE_BY_SUBTRACTION)]
    scores += [score(k, "dog", 20.0, recordings=SEEN) for k in range(3)]
    levels = [Level(UNSEEN, k, "dog", True, -5.0 - k) for k in range(10)]
    levels += [Level(UNSEEN, k, "dog", False, SILENCE_DB if k < 3 else -12.0) for k in range(10)]
    levels += [Level(UNSEEN, 0, "yodel", False, -50.0)]
    return summarise(Evaluation(tuple(scores), tuple(levels)), PROTOCOL)


def test_rows_hold_the_means_of_what_was_measured(report: Report) -> None:
    keep, subtract, seen = report.conditions
    assert (keep.recordings, keep.task, subtract.task, seen.recordings) == (UNSEEN, KEEP, REMOVE_BY_SUBTRACTION, SEEN)
    s = keep.summary
    assert (s.queries, s.mixtures, s.unanswered) == (20, 10, 1)
    gains_db = [*range(10, 20), *[2] * 9, 5]  # the one that was answered with silence gains 5 dB
    assert s.sdr.mean == pytest.approx(np.mean(gains_db))
    assert s.sdr.median == pytest.approx(np.median(gains_db))
    assert s.sdr.low < s.sdr.mean < s.sdr.high
    assert s.si_sdr.mean == pytest.approx(np.mean([*range(8, 18), *[0] * 9])), "silence has no SI-SDR"
    assert s.output_sdr - s.input_sdr == pytest.approx(s.sdr.mean)
    assert (s.silence, s.ideal_sdr, s.ideal_si_sdr) == (5.0, 14.0, 14.0)
    assert seen.summary.sdr.mean == 20


def test_few_recordings_in_many_mixtures_leave_more_doubt() -> None:
    rng = np.random.default_rng(0)
    scores = [replace(score(k, "dog", gain), heard_in=(k % 4,)) for k, gain in enumerate(rng.normal(0, 3, 80))]
    by_mixture = summarise(Evaluation(tuple(scores), ()), PROTOCOL).conditions[0].summary
    effect = {k: 6.0 * (k - 1.5) for k in range(4)}
    scores = [replace(s, sdr=s.sdr + effect[s.heard_in[0]]) for s in scores]
    s = summarise(Evaluation(tuple(scores), ()), PROTOCOL).conditions[0].summary
    assert s.by_recording[1] - s.by_recording[0] > 2 * (s.sdr.high - s.sdr.low)
    assert by_mixture.by_recording[0] < by_mixture.sdr.mean < by_mixture.by_recording[1]


def test_the_interval_counts_mixtures_not_queries() -> None:
    few = [score(0, label, gain) for gain in (0.0, 10.0) for label in "abcdefgh"]
    many = [score(k, label, gain) for k, (gain, label) in enumerate((g, x) for g in (0.0, 10.0) for x in "abcdefgh")]
    narrow = summarise(Evaluation(tuple(few), ()), PROTOCOL).conditions[0].summary.sdr
    wide = summarise(Evaluation(tuple(many), ()), PROTOCOL).conditions[0].summary.sdr
    assert narrow.high - narrow.low == 0, "one mixture says nothing about others, and resampling it changes nothing"
    assert wide.high - wide.low > 2


def test_classes_have_their_own_rows(report: Report) -> None:
    assert [row.label for row in report.classes] == ["dog", "rain"]
    dog, rain = report.classes
    assert dog.summary.sdr.mean == pytest.approx(14.5), "without the seen recordings and without removing"
    assert dog.absent_db == -12.0
    assert dog.auc == pytest.approx(
        np.mean(
            [
                1.0 if a < p else 0.5 if a == p else 0.0
                for p in -5.0 - np.arange(10)
                for a in [SILENCE_DB] * 3 + [-12.0] * 7
            ]
        )
    )
    assert np.isnan(rain.auc)


def test_leakage_is_that_of_absent_classes(report: Report) -> None:
    (leakage,) = report.leakage
    assert (leakage.queries, leakage.median_db) == (11, -12.0)
    assert leakage.silenced == pytest.approx(3 / 11)
    assert leakage.present_median_db == -9.5
    assert 0.5 < leakage.auc < 1


def test_json_holds_everything_and_no_nan(report: Report, tmp_path: Path) -> None:
    written = report.save(tmp_path / "new" / "report")

    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is not JSON")

    read = json.loads((tmp_path / "new" / "report" / "report.json").read_text(), parse_constant=refuse)
    assert read["protocol"]["seed"] == 3
    assert read["conditions"][0]["summary"]["sdr"]["mean"] == pytest.approx(
        report.conditions[0].summary.sdr.mean, abs=1e-3
    )
    assert read["classes"][1]["auc"] is None
    assert read["leakage"][0]["queries"] == 11
    assert {path.name for path in written} == {"report.json", "classes.png", "input_output.png", "presence.png"}
    assert {path.name for path in (tmp_path / "new" / "report").iterdir()} == {path.name for path in written}
    for path in written[1:]:
        assert path.read_bytes().startswith(b"\x89PNG")
        assert path.stat().st_size > 10_000


def test_a_report_is_not_overwritten_unasked(report: Report, tmp_path: Path) -> None:
    report.save(tmp_path)
    with pytest.raises(OutputError, match="holds a report already"):
        report.save(tmp_path)
    report.save(tmp_path, force=True)
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="is a file"):
        check_folder(tmp_path / "file", force=True)


def test_the_table_prints_the_protocol_beside_the_numbers(report: Report) -> None:
    console = Console(width=tables.WIDTH, record=True, file=open("/dev/null", "w"))  # noqa: SIM115, PTH123
    console.print(tables.render(report))
    text = console.export_text()
    for line in (
        "Model: everyday (mask_unet), 3 classes, 32000 Hz, with its gate.",
        "Recordings: subset 'test' of esc10, 17 in 2 classes; backgrounds: noises, 7.",
        "Mixtures: 10 a set, 6 s, 6 events of 1.5–3 s, 15–25 dB above the background; seed 3.",
        "Events: levels equalised, then varied by -2.5 to +2.5 dB; cuts chosen to sound for 30% of their length",
        "Not tested, for want of recordings: yodel.",
        "SDR: 10·log10(‖x‖² / ‖x − x̂‖²)",
        "1 of these queries were answered with silence",
    ):
        assert line in text
    lines = text.splitlines()
    row = lines[next(k for k, line in enumerate(lines) if line.strip() == "one class of 3–5, unseen") + 1]
    assert row.split()[:2] == ["keep", "20"]
    assert "+8.40 [" in row
    assert "+14.0" in row
    assert "…" not in text


def test_nothing_measured_makes_an_empty_report(tmp_path: Path) -> None:
    empty = summarise(Evaluation((), ()), PROTOCOL)
    assert (empty.conditions, empty.classes, empty.leakage) == ((), (), ())
    assert [path.name for path in empty.save(tmp_path)] == ["report.json"]

"""From songs to a report, by hand."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from soundsieve.errors import OutputError
from soundsieve.evaluation.unmix_report import UnmixEvaluation, summarise
from soundsieve.evaluation.unmix_scores import ENGINE, IDEAL, MEASURES, MIXTURE, SongScores, StemScores
from soundsieve.evaluation.unmix_tables import markdown, song_rows, songs_csv

NAN = math.nan
PROTOCOL: dict[str, Any] = {
    "model": "told",
    "stems": ["vocals", "accompaniment"],
    "sample_rate_hz": 8_000,
    "card": {"licence": "MIT"},
    "data": "stems",
    "folder": "songs",
    "part": "all",
    "songs_there": 3,
    "song_rates_hz": [8_000],
    "measures": {"longest_s": 600.0, "ideal_power": 2},
    "jobs": None,
    "threads": 1,
    "device": "cpu",
    "command": "soundsieve evaluate unmix",
    "resumed": 0,
}


def score(system: str, frames: Sequence[float], level: float, **more: Any) -> StemScores:
    values: dict[str, Any] = {
        "division": "vocals / accompaniment",
        "stem": "vocals",
        "system": system,
        "frames": dict.fromkeys(MEASURES, tuple(frames)),
        "sdr_db": level,
        "si_sdr_db": level - 1,
        "snr_db": (level, level + 1),
        "mse": (0.01, 0.02),
        "absent": math.isnan(level),
        "alone": False,
        "silent_frames": 0,
        "leak_db": NAN,
    }
    return StemScores(**{**values, **more})


def song(name: str, *scores: StemScores, compute_s: float = 2.0) -> SongScores:
    return SongScores(name, name, "all", 80_000, 8_000, 2, 1, compute_s, scores)


@pytest.fixture
def report() -> UnmixEvaluation:
    songs = [
        song("a", score(ENGINE, [1, 2, 9], 3), score(MIXTURE, [-1, 0, 1], 1), score(IDEAL, [8, 8, 8], 8)),
        song("b", score(ENGINE, [4, NAN], 5), score(MIXTURE, [-2, NAN], -2), score(IDEAL, [9, NAN], 9), compute_s=6.0),
        song(
            "c|d",
            score(ENGINE, [NAN], NAN, silent_frames=10, leak_db=-30.0),
            score(MIXTURE, [NAN], NAN, silent_frames=10, leak_db=0.0),
            score(IDEAL, [NAN], NAN, silent_frames=10, leak_db=-100.0),
        ),
    ]
    return summarise(songs, PROTOCOL, failed=[("broken", "e.wav: no audio")])


def test_songs_are_summed_up_in_every_way(report: UnmixEvaluation) -> None:
    [row] = report.rows
    sdr = row.frames[ENGINE]["sdr"]
    assert (sdr.median, sdr.mean, sdr.pooled_median) == (3.0, 4.0, 3.0)  # of 2 and 4; of 4 and 4; of 1, 2, 9, 4
    assert (sdr.songs, sdr.nan_songs, sdr.frames, sdr.nan_frames) == (2, 1, 4, 2)
    assert (row.mean_sdr.mean, row.mean_sdr.songs) == (3.0, 2)
    assert (row.sdr_gain.mean, row.sdr_gain.low, row.sdr_gain.high) == (4.0, 2.0, 6.0)  # 2 − 0 and 4 − (−2)
    assert (row.whole_sdr_gain.mean, row.si_sdr_gain.mean) == (4.5, 4.5)  # 3 − 1 and 5 − (−2)
    whole = row.whole[ENGINE]
    assert (whole.sdr_db, whole.si_sdr_db, whole.snr_db) == (4.0, 3.0, (4.0, 5.0))
    np.testing.assert_allclose(whole.mse, (0.01, 0.02))
    assert (row.songs, row.absent, row.silent_frames, row.leak_db) == (3, 1, 10, -30.0)
    assert row.frames[IDEAL]["sar"].median == 8.5


def test_speed_is_that_of_all_songs_together(report: UnmixEvaluation) -> None:
    speed = report.speed
    assert (speed.compute_s, speed.song_s) == (10.0, 30.0)
    assert speed.real_time_factor == pytest.approx(1 / 3)
    assert (speed.fastest, speed.slowest) == (0.2, 0.6)


def test_one_song_has_no_interval() -> None:
    one = song("a", score(ENGINE, [1, 2, 9], 3), score(MIXTURE, [0], 1), score(IDEAL, [8], 8))
    [row] = summarise([one], PROTOCOL).rows
    assert row.sdr_gain.mean == 2
    assert math.isnan(row.sdr_gain.low)


def test_a_song_of_one_stem_alone_is_left_out_of_its_figures(report: UnmixEvaluation) -> None:
    perfect = [score(system, [math.inf], 100, alone=True) for system in (ENGINE, MIXTURE, IDEAL)]
    [row] = summarise([*report.songs, song("d", *perfect)], PROTOCOL).rows
    [without] = report.rows
    assert (row.songs, row.alone) == (4, 1)
    assert (row.frames, row.sdr_gain, row.whole) == (without.frames, without.sdr_gain, without.whole)
    [row] = summarise([song("d", *perfect)], PROTOCOL).rows
    assert math.isnan(row.frames[ENGINE]["sdr"].median)
    assert "∞" not in markdown(summarise([song("d", *perfect)], PROTOCOL), songs=True)


def test_rows_can_be_chosen(report: UnmixEvaluation) -> None:
    assert summarise(report.songs, PROTOCOL, stems=["vocals"]).rows == report.rows
    assert summarise(report.songs, PROTOCOL, stems=["drums"]).rows == ()


def test_the_page_says_what_was_measured_and_what_was_left_out(report: UnmixEvaluation) -> None:
    page = markdown(report, songs=True, pictures=("sdr.png",))
    [frames] = [line for line in page.splitlines() if line.startswith("| vocals")][:1]
    cells = [cell.strip() for cell in frames.strip("|").split("|")]
    assert cells[:6] == ["vocals", "2", "**3.00**", "−1.00", "8.50", "3.00"]
    assert cells[8:] == ["3.00", "3.00", "2.00 … 4.00", "+4.00", "2.00 … 6.00", "6", "2"]
    assert "left out: broken: e.wav: no audio" in page
    assert "licence: MIT" in page
    assert "1 of 3" in page  # songs without vocals
    assert "c\\|d" in page
    assert "real-time factor 0.333 (songs: 0.200 … 0.600)" in page
    assert "![sdr](sdr.png)" in page
    assert "nan" not in page
    widths = {len(line) for line in page.splitlines() if line.startswith("| vocals") or "engine |" in line}
    assert len(widths) <= 2  # cells are padded, so that it reads as it stands


def test_every_song_has_its_rows(report: UnmixEvaluation) -> None:
    rows = list(csv.DictReader(io.StringIO(songs_csv(report))))
    assert len(rows) == len(song_rows(report)) == 9
    first, last = rows[0], rows[-1]
    assert (first["song"], first["system"], first["sdr_db"], first["snr_right_db"]) == ("a", "engine", "2", "4")
    assert (first["frames"], first["nan_frames"], first["real_time_factor"]) == ("3", "0", "0.2")
    assert (last["song"], last["system"], last["sdr_db"], last["leak_db"]) == ("c|d", "ideal mask", "", "-100")


def test_a_saved_report_is_whole_and_not_written_over(report: UnmixEvaluation, tmp_path: Path) -> None:
    written = {path.name for path in report.save(tmp_path / "report")}
    assert written == {"report.json", "report.md", "songs.csv", "sdr.png", "improvement.png"}
    read = json.loads((tmp_path / "report" / "report.json").read_text(encoding="utf-8"))
    assert read["stems"][0]["frames"]["engine"]["sdr"]["median"] == 3
    assert read["failed"] == [{"song": "broken", "error": "e.wav: no audio"}]
    assert read["songs"][6]["sdr_db"] is None
    assert (tmp_path / "report" / "sdr.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(OutputError, match="holds a report already"):
        report.save(tmp_path / "report")
    report.save(tmp_path / "report", force=True)

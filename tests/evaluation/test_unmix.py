"""Known engines on made songs: the figures are known before they are measured."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from songs import stems, write_folder
from soundsieve.datasets import STEMS, Song
from soundsieve.datasets import stems as own
from soundsieve.evaluation.stem_baselines import ideal_ratio_masks
from soundsieve.evaluation.unmix import UnmixMeasures, measure_song, piece_frames
from soundsieve.evaluation.unmix_scores import ENGINE, IDEAL, MEASURES, MIXTURE, SongScores, StemScores
from soundsieve.metrics import bss_eval

Waveform = NDArray[np.float32]
RATE = 8_000
QUICK = UnmixMeasures(taps=16)


@dataclass(frozen=True)
class Told:
    """An engine that is told what to answer, (stem, channel, time), and answers a while later."""

    answer: Waveform
    stems: tuple[str, ...] = ("vocals", "accompaniment")
    sample_rate: int = RATE
    card: Mapping[str, Any] = field(default_factory=dict)

    def stream(self, channels: int, cancel: object = None) -> ToldStream:
        return ToldStream(self.answer, np.zeros((channels, 0), np.float32))


@dataclass
class ToldStream:
    answer: Waveform
    held: Waveform
    done: int = 0

    def push(self, mixture: Waveform, last: bool = False) -> Iterator[tuple[Waveform, Waveform]]:
        self.held = np.concatenate([self.held, mixture], axis=1)
        ready = self.held.shape[1] if last else max(0, self.held.shape[1] - 700)
        ripe, self.held = self.held[:, :ready], self.held[:, ready:]
        part = self.answer[..., self.done : self.done + ready]
        self.done += ready
        yield ripe, part


def song_of(folder: Path, tracks: Mapping[str, Waveform]) -> Song:
    write_folder(folder / "Me - Song", {name: tracks[name] for name in tracks if name != "mixture"}, RATE)
    [song] = own.songs(folder)
    return song


def scores_of(found: SongScores, stem: str, system: str = ENGINE, stems: int = 2) -> StemScores:
    [score] = [
        score
        for score in found.scores
        if (score.stem, score.system, len(score.division.split(" / "))) == (stem, system, stems)
    ]
    return score


def two(tracks: Mapping[str, Waveform]) -> Waveform:
    """Vocals and accompaniment."""
    return np.stack([tracks["vocals"], tracks["bass"] + tracks["drums"] + tracks["other"]])


@pytest.mark.parametrize("snr_db", [6.0, 20.0])
def test_the_truth_with_noise_has_the_ratio_it_was_given(tmp_path: Path, snr_db: float) -> None:
    made = stems(4 * RATE)
    truth = two(made)
    noise = np.random.default_rng(9).standard_normal(truth[0].shape).astype(np.float32)
    noise *= math.sqrt((truth[0] ** 2).sum() / (noise**2).sum()) * 10 ** (-snr_db / 20)
    found = measure_song(Told(truth + noise), song_of(tmp_path, made), QUICK)
    vocals, accompaniment = (scores_of(found, stem) for stem in ("vocals", "accompaniment"))
    assert vocals.sdr_db == pytest.approx(snr_db, abs=1e-4)
    assert vocals.si_sdr_db == pytest.approx(snr_db, abs=0.2)
    np.testing.assert_allclose(vocals.snr_db, snr_db, atol=0.2)
    np.testing.assert_allclose(vocals.mse, (noise**2).mean(-1), rtol=1e-4)
    assert vocals.median() == pytest.approx(snr_db, abs=0.2)
    assert len(vocals.frames["sdr"]) == 4
    assert vocals.median("sir") > snr_db + 15
    # The last stem is what the first leaves: it has the same noise.
    np.testing.assert_allclose(accompaniment.mse, vocals.mse, rtol=1e-3)
    assert accompaniment.sdr_db == pytest.approx(
        snr_db + 10 * math.log10((truth[1] ** 2).sum() / (truth[0] ** 2).sum()), abs=1e-3
    )
    assert (found.frames, found.channels, found.sample_rate_hz, found.pieces) == (4 * RATE, 2, RATE, 1)
    assert found.compute_s > 0


def test_the_mixture_and_the_ideal_mask_stand_beside_it(tmp_path: Path) -> None:
    made = stems(2 * RATE, channels=1)
    truth = two(made)
    found = measure_song(Told(truth), song_of(tmp_path, made), QUICK)
    mixture = truth.sum(axis=0)
    ideal = ideal_ratio_masks(mixture=mixture, reference=truth, power=2)
    for row, stem in enumerate(("vocals", "accompaniment")):
        other = truth[1 - row]
        floor = 10 * np.log10((truth[row] ** 2).sum() / (other**2).sum())
        assert scores_of(found, stem, MIXTURE).sdr_db == pytest.approx(floor, abs=1e-4)
        expected = 10 * np.log10((truth[row] ** 2).sum() / ((truth[row] - ideal[row]) ** 2).sum())
        assert scores_of(found, stem, IDEAL).sdr_db == pytest.approx(expected, abs=1e-4)
        assert scores_of(found, stem).sdr_db > 90
    whole = bss_eval(estimate=ideal, reference=truth, window=RATE, taps=16)
    for measure in MEASURES:
        np.testing.assert_allclose(
            scores_of(found, "vocals", IDEAL).frames[measure], getattr(whole, f"{measure}_db")[0], atol=1e-3
        )
    magnitudes = measure_song(Told(truth), song_of(tmp_path, made), UnmixMeasures(taps=16, ideal_power=1))
    assert scores_of(magnitudes, "vocals", IDEAL).sdr_db != scores_of(found, "vocals", IDEAL).sdr_db


def test_four_stems_are_judged_both_ways(tmp_path: Path) -> None:
    made = stems(2 * RATE)
    truth = np.stack([made[stem] for stem in STEMS])
    wrong = truth.copy()
    wrong[0] += 0.1 * made["drums"]  # of the drums too much in the bass, too little in the last, the vocals
    found = measure_song(Told(wrong, STEMS), song_of(tmp_path, made), QUICK)
    level = 20 + 10 * math.log10((made["bass"] ** 2).sum() / (made["drums"] ** 2).sum())
    assert scores_of(found, "bass", stems=4).sdr_db == pytest.approx(level, abs=1e-3)
    assert scores_of(found, "drums", stems=4).sdr_db > 90
    error = 0.01 * float((made["drums"] ** 2).sum())
    for stem, x in zip(("vocals", "accompaniment"), two(made), strict=True):
        expected = 10 * math.log10(float((x**2).sum()) / error)
        assert scores_of(found, stem).sdr_db == pytest.approx(expected, abs=1e-3)
    assert scores_of(found, "vocals", stems=4).mse == pytest.approx(scores_of(found, "vocals").mse)
    assert len(found.scores) == 3 * (4 + 2)


def test_a_published_mixture_is_what_the_engine_hears(tmp_path: Path) -> None:
    made = stems(2 * RATE)
    louder = 2 * made["mixture"]
    write_folder(tmp_path / "Me - Song", {**made, "mixture": louder}, RATE)
    [song] = own.songs(tmp_path)
    truth = two(made)
    found = measure_song(Told(truth), song, QUICK)
    assert scores_of(found, "vocals").sdr_db > 90
    rest = louder - truth.sum(0)  # the last stem has what the song is too loud by
    expected = 10 * np.log10((truth[1] ** 2).sum() / (rest**2).sum())
    assert scores_of(found, "accompaniment").sdr_db == pytest.approx(expected, abs=1e-3)


def test_frames_without_a_figure_are_counted_and_what_leaks_into_silence_is_told(tmp_path: Path) -> None:
    made = stems(5 * RATE)
    made["vocals"][:, : 2 * RATE] = 0
    truth = two(made)
    wrong = truth.copy()
    wrong[0] += 0.1 * truth[1]
    found = measure_song(Told(wrong), song_of(tmp_path, made), QUICK)
    vocals, accompaniment = (scores_of(found, stem) for stem in ("vocals", "accompaniment"))
    assert (vocals.nan_frames, accompaniment.nan_frames) == (2, 2)  # no frame is judged where one stem is silent
    assert [math.isnan(value) for value in vocals.frames["sdr"]] == [True, True, False, False, False]
    assert (vocals.silent_frames, accompaniment.silent_frames) == (2, 0)
    assert vocals.leak_db == pytest.approx(-20, abs=1e-3)
    assert math.isnan(accompaniment.leak_db)
    assert scores_of(found, "vocals", MIXTURE).leak_db == pytest.approx(0, abs=1e-3)


def test_a_song_without_a_stem_has_no_figure_of_it_and_keeps_those_of_the_others(tmp_path: Path) -> None:
    made = stems(2 * RATE)
    del made["vocals"]
    truth = np.stack([np.zeros_like(made["bass"]), made["bass"] + made["drums"] + made["other"]])
    wrong = truth.copy()
    wrong[0] = 0.01 * truth[1]
    found = measure_song(Told(wrong), song_of(tmp_path, made), QUICK)
    vocals, accompaniment = (scores_of(found, stem) for stem in ("vocals", "accompaniment"))
    assert vocals.absent
    assert not accompaniment.absent
    assert (vocals.alone, accompaniment.alone) == (False, True)
    assert np.isnan([vocals.sdr_db, vocals.si_sdr_db, *vocals.snr_db, vocals.median()]).all()
    assert vocals.nan_frames == 2
    assert vocals.leak_db == pytest.approx(-40, abs=1e-3)
    assert accompaniment.sdr_db == pytest.approx(40, abs=1e-3)
    assert accompaniment.median() == pytest.approx(40, abs=1e-3)
    assert accompaniment.nan_frames == 0


def test_a_long_song_is_measured_in_pieces(tmp_path: Path) -> None:
    made = stems(25 * RATE, channels=1)
    truth = two(made)
    noise = 0.1 * stems(25 * RATE, channels=1, seed=50)["bass"]
    song = song_of(tmp_path, made)
    whole = measure_song(Told(truth + noise), song, QUICK)
    cut = measure_song(Told(truth + noise), song, UnmixMeasures(taps=16, longest_s=10))
    assert (whole.pieces, cut.pieces) == (1, 3)
    for ours, theirs in zip(cut.scores, whole.scores, strict=True):
        assert len(ours.frames["sdr"]) == len(theirs.frames["sdr"]) == 25
        if ours.system != IDEAL:  # whose windows at the seams see the silence beyond them
            assert ours.mse == pytest.approx(theirs.mse)
            assert ours.sdr_db == pytest.approx(theirs.sdr_db)
            np.testing.assert_allclose(ours.frames["sdr"], theirs.frames["sdr"], atol=1e-3)


def test_pieces_are_whole_windows_and_the_last_is_no_crumb() -> None:
    for frames in (1, 999, 6_001, 12_345, 60_001):
        piece = piece_frames(frames, 100, 6_000)
        count = -(-frames // piece)
        assert piece <= 6_100
        assert count == 1 or (piece % 100 == 0 and frames - (count - 1) * piece > piece / 2)


def test_figures_come_back_from_disk_as_they_were(tmp_path: Path) -> None:
    made = stems(2 * RATE)
    made["vocals"][:, :RATE] = 0
    found = measure_song(Told(two(made)), song_of(tmp_path, made), QUICK)
    text = json.dumps(found.to_json(), allow_nan=False)
    again = SongScores.from_json(json.loads(text))
    assert json.dumps(again.to_json()) == text
    assert again.song == "Me - Song"
    assert math.isnan(scores_of(again, "vocals").frames["sdr"][0])
    assert scores_of(again, "vocals", IDEAL).frames["sdr"][1] == scores_of(found, "vocals", IDEAL).frames["sdr"][1]

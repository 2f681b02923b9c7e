"""From the figures of songs to a report: over songs in every usual way, with intervals, beside the protocol."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from soundsieve.evaluation.plain_values import plain_values
from soundsieve.evaluation.report_folder import check_folder, write_report
from soundsieve.evaluation.unmix_scores import ENGINE, MEASURES, MIXTURE, SYSTEMS, SongScores, StemScores
from soundsieve.metrics import OverSongs, bootstrap_interval, over_songs

DEFINITIONS = {
    "SDR, ISR, SIR, SAR": "BSS Eval v4 with the figures of museval: frames of 1 s, distortion filters of 512 samples "
    "that are those of the whole song. Over songs: the median of the songs' medians over their frames",
    "pooled": "the median of the frames of all songs together, as Stoller, Ewert, Dixon (2018) report",
    "NaN frames": "frames without a figure, left out: one of the stems or estimates is silent there",
    "mixture": "the mixture handed back as every stem: the floor",
    "ideal mask": "|x|^α / Σ|x|^α of the true stems on an STFT of 2048 samples, hop 1024: a ceiling for masks",
    "gain": "improvement: engine − mixture, of each song; its mean over songs",
    "interval": "95 % percentile bootstrap of the mean, songs resampled; none for fewer than two songs",
    "whole-song SDR": "10·log10(‖x‖² / ‖x − x̂‖²) of the whole song, all channels together; SI-SDR: after the best "
    "scaling; SNR: the SDR of each channel on its own; MSE: the mean of (x − x̂)². Means over songs",
    "absent": "the stem is 60 dB or more below the mixture all along: the song has no SDR, SI-SDR and SNR of it",
    "alone": "all other stems are absent: there is nothing to separate, and the song is left out of the stem's figures",
    "leak": "energy that the engine puts into a stem while that is silent (60 dB or more below the mixture in that "
    "second), against the mixture's; the median over songs",
    "real-time factor": "seconds of computing, by the clock, for a second of song; reading and measuring left out",
}


@dataclass(frozen=True)
class MeanOverSongs:
    """A mean over songs with its 95 % interval; NaN where there is no song to take it from."""

    mean: float
    low: float
    high: float
    songs: int


@dataclass(frozen=True)
class Whole:
    """What one system's estimates of a stem come to over whole songs, means in dB; MSE without a unit.

    Attributes:
        sdr_db: All channels together.
        si_sdr_db: After the best scaling.
        snr_db: Of each channel.
        mse: Of each channel.
    """

    sdr_db: float
    si_sdr_db: float
    snr_db: tuple[float, ...]
    mse: tuple[float, ...]


@dataclass(frozen=True)
class StemRow:
    """One stem over all songs.

    Attributes:
        division: What songs are divided into.
        stem: The stem.
        songs: How many were measured.
        absent: How many of them lack it.
        alone: How many have nothing else; they are left out of all figures but the number of songs.
        frames: System → measure → over songs.
        mean_sdr: Of the engine: the songs' medians.
        sdr_gain: The same, engine − mixture.
        whole: System → figures of whole songs.
        whole_sdr_gain: SDR of whole songs, engine − mixture.
        si_sdr_gain: SI-SDR of whole songs, engine − mixture.
        silent_frames: Seconds in which the stem is silent and the mixture is not.
        leak_db: What the engine puts there, the median over songs.
    """

    division: str
    stem: str
    songs: int
    absent: int
    alone: int
    frames: Mapping[str, Mapping[str, OverSongs]]
    mean_sdr: MeanOverSongs
    sdr_gain: MeanOverSongs
    whole: Mapping[str, Whole]
    whole_sdr_gain: MeanOverSongs
    si_sdr_gain: MeanOverSongs
    silent_frames: int
    leak_db: float


@dataclass(frozen=True)
class Speed:
    """How fast the engine was.

    Attributes:
        compute_s: In all.
        song_s: Of how much.
        real_time_factor: One divided by the other.
        fastest: The least of the songs' own.
        slowest: The greatest.
    """

    compute_s: float
    song_s: float
    real_time_factor: float
    fastest: float
    slowest: float


@dataclass(frozen=True)
class UnmixEvaluation:
    """An evaluation, summarised.

    Attributes:
        protocol: What was measured, on what, how.
        rows: One for each division and stem.
        speed: How fast.
        songs: The single songs.
        failed: Songs that could not be measured, and why.
    """

    protocol: Mapping[str, Any]
    rows: tuple[StemRow, ...]
    speed: Speed
    songs: tuple[SongScores, ...]
    failed: tuple[tuple[str, str], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain values; a number that does not exist is None."""
        from soundsieve.evaluation.unmix_tables import song_rows

        result: dict[str, Any] = plain_values(
            {
                "protocol": dict(self.protocol),
                "definitions": DEFINITIONS,
                "stems": [asdict(row) for row in self.rows],
                "speed": asdict(self.speed),
                "songs": song_rows(self),
                "failed": [{"song": song, "error": error} for song, error in self.failed],
            },
            _number,
        )
        return result

    def save(self, folder: Path, *, force: bool = False) -> list[Path]:
        """Write report.json, report.md, songs.csv and the figures.

        Raises:
            OutputError: when the folder holds a report already and `force` is not set, or cannot be written.
            MissingExtraError: when matplotlib is not installed.
        """
        from soundsieve.evaluation import unmix_figures
        from soundsieve.evaluation.unmix_tables import markdown, songs_csv

        check_folder(folder, force=force)
        pictures = unmix_figures.draw(self)
        pages = {"report.md": markdown(self, songs=True, pictures=tuple(pictures)), "songs.csv": songs_csv(self)}
        return write_report(folder, self.to_json(), {name: text.encode() for name, text in pages.items()} | pictures)


def summarise(
    songs: Sequence[SongScores],
    protocol: Mapping[str, Any],
    *,
    stems: Sequence[str] | None = None,
    failed: Sequence[tuple[str, str]] = (),
) -> UnmixEvaluation:
    """Summarise songs; `protocol` is printed beside the numbers.

    Args:
        songs: One or more, all measured with one engine.
        protocol: What was measured, on what, how.
        stems: Which rows to keep; None keeps all.
        failed: Songs that could not be measured, and why.
    """
    table: dict[tuple[str, str], dict[str, list[StemScores]]] = {}
    for song in songs:
        for score in song.scores:
            if stems is None or score.stem in stems:
                of_stem = table.setdefault((score.division, score.stem), {system: [] for system in SYSTEMS})
                of_stem[score.system].append(score)
    rows = tuple(_row(division, stem, scores) for (division, stem), scores in table.items())
    return UnmixEvaluation(protocol, rows, _speed(songs), tuple(songs), tuple(failed))


def _row(division: str, stem: str, scores: Mapping[str, Sequence[StemScores]]) -> StemRow:
    judged = {system: [score for score in each if not score.alone] for system, each in scores.items()}
    ours, mixed = judged[ENGINE], judged[MIXTURE]
    medians, floor = (np.array([score.median() for score in each]) for each in (ours, mixed))
    channels = max(len(score.mse) for score in scores[ENGINE])
    return StemRow(
        division=division,
        stem=stem,
        songs=len(scores[ENGINE]),
        absent=sum(score.absent for score in ours),
        alone=len(scores[ENGINE]) - len(ours),
        frames={
            system: {measure: over_songs([score.frames[measure] for score in each]) for measure in MEASURES}
            for system, each in judged.items()
        },
        mean_sdr=_mean_over_songs(medians),
        sdr_gain=_mean_over_songs(_minus(medians, floor)),
        whole={system: _whole(each, channels) for system, each in judged.items()},
        whole_sdr_gain=_mean_over_songs(_minus(*(_column(each, "sdr_db") for each in (ours, mixed)))),
        si_sdr_gain=_mean_over_songs(_minus(*(_column(each, "si_sdr_db") for each in (ours, mixed)))),
        silent_frames=sum(score.silent_frames for score in ours),
        leak_db=_median(_column(ours, "leak_db")),
    )


def _whole(scores: Sequence[StemScores], channels: int) -> Whole:
    def by_channel(name: str) -> tuple[float, ...]:
        columns = ([getattr(score, name)[c] for score in scores if c < len(score.mse)] for c in range(channels))
        return tuple(_mean(np.array(column)) for column in columns)

    return Whole(
        _mean(_column(scores, "sdr_db")), _mean(_column(scores, "si_sdr_db")), by_channel("snr_db"), by_channel("mse")
    )


def _speed(songs: Sequence[SongScores]) -> Speed:
    compute_s, song_s = sum(song.compute_s for song in songs), sum(song.duration_s for song in songs)
    factors = [song.real_time_factor for song in songs]
    return Speed(compute_s, song_s, compute_s / song_s, min(factors), max(factors))


def _column(scores: Sequence[StemScores], name: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.array([getattr(score, name) for score in scores], np.float64)


def _minus(
    ours: np.ndarray[Any, np.dtype[np.float64]], floor: np.ndarray[Any, np.dtype[np.float64]]
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """The difference, unknown where both are infinite."""
    with np.errstate(invalid="ignore"):
        return ours - floor


def _mean_over_songs(values: np.ndarray[Any, np.dtype[np.float64]]) -> MeanOverSongs:
    known = values[~np.isnan(values)]
    low, high = bootstrap_interval(known) if len(known) > 1 and np.isfinite(known).all() else (math.nan, math.nan)
    return MeanOverSongs(_mean(values), low, high, len(known))


def _mean(values: np.ndarray[Any, np.dtype[np.float64]]) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else math.nan


def _median(values: np.ndarray[Any, np.dtype[np.float64]]) -> float:
    known = values[~np.isnan(values)]
    return float(np.median(known)) if len(known) else math.nan


def _number(value: float) -> float | None:
    """JSON has no NaN: what does not exist is None."""
    return float(f"{value:.6g}") if math.isfinite(value) else None

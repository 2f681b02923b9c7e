"""A report on separated songs as text: Markdown for people, CSV with a row for each song, stem and system."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from soundsieve.evaluation.unmix_report import DEFINITIONS, MeanOverSongs, StemRow, UnmixEvaluation
from soundsieve.evaluation.unmix_scores import ENGINE, IDEAL, MEASURES, MIXTURE, SYSTEMS

CHANNELS = {1: ("mono",), 2: ("left", "right")}
"""What channels are called, by how many there are; more are numbered."""

FROM_CARDS = {"licence": "licence", "source": "source", "data": "trained on"}
"""What the page takes from the cards of engines, and what it calls it."""


def markdown(report: UnmixEvaluation, *, songs: bool = False, pictures: Sequence[str] = ()) -> str:
    """Return a report as a page.

    Args:
        report: What to tell.
        songs: With a table of the single songs.
        pictures: Files beside the page to be shown in it.
    """
    parts = ["\n".join(f"- {name}: {value}" for name, value in _protocol(report))]
    for division in dict.fromkeys(row.division for row in report.rows):
        rows = [row for row in report.rows if row.division == division]
        parts += [f"## {division}", _frames(rows), _whole(rows)]
    if songs:
        parts += ["## Songs", _songs(report)]
        parts += [f"![{name.rpartition('.')[0]}]({name})" for name in pictures]
    parts.append("\n".join(f"- {name}: {meaning}." for name, meaning in DEFINITIONS.items()))
    return "\n\n".join(parts) + "\n"


def song_rows(report: UnmixEvaluation) -> list[dict[str, Any]]:
    """Return a row for each song, stem and system: medians over the frames, and the measures of the whole song."""
    stems = {row.stem for row in report.rows}
    names = channel_names(report)
    rows = []
    for song in report.songs:
        of_song = {
            "song": song.song,
            "part": song.part,
            "duration_s": song.duration_s,
            "compute_s": song.compute_s,
            "real_time_factor": song.real_time_factor,
            "pieces": song.pieces,
        }
        for score in (score for score in song.scores if score.stem in stems):
            row = {**of_song, "division": score.division, "stem": score.stem, "system": score.system}
            row |= {f"{measure}_db": score.median(measure) for measure in MEASURES}
            row |= {"frames": len(score.frames["sdr"]), "nan_frames": score.nan_frames, "absent": score.absent}
            row["alone"] = score.alone
            row |= {"whole_sdr_db": score.sdr_db, "whole_si_sdr_db": score.si_sdr_db}
            for at, name in enumerate(names):
                there = at < len(score.mse)
                row[f"snr_{name}_db"] = score.snr_db[at] if there else math.nan
                row[f"mse_{name}"] = score.mse[at] if there else math.nan
            row |= {"silent_frames": score.silent_frames, "leak_db": score.leak_db}
            rows.append(row)
    return rows


def songs_csv(report: UnmixEvaluation) -> str:
    """Return `song_rows` as CSV; a figure that does not exist is empty."""
    rows = song_rows(report)
    memory = io.StringIO()
    writer = csv.DictWriter(memory, list(rows[0]) if rows else [], lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: _cell(value) for name, value in row.items()})
    return memory.getvalue()


def channel_names(report: UnmixEvaluation) -> tuple[str, ...]:
    """Return what the channels are called; songs of one channel stand with the first of others."""
    count = max(song.channels for song in report.songs)
    return CHANNELS.get(count, tuple(f"channel_{number}" for number in range(1, count + 1)))


def _protocol(report: UnmixEvaluation) -> Iterator[tuple[str, str]]:
    p, speed = report.protocol, report.speed
    yield "data", f"{p['data']} in {p['folder']}, part {p['part']!r}"
    measured = f"{len(report.songs)} of {p['songs_there']}, {speed.song_s:.0f} s in all, {_list(p['song_rates_hz'])} Hz"
    yield "songs", measured + (f"; measured before: {p['resumed']}" if p["resumed"] else "")
    cut = [song for song in report.songs if song.pieces > 1]
    if cut:
        limit = p["measures"]["longest_s"]
        yield "in pieces", f"BSS Eval of {len(cut)} songs longer than {limit:g} s, with filters for each piece"
    for song, error in report.failed:
        yield "left out", f"{song}: {error}"
    yield "engine", f"{p['model']} ({_list(p['stems'])}; {p['sample_rate_hz']} Hz)"
    for name, title in FROM_CARDS.items():
        told = _told(p["card"], name)
        if told:
            yield title, told
    power = {1: "magnitudes", 2: "powers"}[p["measures"]["ideal_power"]]
    yield "ideal mask", f"ratio of {power} (α = {p['measures']['ideal_power']})"
    how = f"{p['jobs']} processes of one thread" if p["jobs"] else f"one process, {p['threads']} threads"
    yield (
        "speed",
        f"{speed.compute_s:.1f} s of computing, real-time factor {speed.real_time_factor:.3f} "
        f"(songs: {speed.fastest:.3f} … {speed.slowest:.3f}); {how}, device {p['device']}",
    )
    yield "command", f"`{p['command']}`"


def _told(card: Mapping[str, Any], name: str) -> str:
    """What a card says, and the cards in it.

    >>> _told({"vocals": {"data": "a"}, "accompaniment": {"data": {"songs": "MIT", "more": "CC0"}}}, "data")
    'vocals: a; accompaniment: songs (MIT), more (CC0)'
    """
    own = card.get(name)
    if isinstance(own, Mapping):
        own = _list([f"{folder} ({licence})" for folder, licence in own.items()])
    elif isinstance(own, list | tuple):
        own = _list(own)
    inner = {part: _told(value, name) for part, value in card.items() if isinstance(value, Mapping) and part != name}
    parts = [f"{part}: {text}" for part, text in inner.items() if text]
    return "; ".join([*([str(own)] if own else []), *parts])


def _frames(rows: Sequence[StemRow]) -> str:
    """BSS Eval: one line a stem."""
    heading = ["stem", "songs", "SDR", "mixture", "ideal mask", "ISR", "SIR", "SAR", "pooled", "mean", "95 %"]
    heading += ["gain", "95 %", "frames", "NaN frames"]
    lines = []
    for row in rows:
        ours = row.frames[ENGINE]
        lines.append(
            [
                row.stem,
                str(ours["sdr"].songs),
                f"**{decibels(ours['sdr'].median)}**",
                decibels(row.frames[MIXTURE]["sdr"].median),
                decibels(row.frames[IDEAL]["sdr"].median),
                *(decibels(ours[measure].median) for measure in MEASURES[1:]),
                decibels(ours["sdr"].pooled_median),
                *with_interval(row.mean_sdr),
                *with_interval(row.sdr_gain, sign="+"),
                str(ours["sdr"].frames + ours["sdr"].nan_frames),
                str(ours["sdr"].nan_frames),
            ]
        )
    return "BSS Eval v4, dB:\n\n" + markdown_table(heading, lines)


def _whole(rows: Sequence[StemRow]) -> str:
    """Whole songs: one line a stem and system."""
    count = max(len(whole.mse) for row in rows for whole in row.whole.values())
    names = CHANNELS.get(count, tuple(str(number) for number in range(1, count + 1)))
    heading = ["stem", "of", "SDR", "SI-SDR", *(f"SNR {name}" for name in names), *(f"MSE {name}" for name in names)]
    heading += ["SDR gain", "95 %", "SI-SDR gain", "95 %", "absent", "alone", "silent s", "leak"]
    lines = []
    for row in rows:
        for system in SYSTEMS:
            whole = row.whole[system]
            line = [row.stem if system == ENGINE else "", system, decibels(whole.sdr_db), decibels(whole.si_sdr_db)]
            line += [decibels(value) for value in whole.snr_db] + [_small(value) for value in whole.mse]
            if system == ENGINE:
                line += [*with_interval(row.whole_sdr_gain, sign="+"), *with_interval(row.si_sdr_gain, sign="+")]
                line += [f"{row.absent} of {row.songs}", str(row.alone), str(row.silent_frames), decibels(row.leak_db)]
            lines.append(line + [""] * (len(heading) - len(line)))
    return "Whole songs, dB; MSE of samples in ±1:\n\n" + markdown_table(heading, lines)


def _songs(report: UnmixEvaluation) -> str:
    """SDR of each song: engine, and in brackets the gain over the mixture."""
    columns = [(row.division, row.stem) for row in report.rows]
    several = len({division for division, _ in columns}) > 1
    heading = ["song", "s", "factor"]
    heading += [f"{stem} (of {len(division.split(' / '))})" if several else stem for division, stem in columns]
    lines = []
    for song in report.songs:
        of = {
            (score.division, score.stem, score.system): math.nan if score.alone else score.median()
            for score in song.scores
        }
        line = [song.song.replace("|", "\\|"), f"{song.duration_s:.0f}", f"{song.real_time_factor:.3f}"]
        for key in columns:
            ours, gain = of[*key, ENGINE], of[*key, ENGINE] - of[*key, MIXTURE]
            line.append("–" if math.isnan(ours) else f"{decibels(ours)} ({decibels(gain, sign='+')})")
        lines.append(line)
    return "Median SDR over the frames, dB, and the gain over the mixture:\n\n" + markdown_table(heading, lines, left=1)


def markdown_table(heading: Sequence[str], lines: Sequence[Sequence[str]], left: int = 1) -> str:
    """A Markdown table, padded so that it can be read as it stands; the first columns are aligned to the left."""
    widths = [max(len(line[at]) for line in (heading, *lines)) for at in range(len(heading))]

    def row(cells: Sequence[str]) -> str:
        padded = (c.ljust(w) if at < left else c.rjust(w) for at, (c, w) in enumerate(zip(cells, widths, strict=True)))
        return f"| {' | '.join(padded)} |"

    rule = "|".join("-" * (w + 2) if at < left else "-" * (w + 1) + ":" for at, w in enumerate(widths))
    return "\n".join([row(heading), f"|{rule}|", *map(row, lines)])


def with_interval(found: MeanOverSongs, sign: str = "") -> tuple[str, str]:
    """Spell a mean and its interval, with a dash for what does not exist."""
    interval = "–" if math.isnan(found.low) else f"{decibels(found.low)} … {decibels(found.high)}"
    return decibels(found.mean, sign=sign), interval


def decibels(value: float, sign: str = "") -> str:
    """Spell a level.

    >>> [decibels(value, sign="+") for value in (1.234, -0.5, float("nan"), float("-inf"))]
    ['+1.23', '−0.50', '–', '−∞']
    """
    if math.isnan(value):
        return "–"
    text = "∞" if math.isinf(value) else f"{abs(value):.2f}"
    minus = value < 0 and text != "0.00"
    return ("−" if minus else sign) + text


def _small(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.2e}"


def _cell(value: Any) -> Any:
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.6g}"
    return value


def _list(values: Sequence[Any]) -> str:
    return ", ".join(map(str, values))

"""A report on separated videos as text: Markdown for people, CSV with a row for each object and system."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Sequence
from typing import Final

from soundsieve.evaluation.unmix_tables import decibels, markdown_table
from soundsieve.evaluation.watch_report import DEFINITIONS, ObjectRow, Over, WatchEvaluation
from soundsieve.evaluation.watch_scores import CHOICE, ENGINE, GAINS, IDEAL, MEASURES, MIXTURE, ORACLE, SYSTEMS

TITLES: Final = {"sdr": "SDR", "si_sdr": "SI-SDR", "bss_sdr": "BSS SDR", "sir": "SIR", "sar": "SAR"}


def markdown(report: WatchEvaluation, *, pictures: Sequence[str] = ()) -> str:
    """Return a report as a page.

    Args:
        report: What to tell.
        pictures: Files beside the page to be shown in it.
    """
    parts = ["\n".join(f"- {name}: {value}" for name, value in _protocol(report))]
    if report.overall.objects:
        parts += ["## All objects", _overall(report.overall)]
        parts += ["## By object", _rows("object", report.labels), "## By pair", _rows("pair", report.pairs)]
    if report.seeing:
        parts += ["## What is seen", _seeing(report)]
    if report.false:
        parts += ["## Tracks of what makes no sound", _false(report)]
    if report.base_map is not None and report.base_map.bases:
        parts += ["## Where the bases went", _base_map(report)]
    parts += [f"![{name.rpartition('.')[0]}]({name})" for name in pictures]
    parts.append("\n".join(f"- {name}: {meaning}." for name, meaning in DEFINITIONS.items()))
    return "\n\n".join(parts) + "\n"


def objects_csv(report: WatchEvaluation) -> str:
    """Return a row for each sounding object and system as CSV; a figure that does not exist is empty."""
    memory = io.StringIO()
    writer = csv.writer(memory, lineterminator="\n")
    writer.writerow(["video", "object", "system", "found", *(f"{measure}_db" for measure in MEASURES)])
    for video in report.videos:
        for score in video.scores:
            figures = [getattr(score, measure) for measure in MEASURES]
            cells = ["" if math.isnan(value) else f"{value:.6g}" for value in figures]
            writer.writerow([video.name, score.label, score.system, score.found, *cells])
    return memory.getvalue()


def _protocol(report: WatchEvaluation) -> Iterator[tuple[str, str]]:
    p = report.protocol
    yield "data", f"{', '.join(p['data'])}, part {p['part']!r}"
    before = f"; measured before: {p['resumed']}" if p["resumed"] else ""
    length = f"{report.duration_s:.0f} s in all"
    if p["truth"] == "tracks":
        sounding = f"with {p['objects']} objects that sound" if p["objects"] else "with any number of objects"
        yield "videos", f"{len(report.videos)} of {p['there']} {sounding}, true tracks known, {length}{before}"
    else:
        yield (
            "videos",
            f"{len(report.videos)} mixtures of two with equal energy, drawn with seed {p['seed']} from {p['there']} "
            f"videos of a single object, {length}{before}",
        )
    if report.alone:
        yield "without scores", f"{report.alone} videos in which a single thing sounds"
    for video, error in report.failed:
        yield "left out", f"{video}: {error}"
    if p["missing"]:
        yield "missing", f"{p['missing']} videos that the data set names"
    yield "labels", _labels(report)
    yield "engine", f"{p['engine']}: {p['model']}, weights {str(p['weights'])[:12]}, {len(p['known'])} objects known"
    choice = p["choice"]
    if choice:
        yield "choice of bases", ", ".join(f"{name} {value}" for name, value in choice.items())
    m = p["measures"]
    yield (
        "measures",
        f"one channel at {m['front_end']['sample_rate']} Hz, BSS Eval with {m['taps']} taps; oracle: "
        f"{m['front_end']['components']} bases for each sound",
    )
    how = "one process" if p["jobs"] is None else f"{p['jobs']} processes of one thread"
    each = report.compute_s / report.duration_s * 10
    yield "speed", f"{report.compute_s:.1f} s of computing, {each:.2f} s for 10 s of sound; {how}, device {p['device']}"
    yield "command", f"`{p['command']}`"


def _labels(report: WatchEvaluation) -> str:
    p = report.protocol
    if p["labels"] == "true":
        return "the true ones" if p["truth"] == "tracks" else "those of the data set"
    rule = p["seen"]["rule"]
    least = p["seen"]["least_evidence"] if rule == "evidence" else p["seen"]["threshold"]
    return f"seen by {p['vision']}, rule {rule} from {least:g} on"


def _overall(row: ObjectRow) -> str:
    heading = ["measure", "of", "median", "mean", "gain: median", "mean", "95 %"]
    lines = []
    for measure in MEASURES:
        for system in SYSTEMS:
            level = row.levels[system][measure]
            line = [TITLES[measure] if system == MIXTURE else "", system, decibels(level.median), decibels(level.mean)]
            gain = row.gains[system][measure] if system != MIXTURE and measure in GAINS else None
            lines.append(line + (["", "", ""] if gain is None else _gain(gain)))
    found = row.objects - row.missed
    text = f"{found} of {row.objects} objects found, dB:\n\n" + markdown_table(heading, lines, left=2)
    below = row.below_oracle
    text += f"\n\nEngine minus oracle bases, SDR: {decibels(below.mean, sign='+')} dB ({_interval(below)})."
    if row.missed:
        lines = [
            [
                system,
                decibels(row.all_levels[system].median),
                decibels(row.all_levels[system].mean),
                *(["", "", ""] if system == MIXTURE else _gain(row.all_gains[system])),
            ]
            for system in SYSTEMS
        ]
        text += f"\n\nSDR of all {row.objects} objects, the {row.missed} missed ones as silence, dB:\n\n"
        text += markdown_table(["of", *heading[2:]], lines)
    return text


def _rows(title: str, rows: Sequence[ObjectRow]) -> str:
    heading = [title, "videos", "missed", "SDR mixture", "engine", "gain", "95 %", CHOICE, ORACLE, IDEAL]
    heading += ["SI-SDR gain", "BSS SDR gain", "SIR gain", "SAR", "gain of all"]
    lines = []
    for row in rows:
        ours, gains = row.levels[ENGINE], row.gains[ENGINE]
        lines.append(
            [
                row.name,
                str(row.videos),
                f"{row.missed} of {row.objects}",
                decibels(row.levels[MIXTURE]["sdr"].mean),
                decibels(ours["sdr"].mean),
                decibels(gains["sdr"].mean, sign="+"),
                _interval(gains["sdr"]),
                *(decibels(row.gains[system]["sdr"].mean, sign="+") for system in (CHOICE, ORACLE, IDEAL)),
                *(decibels(gains[measure].mean, sign="+") for measure in ("si_sdr", "bss_sdr", "sir")),
                decibels(ours["sar"].mean),
                decibels(row.all_gains[ENGINE].mean, sign="+"),
            ]
        )
    return "Means over found objects, dB; gains of SDR but where another measure is named:\n\n" + markdown_table(
        heading, lines
    )


def _seeing(report: WatchEvaluation) -> str:
    heading = ["rule", "videos", "right", "wrong", "missed", "precision", "recall", "F1", "all right"]
    lines = [
        [row.rule, str(row.videos), str(row.right), str(row.wrong), str(row.missed)]
        + [_percent(value) for value in (row.precision, row.recall, row.f1, row.whole)]
        for row in report.seeing
    ]
    return "Labels against what is visible, whether it sounds or not:\n\n" + markdown_table(heading, lines)


def _false(report: WatchEvaluation) -> str:
    heading = ["object", "tracks", "median", "mean", "95 %", "below −20 dB"]
    lines = [
        [
            row.kind,
            str(row.level.objects),
            decibels(row.level.median),
            decibels(row.level.mean),
            _interval(row.level),
            _percent(row.silent),
        ]
        for row in report.false
    ]
    return "Their level against the mixture, dB:\n\n" + markdown_table(heading, lines)


def _base_map(report: WatchEvaluation) -> str:
    found = report.base_map
    if found is None:
        return ""
    text = (
        f"Of {found.bases} bases that are of an object with a track, in videos with several tracks, "
        f"{_percent(found.right)} went to it ({_percent(found.right_energy)} by energy) and {_percent(found.rest)} to "
        f"the rest; guessing among the tracks gives {_percent(found.guess)}."
    )
    if found.foreign:
        text += (
            f" Of {found.foreign} bases of what has no track, {_percent(found.foreign_taken)} went to an object "
            "nevertheless."
        )
    return text


def _gain(gain: Over) -> list[str]:
    return [decibels(gain.median, sign="+"), f"**{decibels(gain.mean, sign='+')}**", _interval(gain)]


def _interval(found: Over) -> str:
    return "–" if math.isnan(found.low) else f"{decibels(found.low)} … {decibels(found.high)}"


def _percent(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.1%}"

"""A report on the screen: the protocol in a few lines, then the numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console, Group, RenderableType
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from soundsieve.evaluation.report import DEFINITIONS, ClassRow, ConditionRow, Gain, Leakage, Report, Summary

WIDTH = 142  # columns that the widest table needs with levels of usual length
_WIDEST = 400

_MEASURED = ("SDR in", "out", "SDR gain", "median", "SI-SDR gain", "median", "silence", "ideal mask")


def render(report: Report) -> RenderableType:
    """Return what `rich.print` shows of a report."""
    parts: list[RenderableType] = [_protocol(report.protocol), _conditions(report.conditions)]
    if report.classes:
        parts.append(_classes(report.classes, report.recordings))
    if report.leakage:
        parts.append(_leakage(report.leakage))
    return Group(*parts, _definitions(report))


def _protocol(p: Mapping[str, Any]) -> Text:
    m = p["mixture"]
    count = sum(p["recordings_per_class"].values())
    gate = "with its gate" if p["gate"] else "without a gate"
    events = f"{m['events']} events of {_span(m['event_s'])} s, {_span(m['background_db'])} dB above the background"
    cuts = f"cuts chosen to sound for {m['activity']:.0%} of their length where the recording allows"
    if m["event_level_db"] is not None:
        low, high = m["event_level_db"]
        cuts = f"levels equalised, then varied by {low:g} to {high:+g} dB; {cuts}"
    lines = [
        f"Model: {p['model']} ({p['architecture']}), {len(p['classes'])} classes, {p['sample_rate_hz']} Hz, {gate}.",
        f"Recordings: subset {p['subset']!r} of {', '.join(p['events'])}, {count} in {len(p['recordings_per_class'])} "
        f"classes; backgrounds: {', '.join(p['backgrounds']) or 'none'}, {p['background_recordings']}.",
        f"Mixtures: {p['mixtures']} a set, {m['duration_s']:g} s, {events}; seed {p['seed']}.",
        f"Events: {cuts}.",
    ]
    if p["classes_without_recordings"]:
        lines.append(f"Not tested, for want of recordings: {', '.join(p['classes_without_recordings'])}.")
    return Text("\n".join(lines) + "\n")


def _span(limits: Sequence[float]) -> str:
    low, high = limits
    return f"{low:g}" if low == high else f"{low:g}–{high:g}"


def _conditions(rows: tuple[ConditionRow, ...]) -> Table:
    table = _table("Mean levels in dB, [95 % interval]", "Asked for", ("by recording",))
    before = ""
    for row in rows:
        name = f"{row.condition}, {row.recordings}"
        if name != before:
            table.add_section()
            table.add_row(Text(name, style="bold"))
        low, high = row.summary.by_recording
        wide = f"[{low:.1f}, {high:.1f}]" if math.isfinite(low) else "–"
        table.add_row(f"  {row.task}", *_cells(row.summary), wide)
        before = name
    return table


def _classes(rows: tuple[ClassRow, ...], recordings: str) -> Table:
    table = _table(f"Each class kept alone, {recordings} recordings", "Class", ("absent", "AUC"))
    for row in sorted(rows, key=lambda row: -row.summary.sdr.mean):
        table.add_row(row.label, *_cells(row.summary), _level(row.absent_db), _number(row.auc, ".3f"))
    return table


def _table(title: str, first: str, last: tuple[str, ...] = ()) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1), collapse_padding=True)
    table.add_column(first, no_wrap=True)
    for name in ("n", *_MEASURED, *last):
        table.add_column(name, justify="right", no_wrap=True)
    return table


def _cells(s: Summary) -> list[str]:
    return [
        str(s.queries),
        _level(s.input_sdr),
        _level(s.output_sdr),
        _interval(s.sdr),
        _level(s.sdr.median),
        _interval(s.si_sdr),
        _level(s.si_sdr.median),
        _level(s.silence),
        _level(s.ideal_sdr),
    ]


def _leakage(rows: tuple[Leakage, ...]) -> Table:
    title = "Asked for one class: energy handed over against the mixture's, dB"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1), collapse_padding=True)
    table.add_column("Recordings")
    for name in ("absent: n", "median", "95th %", "silenced", "present: median", "5th %", "AUC", "AUC per class"):
        table.add_column(name, justify="right")
    for row in rows:
        absent = [str(row.queries), _level(row.median_db), _level(row.high_db), _number(row.silenced, ".0%")]
        present = [_level(row.present_median_db), _level(row.present_low_db)]
        table.add_row(row.recordings, *absent, *present, _number(row.auc, ".3f"), _number(row.auc_per_class, ".3f"))
    return table


def _definitions(report: Report) -> Text:
    lines = [f"{name}: {meaning}." for name, meaning in DEFINITIONS.items()]
    unanswered = sum(row.summary.unanswered for row in report.conditions)
    if unanswered:
        lines.append(f"{unanswered} of these queries were answered with silence; they count in the SDR, not in SI-SDR.")
    return Text("\n".join(lines), style="dim")


def _interval(gain: Gain) -> str:
    if not math.isfinite(gain.mean):
        return "–"
    return f"{gain.mean:+.2f} [{gain.low:.1f}, {gain.high:.1f}]"


def _level(value: float) -> str:
    return _number(value, "+.1f")


def _number(value: float, form: str) -> str:
    return format(value, form) if math.isfinite(value) else "–"


def show(report: Report) -> None:
    """Print a report, on a narrow terminal too at the width that its tables need."""
    shown, wide = render(report), Console(width=_WIDEST)
    needed = Measurement.get(wide, wide.options, shown).maximum
    Console(width=max(Console().width, WIDTH, needed)).print(shown)

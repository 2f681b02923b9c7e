"""A classifier's report on the screen: the protocol in a few lines, then the numbers."""

from __future__ import annotations

from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from soundsieve.evaluation.heard import Heard
from soundsieve.evaluation.tag_report import PROTOCOLS, Accuracy, TagReport

_MANY = 10  # models of which each has its value printed


def show(report: TagReport) -> None:
    """Print a report; a terminal that is too narrow gets it unwrapped."""
    Console(highlight=False, markup=False, soft_wrap=True).print(render(report))


def render(report: TagReport) -> RenderableType:
    """Return what `rich.print` shows of a report."""
    parts: list[RenderableType] = [_protocol(report), _accuracy(report), _classes(report), _rest(report)]
    if report.times is not None:
        parts += [_times(report.times), _times_rest(report.times)]
    return Group(*parts)


def _protocol(report: TagReport) -> Text:
    p = report.protocol
    return Text(
        f"Model: {p['model']} ({p['architecture']}, {p['parameters']:,} parameters), {len(p['classes'])} classes.\n"
        f"Recordings: {', '.join(p['data'])}; {PROTOCOLS[p['protocol']]}; seed {p['seed']}, {p['epochs']} epochs.\n"
    )


def _accuracy(report: TagReport) -> Table:
    table = Table(title="Accuracy in %", title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("weights")
    for heading in ("clips", "mean", "95 % by source", "of each fold", "95 % of folds"):
        table.add_column(heading, justify="right")
    for row in report.accuracy:
        table.add_row(
            row.weights,
            str(row.clips),
            _percent(row.mean),
            f"{_percent(row.low)} … {_percent(row.high)}",
            _each([_percent(value) for value in row.of_folds]),
            _between_folds(row),
        )
    return table


def _each(values: list[str]) -> str:
    """Write out a value for each model, or the range of many."""
    return " ".join(values) if len(values) <= _MANY else f"{min(values, key=float)} … {max(values, key=float)}"


def _between_folds(row: Accuracy) -> str:
    if row.folds_low is None or row.folds_high is None:
        return ""
    return f"{_percent(row.folds_low)} … {_percent(row.folds_high)}"


def _classes(report: TagReport) -> Table:
    table = Table(title="Each class", title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("class")
    for heading in ("clips", "precision", "recall", "F1"):
        table.add_column(heading, justify="right")
    table.add_column("taken for")
    for place, row in enumerate(report.classes):
        taken = {report.classes[k].label: int(n) for k, n in enumerate(report.confusion[place]) if n and k != place}
        ranked = sorted(taken, key=lambda name: (-taken[name], name))[:3]
        words = ", ".join(f"{name} {taken[name]}" for name in ranked)
        table.add_row(row.label, str(row.clips), _share(row.precision), _share(row.recall), _share(row.f1), words)
    return table


def _rest(report: TagReport) -> Text:
    c, u = report.calibration, report.unknown
    lines = [
        f"Recall averaged over the classes: {_percent(report.mean_recall)} %.",
        f"Expected calibration error: {_percent(c.error_before)} % before, {_percent(c.error_after)} % after dividing "
        f"logits by {_each([f'{value:.2f}' for value in c.temperatures])}.",
    ]
    if u is not None:
        lines.append(
            f'Unknown sounds: {_percent(u.rejected)} % of {u.clips} were answered "unknown", and so were '
            f"{_percent(u.known_rejected)} % of the clips above."
        )
    lines.append("by source: had clips of other sources been tested (bootstrap); of folds: Student's interval.")
    return Text("\n".join(lines))


def _times(times: Heard) -> Table:
    title = f"When: {times.mixtures} mixtures, stretches of {times.stretch_s:.3f} s, in %"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("class")
    for heading in ("stretches", "average precision", "precision", "recall", "F1"):
        table.add_column(heading, justify="right")
    for row in times.classes:
        shares = (row.average_precision, row.precision, row.recall, row.f1)
        table.add_row(row.label, str(row.stretches), *(_share(value) for value in shares))
    return table


def _times_rest(times: Heard) -> Text:
    t = times
    return Text(
        f"Mean average precision {_percent(t.average_precision)} %; F1 of all decisions {_percent(t.f1)} % "
        f"({_percent(t.low)} … {_percent(t.high)} by mixture).\n"
        f"Scores and how often they are right are {_percent(t.error_before)} % apart before calibration and "
        f"{_percent(t.error)} % after;\nof being heard in a mixture at all, {_percent(t.mixture_error_before)} % and "
        f"{_percent(t.mixture_error)} %."
    )


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"


def _share(value: float | None) -> str:
    return "–" if value is None else _percent(value)

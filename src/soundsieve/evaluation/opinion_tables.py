"""Mean opinion scores on the screen: tables, and what they do not say in sentences below them."""

from __future__ import annotations

from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from soundsieve.evaluation.opinions import ALL, GOOD_REFERENCE, Opinions

_FEW_LISTENERS, _FEW_SONGS = 10, 4


def show(found: Opinions) -> None:
    """Print the scores; a terminal that is too narrow gets them unwrapped."""
    Console(highlight=False, markup=False, soft_wrap=True).print(render(found))


def render(found: Opinions) -> RenderableType:
    """Return what `rich.print` shows of a test's results."""
    parts: list[RenderableType] = [_scores(found)]
    if found.differences:
        parts.append(_differences(found))
    return Group(*parts, Text("\n".join(remarks(found))))


def remarks(found: Opinions) -> list[str]:
    """Say in sentences how far the numbers can be trusted."""
    said = ["95 %: had other listeners and songs been drawn."]
    if not found.rows:
        said = ["No rating is left."]
    for what, number, few in (("listener", len(found.listeners), _FEW_LISTENERS), ("song", _songs(found), _FEW_SONGS)):
        if number < few:
            many = f"{number} {what}{'s' if number != 1 else ''}"
            said.append(f"{many}: too few for the intervals to be relied on; they come out too narrow.")
    names = {row.stem for row in found.rows}
    if len(names - {ALL}) > 1 and found.shared < found.stems:
        which = f"every system was rated on {found.shared} of {found.stems} stems of songs"
        said.append(f"{ALL}: {which}; over those." if ALL in names else f"No {ALL}: {which}, of fewer than two kinds.")
    if found.without:
        said.append(f"Left out as asked: {', '.join(found.without)}.")
    done = "left out" if found.screened else "counted all the same; --screen leaves them out"
    said += [
        f"{doubt.listener} rated {doubt.missed} of {doubt.references} hidden references below {GOOD_REFERENCE}: {done}."
        for doubt in found.doubts
    ]
    return said


def _songs(found: Opinions) -> int:
    return max((row.songs for row in found.rows), default=0)


def _scores(found: Opinions) -> Table:
    table = Table(title="Mean opinion scores, 1 to 10", title_justify="left", box=box.SIMPLE_HEAD)
    for heading in ("stem", "system"):
        table.add_column(heading)
    for heading in ("MOS", "95 %", "ratings", "listeners", "songs"):
        table.add_column(heading, justify="right")
    for row in found.rows:
        counts = (str(row.ratings), str(row.listeners), str(row.songs))
        table.add_row(row.stem, row.system, f"{row.mos:.2f}", _span(row.low, row.high), *counts)
    return table


def _differences(found: Opinions) -> Table:
    table = Table(title="Differences, same listener and song", title_justify="left", box=box.SIMPLE_HEAD)
    for heading in ("stem", "systems"):
        table.add_column(heading)
    for heading in ("difference", "95 %", "pairs"):
        table.add_column(heading, justify="right")
    for row in found.differences:
        names = f"{row.system} − {row.other}"
        table.add_row(row.stem, names, f"{row.mean:+.2f}", _span(row.low, row.high, "+.2f"), str(row.pairs))
    return table


def _span(low: float | None, high: float | None, form: str = ".2f") -> str:
    return "" if low is None or high is None else f"{low:{form}} … {high:{form}}"

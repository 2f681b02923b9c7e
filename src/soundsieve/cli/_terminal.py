"""What verbs say on the terminal besides their results: progress, and what went wrong with one file of several."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import typer

from soundsieve.errors import SoundsieveError


def complain(sentence: object) -> None:
    """Print a sentence on stderr."""
    typer.echo(f"soundsieve: {sentence}", err=True)


@contextmanager
def reported(file: Path, *, as_json: bool = False) -> Iterator[None]:
    """Say in a sentence what is wrong with one file, as JSON on stdout too if asked, and go on after the block."""
    try:
        yield
    except SoundsieveError as error:
        complain(error)
        if as_json:
            typer.echo(json.dumps({"file": str(file), "error": str(error)}))


@contextmanager
def progress_bar(title: str, *, shown: bool = True) -> Iterator[Callable[[float, float | None], None] | None]:
    """Show, where stderr is a terminal, how much is done and how long the rest will take.

    Yields:
        What to call with the amount done and the amount there is (None: not known); None where nothing is shown.
    """
    if not (shown and sys.stderr.isatty()):
        yield None
        return
    from rich import progress
    from rich.console import Console

    columns = (
        progress.TextColumn("{task.description}", markup=False),
        progress.BarColumn(),
        progress.TaskProgressColumn(),
        progress.TimeRemainingColumn(),
    )
    with progress.Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=None)

        def show(done: float, total: float | None) -> None:
            bar.update(task, completed=done, total=total)

        yield show

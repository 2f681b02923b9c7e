"""`soundsieve audit`: whether a data set's split keeps what belongs together apart from the test."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from soundsieve import datasets


def command(
    dataset: Annotated[str, typer.Argument(help="One of: " + ", ".join(datasets.names()) + ".")],
    folder: Annotated[Path, typer.Argument(help="The folder of your copy; for a table alone, audio is not needed.")],
    duplicates: Annotated[
        bool, typer.Option("--duplicates/--no-duplicates", help="Listen for recordings that are there twice.")
    ] = True,
    ladder: Annotated[bool, typer.Option("--ladder", help="Score a plain classifier under each division.")] = False,
    similarity: Annotated[float, typer.Option(min=0.1, max=1.0, help="Least similarity of a near-duplicate.")] = 0.5,
    folds: Annotated[int, typer.Option(min=2, help="Folds of the ladder's own divisions.")] = 5,
    seed: Annotated[int, typer.Option(min=0, help="Decides the ladder's own divisions.")] = 0,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="A file for the report as JSON.")] = None,
    force: Annotated[bool, typer.Option(help="Replace a report that is there already.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="No progress.")] = False,
) -> None:
    """Find sources in two parts, near-duplicates and labels that disagree; exit with 2 when there is a fault."""
    from rich.console import Console

    from soundsieve.cli._terminal import progress_bar
    from soundsieve.evaluation.audit_report import check_file
    from soundsieve.evaluation.ladder import LadderSettings
    from soundsieve.evaluation.near_duplicates import DuplicateSettings
    from soundsieve.systems.audit_dataset import AuditSettings, audit_dataset

    if out is not None:
        check_file(out, force=force)
    settings = AuditSettings(
        search=DuplicateSettings(similarity=similarity) if duplicates else None,
        ladder=LadderSettings(folds=folds, seed=seed) if ladder else None,
    )
    with progress_bar("recordings", shown=not quiet) as progress:
        report = audit_dataset(dataset, folder, settings, progress=progress)
    if as_json:
        typer.echo(json.dumps(report.to_json(), ensure_ascii=False))
    else:
        Console(highlight=False, markup=False, soft_wrap=True).print(report.render())
    if out is not None:
        report.save(out, force=force)
        typer.echo(f"wrote {out}", err=True)
    if not report.ok:
        raise typer.Exit(2)

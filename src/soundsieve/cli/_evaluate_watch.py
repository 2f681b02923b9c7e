"""`soundsieve evaluate watch`: videos are taken apart and compared with their true sounds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import typer

from soundsieve.cli._terminal import complain, progress_bar
from soundsieve.errors import SettingsError


class VideoRun(NamedTuple):
    """Which videos are taken apart, and how."""

    places: list[str]
    engine: str | None
    model: str | None
    settings: dict[str, Any]
    rule: str
    resume: bool
    quiet: bool


def evaluate(run: VideoRun, folder: Path | None, *, force: bool, as_json: bool) -> None:
    """Evaluate, print and write the report."""
    from soundsieve.evaluation.watch_tables import markdown
    from soundsieve.systems.evaluate_watch import WatchEvaluationSettings, check_videos_folder, evaluate_watch

    if run.resume and force:
        raise SettingsError("give either --resume to go on with the report or --force to replace it")
    settings = WatchEvaluationSettings.parse({**run.settings, "seen": {"rule": run.rule}})
    if folder is not None:
        check_videos_folder(folder, force=force, resume=run.resume)
    try:
        with progress_bar("videos", shown=not run.quiet) as progress:
            found = evaluate_watch(
                run.places,
                settings,
                engine=run.engine,
                model=run.model,
                folder=folder,
                resume=run.resume,
                progress=progress,
                complain=complain,
            )
    except KeyboardInterrupt:
        kept = "" if folder is None else "; finished videos are kept, go on with the same command and --resume"
        raise KeyboardInterrupt(f"stopped{kept}") from None
    if as_json:
        typer.echo(json.dumps(found.to_json(), ensure_ascii=False, allow_nan=False))
    else:
        typer.echo(markdown(found), nl=False)
    if folder is not None:
        for path in found.save(folder, force=force or run.resume):
            typer.echo(f"wrote {path}", err=True)
    if found.failed:
        complain(f"{len(found.failed)} videos could not be used")
        raise typer.Exit(2)

"""`soundsieve evaluate`: how good a model is, and on what."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from soundsieve.errors import SettingsError, unknown_name

if TYPE_CHECKING:
    from soundsieve.systems.evaluate_select import EvaluationSettings

TASKS = ("select", "tag", "genre")


def command(
    task: Annotated[str, typer.Argument(help="What to evaluate: " + ", ".join(TASKS) + ".")],
    model: Annotated[
        str | None, typer.Option(help="A released name, a checkpoint or a run folder; the task's own if not given.")
    ] = None,
    data: Annotated[Path, typer.Option(help="The folder that holds the data sets.")] = Path("data"),
    recipe: Annotated[
        str | None, typer.Option(help="Other recordings than those of the model's own recipe: a name or a YAML file.")
    ] = None,
    subset: Annotated[str, typer.Option(help="Which of the recordings.")] = "test",
    mixtures: Annotated[int, typer.Option(min=1, help="Mixtures in each set; tag: for models that say when.")] = 500,
    seed: Annotated[int, typer.Option(min=0, help="Decides every mixture and every question.")] = 0,
    gate: Annotated[bool, typer.Option("--gate/--no-gate", help="select: as delivered, or the bare network.")] = True,
    ladder: Annotated[
        list[str] | None,
        typer.Option(help="genre: train this recipe or plain classifier under every division; repeat it for several."),
    ] = None,
    report: Annotated[Path | None, typer.Option(help="A folder for report.json and the figures.")] = None,
    force: Annotated[bool, typer.Option(help="Replace a report that is there already.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, mps.")] = "auto",
    quiet: Annotated[bool, typer.Option(help="No progress.")] = False,
) -> None:
    """Evaluate a model on recordings that its training never heard, and print the protocol beside the numbers.

    For tag a run folder with folds, and for genre any run folder, is summarised
    from what its models said of their test clips when they were trained.
    """
    if task not in TASKS:
        raise unknown_name("task", task, TASKS)
    from soundsieve.evaluation.report_folder import check_folder

    if report is not None:
        check_folder(report, force=force)
    if task == "genre":
        _genre(model, data, ladder or [], report, seed, force=force, as_json=as_json, quiet=quiet)
        return
    if ladder:
        raise SettingsError("--ladder: only tables of genre have one")
    if task == "tag":
        mixed = MixedSettings(mixtures, seed, quiet=quiet)
        _tag(model or task, data, recipe, subset, mixed, report, device, force=force, as_json=as_json)
        return
    from soundsieve.systems.evaluate_select import EvaluationSettings

    settings = EvaluationSettings(subset=subset, mixtures=mixtures, seed=seed, gate=gate)
    _select(model or task, data, settings, recipe, report, device, force=force, as_json=as_json, quiet=quiet)


def _select(
    model: str,
    data: Path,
    settings: EvaluationSettings,
    recipe: str | None,
    folder: Path | None,
    device: str,
    *,
    force: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    from soundsieve.cli._terminal import progress_bar
    from soundsieve.evaluation import tables
    from soundsieve.systems.evaluate_select import evaluate_selector

    with progress_bar("mixtures", shown=not quiet) as progress:
        found = evaluate_selector(model, data, settings, recipe=recipe, device=device, progress=progress)
    if as_json:
        _print_json(found.to_json())
    else:
        tables.show(found)
    if folder is not None:
        _tell(found.save(folder, force=force))


class MixedSettings(NamedTuple):
    """The mixtures on which it is judged when a model hears what."""

    mixtures: int
    seed: int
    quiet: bool


def _tag(
    model: str,
    data: Path,
    recipe: str | None,
    subset: str,
    mixed: MixedSettings,
    folder: Path | None,
    device: str,
    *,
    force: bool,
    as_json: bool,
) -> None:
    from soundsieve.cli._terminal import progress_bar
    from soundsieve.evaluation import tag_tables
    from soundsieve.systems.evaluate_tag import (
        evaluate_tagger,
        evaluate_times,
        has_folds,
        pictures,
        report_run,
        says_when,
    )

    if has_folds(Path(model)):
        found = report_run(Path(model))
    else:
        found = evaluate_tagger(model, data, subset=subset, recipe=recipe, device=device)
        if recipe is None and says_when(model):
            with progress_bar("mixtures", shown=not mixed.quiet) as progress:
                times = evaluate_times(
                    model,
                    data,
                    mixtures=mixed.mixtures,
                    subset=subset,
                    seed=mixed.seed,
                    device=device,
                    progress=progress,
                )
            found = replace(found, times=times)
    if as_json:
        _print_json(found.to_json())
    else:
        tag_tables.show(found)
    if folder is not None:
        _tell(found.save(folder, force=force, pictures=pictures(model, found)))


def _genre(
    model: str | None,
    data: Path,
    ladder: list[str],
    folder: Path | None,
    seed: int,
    *,
    force: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    from soundsieve.cli._terminal import progress_bar
    from soundsieve.evaluation import tag_tables
    from soundsieve.evaluation.report_folder import write_report
    from soundsieve.systems import evaluate_genre
    from soundsieve.training import genre_baselines

    if not ladder:
        if model is None or not Path(model).is_dir():
            raise SettingsError("name the run folder with --model, or recipes with --ladder")
        found = evaluate_genre.report_run(Path(model))
        if as_json:
            _print_json(found.to_json())
        else:
            tag_tables.show(found)
        if folder is not None:
            _tell(found.save(folder, force=force, pictures=evaluate_genre.pictures(Path(model), found, data)))
        return
    plain = [name for name in ladder if name in genre_baselines.names()]
    own = [name for name in ladder if name not in plain]
    with progress_bar("trainings", shown=not quiet) as progress:
        rows, figures = evaluate_genre.climb(own, data, seed=seed, baselines=plain, progress=progress)
    values = {"ladder": [row.to_json() for row in rows]}
    if as_json:
        _print_json(values)
    else:
        typer.echo(evaluate_genre.ladder_markdown(rows))
    if folder is not None:
        _tell(write_report(folder, values, figures))


def _print_json(values: dict[str, Any]) -> None:
    typer.echo(json.dumps(values, ensure_ascii=False, allow_nan=False))


def _tell(paths: list[Path]) -> None:
    for path in paths:
        typer.echo(f"wrote {path}", err=True)

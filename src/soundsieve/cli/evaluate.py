"""`soundsieve evaluate`: how good a model is, and on what."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from soundsieve.cli._evaluate_watch import VideoRun, evaluate
from soundsieve.errors import SettingsError, unknown_name

if TYPE_CHECKING:
    from soundsieve.systems.evaluate_select import EvaluationSettings

TASKS = ("select", "tag", "genre", "unmix", "watch")
DATA = Path("data")
_RESUMED = ("unmix", "watch")  # what keeps finished items in the folder of its report


def command(
    task: Annotated[str, typer.Argument(help="What to evaluate: " + ", ".join(TASKS) + ".")],
    model: Annotated[
        str | None, typer.Option(help="A released name, a checkpoint or a run folder; the task's own if not given.")
    ] = None,
    data: Annotated[
        list[Path] | None,
        typer.Option(
            help="The folder that holds the data sets, data/ if not given; unmix: songs with stems, or musdb18 in "
            "data/; watch: made_videos:FOLDER, videos or folders of them, repeated for several."
        ),
    ] = None,
    recipe: Annotated[
        str | None, typer.Option(help="Other recordings than those of the model's own recipe: a name or a YAML file.")
    ] = None,
    subset: Annotated[
        str, typer.Option("--subset", "--part", help="Which of the recordings; unmix, watch: `all` takes everything.")
    ] = "test",
    mixtures: Annotated[int, typer.Option(min=1, help="Mixtures in each set; tag: for models that say when.")] = 500,
    seed: Annotated[int, typer.Option(min=0, help="Decides every mixture, pair and question.")] = 0,
    gate: Annotated[bool, typer.Option("--gate/--no-gate", help="select: as delivered, or the bare network.")] = True,
    ladder: Annotated[
        list[str] | None,
        typer.Option(help="genre: train this recipe or plain classifier under every division; repeat it for several."),
    ] = None,
    songs: Annotated[
        int | None, typer.Option("--songs", "--limit", min=1, help="unmix, watch: at most so many songs or videos.")
    ] = None,
    stems: Annotated[str | None, typer.Option(help="unmix: only these rows, with commas.")] = None,
    engine: Annotated[str | None, typer.Option(help="watch: nmf or network.")] = None,
    labels: Annotated[
        str | None, typer.Option(help="watch: what the engine is told, what is `seen` or what is `true`ly visible.")
    ] = None,
    objects: Annotated[
        int | None, typer.Option(min=0, help="watch: made videos in which so many objects sound, 2; 0 takes all.")
    ] = None,
    pairs: Annotated[bool, typer.Option("--pairs", help="watch: mix videos in pairs, though tracks be known.")] = False,
    vision: Annotated[
        str | None, typer.Option(help="watch: who looks at the pictures; see `soundsieve watch`.")
    ] = None,
    rule: Annotated[str | None, typer.Option(help="watch: what counts as seen, evidence or published.")] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="unmix, watch: processes, of one thread each.")] = None,
    report: Annotated[Path | None, typer.Option(help="A folder for report.json and the figures.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="unmix, watch: pass over what the report has.")] = False,
    force: Annotated[bool, typer.Option(help="Replace a report that is there already.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, mps.")] = "auto",
    quiet: Annotated[bool, typer.Option(help="No progress.")] = False,
) -> None:
    """Evaluate a model on recordings that its training never heard, and print the protocol beside the numbers.

    For tag a run folder with folds, and for genre any run folder, is summarised
    from what its models said of their test clips when they were trained.
    For unmix songs are taken apart and compared with their stems; for watch
    videos, with their true tracks where these are known, else two are mixed.
    """
    if task not in TASKS:
        raise unknown_name("task", task, TASKS)
    from soundsieve.evaluation.report_folder import check_folder

    if report is not None:
        check_folder(report, force=force or (resume and task in _RESUMED))
    chosen = {"labels": labels, "objects": objects, "vision": vision, "pairs": pairs or None}
    if task == "watch":
        if stems or recipe or ladder:
            raise SettingsError("--stems, --recipe and --ladder: not for watch")
        chosen |= {"part": subset, "limit": songs, "seed": seed, "jobs": jobs, "device": device}
        given = {name: value for name, value in chosen.items() if value is not None}
        places = [str(place) for place in data or [DATA]]
        videos = VideoRun(places, engine, model, given, rule or "evidence", resume=resume, quiet=quiet)
        evaluate(videos, report, force=force, as_json=as_json)
        return
    if any(value is not None for value in (*chosen.values(), engine, rule)):
        raise SettingsError("--engine, --labels, --objects, --pairs, --vision and --rule: only for watch")
    if data is not None and len(data) > 1:
        raise SettingsError("--data: only watch takes several")
    root = data[0] if data else DATA
    if task == "unmix":
        run = SongRun(subset, songs, stems, jobs, resume=resume, quiet=quiet)
        _unmix(model, root, run, report, device, force=force, as_json=as_json)
        return
    if songs or stems or jobs or resume:
        raise SettingsError("--songs, --stems, --jobs and --resume: only for unmix; all but --stems for watch, too")
    if task == "genre":
        _genre(model, root, ladder or [], report, seed, force=force, as_json=as_json, quiet=quiet)
        return
    if ladder:
        raise SettingsError("--ladder: only tables of genre have one")
    if task == "tag":
        mixed = MixedSettings(mixtures, seed, quiet=quiet)
        _tag(model or task, root, recipe, subset, mixed, report, device, force=force, as_json=as_json)
        return
    from soundsieve.systems.evaluate_select import EvaluationSettings

    settings = EvaluationSettings(subset=subset, mixtures=mixtures, seed=seed, gate=gate)
    _select(model or task, root, settings, recipe, report, device, force=force, as_json=as_json, quiet=quiet)


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


class SongRun(NamedTuple):
    """Which songs are taken apart, and how the work is done."""

    subset: str
    songs: int | None
    stems: str | None
    jobs: int | None
    resume: bool
    quiet: bool


def _unmix(
    model: str | None, data: Path, run: SongRun, folder: Path | None, device: str, *, force: bool, as_json: bool
) -> None:
    from soundsieve.cli._terminal import complain, progress_bar
    from soundsieve.evaluation.unmix_tables import markdown
    from soundsieve.systems.evaluate_unmix import UnmixEvaluationSettings, check_songs_folder, evaluate_unmix

    if run.resume and force:
        raise SettingsError("give either --resume to go on with the report or --force to replace it")
    if folder is not None:
        check_songs_folder(folder, force=force, resume=run.resume)
    stems = None if run.stems is None else tuple(name.strip() for name in run.stems.split(","))
    values = {"subset": run.subset, "songs": run.songs, "stems": stems, "jobs": run.jobs, "device": device}
    try:
        with progress_bar("songs", shown=not run.quiet) as progress:
            found = evaluate_unmix(
                model,
                data,
                UnmixEvaluationSettings.parse(values),
                folder=folder,
                resume=run.resume,
                progress=progress,
                complain=complain,
            )
    except KeyboardInterrupt:
        kept = "" if folder is None else "; finished songs are kept, go on with the same command and --resume"
        raise KeyboardInterrupt(f"stopped{kept}") from None
    if as_json:
        _print_json(found.to_json())
    else:
        typer.echo(markdown(found), nl=False)
    if folder is not None:
        _tell(found.save(folder, force=force or run.resume))
    if found.failed:
        complain(f"{len(found.failed)} of {len(found.songs) + len(found.failed)} songs could not be measured")
        raise typer.Exit(2)


def _print_json(values: dict[str, Any]) -> None:
    typer.echo(json.dumps(values, ensure_ascii=False, allow_nan=False))


def _tell(paths: list[Path]) -> None:
    for path in paths:
        typer.echo(f"wrote {path}", err=True)

"""`soundsieve features`: describe music in the columns of GTZAN's public tables."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from soundsieve.cli._terminal import complain, progress_bar
from soundsieve.errors import SettingsError


class Edges(StrEnum):
    """What lies beyond the edges of what a row describes."""

    MIRROR = "mirror"
    SILENCE = "silence"


def command(
    files: Annotated[
        list[Path] | None, typer.Argument(readable=False, help="Recordings, videos with sound, or folders of them.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", readable=False, help="The table: a .csv or .parquet file."),
    ] = None,
    segments: Annotated[
        float | None,
        typer.Option(
            help="A row for each piece of so many seconds. An end shorter than half a piece is left out, unless it is "
            "all there is. Without it each recording, of 10 minutes at most, is one row."
        ),
    ] = None,
    edges: Annotated[
        Edges, typer.Option(help="Beyond the edges: the mirror image, as in the public tables, or silence.")
    ] = Edges.MIRROR,
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes; as many as there are processors.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the table that is there.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace the table that is there.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")] = False,
) -> None:
    """Describe music by 57 numbers: a table with a row for each recording, or for each piece of one.

    The columns are those of GTZAN's public tables: filename, length (samples
    at 22,050 Hz), the descriptors, label (the genre in a name of GTZAN's, or
    else the first folder below the one that is given).
    """
    if output is None:
        raise SettingsError("name the table with -o, for example -o features.csv")
    if resume and force:
        raise SettingsError("give either --resume to go on with the table or --force to replace it")
    from soundsieve.inference.music_rows import DescribeSettings
    from soundsieve.inference.side_by_side import processors
    from soundsieve.systems.describe_music import describe_music

    settings = DescribeSettings.parse({"segments": segments, "edges": edges.value})
    try:
        with progress_bar(output.name, shown=not quiet) as progress:
            found = describe_music(
                files or [],
                output,
                settings,
                jobs=jobs or processors(),
                existing="resume" if resume else "replace" if force else "refuse",
                progress=progress,
                complain=complain,
            )
    except KeyboardInterrupt:
        raise KeyboardInterrupt("stopped; what is done is kept, go on with the same command and --resume") from None
    if not quiet:
        if found.before:
            complain(f"{found.before} of {found.recordings} recordings were done before")
        if found.rows:
            typer.echo(f"{found.table}: {found.rows} rows")
    if found.failed:
        if found.recordings > 1:
            names = ", ".join(str(file) for file, _ in found.failed)
            complain(f"{len(found.failed)} of {found.recordings} could not be described: {names}")
        raise typer.Exit(2)

"""`soundsieve describe`: what is in a recording, and which verbs can take it apart."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from soundsieve.cli._terminal import progress_bar, reported
from soundsieve.errors import SettingsError

if TYPE_CHECKING:
    from soundsieve.systems.describe_recording import Description


def command(
    files: Annotated[
        list[Path] | None, typer.Argument(readable=False, help="Recordings, or videos with sound.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps.")] = "auto",
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object a file, also where one fails.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but results and errors.")] = False,
) -> None:
    """Say what is in a recording, and which verbs can take it apart.

    Sounds are named as by tag, and the style of music as by genre; what is
    printed below them can be typed as it stands.
    """
    if not files:
        raise SettingsError("name at least one recording to describe")
    from soundsieve.systems.describe_recording import Describer

    describer = Describer(device)
    done = 0
    for file in files:
        with reported(file, as_json=as_json):
            with progress_bar(file.name, shown=not quiet) as progress:
                found = describer.describe(file, progress=progress)
            typer.echo(json.dumps(found.to_dict(), allow_nan=False) if as_json else _text(found))
            done += 1
    if done < len(files):
        raise typer.Exit(2)


def _text(found: Description) -> str:
    length = "of unknown length" if found.duration_s is None else f"{found.duration_s:.1f} s"
    channels = "mono" if found.channels == 1 else f"{found.channels} channels"
    rows = {
        "heard": ", ".join(f"{label.label} {label.score:.2f}" for label in found.heard),
        "genre": ", ".join(f"{label.label} {label.score:.2f}" for label in found.genre),
        **found.commands,
    }
    if not found.commands:
        rows["verbs"] = "none that knows a way to take it apart"
    lines = [f"  {name:<7} {text}" for name, text in rows.items()]
    return "\n".join([f"{found.file}: {length}, {found.sample_rate} Hz, {channels}", *lines])

"""`soundsieve listen`: people's opinion of separated stems."""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from soundsieve.cli._terminal import complain
from soundsieve.errors import DatasetError, UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from soundsieve.evaluation.opinions import Opinions
    from soundsieve.evaluation.ratings import Rating, RatingsFile
    from soundsieve.web.listen import ListeningServer
    from soundsieve.web.listening_session import ListeningSettings


def command(
    folder: Annotated[Path, typer.Argument(help="Stems: SYSTEM/SONG.vocals.wav …, reference/ and mixture/ if any.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="The table of ratings, added to; FOLDER/ratings.csv.")
    ] = None,
    results: Annotated[bool, typer.Option("--results", help="Print what the ratings say, without a page.")] = False,
    screen: Annotated[
        bool, typer.Option("--screen", help="Leave out who rates over 15 % of the hidden references below 8.")
    ] = False,
    without: Annotated[
        list[str] | None, typer.Option("--without", metavar="NAME", help="Leave out a listener; can be repeated.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the scores as JSON.")] = False,
    excerpt: Annotated[float, typer.Option(help="Seconds heard of each song, where it is loudest; 1 to 120.")] = 15.0,
    trials: Annotated[int | None, typer.Option(min=1, help="Most trials for a listener, drawn for each.")] = None,
    anchor: Annotated[bool, typer.Option("--anchor", help="Hide the mixture among what is rated.")] = False,
    match_levels: Annotated[
        bool, typer.Option("--match-levels/--own-levels", help="Play the versions of a stem equally loud.")
    ] = True,
    seed: Annotated[int, typer.Option(min=0, help="Decides every listener's order.")] = 0,
    host: Annotated[str, typer.Option(help="The address to listen at; 0.0.0.0 lets the network in.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="0 for any that is free.")] = 8000,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page.")] = True,
) -> None:
    """Serve a page on which people rate stems from 1 to 10, and print mean opinion scores.

    The versions of a stem stand side by side without their systems' names, in
    an order of their own for each listener and stem. Ratings are saved after
    every stem, and a listener who comes back goes on. Ctrl-C ends the test.
    """
    from soundsieve.evaluation.opinions import opinions
    from soundsieve.evaluation.ratings import RatingsFile

    ratings = RatingsFile(output or folder / "ratings.csv")
    if results:
        rated = ratings.read()
        if not rated:
            raise DatasetError(f"{ratings.path}: there are no ratings yet")
        _print(opinions(rated, screen=screen, without=without or []), ratings.path, as_json=as_json)
    else:
        from soundsieve.web.listening_session import ListeningSettings

        settings = ListeningSettings.parse(
            {"excerpt_s": excerpt, "seed": seed, "anchor": anchor, "trials": trials, "match_levels": match_levels}
        )
        _serve(folder, ratings, settings, (host, port), browser=browser)
        rated = ratings.read()
        found = opinions(rated, screen=screen, without=_who_rated(without or [], rated))
        _print(found, ratings.path, as_json=as_json)


def _serve(
    folder: Path, ratings: RatingsFile, settings: ListeningSettings, place: tuple[str, int], *, browser: bool
) -> None:
    from soundsieve.evaluation.listening_check import check_recordings
    from soundsieve.evaluation.listening_material import find_material
    from soundsieve.web.listen import ListeningServer
    from soundsieve.web.listening_session import ListeningTest

    material = find_material(folder)
    ratings.check()
    for note in (*material.notes, *check_recordings(material)):
        complain(note)
    test = ListeningTest(material, ratings, settings, finished=lambda name: complain(f"{name} has finished"))
    with ListeningServer(test, host=place[0], port=place[1], report=complain) as server:
        asked = min(len(material.questions), settings.trials or len(material.questions))
        complain(f"{', '.join(material.systems)}: {asked} stems to rate for each listener")
        typer.echo(f"{server.address}  (Ctrl-C ends the test)", err=True)
        if server.network_address is not None:
            typer.echo(f"{server.network_address}  for others in the network", err=True)
        sys.stderr.flush()
        if browser:
            # Some browsers run until they are closed; the page must be served meanwhile.
            threading.Thread(target=_open_page, args=[server.address], daemon=True).start()
        _until_interrupted(server)


def _open_page(address: str) -> None:
    import webbrowser

    try:
        opened = webbrowser.open(address)
    except webbrowser.Error:
        opened = False
    if not opened:
        complain(f"no browser could be opened; go to {address}")


def _until_interrupted(server: ListeningServer) -> None:
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        typer.echo(err=True)  # the terminal shows ^C at the beginning of this line


def _who_rated(names: Sequence[str], rated: Sequence[Rating]) -> list[str]:
    """Say which of the listeners to be left out did not come, and return the others."""
    from soundsieve.evaluation.opinions import find_listeners

    found: list[str] = []
    for name in names:
        try:
            found += find_listeners([name], rated)
        except UnknownNameError as error:
            complain(error)
    return found


def _print(found: Opinions, path: Path, *, as_json: bool) -> None:
    from soundsieve.evaluation.opinion_tables import show

    if as_json:
        typer.echo(json.dumps(found.to_json(), ensure_ascii=False, allow_nan=False))
    elif found.rows or found.without or found.doubts:
        show(found)
        complain(f"all ratings are in {path}")
    else:
        complain("nobody has rated anything")

"""The command line: one file a verb, found by file name.

The module of a verb holds a function `command`; its annotations are the options and its docstring is the help. What is
slow to load is imported inside it.
"""

from __future__ import annotations

import functools
import pkgutil
import signal
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Annotated, Any

import typer

from soundsieve import __version__
from soundsieve.errors import SoundsieveError

_BAD_INPUT, _INTERRUPTED, _SIGNALLED = 2, 130, 128


def verbs() -> list[str]:
    """Every verb, by file name.

    >>> "select" in verbs()
    True
    """
    return sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_"))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit.

    Args:
        arguments: What follows the program's name; None takes them from the command line.

    The exit code is 0 when all went well, 2 for what the user can put right, 130 after Ctrl-C, 143 when told to
    end and 129 when its terminal was closed.
    """
    # A process that is told to end cleans up as after Ctrl-C, so that no half-written file stays behind.
    for name in ("SIGTERM", "SIGHUP"):  # the latter when its terminal is closed, and not on every system
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:  # as `nohup` asks
            signal.signal(number, lambda number, frame: sys.exit(_SIGNALLED + number))
    try:
        application()(args=None if arguments is None else list(arguments), prog_name="soundsieve")
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)


def application() -> typer.Typer:
    """Put the verbs together."""
    app = typer.Typer(
        name="soundsieve",
        help="Listens to a recording, tells you what is in it, and hands you the parts you want.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_options)
    for name in verbs():
        app.command(name.replace("_", "-"))(_guarded(import_module(f"{__name__}.{name}").command))
    return app


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(__version__)
        raise typer.Exit


def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and stop.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Take the options that come before a verb."""


def _guarded(command: Callable[..., Any]) -> Callable[..., Any]:
    """Turn the package's own errors into a sentence and an exit code; anything else is a fault of ours and is shown."""

    @functools.wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except SoundsieveError as error:
            typer.echo(f"soundsieve: {error}", err=True)
            raise typer.Exit(_BAD_INPUT) from None
        except KeyboardInterrupt as stop:
            typer.echo(f"soundsieve: {str(stop) or 'stopped'}", err=True)
            raise typer.Exit(_INTERRUPTED) from None

    return run

"""The package's own exceptions.

Each message is one sentence that names the file or field, what was found and what is allowed. The command line prints
it without a traceback and exits with code 2.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class SoundsieveError(Exception):
    """Anything a user can put right; the message is one sentence meant for them."""


class AudioError(SoundsieveError):
    """A recording that cannot be used: missing, empty, damaged, not audio, or holding NaN or infinite samples."""


class VideoError(SoundsieveError):
    """A video that cannot be used: no pictures in it, or none that can be decoded."""


class OutputError(SoundsieveError):
    """A result that cannot be written: the file exists already, or the place is not writable."""


class UnknownNameError(SoundsieveError):
    """A class, model, recipe or data set that does not exist; the message lists the nearest names."""


class SettingsError(SoundsieveError):
    """A setting with an unknown key or a value outside what is allowed."""


class DatasetError(SoundsieveError):
    """A data set folder that is missing, incomplete or not laid out as published."""


class CheckpointError(SoundsieveError):
    """A checkpoint that is missing, damaged, or made for another task."""


class DownloadError(SoundsieveError):
    """A file that cannot be fetched: no network, not there, or not what it should be."""


class MissingExtraError(SoundsieveError):
    """A feature that needs an optional dependency which is not installed."""


class Cancelled(SoundsieveError):  # noqa: N818 - it is a request that was honoured, not a fault
    """Raised inside a long call after its cancel token was set."""


def unknown_name(kind: str, name: str, allowed: Iterable[str]) -> UnknownNameError:
    """Return the error for a name that is not among `allowed`, with the nearest ones.

    >>> str(unknown_name("class", "dogg", ["dog", "rain"]))
    "unknown class 'dogg': did you mean 'dog'?"
    >>> str(unknown_name("model", "zzz", ["dog", "rain"]))
    "unknown model 'zzz': choose from dog, rain"
    """
    names = sorted(allowed)
    near = difflib.get_close_matches(name.lower(), names, n=3, cutoff=0.5)
    if near:
        hint = "did you mean " + " or ".join(repr(n) for n in near) + "?"
    elif names:
        hint = "choose from " + ", ".join(names)
    else:
        hint = "there is none installed"
    return UnknownNameError(f"unknown {kind} {name!r}: {hint}")

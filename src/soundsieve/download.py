"""Public files that are too large for the package: fetched once, checked, and kept in the user's cache."""

from __future__ import annotations

import hashlib
import http.client
import os
import re
import secrets
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO, TypeAlias
from urllib.parse import unquote, urlsplit

from soundsieve.errors import DownloadError, OutputError

Progress: TypeAlias = Callable[[int, int | None], None]
"""Called with the bytes done and the bytes there are, None where the server does not say."""

_TIMEOUT_S = 30.0  # without a byte
_BLOCK_BYTES = 1 << 20
_DIGEST = re.compile(r"-([0-9a-f]{8,64})\.")


def cache_folder() -> Path:
    """Return where fetched files are kept: `$XDG_CACHE_HOME/soundsieve`, or `~/.cache/soundsieve`.

    >>> cache_folder().name
    'soundsieve'
    """
    configured = os.environ.get("XDG_CACHE_HOME", "")
    base = Path(configured) if Path(configured).is_absolute() else Path.home() / ".cache"
    return base / "soundsieve"


def fetch(url: str, *, folder: Path | None = None, progress: Progress | None = None) -> Path:
    """Fetch a file, unless the cache has it.

    It appears under its name only when it is complete and its SHA-256 begins as its name says, in the way of
    `torch.hub`: `vggish-10086976.pth` begins with 10086976. An exception from `progress` ends the fetching and leaves
    nothing behind.

    Args:
        url: http, https or file; the last part of its path is the file's name, with 8 to 64 hexadecimal digits before
            the suffix.
        folder: Where it is kept; None is `cache_folder()`.
        progress: Called after every block, and at once with all of it where the cache has the file.

    Returns:
        The file.

    Raises:
        DownloadError: the server cannot be reached, does not have it, or sent something else.
        OutputError: it cannot be written.
        ValueError: the name does not say how the SHA-256 begins.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     there = Path(folder, "hello-2cf24dba.txt")
    ...     _ = there.write_text("hello")
    ...     fetch(there.as_uri(), folder=Path(folder, "cache")).read_text()
    'hello'
    """
    name = PurePosixPath(unquote(urlsplit(url).path)).name
    digits = _DIGEST.search(name)
    if digits is None:
        raise ValueError(f"{url}: expected a name with the first digits of its SHA-256, as in name-0123abcd.pth")
    path = (folder or cache_folder()) / name
    if path.is_file():
        size = path.stat().st_size
        if progress is not None:
            progress(size, size)
        return path
    temporary = path.with_name(f".{secrets.token_hex(8)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            found = _copy(url, path, file, progress)
        if not found.startswith(digits[1]):
            raise DownloadError(
                f"{url}: expected a file whose SHA-256 begins with {digits[1]}, found {found[: len(digits[1])]}: "
                "it was changed, or cut short on its way"
            )
        temporary.replace(path)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror or error})") from None
    finally:
        if temporary.is_file():
            temporary.unlink()
    return path


def _copy(url: str, path: Path, file: BinaryIO, progress: Progress | None) -> str:
    """Write what a URL holds to an open file, and return its SHA-256."""
    digest = hashlib.sha256()
    done = 0
    for block, size in _blocks(url, path):
        file.write(block)
        digest.update(block)
        done += len(block)
        if progress is not None:
            progress(done, size)
    return digest.hexdigest()


def _blocks(url: str, path: Path) -> Iterator[tuple[bytes, int | None]]:
    """Read a URL: each block, and how many bytes there are in all."""
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as answer:
            length = answer.headers.get("Content-Length", "")
            size = int(length) if length.isdecimal() else None
            while block := answer.read(_BLOCK_BYTES):
                yield block, size
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        raise DownloadError(
            f"{url}: cannot be fetched ({reason}); fetched by other means, the file belongs at {path}"
        ) from None

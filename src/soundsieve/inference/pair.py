"""Two recordings written together: either both appear, complete, or neither does."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from soundsieve.audio import Writer
from soundsieve.errors import OutputError


def output_paths(recording: str | Path, folder: str | Path, suffix: str = "wav") -> tuple[Path, Path]:
    """Name the two results of a recording: what was asked for and the rest.

    Args:
        recording: Its name is used, its folder is not.
        folder: Where the results go.
        suffix: Type of the results, with or without its dot.

    >>> [path.name for path in output_paths("field/street.mp4", "out")]
    ['street.selected.wav', 'street.rest.wav']
    """
    stem, suffix = Path(recording).stem, suffix.removeprefix(".")
    return Path(folder) / f"{stem}.selected.{suffix}", Path(folder) / f"{stem}.rest.{suffix}"


def make_folder(folder: Path) -> None:
    """Make a folder for results, with its parents, where there is none.

    Raises:
        OutputError: when that is not possible.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be made a folder for results ({error.strerror})") from None


@contextmanager
def made_folder(folder: Path) -> Iterator[None]:
    """Make a folder for results, with its parents, where there is none; afterwards remove what was made for nothing.

    Raises:
        OutputError: when it cannot be made.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place:
    ...     with made_folder(Path(place, "a", "b")):
    ...         during = Path(place, "a", "b").is_dir()
    ...     during, list(Path(place).iterdir())
    (True, [])
    """
    new = [place for place in (folder, *folder.parents) if not os.path.lexists(place)]
    make_folder(folder)
    try:
        yield
    finally:
        for place in new:
            try:
                place.rmdir()
            except OSError:  # it holds results, and so do those around it
                break


def refuse_overwriting(recording: Path, outputs: tuple[Path, Path]) -> None:
    """Refuse an output that is the recording itself, by whatever name or link.

    Raises:
        OutputError: when one is, or when its name is impossible.
    """
    for output in outputs:
        try:
            same = output.exists() and output.samefile(recording)
        except OSError as error:
            raise OutputError(f"{output}: cannot be written ({error.strerror})") from None
        if same:
            raise OutputError(f"{output}: is the input, which is never overwritten; choose another folder")


class PairWriter:
    """Writes two recordings of one rate and shape block by block.

    Both are written to the end under hidden names beside their places, and only then renamed.

    Args:
        paths: The two files to write.
        sample_rate: In Hz.
        channels: Of each.
        subtype: As for `soundsieve.audio.Writer`.
        force: Replace existing files.
        frames_hint: How long they will be, if known.

    Raises:
        OutputError: As for `soundsieve.audio.Writer`, or when the two paths are one.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     paths = Path(folder, "a.wav"), Path(folder, "b.wav")
    ...     with PairWriter(paths, 8_000, 1) as pair:
    ...         pair.write(np.zeros((1, 10)), np.ones((1, 10)))
    ...         early = [path.name for path in Path(folder).glob("?.wav")]
    ...     early, sorted(path.name for path in Path(folder).iterdir())
    ([], ['a.wav', 'b.wav'])
    """

    def __init__(
        self,
        paths: tuple[Path, Path],
        sample_rate: int,
        channels: int,
        *,
        subtype: str | None = None,
        force: bool = False,
        frames_hint: int | None = None,
    ) -> None:
        if paths[0] == paths[1]:
            raise OutputError(f"{paths[0]}: cannot hold both parts; name two files")
        self._paths = paths
        self._check = [partial(Writer, path, sample_rate, channels, subtype=subtype, force=force) for path in paths]
        self._refuse()
        # Without the target's name, which may be as long as a name can be; the suffix chooses the type.
        self._hidden = [path.with_name(f".{secrets.token_hex(8)}.part{path.suffix}") for path in paths]
        self._writers = [
            Writer(path, sample_rate, channels, subtype=subtype, frames_hint=frames_hint) for path in self._hidden
        ]
        self._stack = ExitStack()

    @property
    def clipped(self) -> tuple[int, int]:
        """Samples beyond full scale so far, which an integer encoding cut off."""
        return self._writers[0].clipped, self._writers[1].clipped

    def __enter__(self) -> Self:
        try:
            for writer in self._writers:
                self._stack.enter_context(writer)
        except OutputError as error:
            self._stack.__exit__(OutputError, error, None)
            raise self._by_its_name(error) from None
        return self

    def write(self, first: NDArray[np.floating[Any]], second: NDArray[np.floating[Any]]) -> None:
        """Append a block (channel, time) to each."""
        try:
            for writer, block in zip(self._writers, (first, second), strict=True):
                writer.write(block)
        except OutputError as error:
            raise self._by_its_name(error) from None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._stack.__exit__(kind, error, trace)
            if kind is None:
                self._refuse()
                self._rename()
        except OutputError as failure:
            raise self._by_its_name(failure) from None
        finally:
            for path in self._hidden:
                path.unlink(missing_ok=True)

    def _refuse(self) -> None:
        for check in self._check:
            check()

    def _rename(self) -> None:
        new = not self._paths[0].exists()
        try:
            self._hidden[0].replace(self._paths[0])
            self._hidden[1].replace(self._paths[1])
        except OSError as failure:
            if new and not self._hidden[0].exists():
                self._paths[0].unlink(missing_ok=True)
            raise OutputError(f"{self._paths[1]}: cannot be written ({failure.strerror})") from None

    def _by_its_name(self, error: OutputError) -> OutputError:
        text = str(error)
        for hidden, path in zip(self._hidden, self._paths, strict=True):
            text = text.replace(hidden.name, path.name)
        return OutputError(text)

"""Results written together: either all of them appear, complete, or none does."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from soundsieve.audio import Writer
from soundsieve.errors import OutputError


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


def refuse_overwriting(recording: Path, outputs: Iterable[Path]) -> None:
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


class GroupWriter:
    """Writes several recordings of one rate and shape block by block, and what else belongs to them.

    All are written to the end under hidden names beside their places, and only then renamed. Should one of them not let
    itself be renamed, those before it are taken back, and what they replaced is put where it was.

    Args:
        paths: The files to write.
        sample_rate: In Hz.
        channels: Of each.
        subtype: As for `soundsieve.audio.Writer`.
        force: Replace existing files.
        frames_hint: How long they will be, if known.
        beside: A file of another kind, a figure say, or several, that appear with them; write it to `hidden_beside`, or
            each to where `hidden` says.

    Raises:
        OutputError: As for `soundsieve.audio.Writer`, or when two paths are one.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     paths = [Path(folder, f"{name}.wav") for name in "abc"]
    ...     with GroupWriter(paths, 8_000, 1) as group:
    ...         group.write(*np.zeros((3, 1, 10)))
    ...         early = [path.name for path in Path(folder).glob("?.wav")]
    ...     early, sorted(path.name for path in Path(folder).iterdir())
    ([], ['a.wav', 'b.wav', 'c.wav'])
    """

    def __init__(
        self,
        paths: Sequence[Path],
        sample_rate: int,
        channels: int,
        *,
        subtype: str | None = None,
        force: bool = False,
        frames_hint: int | None = None,
        beside: Path | Sequence[Path] | None = None,
    ) -> None:
        self._beside = [] if beside is None else [beside] if isinstance(beside, Path) else [*beside]
        self._paths = [*paths, *self._beside]
        for path in self._paths:
            if self._paths.count(path) > 1:
                raise OutputError(f"{path}: cannot hold two results; name two files")
        self._force = force
        self._check = [partial(Writer, path, sample_rate, channels, subtype=subtype, force=force) for path in paths]
        self._refuse()
        # Without the target's name, which may be as long as a name can be; the suffix chooses the type.
        self._hidden = [path.with_name(f".{secrets.token_hex(8)}.part{path.suffix}") for path in self._paths]
        self._writers = [
            Writer(path, sample_rate, channels, subtype=subtype, frames_hint=frames_hint)
            for path in self._hidden[: len(paths)]
        ]
        self._stack = ExitStack()

    @property
    def clipped(self) -> tuple[int, ...]:
        """Samples of each beyond full scale so far, which an integer encoding cut off."""
        return tuple(writer.clipped for writer in self._writers)

    @property
    def hidden_beside(self) -> Path:
        """Where to write what appears with the recordings, before the `with` block ends.

        Raises:
            ValueError: when there is to be nothing.
        """
        if not self._beside:
            raise ValueError("nothing but recordings is to be written")
        return self.hidden(self._beside[0])

    def hidden(self, path: Path) -> Path:
        """Where a file is, or is to be written, before the `with` block ends."""
        return self._hidden[self._paths.index(path)]

    def close_recordings(self) -> None:
        """Finish the recordings, still hidden, so that what is made of them can be written before all appear."""
        try:
            self._stack.close()
        except OutputError as error:
            raise self._by_its_name(error) from None

    def __enter__(self) -> Self:
        try:
            for writer in self._writers:
                self._stack.enter_context(writer)
        except OutputError as error:
            self._stack.__exit__(OutputError, error, None)
            raise self._by_its_name(error) from None
        return self

    def write(self, *blocks: NDArray[np.floating[Any]]) -> None:
        """Append a block (channel, time) to each."""
        try:
            for writer, block in zip(self._writers, blocks, strict=True):
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
        if isinstance(error, OutputError):
            raise self._by_its_name(error) from None

    def _refuse(self) -> None:
        for check in self._check:
            check()
        for path in self._beside:
            refuse_place(path, force=self._force)

    def _rename(self) -> None:
        replaced: list[tuple[Path, Path | None]] = []
        path = self._paths[0]
        try:
            for hidden, path in zip(self._hidden, self._paths, strict=True):
                replaced.append((path, _set_aside(path)))
                hidden.replace(path)
        except OSError as failure:
            for (taken, old), hidden in zip(replaced, self._hidden, strict=False):
                if old is not None:
                    old.replace(taken)
                    old.unlink(missing_ok=True)  # two names of one file stay two
                elif not hidden.exists():
                    taken.unlink(missing_ok=True)
            raise OutputError(f"{path}: cannot be written ({failure.strerror})") from None
        for _, old in replaced:
            if old is not None:
                old.unlink(missing_ok=True)

    def _by_its_name(self, error: OutputError) -> OutputError:
        text = str(error)
        for hidden, path in zip(self._hidden, self._paths, strict=True):
            text = text.replace(hidden.name, path.name)
        return OutputError(text)


def refuse_place(path: Path, *, force: bool) -> None:
    """Refuse a file that is no sound where it could not be written, as `soundsieve.audio.Writer` does for those.

    Raises:
        OutputError: when it exists already and `force` is not given, is a folder, or its name is impossible.
    """
    try:
        is_folder, exists = path.is_dir(), path.exists()
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror})") from None
    if is_folder:
        raise OutputError(f"{path}: is a folder; name a file to write")
    if exists and not force:
        raise OutputError(f"{path}: exists already and is left alone; choose another name or force it")


def _set_aside(path: Path) -> Path | None:
    """Keep what is at a place under a hidden name, where anything is; it stays visible where the system has links."""
    if not path.exists():
        return None
    old = path.with_name(f".{secrets.token_hex(8)}.old{path.suffix}")
    try:
        os.link(path, old)
    except OSError:  # a file system without links
        path.rename(old)
    return old

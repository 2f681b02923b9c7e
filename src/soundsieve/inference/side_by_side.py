"""Work on many items in processes of one thread each; a process that dies costs its item, not the run."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import traceback
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import TYPE_CHECKING, Generic, TypeVar

from soundsieve.errors import AudioError, SoundsieveError
from soundsieve.inference.progress import CancelToken, check_cancel

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerContext, SpawnContext

Item = TypeVar("Item")
Part = TypeVar("Part")
Work = Callable[[Item], Iterable[Part]]

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
_LOOK_S = 0.5  # how often a cancel token is looked at
_PATIENCE_S = 5.0  # with a process that was asked to end


@dataclass(frozen=True, slots=True)
class Step(Generic[Part]):
    """What has come of an item.

    Attributes:
        index: Which item.
        part: A part of its result; None when there are no more.
        error: Why it could not be finished, if so; no more comes of it then.
    """

    index: int
    part: Part | None = None
    error: SoundsieveError | None = None


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_turn(
    work: Work[Item, Part], items: Sequence[Item], *, cancel: CancelToken | None = None
) -> Generator[Step[Part], None, None]:
    """Work on items one after the other in this process; see `side_by_side`.

    >>> [step.part for step in in_turn(range, [2, 1])]
    [0, 1, None, 0, None]
    """
    for index, item in enumerate(items):
        try:
            for part in work(item):
                yield Step(index, part)
                check_cancel(cancel)
            done: Step[Part] = Step(index)
        except SoundsieveError as error:
            check_cancel(cancel)
            done = Step(index, error=error)
        yield done
        check_cancel(cancel)


def side_by_side(
    work: Work[Item, Part], items: Sequence[Item], jobs: int, *, cancel: CancelToken | None = None
) -> Generator[Step[Part], None, None]:
    """Work on items in processes; what comes of them comes as it is ready, of each item in order.

    The processes end with the iterator, and with this process, however that ends.

    Args:
        work: A function of a module, which can be sent to a process, as can items and parts; yields an item's parts.
        items: What is worked on, begun in this order.
        jobs: How many processes.
        cancel: Stops the work.

    Yields:
        Parts of results, and for each item that it is done or why it cannot be.

    Raises:
        Cancelled: it was stopped.
        RuntimeError: `work` failed with anything but a `SoundsieveError`, or no process can be started.
    """
    crew = _Crew(work, items)
    try:
        with _one_thread_each():
            for _ in range(min(jobs, len(items))):
                crew.hire()
            while crew.at_work:
                check_cancel(cancel)
                ready = wait(list(crew.at_work), timeout=_LOOK_S)
                for line in [line for line in crew.at_work if line in ready]:
                    step = crew.hear(line)
                    if step is not None:
                        yield step
    finally:
        crew.dismiss()


@dataclass
class _Worker:
    process: BaseProcess
    index: int | None = None  # the item it is at; None before it has said that it is ready


@dataclass
class _Crew(Generic[Item, Part]):
    work: Work[Item, Part]
    items: Sequence[Item]
    given: int = 0
    at_work: dict[Connection, _Worker] = field(default_factory=dict)
    hired: list[BaseProcess] = field(default_factory=list)

    def hire(self) -> None:
        context = _context(self.work.__module__)
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs, self.work), daemon=True)
        with _deaf_to_interrupts():
            process.start()
        theirs.close()  # so that its end is noticed
        self.at_work[ours] = _Worker(process)
        self.hired.append(process)

    def hear(self, line: Connection) -> Step[Part] | None:
        worker = self.at_work[line]
        try:
            kind, content = line.recv()
        except (EOFError, OSError):
            return self._bury(line, worker)
        if kind == "fault":
            raise RuntimeError(f"a process failed\n{content}")
        index = worker.index
        if kind == "part":
            return None if index is None else Step(index, content)
        self._give(line, worker)
        return None if index is None else Step(index, error=content)

    def _give(self, line: Connection, worker: _Worker) -> None:
        if self.given == len(self.items):
            del self.at_work[line]
            line.close()
            return
        worker.index, self.given = self.given, self.given + 1
        try:
            line.send(self.items[worker.index])
        except OSError:  # it has died; that is heard next
            return

    def _bury(self, line: Connection, worker: _Worker) -> Step[Part]:
        worker.process.join()
        del self.at_work[line]
        line.close()
        code = worker.process.exitcode
        if worker.index is None:
            raise RuntimeError(f"a process ended with code {code} before it began; it has said why on stderr")
        if self.given < len(self.items):
            self.hire()
        why = "out of memory, perhaps" if code == -getattr(signal, "SIGKILL", 9) else "the file may be damaged"
        sentence = f"{self.items[worker.index]}: the process that worked on it died with code {code}; {why}"
        return Step(worker.index, error=AudioError(sentence))

    def dismiss(self) -> None:
        for line in self.at_work:
            line.close()
        for process in self.hired:
            process.terminate()
        for process in self.hired:
            process.join(_PATIENCE_S)
            if process.exitcode is None:
                process.kill()
                process.join()


def _context(module: str) -> ForkServerContext | SpawnContext:
    """Choose how processes start: forked from a server that has loaded the module once, where there is such a thing."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([module])
    return context


def _serve(line: Connection, work: Work[Item, Part]) -> None:
    """Work on what comes down the line; the end of the line, which comes with the death of its owner, is the end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the owner hears it too, and decides
    try:
        line.send(("ready", None))
        while True:
            _work_on(line, line.recv(), work)
    except (EOFError, OSError):
        sys.exit()


def _work_on(line: Connection, item: Item, work: Work[Item, Part]) -> None:
    try:
        parts = iter(work(item))
        while (part := next(parts, None)) is not None:
            line.send(("part", part))
    except SoundsieveError as error:
        line.send(("done", error))
    except Exception:
        line.send(("fault", traceback.format_exc()))
    else:
        line.send(("done", None))


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Have processes that start meanwhile compute in one thread: there are as many of them as processors."""
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """Have processes that start meanwhile not end at Ctrl-C with a traceback, before they can ask not to be told."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)

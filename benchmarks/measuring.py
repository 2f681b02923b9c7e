"""What the benchmarks have in common: whole processes measured from outside, made recordings, a place in RESULTS.md."""

from __future__ import annotations

import os
import platform
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

RATE_HZ = 44_100
RESULTS = Path(__file__).parent / "RESULTS.md"
MACHINE = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"


@dataclass(frozen=True)
class Run:
    """What one process took; `seconds` is None when it died."""

    seconds: float | None
    peak_mib: float

    def cells(self, rate: Callable[[float], str]) -> str:
        """Three cells of a table: seconds, what `rate` makes of them, peak memory."""
        if self.seconds is None:
            return f"died | – | {self.peak_mib:.0f}"
        return f"{self.seconds:.1f} | {rate(self.seconds)} | {self.peak_mib:.0f}"

    def file_cells(self, length_s: float) -> str:
        """Cells of one file of so many seconds: its real-time factor between the two."""
        return self.cells(lambda seconds: f"{seconds / length_s:.4f}")


def measure(command: list[str]) -> Run:
    """Run a command and ask the system what it used."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - start
    return Run(None if process.returncode else seconds, usage.ru_maxrss / 1024)


def median_ms(command: list[str]) -> float:
    """Run a command six times; the median of the last five."""
    measure(command)
    return 1000 * float(np.median([measure(command).seconds or np.nan for _ in range(5)]))


def make_recording(path: Path, length_s: float, *, channels: int = 2, seed: int = 0) -> None:
    """A recording with something going on: bursts of coloured noise over a quiet floor."""
    import soundfile

    rng = np.random.default_rng(seed)
    with soundfile.SoundFile(path, "w", RATE_HZ, channels, "PCM_16") as file:
        for _ in range(round(length_s)):
            block = 0.01 * rng.standard_normal((RATE_HZ, channels))
            burst = np.cumsum(rng.standard_normal(RATE_HZ // 3))
            begin = rng.integers(0, RATE_HZ // 2)
            block[begin : begin + len(burst)] += 0.2 * (burst / np.abs(burst).max())[:, None]
            file.write(block)


def put_into(page: Path, section: str, title: str, text: str) -> None:
    """Put a result between the markers of its section; a page without them gets the section at its end."""
    begin, end = f"<!-- {section}: begin -->", f"<!-- {section}: end -->"
    whole = page.read_text(encoding="utf-8") if page.exists() else "# Benchmarks\n"
    if begin not in whole:
        whole = f"{whole.rstrip()}\n\n## {title}\n\n{begin}\n{end}\n"
    before, after = whole.split(begin)[0], whole.split(end)[-1]
    page.write_text(f"{before}{begin}\n{text}\n{end}{after}", encoding="utf-8")

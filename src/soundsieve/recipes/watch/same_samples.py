"""Which samples of one soundfont are also in another: whether one may train and the other test.

    python -m soundsieve.recipes.watch.same_samples TimGM6mb.sf2 sf_GMbank.sf2
    python -m soundsieve.recipes.watch.same_samples TimGM6mb.sf2 freepats/Tone_000/*.pat

A sample counts as shared when runs of its numbers, twelve and more in a row that are not near silence, stand in the
other font exactly so. What was resampled or made louder is not found.

Formats: SoundFont 2.04 (`.sf2`, sections 6 and 7.10) and Gravis UltraSound patches (`.pat`).
"""

from __future__ import annotations

import argparse
import struct
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from soundsieve.errors import DatasetError, SoundsieveError

RUN, STEP, LEAST = 12, 16, 200  # numbers in a run; every so many runs are looked up; how much a run must vary
_HEADER, _PATCH, _PATCH_HEADER = 46, 96, 239  # bytes
_16_BIT, _UNSIGNED = 1, 2  # flags of a patch

Sample = tuple[str, NDArray[np.int16]]


def read_samples(path: Path) -> list[Sample]:
    """Return the name and the numbers of every sample of a soundfont or patch.

    Raises:
        DatasetError: when the file cannot be read or is neither.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DatasetError(f"{path}: {error.strerror or error}") from None
    try:
        if data[:4] == b"RIFF" and data[8:12] == b"sfbk":
            return list(_soundfont(data))
        if data[:12] == b"GF1PATCH110\0":
            return list(_patch(data, path.stem))
    except struct.error:
        raise DatasetError(f"{path}: ends too early") from None
    raise DatasetError(f"{path}: expected a .sf2 soundfont or a .pat patch")


def _soundfont(data: bytes) -> Iterator[Sample]:
    chunks = {}
    at = 12
    while at + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, at)
        at += 8
        if name == b"LIST":
            at += 4  # its chunks follow
            continue
        chunks[name] = data[at : at + size]
        at += size + size % 2
    numbers = np.frombuffer(chunks.get(b"smpl", b""), "<i2")
    headers = chunks.get(b"shdr", b"")
    for place in range(0, len(headers) - _HEADER, _HEADER):  # the last one only ends the list
        title, start, end = struct.unpack_from("<20sII", headers, place)
        yield title.split(b"\0")[0].decode("latin-1"), numbers[start:end]


def _patch(data: bytes, name: str) -> Iterator[Sample]:
    at = _PATCH_HEADER
    for number in range(data[198]):
        (size,) = struct.unpack_from("<I", data, at + 8)
        flags = data[at + 55]
        raw = data[at + _PATCH : at + _PATCH + size]
        if flags & _16_BIT:
            found = np.frombuffer(raw[: len(raw) // 2 * 2], "<u2")
            numbers = (found ^ (0x8000 if flags & _UNSIGNED else 0)).astype(np.int16)
        else:
            short = np.frombuffer(raw, "u1") ^ (0x80 if flags & _UNSIGNED else 0)
            numbers = short.astype(np.int8).astype(np.int16) * 256
        yield f"{name} {number}", numbers
        at += _PATCH + size


def _runs(numbers: NDArray[np.int16], step: int) -> NDArray[np.uint64]:
    """Return a key of every so many runs that vary."""
    if len(numbers) < RUN:
        return np.zeros(0, np.uint64)
    windows = np.lib.stride_tricks.sliding_window_view(numbers.astype(np.int64), RUN)[::step]
    lively = windows[np.ptp(windows, axis=1) > LEAST]
    key = np.zeros(len(lively), np.uint64)
    for column in lively.T:
        key = key * np.uint64(1_099_511_628_211) + column.astype(np.uint64)  # overflows as it should
    return key


def shared(ours: Sequence[Sample], theirs: Sequence[Sample]) -> list[tuple[str, str, float]]:
    """Return which of our samples share runs with one of theirs: both names and the share of the runs looked up.

    >>> noise = np.random.default_rng(0).integers(-9000, 9000, 5000).astype(np.int16)
    >>> shared([("a", noise[100:4000]), ("b", noise[::-1])], [("c", noise)])
    [('a', 'c', 1.0)]
    """
    known: dict[int, str] = {}
    for name, numbers in theirs:
        known.update(dict.fromkeys(_runs(numbers, 1).tolist(), name))
    found = []
    for name, numbers in ours:
        keys = _runs(numbers, STEP).tolist()
        others = [known[key] for key in keys if key in known]
        if others:
            found.append((name, others[0], len(others) / len(keys)))
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the script; a user's mistake is one sentence and exit code 2."""
    parser = argparse.ArgumentParser(prog="python -m soundsieve.recipes.watch.same_samples", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("font", type=Path, help="a .sf2 soundfont or a .pat patch")
    parser.add_argument("others", type=Path, nargs="+", help="what it may share samples with")
    options = parser.parse_args(arguments)
    try:
        ours = read_samples(options.font)
        theirs = [sample for path in options.others for sample in read_samples(path)]
    except SoundsieveError as error:
        print(error, file=sys.stderr)
        return 2
    found = shared(ours, theirs)
    for name, other, share in found:
        print(f"{name}: {share:.0%} of it in {other}")
    print(f"{len(found)} of {len(ours)} samples of {options.font.name} share runs with {len(theirs)} others")
    return 0


if __name__ == "__main__":
    sys.exit(main())

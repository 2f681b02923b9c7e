"""A recording in a picture: its log-mel spectrogram, and over it what was heard when."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from soundsieve.errors import MissingExtraError, OutputError
from soundsieve.features import LogMel, LogMelSettings
from soundsieve.inference.source import open_source
from soundsieve.inference.tags import Tags
from soundsieve.inference.timeline import UNKNOWN

_COLUMNS = 1500  # at most, however long the recording is
_N_FFT = 2048
_BLOCK_FRAMES = 256


def draw(tags: Tags, recording: Path, figure: Path) -> None:
    """Draw a recording with its segments and write a PNG, in bounded memory.

    Raises:
        AudioError: when the recording cannot be read.
        MissingExtraError: when matplotlib is not installed.
        OutputError: when the picture cannot be written.
    """
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError:
        raise MissingExtraError("figures need matplotlib: pip install 'soundsieve[train]'") from None
    levels, top_hz = _levels(recording, tags.duration_s)
    names = list(
        dict.fromkeys(part.label for part in sorted(tags.segments, key=lambda p: (p.label == UNKNOWN, p.label)))
    )
    page = Figure(figsize=(11, 3.4 + 0.28 * len(names)), layout="constrained")
    above, below = page.subplots(2, 1, sharex=True, height_ratios=[3, 0.4 + 0.28 * len(names)])
    image = above.imshow(
        levels,
        origin="lower",
        aspect="auto",
        cmap="magma",
        extent=(0, tags.duration_s, 0, len(levels)),
        vmin=max(-100.0, float(levels.max()) - 80),
        vmax=float(levels.max()),
    )
    above.set_ylabel(f"mel band, up to {top_hz / 1000:g} kHz")
    above.set_title(recording.name, loc="left")
    page.colorbar(image, ax=above, label="level (dB)", pad=0.01)
    for part in tags.segments:
        row = names.index(part.label)
        colour = "#b0b0b0" if part.label == UNKNOWN else "#1f6f8b"
        below.barh(
            row, part.end_s - part.start_s, left=part.start_s, height=0.8, color=colour, alpha=0.3 + 0.7 * part.score
        )
    below.set_yticks(range(len(names)), [name.replace("_", " ") for name in names])
    below.set_ylim(len(names) - 0.4, -0.6)
    below.set_xlim(0, tags.duration_s)
    below.set_xlabel("time (s); darker: surer")
    below.grid(axis="x", alpha=0.3)
    hidden = figure.with_name(f".{figure.name}.part")
    try:
        page.savefig(hidden, format="png", dpi=110)
        hidden.replace(figure)
    except OSError as error:
        raise OutputError(f"{figure}: cannot be written ({error.strerror})") from None


def _levels(recording: Path, duration_s: float) -> tuple[NDArray[np.float32], float]:
    """Log-mel levels in dB, (mel, column), each column the loudest of the frames in it, and the highest frequency."""
    import torch

    source = open_source(recording)
    hop = _N_FFT // 2
    front_end = LogMel(
        LogMelSettings(
            sample_rate=source.sample_rate,
            n_fft=_N_FFT,
            win_length=_N_FFT,
            hop=hop,
            mels=96,
            normalise="none",
            centre=False,
        )
    )
    together = max(1, -(-round(duration_s * source.sample_rate) // (hop * _COLUMNS)))  # frames in a column
    columns: list[NDArray[np.float32]] = []
    held = np.zeros(0, np.float32)
    block_frames = together * max(1, _BLOCK_FRAMES // together)
    size = (block_frames - 1) * hop + _N_FFT
    with torch.inference_mode():

        def add(waveform: NDArray[np.float32]) -> None:
            levels = front_end(torch.from_numpy(waveform[None]))[0][0].numpy()
            edges = range(0, levels.shape[1], together)
            columns.extend(levels[:, first : first + together].max(1) for first in edges)

        for block in source.blocks:
            held = np.concatenate([held, block.mean(axis=0, dtype=np.float32)])
            while len(held) >= size:
                add(held[:size])
                held = held[block_frames * hop :]
        if len(held) or not columns:
            add(held)
    return np.stack(columns, axis=1), source.sample_rate / 2

"""The stems of a song in a picture: how loud each is over time, under each other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from soundsieve.errors import MissingExtraError, OutputError
from soundsieve.inference.stem_levels import StemLevels

_RANGE_DB = 50.0  # what is further below the loudest moment of all is not seen
_COLOURS = {
    "vocals": "#c2410c",
    "drums": "#1f6f8b",
    "bass": "#6b3fa0",
    "other": "#3f7d3a",
    "accompaniment": "#3a5a8c",
}
_OTHERS = ("#8c6d1f", "#a03f6b", "#4a4a4a")


def stem_colour(name: str, row: int) -> str:
    """Return the colour of a stem in every picture, as #rrggbb; `row` chooses that of a stem by another name.

    >>> stem_colour("vocals", 0), stem_colour("flute", 1)
    ('#c2410c', '#a03f6b')
    """
    return _COLOURS.get(name, _OTHERS[row % len(_OTHERS)])


def require_matplotlib() -> None:
    """Refuse, before any work, a figure that could not be drawn.

    Raises:
        MissingExtraError: when matplotlib is not installed.
    """
    try:
        import matplotlib  # noqa: F401
    except ModuleNotFoundError:
        raise MissingExtraError("figures need matplotlib: pip install 'soundsieve[train]'") from None


def draw(levels: StemLevels, title: str, figure: Path) -> None:
    """Draw how loud stems are and write a PNG.

    Args:
        levels: Of the stems, see `soundsieve.inference.stem_levels.LevelMeter`.
        title: Stands above.
        figure: Where to write; an existing file is replaced.

    Raises:
        MissingExtraError: when matplotlib is not installed.
        OutputError: when the picture cannot be written.
    """
    require_matplotlib()
    from matplotlib.figure import Figure

    page = Figure(figsize=(11, 1.0 + 1.35 * len(levels.names)), layout="constrained")
    draw_levels(page, levels, f"{title}: level of each stem (dB; full scale is 0)")
    save_page(page, figure)


def draw_levels(page: Any, levels: StemLevels, title: str) -> None:
    """Draw how loud stems are into a figure of matplotlib's, or a part of one."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axes = page.subplots(len(levels.names), 1, sharex=True, sharey=True, squeeze=False)[:, 0]
    loudest = float(levels.rms.max(initial=0.0))
    top_db = 0.0 if loudest == 0 else 20 * np.log10(loudest)
    floor_db = top_db - _RANGE_DB
    level_db = 20 * np.log10(np.maximum(levels.rms, 10 ** (floor_db / 20)))
    edges_s = np.minimum(np.arange(levels.rms.shape[1] + 1) * levels.step_s, levels.duration_s)
    for row, (axis, name) in enumerate(zip(axes, levels.names, strict=True)):
        axis.stairs(level_db[row], edges_s, baseline=floor_db, fill=True, color=stem_colour(name, row), linewidth=0)
        total_db = levels.total_db()[name]
        axis.set_ylabel(name, rotation=0, ha="right", va="center", fontsize=11, labelpad=10)
        loudness = "silent" if total_db is None else f"{total_db:.1f} dB over all".replace("-", "−")
        axis.text(1.005, 0.5, loudness, transform=axis.transAxes, va="center", fontsize=9, color="#555555")
        axis.grid(alpha=0.25)
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylim(floor_db, top_db + 2)
    axes[0].set_xlim(0, levels.duration_s)
    axes[0].set_title(title, loc="left", fontsize=11)
    axes[0].yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
    minutes = levels.duration_s > _LONG_S
    if minutes:
        axes[-1].xaxis.set_major_locator(MaxNLocator(10, steps=_minute_steps(levels.duration_s)))
        axes[-1].xaxis.set_major_formatter(FuncFormatter(_clock))
    axes[-1].set_xlabel("time (h:mm:ss)" if levels.duration_s >= 3600 else "time (m:ss)" if minutes else "time (s)")


_LONG_S = 120.0  # from here on time is told in minutes


def _minute_steps(duration_s: float) -> list[float]:
    """Return steps between ticks which are whole parts of a minute or of an hour, as MaxNLocator wants them."""
    return [1, 1.2, 1.5, 3, 6, 10] if duration_s < 3600 else [1, 1.2, 1.8, 3.6, 6, 9, 10]


def _clock(time_s: float, _: Any = None) -> str:
    """Write a time as on a clock.

    >>> _clock(90), _clock(3_725)
    ('1:30', '1:02:05')
    """
    minutes, seconds = divmod(round(time_s), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def save_page(page: Any, figure: Path) -> None:
    """Write a figure of matplotlib's as a PNG, whole or not at all.

    Raises:
        OutputError: when it cannot be written.
    """
    hidden = figure.with_name(f".{figure.name}.part")
    try:
        page.savefig(hidden, format="png", dpi=110)
        hidden.replace(figure)
    except OSError as error:
        raise OutputError(f"{figure}: cannot be written ({error.strerror})") from None
    finally:
        hidden.unlink(missing_ok=True)

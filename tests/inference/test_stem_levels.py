"""How loud stems are over time, for six seconds and for two hours, and the figure of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from soundsieve.errors import OutputError
from soundsieve.inference.stem_figure import draw
from soundsieve.inference.stem_levels import COLUMNS, LevelMeter


@pytest.mark.parametrize("block", [1, 37, 10_000])
def test_levels_do_not_depend_on_blocks(block: int) -> None:
    wave = np.random.default_rng(0).standard_normal((2, 1, 2_345))
    meter = LevelMeter(["a", "b"], 8_000)
    for start in range(0, wave.shape[2], block):
        meter.push(list(wave[:, :, start : start + block]))
    found = meter.levels()
    assert (found.step_s, found.duration_s, found.rms.shape) == (0.01, 2_345 / 8_000, (2, 30))
    np.testing.assert_allclose(found.rms[:, 3], np.sqrt((wave[:, 0, 240:320] ** 2).mean(1)))
    np.testing.assert_allclose(found.rms[:, -1], np.sqrt((wave[:, 0, 2_320:] ** 2).mean(1)))  # a shorter one
    np.testing.assert_allclose(found.total_rms, np.sqrt((wave[:, 0] ** 2).mean(1)))


@pytest.mark.parametrize("blocks", [7_200, 7])
def test_two_hours_take_no_more_columns_than_a_figure_shows(blocks: int) -> None:
    rate, duration_s = 100, 7_200  # a low rate: what is counted are columns
    meter = LevelMeter(["vocals"], rate)
    wave = np.ones((1, duration_s * rate))
    wave[:, 3_600 * rate :] = 0
    for block in np.array_split(wave, blocks, axis=1):
        meter.push([block])
    found = meter.levels()
    columns = found.rms.shape[1]
    assert COLUMNS <= columns <= 2 * COLUMNS
    half = 3_600 / found.step_s
    assert found.rms[0, : int(half)].min() == 1
    assert found.rms[0, int(np.ceil(half)) :].max() == 0
    assert found.total_db() == {"vocals": -3.01}


def test_silence_has_no_level() -> None:
    meter = LevelMeter(["a"], 8_000)
    meter.push([np.zeros((1, 1))])
    assert meter.levels().total_db() == {"a": None}
    assert meter.levels().rms.shape == (1, 1)


@pytest.mark.parametrize(("frames", "silent"), [(1, False), (600, True), (720_000, False)])
def test_any_song_can_be_drawn(frames: int, silent: bool, tmp_path: Path) -> None:
    meter = LevelMeter(["vocals", "strings"], 100)
    meter.push([np.full((1, frames), 0 if silent else 0.5), np.zeros((1, frames))])
    draw(meter.levels(), "song.mp3", tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_a_figure_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    meter = LevelMeter(["a"], 100)
    meter.push([np.ones((1, 10))])
    with pytest.raises(OutputError, match=r"a.png: cannot be written \(No such file or directory\)"):
        draw(meter.levels(), "song", tmp_path / "absent" / "a.png")

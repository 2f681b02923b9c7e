"""Rows of a recording: what they describe, from which samples, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from recordings import mux, noise
from soundsieve import audio
from soundsieve.errors import AudioError, SettingsError
from soundsieve.features.descriptors import describe
from soundsieve.inference import music_rows as module
from soundsieve.inference.music_rows import DescribeSettings, music_rows
from soundsieve.inference.same_rows import made_alike

RATE = 22_050


def test_a_whole_recording_is_one_row_of_all_its_samples(tmp_path: Path) -> None:
    wave = noise(RATE)
    audio.write(tmp_path / "a.wav", wave, RATE)
    for edges in ("mirror", "silence"):
        (rows,) = music_rows(tmp_path / "a.wav", DescribeSettings(edges=edges))
        assert (rows.lengths, rows.share) == ((RATE,), 1.0)
        np.testing.assert_array_equal(rows.values, [describe(wave[0], edges=edges)])


def test_channels_are_averaged_and_other_rates_are_changed(tmp_path: Path) -> None:
    wave = noise(44_100, channels=2)
    audio.write(tmp_path / "a.wav", wave, 44_100)
    (rows,) = music_rows(tmp_path / "a.wav", DescribeSettings())
    mono = audio.resample(wave.mean(axis=0)[None], 44_100, RATE)[0]
    assert rows.lengths == (RATE,)
    np.testing.assert_allclose(rows.values[0], describe(mono, edges="mirror"), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(
    ("frames", "lengths"),
    [
        (2205, (2205,)),
        (2 * 2205, (2205, 2205)),
        (2 * 2205 + 1102, (2205, 2205)),  # the end is shorter than half a piece
        (2 * 2205 + 1103, (2205, 2205, 1103)),
        (100, (100,)),  # but it is all there is
        (40 * 2205, (2205,) * 40),
    ],
)
def test_pieces(tmp_path: Path, frames: int, lengths: tuple[int, ...]) -> None:
    wave = noise(frames)
    audio.write(tmp_path / "a.wav", wave, RATE)
    found = list(music_rows(tmp_path / "a.wav", DescribeSettings(segments=0.1)))
    assert sum((rows.lengths for rows in found), ()) == lengths
    assert all(len(rows.values) == len(rows.lengths) <= 32 for rows in found)
    last = wave[0, sum(lengths[:-1]) : sum(lengths)]
    np.testing.assert_array_equal(found[-1].values[-1], describe(last, edges="mirror"))


def test_an_end_of_half_a_piece_is_kept(tmp_path: Path) -> None:
    audio.write(tmp_path / "a.wav", noise(RATE), RATE)
    (rows,) = music_rows(tmp_path / "a.wav", DescribeSettings(segments=0.4))
    assert rows.lengths == (8820, 8820, 4410)


def test_the_sound_track_of_a_film_is_described(tmp_path: Path) -> None:
    mux(tmp_path / "film.mp4", noise(RATE), RATE, pictures=True)
    (rows,) = music_rows(tmp_path / "film.mp4", DescribeSettings(segments=1.0))
    assert rows.lengths[0] == RATE


def test_a_recording_too_long_for_one_row_is_refused_and_pieces_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LONGEST_S", 0.5)
    audio.write(tmp_path / "a.wav", noise(RATE), RATE)
    with pytest.raises(AudioError, match=r"a\.wav: longer than .* minutes, .* for example with --segments 30"):
        list(music_rows(tmp_path / "a.wav", DescribeSettings()))
    (rows,) = music_rows(tmp_path / "a.wav", DescribeSettings(segments=0.2))
    assert len(rows.lengths) == 5


def test_a_recording_without_a_sample_at_this_rate_is_refused(tmp_path: Path) -> None:
    audio.write(tmp_path / "a.wav", noise(1), 96_000)
    for settings in (DescribeSettings(), DescribeSettings(segments=1.0)):
        with pytest.raises(AudioError, match=r"a\.wav: too short"):
            list(music_rows(tmp_path / "a.wav", settings))


@pytest.mark.parametrize("segments", [0, 0.05, -3, 601, float("nan"), float("inf")])
def test_pieces_of_no_use_are_refused(segments: float) -> None:
    with pytest.raises(SettingsError, match="segments"):
        DescribeSettings.parse({"segments": segments})


def test_a_row_is_known_again(tmp_path: Path) -> None:
    place, other = tmp_path / "a.wav", tmp_path / "b.wav"
    audio.write(place, noise(RATE), RATE)
    audio.write(other, 0.5 * noise(RATE, seed=1), RATE)
    mirror, silence = DescribeSettings(), DescribeSettings(edges="silence")
    (rows,) = music_rows(place, mirror)
    row = rows.values[0].tolist()
    slightly = (rows.values[0] * (1 + 1e-5)).tolist()  # as another machine would have it
    assert made_alike(place, RATE, row, mirror) is True
    assert made_alike(place, RATE, slightly, mirror) is True
    assert made_alike(place, RATE, row, silence) is False
    assert made_alike(place, RATE - 1, row, mirror) is False
    assert made_alike(place, RATE, row, DescribeSettings(segments=0.5)) is False
    assert made_alike(other, RATE, row, mirror) is False


def test_silence_proves_nothing(tmp_path: Path) -> None:
    audio.write(tmp_path / "a.wav", np.zeros((1, RATE), np.float32), RATE)
    (rows,) = music_rows(tmp_path / "a.wav", DescribeSettings())
    assert made_alike(tmp_path / "a.wav", RATE, rows.values[0].tolist(), DescribeSettings()) is None

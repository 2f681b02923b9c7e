from __future__ import annotations

import io
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from rated_stems import RATE, write_tone
from recordings import tone
from soundsieve import audio
from soundsieve.errors import AudioError
from soundsieve.evaluation.listening_excerpt import Excerpt, loudest_part, match_levels

INSIDE = slice(400, -400)  # without the fades


def decode(excerpt: Excerpt) -> np.ndarray:
    samples, rate = soundfile.read(io.BytesIO(excerpt.to_wav()), dtype="float32", always_2d=True)
    assert rate == RATE
    return samples.T


def test_the_wav_is_the_part_asked_for_at_the_gain_asked_for(tmp_path: Path) -> None:
    wave = tone(100, 4.0, RATE, channels=2)
    audio.write(tmp_path / "a.wav", wave, RATE)
    found = decode(Excerpt(tmp_path / "a.wav", 1.5, 2.0, gain_db=-20.0))
    expected = 0.1 * wave[:, 12_000:28_000]
    np.testing.assert_allclose(found[:, INSIDE], expected[:, INSIDE], atol=2e-5)
    assert abs(found[:, 0]).max() < 1e-3  # faded in, so that a loop does not click
    assert soundfile.info(io.BytesIO(Excerpt(tmp_path / "a.wav", 1.5, 2.0).to_wav())).subtype == "PCM_16"


def test_beyond_the_end_there_is_silence(tmp_path: Path) -> None:
    write_tone(tmp_path / "a.wav", 0.5, duration_s=1.0)
    found = decode(Excerpt(tmp_path / "a.wav", 0.5, 1.0))
    assert found.shape == (2, RATE)
    assert abs(found[:, :3_000]).max() > 0.4
    assert not found[:, 4_000:].any()
    assert not decode(Excerpt(tmp_path / "a.wav", 3.0, 1.0)).any()


def test_the_loudest_part_is_found_in_all_recordings_together(tmp_path: Path) -> None:
    for name, loud_s in (("a", 3), ("b", 6)):
        wave = 0.1 * tone(100, 10.0, RATE)
        wave[:, loud_s * RATE : (loud_s + 2) * RATE] *= 5 if name == "a" else 7
        audio.write(tmp_path / f"{name}.wav", wave, RATE)
    assert loudest_part([tmp_path / "a.wav"], 2.0) == (3.0, 2.0)
    assert loudest_part([tmp_path / "a.wav", tmp_path / "b.wav"], 2.0) == (6.0, 2.0)
    assert loudest_part([tmp_path / "a.wav"], 30.0) == (0.0, 10.0)


def test_a_part_never_reaches_over_the_end(tmp_path: Path) -> None:
    wave = np.zeros((1, round(3.1 * RATE)), np.float32)
    wave[:, -RATE:] = 0.5
    audio.write(tmp_path / "a.wav", wave, RATE)
    start_s, duration_s = loudest_part([tmp_path / "a.wav"], 1.0)
    assert duration_s == 1.0
    assert 1.9 <= start_s <= 2.1 + 1e-9


def excerpts(folder: Path, *amplitudes: float) -> list[Excerpt]:
    for k, amplitude in enumerate(amplitudes):
        write_tone(folder / f"{k}.wav", amplitude)
    return [Excerpt(folder / f"{k}.wav", 0.0, 2.0) for k in range(len(amplitudes))]


def test_all_are_made_as_loud_as_the_reference(tmp_path: Path) -> None:
    *heard, reference = excerpts(tmp_path, 0.1, 0.4, 0.0, 0.2)
    gains = match_levels(heard, reference)
    assert gains == pytest.approx([6.02, -6.02, 0.0, 0.0], abs=0.01)  # silence is left alone
    assert match_levels(heard, reference, match=False) == [0.0] * 4


def test_without_a_reference_the_middle_one_is_the_measure(tmp_path: Path) -> None:
    assert match_levels(excerpts(tmp_path, 0.1, 0.2, 0.4)) == pytest.approx([6.02, 0.0, -6.02, 0.0], abs=0.01)


def test_what_is_next_to_silent_stays_so(tmp_path: Path) -> None:
    *heard, reference = excerpts(tmp_path, 0.001, 0.2)
    assert match_levels(heard, reference)[0] == 12.0


def test_nothing_clips_and_all_are_softened_alike(tmp_path: Path) -> None:
    peaky = np.zeros((1, 2 * RATE), np.float32)
    peaky[:, RATE] = 0.9
    audio.write(tmp_path / "peaky.wav", peaky, RATE)
    *heard, reference = excerpts(tmp_path, 0.1, 0.2)
    gains = match_levels([*heard, Excerpt(tmp_path / "peaky.wav", 0.0, 2.0)], reference)
    assert 0.9 * 10 ** (gains[1] / 20) == pytest.approx(0.98, abs=1e-3)
    assert gains[0] - gains[-1] == pytest.approx(6.02, abs=0.01)
    assert gains[-1] < -6


@pytest.mark.parametrize("match", [True, False])
@pytest.mark.parametrize("loud", ["reference", "mixture"])
def test_what_is_heard_openly_does_not_clip_either(tmp_path: Path, loud: str, match: bool) -> None:
    wave = 0.1 * tone(440, 2.0, RATE)
    wave[:, RATE] = 1.96
    audio.write(tmp_path / "loud.wav", wave, RATE, subtype="FLOAT")
    *heard, quiet = excerpts(tmp_path, 0.1, 0.2, 0.15)
    opened = {"reference": quiet, "mixture": quiet} | {loud: Excerpt(tmp_path / "loud.wav", 0.0, 2.0)}
    *gains, openly = match_levels(heard, opened["reference"], mixture=opened["mixture"], match=match)
    assert openly == pytest.approx(-6.02, abs=0.01)
    softest = match_levels(heard, quiet if loud == "mixture" else opened["reference"], match=match)
    if loud == "mixture":
        assert [gain - openly for gain in gains] == pytest.approx(softest[:-1], abs=1e-6)  # one change for all
    peak = abs(decode(replace(opened[loud], gain_db=openly))).max()
    assert peak == pytest.approx(0.98, abs=1e-3)


def test_an_excerpt_is_known_by_its_place_its_gain_and_its_file(tmp_path: Path) -> None:
    (one,) = excerpts(tmp_path, 0.1)
    others = [replace(one, **change) for change in ({"start_s": 0.5}, {"duration_s": 1.0}, {"gain_db": 1.0})]
    assert len({excerpt.identity() for excerpt in (one, *others, Excerpt(one.path, 0.0, 2.0))}) == 4
    before = one.identity()
    os.utime(one.path, ns=(0, 0))
    assert one.identity() != before
    one.path.unlink()
    with pytest.raises(AudioError, match=r"0\.wav: cannot be read \(No such file"):
        one.identity()

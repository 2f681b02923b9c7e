"""Songs of any kind taken apart: stems that add up, files that appear all or not at all."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import soundsieve
from fake_engines import FOUR, Gains, four, tiny_unmixer
from recordings import noise
from soundsieve import audio
from soundsieve.errors import AudioError, Cancelled, OutputError, SettingsError, UnknownNameError
from soundsieve.systems.unmix import Unmixer

RATE = 8_000


def places(folder: Path, *names: str) -> dict[str, Path]:
    return {name: folder / f"a.{name}.wav" for name in names}


@pytest.mark.parametrize(
    ("rate", "channels", "frames"),
    [(8_000, 1, 4_001), (8_000, 2, 1), (44_100, 2, 30_000), (96_000, 2, 40_000), (48_000, 6, 9_000), (7_919, 1, 5_003)],
)
@pytest.mark.parametrize("stems", [2, 4])
def test_stems_have_the_songs_shape_and_add_up_to_it(
    rate: int, channels: int, frames: int, stems: int, tmp_path: Path
) -> None:
    unmixer = soundsieve.load(tiny_unmixer(tmp_path / "tiny.safetensors"), "cpu")
    song = noise(frames, channels)
    result = unmixer.separate(song, stems=stems, sample_rate=rate)
    assert tuple(result.stems) == (FOUR if stems == 4 else ("vocals", "accompaniment"))
    assert {stem.shape for stem in result.stems.values()} == {song.shape}
    np.testing.assert_allclose(sum(result.stems.values()), song, atol=1e-6)
    assert result.sample_rate == rate


def test_an_engines_answers_arrive_unchanged() -> None:
    song = noise(20_000, 2)
    result = Unmixer(four()).separate(song, mixdowns=["minus-vocals", "minus-drums"], sample_rate=RATE)
    for name, gain in four().gains.items():
        np.testing.assert_allclose(result.stems[name], gain * song, atol=1e-7)
    for name in ("vocals", "drums"):
        np.testing.assert_array_equal(result.mixdowns[f"minus-{name}"], song - result.stems[name])
    assert result.report.levels_db["vocals"] == pytest.approx(20 * np.log10(0.5 * np.sqrt(np.mean(song**2))), abs=0.01)


def test_only_what_is_asked_for() -> None:
    song = noise(500)[0]
    result = Unmixer(four()).separate(song, stems=["drums", "vocals"], sample_rate=RATE)
    assert [(name, stem.shape) for name, stem in result.stems.items()] == [("drums", (500,)), ("vocals", (500,))]
    assert result.mixdowns == {}
    karaoke = Unmixer(four()).separate(song, stems="accompaniment", sample_rate=RATE).stems["accompaniment"]
    np.testing.assert_array_equal(karaoke, song - result.stems["vocals"])
    with pytest.raises(UnknownNameError, match="unknown stem 'vocal': did you mean 'vocals'"):
        Unmixer(four()).separate(song, stems="vocal", sample_rate=RATE)


def test_silence_stays_silence_and_json_has_no_nan(tmp_path: Path) -> None:
    unmixer = soundsieve.load(tiny_unmixer(tmp_path / "tiny.safetensors"), "cpu")
    result = unmixer.separate(np.zeros((2, 9_000), np.float32), sample_rate=44_100)
    assert all(np.isfinite(stem).all() for stem in result.stems.values())
    np.testing.assert_allclose(sum(result.stems.values()), 0, atol=1e-6)
    silent = Unmixer(four()).separate(np.zeros(100), sample_rate=RATE)
    assert json.loads(silent.to_json(), parse_constant=pytest.fail)["levels_db"] == dict.fromkeys(FOUR)


def test_a_file_and_its_samples_give_the_same(tmp_path: Path) -> None:
    song = noise(20_000, 2)
    audio.write(tmp_path / "a.wav", song, 11_025)
    outputs, figure = places(tmp_path, *FOUR, "minus-vocals"), tmp_path / "a.png"
    report = Unmixer(four()).process_file(tmp_path / "a.wav", outputs, figure=figure)
    whole = Unmixer(four()).separate(tmp_path / "a.wav", mixdowns="minus-vocals")
    for name, stem in {**whole.stems, **whole.mixdowns}.items():
        found, rate = audio.read(outputs[name])
        np.testing.assert_array_equal(found, stem)
        assert rate == 11_025
    assert report.outputs == outputs
    assert (report.figure, report.clipped) == (figure, 0)
    assert figure.read_bytes().startswith(b"\x89PNG")
    assert json.loads(json.dumps(report.to_dict()))["outputs"]["drums"] == str(outputs["drums"])
    saved = whole.save(tmp_path / "new" / "out", suffix="flac")
    assert [path.name for path in saved.values()] == [f"a.{name}.flac" for name in outputs]
    with pytest.raises(OutputError, match="exists already"):
        whole.save(tmp_path / "new" / "out", suffix="flac")


@pytest.mark.parametrize("figure", [None, "a.png"])
def test_all_or_none_when_it_breaks_midway(figure: str | None, tmp_path: Path) -> None:
    audio.write(tmp_path / "a.wav", noise(40_000), RATE)
    picture = figure and tmp_path / figure
    with pytest.raises(RuntimeError, match="the engine broke"):
        Unmixer(four(fail_after=20_000)).process_file(tmp_path / "a.wav", places(tmp_path, *FOUR), figure=picture)
    assert [path.name for path in tmp_path.iterdir()] == ["a.wav"]


def test_progress_and_cancel(tmp_path: Path) -> None:
    audio.write(tmp_path / "a.wav", noise(5 * RATE), RATE)
    steps: list[tuple[float, float | None]] = []
    stop = threading.Event()

    def progress(done_s: float, total_s: float | None) -> None:
        steps.append((done_s, total_s))
        stop.set()

    with pytest.raises(Cancelled):
        Unmixer(four()).process_file(tmp_path / "a.wav", places(tmp_path, "vocals"), progress=progress, cancel=stop)
    assert steps == [((RATE - 700) / RATE, 5.0)]
    assert [path.name for path in tmp_path.iterdir()] == ["a.wav"]


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    song = noise(500)
    audio.write(tmp_path / "a.wav", song, RATE)
    unmixer = Unmixer(four())
    with pytest.raises(OutputError, match="is the input"):
        unmixer.process_file(tmp_path / "a.wav", {"vocals": tmp_path / "a.wav"}, force=True)
    outputs = places(tmp_path, "vocals")
    with pytest.raises(OutputError, match="is the input"):
        unmixer.process_file(tmp_path / "a.wav", outputs, figure=tmp_path / "a.wav", force=True)
    with pytest.raises(OutputError, match="name two files"):
        unmixer.process_file(tmp_path / "a.wav", {"vocals": tmp_path / "b.wav", "drums": tmp_path / "b.wav"})
    (tmp_path / "a.drums.wav").write_text("precious")
    with pytest.raises(OutputError, match=r"a.drums.wav: exists already"):
        unmixer.process_file(tmp_path / "a.wav", places(tmp_path, *FOUR))
    assert (tmp_path / "a.drums.wav").read_text() == "precious"
    np.testing.assert_array_equal(audio.read(tmp_path / "a.wav")[0], song)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.drums.wav", "a.wav"]


def test_a_damaged_file_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_text("words")
    with pytest.raises(AudioError):
        Unmixer(four()).process_file(tmp_path / "a.wav", places(tmp_path, *FOUR))
    assert [path.name for path in tmp_path.iterdir()] == ["a.wav"]


def test_engines_are_opened_by_name_and_told_how_much_to_work_on(tmp_path: Path) -> None:
    path = tiny_unmixer(tmp_path / "tiny.safetensors")
    unmixer: Any = Unmixer.open(path, 2, device="cpu", segment_s=1.5)
    assert unmixer.stems == FOUR
    assert unmixer.engine.chunks.segment_s == 1.5
    song = noise(30_000)
    whole = Unmixer.open(f"checkpoint:{path}", device="cpu").separate(song, sample_rate=RATE)
    parts = unmixer.separate(song, sample_rate=RATE)
    np.testing.assert_allclose(parts.stems["bass"], whole.stems["bass"], atol=1e-5)
    with pytest.raises(SettingsError, match="finds only song: expected two stems or more"):
        Unmixer(Gains({"song": 1.0}))
    with pytest.raises(SettingsError, match="must be more than 0 s"):
        Unmixer.open(path, segment_s=-1)

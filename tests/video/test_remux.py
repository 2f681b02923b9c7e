"""A copy with another sound has the same pictures, and the sound in step with them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from films import film, number
from recordings import noise, tone
from soundsieve import audio
from soundsieve.errors import AudioError, OutputError, VideoError
from soundsieve.video import frames_every, probe, remux

TENTHS = [index / 10 for index in range(20)]
RATE = 44_100


def packets(path: Path) -> list[tuple[float, bytes]]:
    with av.open(str(path)) as container:
        found = [(float(p.pts * p.time_base), bytes(p)) for p in container.demux(video=0) if p.size]
    return sorted(found)


def given(duration_s: float = 2.0, channels: int = 2, rate: int = RATE) -> NDArray[np.float32]:
    """A tone that begins after a quarter of a second, and a little noise: a shift shows."""
    x = tone(440, duration_s, rate, channels) + 0.1 * noise(round(duration_s * rate), channels=channels)
    x[:, : rate // 4] = 0
    return x.astype(np.float32)


def likeness(found: NDArray[np.float32], expected: NDArray[np.float32]) -> float:
    frames = min(found.shape[1], expected.shape[1])
    return float(np.corrcoef(found[0, :frames], expected[0, :frames])[0, 1])


def blocks(x: NDArray[np.float32], frames: int = 4_000) -> Iterator[NDArray[np.float32]]:
    return (x[:, start : start + frames] for start in range(0, x.shape[1], frames))


@pytest.mark.parametrize(
    ("name", "codec"),
    [("a.mp4", "libx264"), ("a.mov", "mpeg4"), ("a.mkv", "libx264"), ("a.webm", "libvpx"), ("a.avi", "mpeg4")],
)
@pytest.mark.parametrize("channels", [1, 2])
def test_pictures_stay_and_the_sound_is_the_one_given(tmp_path: Path, name: str, codec: str, channels: int) -> None:
    kind = Path(name).suffix
    source = film(tmp_path / ("b.mkv" if kind == ".webm" else f"b{kind}"), TENTHS, codec=codec)
    x = given(channels=channels, rate=48_000 if kind == ".webm" else RATE)
    rate = 48_000 if kind == ".webm" else RATE
    out = tmp_path / name
    remux(source, blocks(x), out, sample_rate=rate)
    assert [content for _, content in packets(out)] == [content for _, content in packets(source)]
    np.testing.assert_allclose([at for at, _ in packets(out)], [at for at, _ in packets(source)], atol=1e-3)
    found, found_rate = audio.read(out)
    assert (found_rate, len(found)) == (rate, channels)
    assert likeness(found, x) > 0.99  # a delay of one millisecond would make it 0.9 or less
    assert abs(found.shape[1] - x.shape[1]) <= 1_024
    with av.open(str(out)) as container:
        assert len(container.streams) == 2


@pytest.mark.parametrize("duration_s", [0.7, 4.0])
def test_sound_of_another_length_is_kept_as_it_is(tmp_path: Path, duration_s: float) -> None:
    source = film(tmp_path / "a.mp4", TENTHS, sound=noise(16_000, channels=1))
    x = given(duration_s)
    remux(source, blocks(x), tmp_path / "b.mp4", sample_rate=RATE)
    assert audio.read(tmp_path / "b.mp4")[0].shape[1] == pytest.approx(x.shape[1], abs=1_024)
    assert packets(tmp_path / "b.mp4") == packets(source)


@pytest.mark.parametrize(("pictures_at_s", "sound_at_s"), [(0.5, 0.0), (0.0, 0.6)])
@pytest.mark.parametrize("kind", [".mp4", ".mkv"])
def test_a_late_beginning_stays_late(tmp_path: Path, kind: str, pictures_at_s: float, sound_at_s: float) -> None:
    own = given(channels=1, rate=16_000)
    times_s = [time_s + pictures_at_s for time_s in TENTHS]
    source = film(tmp_path / f"a{kind}", times_s, sound=own, sound_at_s=sound_at_s)
    read, rate = audio.read(source)  # with silence before sound that is late
    out = tmp_path / f"b{kind}"
    remux(source, blocks(read), out, sample_rate=rate)
    again, _ = audio.read(out)
    assert likeness(again, read) > 0.99
    before, after = ([frame.time_s for frame in frames_every(path, 0.4)] for path in (source, out))
    np.testing.assert_allclose(after, before, atol=2e-3 if kind == ".mp4" else 0.025)


def test_a_recording_may_be_named_instead(tmp_path: Path) -> None:
    source = film(tmp_path / "a.mp4", TENTHS)
    x = given()
    audio.write(tmp_path / "a.wav", x, RATE)
    remux(source, tmp_path / "a.wav", tmp_path / "b.mp4")
    assert likeness(audio.read(tmp_path / "b.mp4")[0], x) > 0.99
    with pytest.raises(AudioError, match="no such file"):
        remux(source, tmp_path / "none.wav", tmp_path / "c.mp4")
    with pytest.raises(ValueError, match="sample_rate"):
        remux(source, blocks(x), tmp_path / "c.mp4")


@pytest.mark.parametrize("rate", [22_255, 192_000])
def test_a_rate_that_the_encoder_does_not_know(tmp_path: Path, rate: int) -> None:
    source, x = film(tmp_path / "a.mp4", TENTHS), given(channels=1, rate=rate)
    remux(source, blocks(x), tmp_path / "b.mp4", sample_rate=rate)
    found, found_rate = audio.read(tmp_path / "b.mp4")
    assert likeness(audio.resample(found, found_rate, rate), x) > 0.98  # less of the noise where there is less room


@pytest.mark.parametrize("turn", [90, 180])
def test_a_turned_film_stays_turned(tmp_path: Path, turn: int) -> None:
    source = film(tmp_path / "a.mp4", TENTHS, turn=turn)
    remux(source, blocks(given()), tmp_path / "b.mp4", sample_rate=RATE)
    assert (probe(tmp_path / "b.mp4").width, probe(tmp_path / "b.mp4").height) == (
        probe(source).width,
        probe(source).height,
    )
    with av.open(str(tmp_path / "b.mp4")) as container:
        assert abs(next(container.decode(video=0)).rotation) == turn


def test_the_title_is_kept_and_pictures_can_be_seen(tmp_path: Path) -> None:
    source = film(tmp_path / "a.mkv", TENTHS, codec="libx264")
    remux(source, blocks(given()), tmp_path / "b.mp4", sample_rate=RATE)
    assert [number(frame.pixels) for frame in frames_every(tmp_path / "b.mp4", 0.5)] == [0, 5, 10, 15]


def test_places_that_are_refused(tmp_path: Path) -> None:
    source = film(tmp_path / "a.mp4", TENTHS)
    (tmp_path / "b.mp4").write_text("precious")
    cases = {
        tmp_path / "b.mp4": "exists already and is left alone",
        tmp_path / "a.mp4": "is the video itself",
        tmp_path / "a.gif": "cannot write a video of type '.gif'; choose from .mp4",
        tmp_path / "nowhere" / "b.mp4": "does not exist",
        tmp_path / "b.webm": "cannot hold|cannot be written",
    }
    for place, sentence in cases.items():
        with pytest.raises(OutputError, match=sentence):
            remux(source, blocks(given()), place, sample_rate=RATE)
    assert (tmp_path / "b.mp4").read_text() == "precious"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mp4", "b.mp4"]
    remux(source, blocks(given()), tmp_path / "b.mp4", sample_rate=RATE, force=True)
    assert probe(tmp_path / "b.mp4").has_sound


def test_nothing_is_left_of_a_copy_that_fails(tmp_path: Path) -> None:
    source = film(tmp_path / "a.mp4", TENTHS)
    bad = given()
    bad[0, 50_000] = np.nan
    with pytest.raises(OutputError, match=r"b\.mp4: the sound to be written holds NaN"):
        remux(source, blocks(bad), tmp_path / "b.mp4", sample_rate=RATE)
    with pytest.raises(OutputError, match="channels of sound, not 7"):
        remux(source, blocks(given(channels=7)), tmp_path / "b.mp4", sample_rate=RATE)
    with pytest.raises(ValueError, match=r"expected blocks \(2, time\)"):
        remux(source, iter([given(), given(channels=1)]), tmp_path / "b.mp4", sample_rate=RATE)
    with pytest.raises(ValueError, match="found none"):
        remux(source, iter([]), tmp_path / "b.mp4", sample_rate=RATE)
    with pytest.raises(VideoError, match="no such file"):
        remux(tmp_path / "none.mp4", blocks(given()), tmp_path / "b.mp4", sample_rate=RATE)
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]

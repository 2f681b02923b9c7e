"""Pictures are found at the moments asked for, whatever the file is like."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from films import film, grey, number
from recordings import mux, noise, truncate
from soundsieve.errors import SettingsError, VideoError
from soundsieve.video import frames_every, probe

TENTHS = [index / 10 for index in range(30)]  # three seconds


def numbers(path: Path, *arguments: float, **options: float) -> list[int]:
    return [number(frame.pixels) for frame in frames_every(path, *arguments, **options)]


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.mov", "a.avi"])
@pytest.mark.parametrize("gop", [1, 4, 30])
def test_every_moment_has_the_picture_that_is_shown_then(tmp_path: Path, name: str, gop: int) -> None:
    path = film(tmp_path / name, TENTHS, gop=gop)
    assert numbers(path) == [0, 10, 20]
    assert numbers(path, 0.75) == [0, 7, 15, 22]
    assert numbers(path, 0.1) == list(range(30))
    assert [frame.time_s for frame in frames_every(path, 0.75)] == pytest.approx([0, 0.7, 1.5, 2.2], abs=2e-3)


@pytest.mark.parametrize("codec", ["libx264", "libvpx-vp9"])
def test_pictures_in_another_order_than_they_are_packed(tmp_path: Path, codec: str) -> None:
    path = film(tmp_path / "a.mkv", TENTHS, codec=codec, gop=12)
    assert numbers(path, 0.3) == list(range(0, 30, 3))
    assert numbers(path, 0.3, start_s=1.4) == [14, 17, 20, 23, 26, 29]


@pytest.mark.parametrize("start_s", [0.0, 0.05, 1.0, 1.23, 2.9])
@pytest.mark.parametrize("gop", [4, 30])
def test_a_part_begins_where_it_should(tmp_path: Path, start_s: float, gop: int) -> None:
    path = film(tmp_path / "a.mp4", TENTHS, gop=gop)
    first = int(start_s * 10)
    assert numbers(path, 0.2, start_s=start_s) == list(range(first, 30, 2))
    assert numbers(path, 0.2, start_s=start_s, duration_s=0.35) == list(range(first, 30, 2))[:2]


def test_pictures_at_uneven_times(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mkv", [0, 0.1, 0.95, 1.05, 4.2, 4.3, 5.5])
    assert numbers(path) == [0, 2, 3, 5]  # the one of 1.05 s is shown at 2, 3 and 4 s, and comes once


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_times_count_from_where_the_sound_begins(tmp_path: Path, name: str) -> None:
    late = [time_s + 0.5 for time_s in TENTHS]
    path = film(tmp_path / name, late, sound=noise(64_000, channels=1))
    frames = list(frames_every(path))
    assert [number(frame.pixels) for frame in frames] == [0, 5, 15, 25]
    assert [frame.time_s for frame in frames] == pytest.approx([0.5, 1, 2, 3], abs=0.03)  # the encoder's delay


def test_times_count_from_where_the_pictures_begin(tmp_path: Path) -> None:
    late = [time_s + 0.5 for time_s in TENTHS]
    path = film(tmp_path / "a.mkv", late, sound=noise(16_000, channels=1), sound_at_s=1.0)
    assert [frame.time_s for frame in frames_every(path)] == pytest.approx([0, 1, 2], abs=0.03)


@pytest.mark.parametrize(("turn", "corner"), [(90, (-1, 0)), (180, (-1, -1)), (-90, (0, -1)), (0, (0, 0))])
def test_a_picture_is_turned_as_the_file_says(tmp_path: Path, turn: int, corner: tuple[int, int]) -> None:
    pixels = np.zeros((48, 64, 3), np.uint8)
    pixels[:16, :16] = 255  # top left; a quarter counter-clockwise makes it bottom left
    path = film(tmp_path / "a.mp4", [0, 0.1], [pixels, pixels], turn=turn)
    frame = next(frames_every(path))
    assert frame.pixels.shape[:2] == ((48, 64) if turn % 180 == 0 else (64, 48))
    corners = {place: frame.pixels[place].mean() for place in [(0, 0), (0, -1), (-1, 0), (-1, -1)]}
    assert max(corners, key=lambda place: corners[place]) == corner
    info = probe(path)
    assert (info.height, info.width) == frame.pixels.shape[:2]


def test_pixels_that_are_not_square(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", [0, 0.1], aspect=Fraction(3, 2))
    assert next(frames_every(path)).pixels.shape == (48, 96, 3)
    assert (probe(path).width, probe(path).height) == (96, 48)


@pytest.mark.parametrize("pix_fmt", ["gray", "yuv422p10le", "yuv444p", "bgra", "yuva420p"])
def test_odd_forms_of_pixels(tmp_path: Path, pix_fmt: str) -> None:
    path = film(tmp_path / "a.mkv", TENTHS, codec="ffv1", pix_fmt=pix_fmt)
    assert numbers(path) == [0, 10, 20]


def test_colours_stay_where_they_are(tmp_path: Path) -> None:
    pixels = np.zeros((48, 64, 3), np.uint8) + np.array([200, 100, 30], np.uint8)
    frame = next(frames_every(film(tmp_path / "a.mp4", [0, 0.1], [pixels, pixels])))
    np.testing.assert_allclose(frame.pixels.mean((0, 1)), [200, 100, 30], atol=4)


def test_large_pictures_are_made_smaller(tmp_path: Path) -> None:
    size = (3840, 2160)
    path = film(tmp_path / "a.mp4", [0, 0.1], [grey(3, size), grey(4, size)])
    assert next(frames_every(path)).pixels.shape == (360, 640, 3)
    assert next(frames_every(path, longest_side=320)).pixels.shape == (180, 320, 3)
    assert next(frames_every(path, longest_side=None)).pixels.shape == (2160, 3840, 3)


def test_one_picture_under_a_long_sound(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", [0], [grey(5)], sound=noise(48_000, channels=1))
    assert numbers(path) == [5]
    info = probe(path)
    assert (info.frames, info.frame_rate, info.has_sound) == (1, None, True)
    assert info.duration_s == pytest.approx(3, abs=0.1)


@pytest.mark.parametrize("name", ["a.png", "a.jpg"])
def test_a_still_picture_is_a_video_of_one(tmp_path: Path, name: str) -> None:
    codec, pix_fmt = ("png", "rgb24") if name == "a.png" else ("mjpeg", "yuvj420p")
    context = av.CodecContext.create(codec, "w")
    context.width, context.height, context.pix_fmt, context.time_base = 64, 48, pix_fmt, Fraction(1, 25)
    picture = av.VideoFrame.from_ndarray(grey(7), format="rgb24").reformat(format=pix_fmt)
    path = tmp_path / name
    path.write_bytes(b"".join(bytes(packet) for packet in [*context.encode(picture), *context.encode(None)]))
    assert numbers(path) == [7]
    assert (probe(path).frame_rate, probe(path).has_sound) == (None, False)


def test_the_header_of_a_film(tmp_path: Path) -> None:
    info = probe(film(tmp_path / "a.mp4", TENTHS, sound=noise(32_000, channels=2)))
    assert (info.width, info.height, info.frames, info.has_sound) == (64, 48, 30, True)
    assert info.duration_s == pytest.approx(3, abs=0.1)
    assert info.frame_rate == pytest.approx(10, rel=0.05)


def test_what_a_truncated_film_still_holds_is_given_and_told(tmp_path: Path) -> None:
    path = truncate(film(tmp_path / "a.mp4", [*TENTHS, 60.0]), 0.6)
    frames = frames_every(path, 0.5)
    found = [number(frame.pixels) for frame in frames]
    assert found[:2] == [0, 5]
    assert len(found) < 7
    assert frames.note is not None
    assert "is truncated or damaged; its pictures end after" in frames.note
    whole = frames_every(film(tmp_path / "b.mp4", TENTHS))
    assert len(list(whole)) == 3
    assert whole.note is None


def test_a_damaged_picture_is_left_out_and_told(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mkv", TENTHS, codec="mjpeg", pix_fmt="yuvj420p")
    with av.open(str(path)) as container:
        packet = [bytes(packet) for packet in container.demux(video=0) if packet.size][10]
    path.write_bytes(path.read_bytes().replace(packet, bytes(len(packet))))
    frames = frames_every(path, 0.5)
    found = [number(frame.pixels) for frame in frames]
    assert found[:2] + found[3:] == [0, 5, 15, 20, 25]
    assert 5 < found[2] < 10  # one that was decoded before
    assert frames.note == f"{path}: is damaged; 1 of its packets of pictures cannot be decoded"


def test_what_is_no_video_is_refused_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.txt").write_text("no picture\n" * 50)
    (tmp_path / "noise.mp4").write_bytes(np.random.default_rng(0).bytes(5000))
    mux(tmp_path / "sound.m4a", noise(8_000, channels=1))
    cases = {
        "none.mp4": "no such file",
        "empty.mp4": "is empty",
        "text.txt": "has no pictures|is not a video",
        "noise.mp4": "is not a video",
        "sound.m4a": "has no pictures, expected a video",
        ".": "is a folder",
    }
    for name, sentence in cases.items():
        with pytest.raises(VideoError, match=sentence):
            frames_every(tmp_path / name)
        with pytest.raises(VideoError, match=sentence):
            probe(tmp_path / name)


def test_a_cover_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "a.mp3"
    with av.open(str(path), "w") as container:
        track = container.add_stream("libmp3lame", rate=44_100)
        cover = container.add_stream("png", rate=1)
        cover.width, cover.height, cover.pix_fmt = 64, 48, "rgb24"
        cover.disposition = av.stream.Disposition.attached_pic
        container.mux(cover.encode(av.VideoFrame.from_ndarray(grey(3), format="rgb24")))
        frame = av.AudioFrame.from_ndarray(noise(44_100, channels=2), format="fltp", layout="stereo")
        frame.sample_rate = 44_100
        container.mux(track.encode(frame))
        container.mux(track.encode(None))
    with pytest.raises(VideoError, match="has only a cover picture, expected a video"):
        frames_every(path)


def test_numbers_out_of_range(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", TENTHS)
    for options in ({"every_s": 0}, {"start_s": -1}, {"duration_s": 0}, {"longest_side": 0}, {"every_s": np.inf}):
        with pytest.raises(SettingsError, match=next(iter(options))):
            frames_every(path, **options)
    with pytest.raises(SettingsError, match=r"start_s = 30: .* ends after [23]\.\d+ s"):
        list(frames_every(path, start_s=30))


@pytest.mark.shared_data
@pytest.mark.parametrize("name", ["harp", "dog"])
def test_real_clips_give_the_pictures_that_decoding_all_of_them_gives(shared_data: Path, name: str) -> None:
    path = shared_data / "av" / "video" / f"{name}.mp4"
    with av.open(str(path)) as container:
        times_s = np.array([picture.time for picture in container.decode(video=0)])
    found = [frame.time_s for frame in frames_every(path, 0.7, start_s=0.3)]
    moments_s = 0.3 + 0.7 * np.arange(len(found))
    np.testing.assert_allclose(found, [times_s[times_s <= moment_s + 1e-6][-1] for moment_s in moments_s], atol=1e-9)
    assert moments_s[-1] + 0.7 > times_s[-1]

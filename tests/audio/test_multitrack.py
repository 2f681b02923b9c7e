from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

import soundsieve.audio.ffmpeg
from recordings import mux, noise
from songs import RATE_HZ, TRACKS, stems, write_folder, write_stem_mp4
from soundsieve import audio
from soundsieve.audio import Multitrack
from soundsieve.errors import AudioError, SettingsError

FRAMES = 40_000
STARTS = [0, 1, 8_192, 8_193, 9_999, 30_000, FRAMES - 1_500]


@pytest.fixture(scope="module")
def stem_mp4(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("songs") / "Artist - Title.stem.mp4"
    return write_stem_mp4(path, [stems(FRAMES)[name] for name in TRACKS])


@pytest.fixture(scope="module")
def wav_song(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp("songs") / "Artist - Title", stems(FRAMES))


def opened(folder: Path, **wanted: int) -> Multitrack:
    return Multitrack([(folder / f"{name}.wav", 0) for name in TRACKS], **wanted)


class TestTracksOfOneFile:
    def test_each_track_is_its_own_sound(self, stem_mp4: Path) -> None:
        for number, name in enumerate(TRACKS):
            decoded, rate = audio.read(stem_mp4, track=number)
            assert rate == RATE_HZ
            assert audio.probe(stem_mp4, track=number).channels == 2
            likeness = [np.corrcoef(decoded[0, :30_000], stem[0, :30_000])[0, 1] for stem in stems(FRAMES).values()]
            assert int(np.argmax(likeness)) == number, name
            assert max(likeness) > 1.5 * sorted(likeness)[-2]

    @pytest.mark.parametrize("start", STARTS)
    def test_a_part_is_exactly_that_part_of_the_whole(self, stem_mp4: Path, start: int) -> None:
        for number in (0, 4):
            whole, rate = audio.read(stem_mp4, track=number)
            part, _ = audio.read(stem_mp4, start_s=start / rate, duration_s=1_000 / rate, track=number, seek=True)
            np.testing.assert_array_equal(part, whole[:, start : start + 1_000])
            rest, _ = audio.read(stem_mp4, start_s=start / rate, track=number, seek=True)
            np.testing.assert_array_equal(rest, whole[:, start:])

    def test_noise_left_to_the_decoder_is_in_its_place_and_without_a_seek_the_same(self, tmp_path: Path) -> None:
        rate, beat = RATE_HZ, 0.4 * (np.arange(20_000) % 5_000 < 500)  # bursts, whose places can be told
        path = mux(tmp_path / "low.mp4", (beat * noise(20_000)).astype(np.float32), rate)
        whole, _ = audio.read(path)
        exact, _ = audio.read(path, start_s=14_000 / rate)
        np.testing.assert_array_equal(exact, whole[:, 14_000:])
        near, _ = audio.read(path, start_s=14_000 / rate, seek=True)
        assert near.shape == exact.shape
        loudness = [np.convolve(x[0] ** 2, np.ones(200), "same") for x in (near, exact)]
        assert np.corrcoef(loudness)[0, 1] > 0.9

    def test_a_late_part_does_not_cost_decoding_what_is_before(
        self, stem_mp4: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        decoded = []
        inner = soundsieve.audio.ffmpeg._Converter.__call__

        def counting(self: object, frame: av.AudioFrame) -> object:
            decoded.append(frame.samples)
            return inner(self, frame)  # type: ignore[arg-type]

        monkeypatch.setattr(soundsieve.audio.ffmpeg._Converter, "__call__", counting)
        audio.read(stem_mp4, start_s=35_000 / RATE_HZ, duration_s=1_000 / RATE_HZ, track=2, seek=True)
        assert 0 < sum(decoded) < 10_000

    def test_a_seek_that_lands_too_late_is_not_believed(self, stem_mp4: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        whole, rate = audio.read(stem_mp4)
        monkeypatch.setattr(soundsieve.audio.ffmpeg, "_RUN_IN", -2)
        monkeypatch.setattr(soundsieve.audio.ffmpeg.FFmpegRecording, "_can_seek", lambda _: True)
        part, _ = audio.read(stem_mp4, start_s=30_000 / rate, duration_s=1_000 / rate, seek=True)
        np.testing.assert_array_equal(part, whole[:, 30_000:31_000])

    def test_blocks_of_a_track_add_up_to_it(self, stem_mp4: Path) -> None:
        joined = np.concatenate(list(audio.blocks(stem_mp4, 7_000, track=3)), axis=1)
        np.testing.assert_array_equal(joined, audio.read(stem_mp4, track=3)[0])

    def test_a_track_that_is_not_there_is_an_error(self, stem_mp4: Path, wav_song: Path) -> None:
        with pytest.raises(AudioError, match=r"has 5 sound tracks, expected 6 or more"):
            audio.probe(stem_mp4, track=5)
        with pytest.raises(AudioError, match=r"drums.wav: has 1 sound track, expected 2 or more"):
            audio.read(wav_song / "drums.wav", track=1)
        with pytest.raises(SettingsError, match="track = -1"):
            audio.read(stem_mp4, track=-1)

    def test_they_are_read_in_step(self, stem_mp4: Path) -> None:
        song = Multitrack([(stem_mp4, 1), None, (stem_mp4, 4)])
        part = song.read(20_000, 3_000)
        assert part.shape == (3, 2, 3_000)
        np.testing.assert_array_equal(part[0], audio.read(stem_mp4, track=1)[0][:, 20_000:23_000])
        np.testing.assert_array_equal(part[2], audio.read(stem_mp4, track=4)[0][:, 20_000:23_000])
        assert not part[1].any()


class TestTracksOfManyFiles:
    def test_a_part_is_exactly_that_part_of_the_files(self, wav_song: Path) -> None:
        expected = np.stack(list(stems(FRAMES).values()))
        song = opened(wav_song)
        assert (song.sample_rate, song.channels, song.frames) == (RATE_HZ, 2, FRAMES)
        np.testing.assert_array_equal(song.read(), expected)
        np.testing.assert_array_equal(song.read(12_345, 777), expected[..., 12_345 : 12_345 + 777])
        np.testing.assert_array_equal(song.read(FRAMES - 1, 1), expected[..., -1:])

    def test_blocks_add_up_to_the_whole(self, wav_song: Path) -> None:
        pieces = list(opened(wav_song).blocks(15_000))
        assert [piece.shape for piece in pieces] == [(5, 2, 15_000), (5, 2, 15_000), (5, 2, 10_000)]
        np.testing.assert_array_equal(np.concatenate(pieces, axis=-1), np.stack(list(stems(FRAMES).values())))

    @pytest.mark.parametrize("rate", [22_050, 16_000, 48_000])
    def test_resampled_parts_and_blocks_are_those_of_the_resampled_whole(self, wav_song: Path, rate: int) -> None:
        whole = audio.resample(np.stack(list(stems(FRAMES).values())), RATE_HZ, rate)
        song = opened(wav_song, sample_rate=rate)
        assert (song.sample_rate, song.frames) == (rate, whole.shape[-1])
        for start, frames in ((0, 500), (7, 500), (9_001, 2_000), (song.frames - 300, 300), (0, song.frames)):
            np.testing.assert_allclose(song.read(start, frames), whole[..., start : start + frames], atol=2e-6)
        np.testing.assert_allclose(np.concatenate(list(song.blocks(4_000)), axis=-1), whole, atol=2e-6)

    def test_channels_are_repeated_and_averaged(self, tmp_path: Path) -> None:
        made = stems(1_000)
        write_folder(tmp_path, {"drums": made["drums"], "bass": made["bass"][:1]})
        tracks = [(tmp_path / "drums.wav", 0), (tmp_path / "bass.wav", 0)]
        both = Multitrack(tracks).read()
        np.testing.assert_array_equal(both[1], made["bass"][[0, 0]])
        np.testing.assert_array_equal(both[0], made["drums"])
        alone = Multitrack(tracks, channels=1).read()
        np.testing.assert_allclose(alone[0, 0], made["drums"].mean(axis=0), atol=1e-7)
        np.testing.assert_array_equal(alone[1, 0], made["bass"][0])


class TestMistakes:
    def test_lengths_that_differ_are_named(self, tmp_path: Path) -> None:
        write_folder(tmp_path, {"drums": noise(1_000, 2), "bass": noise(999, 2)})
        with pytest.raises(AudioError, match=r"drums.wav has 1000 samples and .*bass.wav 999: .* one length$"):
            Multitrack([(tmp_path / "drums.wav", 0), (tmp_path / "bass.wav", 0)])

    def test_rates_that_differ_are_named(self, tmp_path: Path) -> None:
        write_folder(tmp_path, {"drums": noise(100)})
        soundfile.write(tmp_path / "bass.wav", noise(100).T, 8_000)
        with pytest.raises(AudioError, match=r"drums.wav has 44100 Hz and .*bass.wav 8000 Hz: .* one rate$"):
            Multitrack([(tmp_path / "drums.wav", 0), (tmp_path / "bass.wav", 0)])

    def test_numbers_of_channels_that_do_not_fit(self, tmp_path: Path) -> None:
        write_folder(tmp_path, {"drums": noise(100, 3), "bass": noise(100, 2)})
        with pytest.raises(AudioError, match=r"bass.wav: has 2 channels, expected 1 or 3"):
            Multitrack([(tmp_path / "drums.wav", 0), (tmp_path / "bass.wav", 0)])

    def test_tracks_of_one_file_may_differ_by_padding_and_no_more(self, tmp_path: Path) -> None:
        made = noise(15_000)
        close = write_stem_mp4(tmp_path / "close.mp4", [made, made[:, :13_000]])
        lengths = [audio.probe(close, track=number).frames for number in (0, 1)]
        assert Multitrack([(close, 0), (close, 1)]).frames == min(length or 0 for length in lengths) < 13_100
        far = write_stem_mp4(tmp_path / "far.mp4", [made, made[:, :8_000]])
        with pytest.raises(AudioError, match="must have one length"):
            Multitrack([(far, 0), (far, 1)])

    def test_silence_alone_and_parts_outside(self, wav_song: Path) -> None:
        with pytest.raises(AudioError, match="all 2 tracks are silent"):
            Multitrack([None, None])
        for start, frames in ((-1, 5), (FRAMES, None), (FRAMES - 2, 3), (0, 0)):
            with pytest.raises(SettingsError, match=rf"the recording has {FRAMES}"):
                opened(wav_song).read(start, frames)
        with pytest.raises(SettingsError, match="frames = 0"):
            next(opened(wav_song).blocks(0))
        with pytest.raises(SettingsError, match="sample_rate = 0"):
            opened(wav_song, sample_rate=0)

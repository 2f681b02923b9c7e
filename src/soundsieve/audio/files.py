"""Read recordings: look at the header, read the whole or a part, or stream blocks in bounded memory.

libsndfile reads first (WAV, FLAC, Ogg, AIFF …); FFmpeg reads what it cannot (MP3, MP4, Matroska …), and of a video the
sound track. Samples are float32 (channel, time), full scale is [-1, 1], and nothing is ever rescaled or resampled.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from soundsieve.audio.recording import LARGEST_SAMPLE, AudioInfo, Pieces, Recording, regroup, take, too_large
from soundsieve.audio.sndfile import SndfileRecording
from soundsieve.errors import AudioError, SettingsError

__all__ = ["AudioInfo", "blocks", "probe", "read"]


def probe(path: str | Path, *, track: int = 0) -> AudioInfo:
    """Read the header of a recording.

    Args:
        path: an audio file, or a video with a sound track.
        track: which of several sound tracks, counted from 0.

    Returns:
        Sample rate, channels, length and encoding.

    Raises:
        AudioError: if the file is missing, a folder, empty, not audio, has no sound track, holds no samples, or is
            seen to be truncated from its header alone, or has no sound track of that number.

    >>> import tempfile, soundsieve.audio as audio
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     audio.write(f"{folder}/a.flac", np.zeros((2, 8_000)), 16_000)
    ...     audio.probe(f"{folder}/a.flac").duration_s
    0.5
    """
    with _open(Path(path), track) as recording:
        return recording.info


def read(
    path: str | Path, *, start_s: float = 0.0, duration_s: float | None = None, track: int = 0, seek: bool = False
) -> tuple[NDArray[np.float32], int]:
    """Read a recording, or the part of it that starts at `start_s` and lasts `duration_s`.

    Args:
        path: an audio file, or a video with a sound track.
        start_s: where to start, rounded to the nearest sample.
        duration_s: how much to read, rounded to the nearest sample; None means to the end. Where the recording ends
            earlier, so does the result.
        track: which of several sound tracks, counted from 0.
        seek: do not decode what is before a part of an MP4 either, as is never done for WAV and its like. In sound of a
            low bit rate, noise that AAC's encoder replaced by a number (perceptual noise substitution) is another then.

    Returns:
        Waveform (channel, time) and its sample rate. A part is the same samples as that part of the whole.

    Raises:
        AudioError: as for `probe`, and if the part asked for is truncated, damaged, or holds NaN, infinite or
            absurdly large samples.
        SettingsError: if `start_s` or `duration_s` is out of range.

    >>> import tempfile, soundsieve.audio as audio
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     audio.write(f"{folder}/a.wav", np.arange(8.0)[None] / 8, 8)
    ...     audio.read(f"{folder}/a.wav", start_s=0.5, duration_s=0.25)
    (array([[0.5  , 0.625]], dtype=float32), 8)
    """
    if not (math.isfinite(start_s) and start_s >= 0):
        raise SettingsError(f"start_s = {start_s}: must be 0 or more")
    if duration_s is not None and not (math.isfinite(duration_s) and duration_s > 0):
        raise SettingsError(f"duration_s = {duration_s}: must be more than 0, or None for the whole")
    with _open(Path(path), track, seek=seek) as recording:
        rate = recording.info.sample_rate
        start = round(start_s * rate)
        count = None if duration_s is None else max(1, round(duration_s * rate))
        pieces = list(_samples(recording, start, count))
        if not pieces:
            raise SettingsError(f"start_s = {start_s}: {path} ends before that")
        return np.concatenate(pieces, axis=1), rate


def blocks(path: str | Path, frames: int, *, track: int = 0) -> Iterator[NDArray[np.float32]]:
    """Stream a recording in blocks, in memory that does not grow with its length.

    Args:
        path: an audio file, or a video with a sound track.
        frames: length of a block in samples.
        track: which of several sound tracks, counted from 0.

    Yields:
        Waveforms (channel, frames); the last one may be shorter. Each is a new array.

    Raises:
        AudioError: as for `read`, when the faulty place is reached.
        SettingsError: if `frames` is less than 1.

    >>> import tempfile, soundsieve.audio as audio
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     audio.write(f"{folder}/a.wav", np.zeros((1, 10)), 8_000)
    ...     [block.shape for block in audio.blocks(f"{folder}/a.wav", 4)]
    [(1, 4), (1, 4), (1, 2)]
    """
    if frames < 1:
        raise SettingsError(f"frames = {frames}: a block has 1 sample or more")
    with _open(Path(path), track) as recording:
        yield from regroup(_samples(recording, 0, None), frames)


def _open(path: Path, track: int, *, seek: bool = False) -> Recording:
    if track < 0:
        raise SettingsError(f"track = {track}: sound tracks are counted from 0")
    _refuse_unreadable(path)
    # soundfile takes a file called .raw for bare samples and wants to be told their rate; FFmpeg looks inside.
    if track == 0 and path.suffix.lower() != ".raw":
        try:
            file = soundfile.SoundFile(os.fsencode(path))
        except soundfile.LibsndfileError:
            pass
        else:
            if _knows_length(file):
                return SndfileRecording(path, file)
            file.close()
    from soundsieve.audio.ffmpeg import FFmpegRecording  # FFmpeg is slow to load and most recordings do not need it

    return FFmpegRecording(path, track, seek=seek)


def _knows_length(file: soundfile.SoundFile) -> bool:
    """Tell whether libsndfile will read the file to its end.

    It guesses the length of an MP3 that does not state it, and cuts the sound there. It takes a FLAC of open length for
    the longest there can be, and fails at its end.
    """
    return bool(file.format != "MP3" and file.frames < 2**62)


def _refuse_unreadable(path: Path) -> None:
    try:
        if path.is_dir():
            raise AudioError(f"{path}: is a folder, not a recording")
        if path.exists() and not path.is_file():
            raise AudioError(f"{path}: is a device or a pipe; only files can be read")
        with path.open("rb") as file:
            if not file.read(1):
                raise AudioError(f"{path}: is empty (0 bytes)")
    except FileNotFoundError:
        raise AudioError(f"{path}: there is no such file") from None
    except OSError as error:
        raise AudioError(f"{path}: cannot be opened ({error.strerror})") from None


def _samples(recording: Recording, start: int, count: int | None) -> Pieces:
    """Yield `count` frames from `start` on, having looked at every sample."""
    info, position = recording.info, start
    pieces = recording.pieces(start)
    for piece in pieces if count is None else take(pieces, count):
        finite = np.isfinite(piece)
        if not finite.all():
            first_s = (position + int(finite.all(axis=0).argmin())) / info.sample_rate
            raise AudioError(f"{info.path}: holds a NaN or infinite sample at {first_s:.3f} s; all must be finite")
        if max(piece.max(), -piece.min()) > LARGEST_SAMPLE:
            channel, frame = np.argwhere(np.abs(piece) > LARGEST_SAMPLE)[0]
            first_s = (position + int(frame)) / info.sample_rate
            raise too_large(info.path, float(piece[channel, frame]), f"{first_s:.3f} s")
        position += piece.shape[1]
        yield piece
    if position == 0:
        raise AudioError(f"{info.path}: holds no samples")

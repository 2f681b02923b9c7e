"""Write recordings: block by block or at once, atomically, and never over an existing file unless told to."""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Final, Self

import numpy as np
import soundfile
from numpy.typing import NDArray

from soundsieve.errors import OutputError

FORMATS: Final = MappingProxyType(
    {
        "wav": ("FLOAT", "PCM_16", "PCM_24", "PCM_32", "DOUBLE"),
        "flac": ("PCM_24", "PCM_16"),
        "ogg": ("VORBIS",),
        "mp3": ("MPEG_LAYER_III",),
    }
)
"""The encodings each file type allows, the default first. WAV is floating point by default, so it never clips."""

_MP3_RATES_HZ = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
_MOST_CHANNELS = {"wav": 1_024, "flac": 8, "ogg": 255, "mp3": 2}
_MOST_HZ = {"wav": 2**31 - 1, "flac": 655_350, "ogg": 200_000}
_SAMPLE_BYTES = {"PCM_16": 2, "PCM_24": 3, "PCM_32": 4, "FLOAT": 4, "DOUBLE": 8}

# The 32-bit sizes of a WAV end at 4 GiB; the header needs a little of that.
_WAV_BYTES = 2**32 - 4_096

# The Vorbis encoder keeps a whole write on the stack and crashes on a long one.
_WRITE_FRAMES = 65_536


class Writer:
    """Writes a recording block by block; the file appears, complete, only when the `with` block ends without error.

    Args:
        path: the file to write; its suffix chooses the type, see `FORMATS`.
        sample_rate: in Hz.
        channels: number of channels.
        subtype: one of the encodings in `FORMATS`; None for the default.
        force: replace an existing file.
        frames_hint: how long the recording will be, if known. A WAV beyond 4 GiB has to be RF64 from its first byte on,
            and this is how the writer knows.

    Attributes:
        frames: samples written to each channel so far.
        clipped: samples beyond full scale so far, which an integer encoding cut off; 0 for any other encoding.

    Raises:
        OutputError: if the file exists already, the folder is missing or not writable, or the type cannot hold this
            encoding, rate or number of channels.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with Writer(f"{folder}/a.wav", 16_000, 1, subtype="PCM_16") as writer:
    ...         writer.write(np.array([[0.5, 1.5, -0.5]]))
    ...     writer.frames, writer.clipped
    (3, 1)
    """

    def __init__(
        self,
        path: str | Path,
        sample_rate: int,
        channels: int,
        *,
        subtype: str | None = None,
        force: bool = False,
        frames_hint: int | None = None,
    ) -> None:
        self.path = Path(path)
        self.sample_rate = sample_rate
        self.channels = channels
        self.frames = 0
        self.clipped = 0
        self._force = force
        file_type = _file_type(self.path)
        self.subtype = _subtype(self.path, file_type, subtype)
        _refuse_unsupported(self.path, file_type, sample_rate, channels)
        self._refuse_place()
        self._format = file_type.upper()
        self._most_frames = sys.maxsize
        if file_type == "wav":
            self._most_frames = _WAV_BYTES // (channels * _SAMPLE_BYTES[self.subtype])
            if frames_hint is not None and frames_hint > self._most_frames:
                self._format, self._most_frames = "RF64", sys.maxsize
        # Beside the result, so that the final rename stays within one file system; short, so that it is always legal.
        self._temporary = self.path.with_name(f".{secrets.token_hex(8)}.part")
        self._file: soundfile.SoundFile | None = None

    def __enter__(self) -> Self:
        try:
            self._file = soundfile.SoundFile(
                os.fsencode(self._temporary),
                "w",
                samplerate=self.sample_rate,
                channels=self.channels,
                subtype=self.subtype,
                format=self._format,
            )
        except soundfile.LibsndfileError as error:
            reason = error.error_string
            try:
                self._temporary.unlink(missing_ok=True)
            except OSError as failure:  # says better what is wrong with the place
                reason = failure.strerror
            raise self._failure(reason) from None
        return self

    def write(self, block: NDArray[np.floating[Any]]) -> None:
        """Append a block.

        Args:
            block: waveform (channel, time); full scale is [-1, 1].

        Raises:
            OutputError: if the block holds NaN or infinite samples, the disk is full, or a WAV outgrows 4 GiB without a
                `frames_hint`.
            ValueError: if the block has another shape or the writer is not open.
        """
        if self._file is None:
            raise ValueError(f"{self.path}: the writer is not open; write inside its with block")
        if block.ndim != 2 or block.shape[0] != self.channels:
            raise ValueError(f"{self.path}: expected a block of ({self.channels}, time), found shape {block.shape}")
        if not np.isfinite(block).all():
            raise OutputError(f"{self.path}: the sound to be written holds NaN or infinite samples")
        if self.frames + block.shape[1] > self._most_frames:
            raise OutputError(f"{self.path}: a WAV of unannounced length ends at 4 GiB; announce it with frames_hint")
        if self.subtype.startswith("PCM"):
            self.clipped += int(np.count_nonzero(np.abs(block) > 1.0))
        precision = np.float64 if block.dtype == np.float64 else np.float32
        for start in range(0, block.shape[1], _WRITE_FRAMES):
            self._append(self._file, np.ascontiguousarray(block[:, start : start + _WRITE_FRAMES].T, dtype=precision))
        self.frames += block.shape[1]

    def _append(self, file: soundfile.SoundFile, samples: NDArray[np.floating[Any]]) -> None:
        try:
            file.write(samples)
        except soundfile.LibsndfileError as error:
            raise self._failure(f"{error.error_string} Is the disk full?") from None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        file, self._file = self._file, None
        try:
            if file is not None:
                file.close()
            if kind is None:
                self._refuse_incomplete()
                self._refuse_place()
                self._temporary.replace(self.path)
        except (soundfile.LibsndfileError, OSError) as failure:
            raise self._failure(failure) from None
        finally:
            self._temporary.unlink(missing_ok=True)

    def _refuse_place(self) -> None:
        """Refuse to overwrite, and refuse early a place where the last step would fail."""
        folder = self.path.parent
        try:
            is_folder, exists, has_folder = self.path.is_dir(), self.path.exists(), folder.is_dir()
        except OSError as error:  # a name that is too long, a folder that may not be entered
            raise self._failure(error.strerror) from None
        if is_folder:
            raise OutputError(f"{self.path}: is a folder; name a file to write")
        if exists and not self._force:
            raise OutputError(f"{self.path}: exists already and is left alone; choose another name or force it")
        if not has_folder:
            raise OutputError(f"{self.path}: the folder {folder} does not exist")
        if not os.access(folder, os.W_OK):
            raise OutputError(f"{self.path}: the folder {folder} is not writable")

    def _refuse_incomplete(self) -> None:
        """Count what is in the file: libsndfile keeps quiet about a disk that fills up with the very last bytes."""
        if self.frames and soundfile.info(os.fsencode(self._temporary)).frames != self.frames:
            raise self._failure("it came out shorter than it should; is the disk full?")

    def _failure(self, reason: object) -> OutputError:
        return OutputError(f"{self.path}: cannot be written ({reason})")


def write(
    path: str | Path,
    audio: NDArray[np.floating[Any]],
    sample_rate: int,
    *,
    subtype: str | None = None,
    force: bool = False,
) -> None:
    """Write a whole recording; see `Writer` for the arguments and the errors.

    Args:
        path: the file to write; its suffix chooses the type, see `FORMATS`.
        audio: waveform (channel, time); full scale is [-1, 1].
        sample_rate: in Hz.
        subtype: one of the encodings in `FORMATS`; None for the default.
        force: replace an existing file.

    Raises:
        OutputError: if the file cannot be written as asked.
        ValueError: if `audio` is not (channel, time).

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write(f"{folder}/a.wav", np.zeros((2, 8)), 8_000)
    ...     [path.name for path in Path(folder).iterdir()]
    ['a.wav']
    """
    if audio.ndim != 2:
        raise ValueError(f"{path}: expected audio (channel, time), found shape {audio.shape}")
    channels, frames = audio.shape
    with Writer(path, sample_rate, channels, subtype=subtype, force=force, frames_hint=frames) as writer:
        writer.write(audio)


def _file_type(path: Path) -> str:
    name = path.suffix.lower().removeprefix(".")
    if name not in FORMATS:
        raise OutputError(f"{path}: cannot write a file of type {path.suffix!r}; choose from .{', .'.join(FORMATS)}")
    return name


def _subtype(path: Path, file_type: str, wanted: str | None) -> str:
    allowed = FORMATS[file_type]
    name = allowed[0] if wanted is None else wanted.upper()
    if name not in allowed:
        raise OutputError(f"{path}: a .{file_type} cannot hold {wanted!r}; choose from {', '.join(allowed)}")
    return name


def _refuse_unsupported(path: Path, file_type: str, sample_rate: int, channels: int) -> None:
    most = _MOST_CHANNELS[file_type]
    if not 1 <= channels <= most:
        raise OutputError(f"{path}: a .{file_type} holds 1 to {most} channels, not {channels}")
    if file_type == "mp3":
        if sample_rate not in _MP3_RATES_HZ:
            rates = ", ".join(map(str, _MP3_RATES_HZ))
            raise OutputError(
                f"{path}: an .mp3 cannot hold {sample_rate} Hz; choose from {rates}, or write another type"
            )
    elif not 1 <= sample_rate <= _MOST_HZ[file_type]:
        raise OutputError(f"{path}: a .{file_type} holds 1 to {_MOST_HZ[file_type]} Hz, not {sample_rate}")

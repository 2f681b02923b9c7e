"""WAV, FLAC, Ogg, AIFF, AU, CAF and W64 through libsndfile."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import soundfile

from soundsieve.audio.recording import PIECE_FRAMES, AudioInfo, Pieces, Recording, damaged, drop, truncated
from soundsieve.errors import AudioError

# libsndfile misplaces a seek into the last Ogg page by as many samples as that page leaves unused. A page holds at
# most 255 packets and a packet from libvorbis at most 1,024 new samples, so a seek this far before the end is safe.
_OGG_LAST_PAGE_FRAMES = 2**18

# Programs that write a WAV into a pipe cannot know its length; they promise this many bytes or more.
_OPEN_BYTES = 0x7FFF_F000

_NO_ENDING = "lacks an end-of-stream"
_SHORTENED = re.compile(r"^\s*(?:data|SSND|Data Size|riff)\s*:\s*(\d+) \(should be (\d+)\)", re.MULTILINE)


class SndfileRecording(Recording):
    """A recording opened by soundfile, whose length libsndfile knows."""

    def __init__(self, path: Path, file: soundfile.SoundFile) -> None:
        self._file = file
        _refuse_truncated(path, file)
        if file.frames == 0:
            raise AudioError(f"{path}: holds no samples")
        self._frames = int(file.frames)
        self.info = AudioInfo(path, file.samplerate, file.channels, self._frames, file.format, file.subtype)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def pieces(self, start: int) -> Pieces:
        """Yield the samples from frame `start` on, the same ones whatever `start` is."""
        position = self._seek(start)
        return drop(self._decode(position), start - position)

    def _seek(self, start: int) -> int:
        """Go to `start`, or to a place before it from which the samples are sure to be counted right."""
        if start == 0 or not self._file.seekable():
            return 0
        latest = max(0, self._frames - _OGG_LAST_PAGE_FRAMES) if self.info.format == "OGG" else self._frames
        return int(self._file.seek(min(start, latest)))

    def _decode(self, position: int) -> Pieces:
        path, rate = self.info.path, self.info.sample_rate
        while position < self._frames:
            try:
                piece = self._file.read(PIECE_FRAMES, dtype="float32", always_2d=True)
            except soundfile.LibsndfileError as error:
                raise damaged(path, position / rate, str(error)) from None
            if len(piece) == 0:
                raise truncated(path, self._frames / rate, position / rate)
            position += len(piece)
            yield np.ascontiguousarray(piece.T)


def _refuse_truncated(path: Path, file: soundfile.SoundFile) -> None:
    """Read the signs of a cut in libsndfile's log: it gives the length of what is there, and says so nowhere else."""
    if _NO_ENDING in file.extra_info:
        found_s = file.frames / file.samplerate
        raise AudioError(f"{path}: is truncated: the Ogg stream stops after {found_s:.3f} s without an end mark")
    shortened = _SHORTENED.search(file.extra_info)
    if not shortened:
        return
    promised, found = int(shortened[1]), int(shortened[2])
    if promised >= _OPEN_BYTES or found > promised:
        return
    # Less than a frame too short is a missing pad byte, not a missing sound.
    if found == 0 or promised * file.frames // found > file.frames:
        raise AudioError(f"{path}: is truncated: the header promises {promised} bytes, the file holds {found}")

"""Say what is in a recording, and which verbs can take it apart."""

from __future__ import annotations

import shlex
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from soundsieve import audio, checkpoint, video
from soundsieve.errors import VideoError
from soundsieve.inference.progress import CancelToken, Progress
from soundsieve.inference.tags import Label
from soundsieve.inference.timeline import UNKNOWN
from soundsieve.systems.genre import GenreNamer
from soundsieve.systems.tag import Tagger

_SUNG = "singing"


@dataclass(frozen=True)
class Description:
    """What is in a recording.

    Attributes:
        file: The recording.
        duration_s: How long it is, None where it does not say.
        sample_rate: In Hz.
        channels: How many.
        heard: Sounds, the most probable first; `unknown` alone where none is known.
        genre: Styles of music, likewise; `unknown` alone where it is no music, or unlike all that is known.
        commands: Verb → the command line that takes this recording apart.
    """

    file: Path
    duration_s: float | None
    sample_rate: int
    channels: int
    heard: tuple[Label, ...]
    genre: tuple[Label, ...]
    commands: dict[str, str]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {**asdict(self), "file": str(self.file), "heard": _rows(self.heard), "genre": _rows(self.genre)}


class Describer:
    """Describes recordings with the released models.

    Args:
        device: auto, cpu, cuda, cuda:1, mps.

    Raises:
        SettingsError: when this machine has no such device.
    """

    def __init__(self, device: str = "auto") -> None:
        self._tagger = Tagger(checkpoint.load(checkpoint.locate("tag")), device)
        self._namer = GenreNamer(checkpoint.load(checkpoint.locate("genre")), device)
        self._selectable = checkpoint.load(checkpoint.locate("select"), weights=False).classes

    def describe(
        self, path: Path, *, top: int = 3, progress: Progress | None = None, cancel: CancelToken | None = None
    ) -> Description:
        """Describe a recording of any length, in bounded memory; it is read twice.

        Args:
            path: The file.
            top: At most so many genres.
            progress: Called with the seconds done and the seconds there are, of each reading.
            cancel: Stops the call once it is set.

        Raises:
            AudioError: when it cannot be read.
            Cancelled: when `cancel` was set.
        """
        info = audio.probe(path)
        heard = self._tagger.tag(path, progress=progress, cancel=cancel).labels
        genre = self._namer.name(path, top=top, progress=progress, cancel=cancel).labels
        commands = {}
        known = known_to(heard, self._selectable)
        if known:
            commands["select"] = shlex.join(["soundsieve", "select", str(path), "--keep", ",".join(known)])
        if genre[0].label != UNKNOWN or _SUNG in {found.label for found in heard}:
            commands["unmix"] = shlex.join(["soundsieve", "unmix", str(path)])
        if _moves(path):
            commands["watch"] = shlex.join(["soundsieve", "watch", str(path)])
        return Description(path, info.duration_s, info.sample_rate, info.channels, heard, genre, commands)


def known_to(heard: tuple[Label, ...], classes: tuple[str, ...]) -> list[str]:
    """Return what was heard that a model of these classes knows, the most probable first.

    >>> known_to((Label("dog", 0.9), Label("speech", 0.8), Label("rain", 0.6)), ("rain", "dog"))
    ['dog', 'rain']
    """
    return [found.label for found in heard if found.label in classes]


def _moves(path: Path) -> bool:
    """Say whether a recording has pictures that follow each other; a song's cover is one picture."""
    try:
        return video.probe(path).frame_rate is not None
    except VideoError:  # a recording without pictures is no mistake
        return False


def _rows(labels: tuple[Label, ...]) -> list[dict[str, Any]]:
    return [asdict(found) for found in labels]

"""One song with its stems: where each lies, and which songs must stay with it.

A song is no `Clip`. A clip is one sound with a name; a song is several sounds of one length that are heard together,
each a file of its own or one of the tracks in a file of several, and some may be silent. It is read in step, one part
of all stems at a time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from soundsieve.errors import DatasetError

if TYPE_CHECKING:  # listing a data set does not load the audio libraries
    from soundsieve.audio import Multitrack

STEMS: Final = ("bass", "drums", "other", "vocals")
"""What a song is divided into, in alphabetical order: the order of every array of stems."""

MIXTURE: Final = "mixture"
VOCALS: Final = "vocals"
ACCOMPANIMENT: Final = "accompaniment"
"""All stems but the vocals, added up."""


@dataclass(frozen=True, slots=True)
class Place:
    """A sound track: a file, and which of the tracks in it, counted from 0."""

    path: Path
    track: int = 0


@dataclass(frozen=True, slots=True)
class Song:
    """One song, known by its files; listing a data set never opens them.

    Attributes:
        path: the folder of its stems, or the one file with all of them.
        stems: where each of `STEMS` lies, in that order; None is a stem that is silent throughout.
        mixture: where the mixture lies; None where it is the sum of the stems.
        group: the leakage group: songs of one group, an artist, may never be divided between training and testing.
        part: the part of the published split: `train`, `validation`, `test`, or `all` where none is published.

    >>> vocals = Place(Path("Artist - Title/vocals.wav"))
    >>> song = Song(Path("Artist - Title"), (None, None, None, vocals), None, group="Artist", part="all")
    >>> song.name, song.labels
    ('Artist - Title', ('vocals',))
    """

    path: Path
    stems: tuple[Place | None, ...]
    mixture: Place | None
    group: str
    part: str

    @property
    def name(self) -> str:
        """Artist and title, as the file or the folder is called."""
        return song_name(self.path)

    @property
    def labels(self) -> tuple[str, ...]:
        """The stems that are not silent throughout."""
        return tuple(name for name, place in zip(STEMS, self.stems, strict=True) if place is not None)

    @property
    def order(self) -> tuple[str, ...]:
        """What songs are sorted by."""
        return (self.path.as_posix(),)

    def open(self, *, sample_rate: int | None = None, channels: int | None = None) -> Multitrack:
        """Open the stems, to be read in step as (stem, channel, time) in the order of `STEMS`.

        Args:
            sample_rate: To be resampled to; None keeps the song's own.
            channels: To be given; None gives as many as the widest stem has.

        Raises:
            AudioError: a stem cannot be read, or differs from the others in rate or length.
        """
        return self._multitrack(self.stems, sample_rate, channels)

    def open_mixture(self, *, sample_rate: int | None = None, channels: int | None = None) -> Multitrack:
        """Open the published mixture, as a single track.

        Raises:
            DatasetError: the song has none; it is the sum of the stems.
            AudioError: it cannot be read.
        """
        if self.mixture is None:
            raise DatasetError(f"{self.path}: has no {MIXTURE} of its own: add up the stems")
        return self._multitrack((self.mixture,), sample_rate, channels)

    def open_all(self) -> Multitrack:
        """Open the stems and, as the last track, the mixture if there is one.

        Raises:
            AudioError: a track cannot be read, or differs from the others in rate or length.
        """
        return self._multitrack((*self.stems, *([] if self.mixture is None else [self.mixture])), None, None)

    @staticmethod
    def _multitrack(places: tuple[Place | None, ...], sample_rate: int | None, channels: int | None) -> Multitrack:
        from soundsieve.audio import Multitrack

        tracks = [None if place is None else (place.path, place.track) for place in places]
        return Multitrack(tracks, sample_rate=sample_rate, channels=channels)


def song_name(path: Path) -> str:
    """Return the name of a song from that of its folder or file.

    >>> song_name(Path("train/PR - Oh No.stem.mp4")), song_name(Path("M.E.R.C. Music - Knockout"))
    ('PR - Oh No', 'M.E.R.C. Music - Knockout')
    """
    return re.sub(r"\.stem\.(mp4|m4a)$", "", path.name, flags=re.IGNORECASE)


def artist_of(name: str) -> str:
    """Return the artist in the name of a song, without guests, in one spelling.

    >>> artist_of("Triviul feat. The Fiend - Widow"), artist_of("The Easton Ellises (Baumi) - SDRNR")
    ('triviul', 'the easton ellises')
    >>> artist_of("my song")
    'my song'
    """
    artist = name.partition(" - ")[0].casefold()
    return re.split(r" feat\.? | ft\.? | \(", artist)[0].strip()

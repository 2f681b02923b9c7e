"""One labelled recording of a data set: where it lies, what it holds and which recordings must stay with it."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Clip:
    """One recording, known by its file; listing a data set never opens the audio.

    Attributes:
        path: the audio file.
        labels: the classes heard in it, in the form of `label_name`.
        group: the leakage group: clips of one group come from one source, singer or track, so they may never be
            divided between training and testing.
        part: the part of the published split: `train`, `test`, `fold1` …, or `all` where none is published.
        channel: the channel to use, counted from 0; None means the mean of all channels.
        licence: the licence of this recording, empty where the data set's own licence holds for all.

    >>> Clip(Path("audio/1-100032-A-0.wav"), ("dog",), group="100032", part="fold1").labels
    ('dog',)
    """

    path: Path
    labels: tuple[str, ...]
    group: str
    part: str
    channel: int | None = None
    licence: str = ""

    @property
    def order(self) -> tuple[str, ...]:
        """What clips are sorted by: two of them may be channels of one file."""
        return (self.path.as_posix(), "" if self.channel is None else f"{self.channel:03d}", *self.labels, self.part)


def label_name(text: str) -> str:
    """Return the one spelling of a class name: lower case, each run of other characters a single underscore.

    Letters and digits of any alphabet are kept, so the classes of a user's own folders may be in any language.

    >>> label_name("Hi-hat"), label_name("Gunshot_or_gunfire"), label_name(" Violin, or  fiddle ")
    ('hi_hat', 'gunshot_or_gunfire', 'violin_or_fiddle')
    """
    return re.sub(r"[\W_]+", "_", unicodedata.normalize("NFC", text.lower())).strip("_")

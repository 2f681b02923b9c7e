"""Folders of stems for a listening test, made of tones of a known level."""

from __future__ import annotations

from pathlib import Path

from recordings import tone
from soundsieve import audio

RATE = 8_000
SYSTEMS = {"alpha": 0.2, "beta": 0.4}
SONGS, STEMS = ("One", "Two"), ("drums", "vocals")


def write_stems(folder: Path, *, reference: bool = True, mixture: bool = True, duration_s: float = 2.0) -> Path:
    """Two songs with two stems by two systems, the second of which is twice as loud as the first."""
    systems = SYSTEMS | ({"reference": 0.3} if reference else {})
    for system, amplitude in systems.items():
        for song in SONGS:
            for k, stem in enumerate(STEMS):
                write_tone(folder / system / f"{song}.{stem}.wav", amplitude, 440 * (k + 1), duration_s)
    for song in SONGS if mixture else ():
        write_tone(folder / "mixture" / f"{song}.wav", 0.5, 330, duration_s)
    return folder


def write_tone(path: Path, amplitude: float, hz: float = 440, duration_s: float = 2.0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    audio.write(path, tone(hz, duration_s, RATE, channels=2, amplitude=amplitude), RATE, force=True)

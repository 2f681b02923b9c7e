"""What verbs that write recordings share: the types of file, and options that would fail for every one of them."""

from __future__ import annotations

from enum import StrEnum

from soundsieve.errors import SettingsError


class Format(StrEnum):
    """Types of file that can be written."""

    wav = "wav"
    flac = "flac"
    ogg = "ogg"
    mp3 = "mp3"


def refuse_options(device: str, segment_s: float | None, suffix: str, subtype: str | None) -> None:
    """Refuse, before any file is opened, what would fail for each of them.

    Raises:
        SettingsError: when a segment, an encoding or a device is impossible.
    """
    from soundsieve.audio import FORMATS
    from soundsieve.inference.device import pick_device
    from soundsieve.inference.segments import LONGEST_SEGMENT_S

    if segment_s is not None and not 0 < segment_s <= LONGEST_SEGMENT_S:
        raise SettingsError(f"--segment {segment_s:g}: must be more than 0 s and at most {LONGEST_SEGMENT_S} s")
    if subtype is not None and subtype.upper() not in FORMATS[suffix]:
        raise SettingsError(
            f"--subtype {subtype}: a .{suffix} cannot hold it; choose from {', '.join(FORMATS[suffix])}"
        )
    pick_device(device)


def cut_off(file: object, clipped: int) -> str:
    """Say that samples were cut off."""
    return (
        f"{file}: {clipped} samples of the results were beyond full scale and were cut off; "
        "floating point WAV, the default, keeps them"
    )

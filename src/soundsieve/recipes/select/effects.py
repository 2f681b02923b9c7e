"""Recorded effects inside game and drawing packages: the archives they come in and what each one is.

`effects.csv` names, for each package, the sounds that are used and the folder each goes to: one of the selector's
classes (`dog/<source>`), or `other/<name>` for a distinct sound nobody asks for. Speech, jingles and interface clicks
are left out, and so are sounds cut from recordings that ESC-50 holds too (OpenSFX's chainsaw and falling tree,
Minetest's small fire), which would carry a test clip into training.
"""

from __future__ import annotations

import csv
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from soundsieve.errors import DatasetError

TABLE = Path(__file__).with_name("effects.csv")
PRESENT = {  # what shows that a package was unpacked
    "gcompris-qt-data": "usr/share/gcompris-qt/rcc",
    "megaglest-data": "usr/share/games/megaglest/tilesets",
    "minetest-data": "usr/share/games/minetest/games/minetest_game/mods",
    "openttd-opensfx": "usr/share/games/openttd/baseset/opensfx/opensfx.cat",
    "tuxpaint-stamps-default": "usr/share/tuxpaint/stamps",
}
_COMPRESSED, _DIRECTORY = 1, 2  # flags of a Qt resource node


class Effect(NamedTuple):
    """One row of the table: the package, the sound inside it, the folder it goes to, a licence of its own."""

    package: str
    sound: str
    folder: str
    licence: str


def read_table() -> list[Effect]:
    """Return the rows of `effects.csv`.

    >>> {row.folder.split("/")[0] for row in read_table()} >= {"dog", "rooster", "helicopter", "other"}
    True
    """
    with TABLE.open(newline="", encoding="utf-8") as file:
        return [Effect(**row) for row in csv.DictReader(file)]


def read_sound(package: str, sound: str, root: Path) -> tuple[bytes, str]:
    """Return the bytes of one sound file and its credit line, if the archive holds one.

    Args:
        package: the Debian package it is in.
        sound: OpenSFX: its place in the archive; GCompris: `archive.rcc:path`; otherwise the path below `root`.
        root: the folder the packages were unpacked into.

    Raises:
        DatasetError: when the package has no such sound.
    """
    try:
        if package == "openttd-opensfx":
            return read_opensfx(root / PRESENT[package])[int(sound)]
        if package == "gcompris-qt-data":
            archive, _, path = sound.partition(":")
            return dict(read_rcc(root / PRESENT[package] / archive))[path], ""
        return (root / sound).read_bytes(), ""
    except OSError as error:
        raise DatasetError(f"{package}: {sound}: {error.strerror or error}") from None
    except (KeyError, IndexError):
        raise DatasetError(f"{package}: holds no sound {sound!r}, which effects.csv names") from None


def read_opensfx(path: Path) -> list[tuple[bytes, str]]:
    """Return (WAV bytes, credit line) of each sound in an OpenTTD `.cat` archive.

    Source: OpenTTD's sound loader; little-endian pairs (offset, size), then a counted name before each file.
    """
    data = path.read_bytes()
    table_bytes = struct.unpack_from("<I", data)[0] & 0x7FFFFFFF
    sounds = []
    for place in range(0, table_bytes, 8):
        offset, size = struct.unpack_from("<II", data, place)
        offset &= 0x7FFFFFFF  # the top bit marks archives with new-style names
        name_bytes = data[offset]
        start = offset + 1 + name_bytes
        credit = data[offset + 1 : start].rstrip(b"\0").decode("latin-1")
        sounds.append((data[start : start + size], credit))
    return sounds


def read_rcc(path: Path) -> Iterator[tuple[str, bytes]]:
    """Yield (path, bytes) of each file in a Qt binary resource archive, unpacking zlib.

    Raises:
        DatasetError: when the file is not such an archive.
    """
    data = path.read_bytes()
    if data[:4] != b"qres":
        raise DatasetError(f"{path}: not a Qt resource archive (it begins with {data[:4]!r})")
    version, tree, contents, names = struct.unpack_from(">4I", data, 4)
    node_bytes = 14 if version < 2 else 22  # later versions add a modification time
    todo = [(0, "")]
    while todo:
        index, parent = todo.pop()
        name_at, flags = struct.unpack_from(">IH", data, tree + index * node_bytes)
        length = struct.unpack_from(">H", data, names + name_at)[0]
        name = data[names + name_at + 6 : names + name_at + 6 + 2 * length].decode("utf-16-be") if index else ""
        full = f"{parent}/{name}".lstrip("/")
        if flags & _DIRECTORY:
            count, first = struct.unpack_from(">II", data, tree + index * node_bytes + 6)
            todo += [(child, full) for child in range(first, first + count)]
            continue
        at = contents + struct.unpack_from(">I", data, tree + index * node_bytes + 10)[0]
        size = struct.unpack_from(">I", data, at)[0]
        packed = data[at + 4 : at + 4 + size]
        yield full, zlib.decompress(packed[4:]) if flags & _COMPRESSED else packed

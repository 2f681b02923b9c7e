"""What is known of songs, kept in the folder of a report, so that an evaluation that was stopped can go on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from soundsieve.datasets import Song
from soundsieve.errors import AudioError, OutputError, SettingsError
from soundsieve.evaluation.unmix_scores import SongScores

FOLDER = "songs"
_FILES = "files"


class FinishedSongs:
    """One JSON file a song.

    Args:
        folder: Of the report.
        measured: What decides the figures: engine, weights, data, measures. Songs that were measured otherwise, or
            whose files have changed since, are refused.
    """

    def __init__(self, folder: Path, measured: Mapping[str, Any]) -> None:
        self._folder = folder / FOLDER
        self._measured = json.loads(json.dumps(measured, default=str))

    def any(self) -> bool:
        """Say whether songs were finished here before."""
        return self._folder.is_dir() and any(self._folder.glob("*.json"))

    def read(self, song: Song) -> SongScores | None:
        """Return what is known of a song.

        Raises:
            SettingsError: it was measured in another way, or the file is damaged.
        """
        path = self._path(song)
        if not path.is_file():
            return None
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            measured, scores = values["measured"], SongScores.from_json(values["scores"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise SettingsError(f"{path}: cannot be read ({error}); --force measures all songs again") from None
        mine = self._identity(song)
        if measured != mine:
            other = next(key for key in {**measured, **mine} if measured.get(key) != mine.get(key))
            how = f"with {other} = {measured.get(other)!r}, not {mine.get(other)!r}"
            raise SettingsError(
                f"{path}: was measured {'before the files of the song were changed' if other == _FILES else how}; "
                "choose another folder, or --force to measure all songs again"
            )
        return scores

    def keep(self, song: Song, scores: SongScores) -> None:
        """Write down what is known of a song.

        Raises:
            AudioError: when its files are gone.
            OutputError: when it cannot be written.
        """
        path = self._path(song)
        temporary = path.with_name(f".{path.name}.part")
        text = json.dumps({"measured": self._identity(song), "scores": scores.to_json()}, allow_nan=False)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_text(text, encoding="utf-8")
            temporary.replace(path)
        except OSError as error:
            raise OutputError(f"{path}: cannot be written ({error.strerror})") from None

    def _identity(self, song: Song) -> dict[str, Any]:
        """What decides the figures of one song; its files are known by size and time, as reading them takes long."""
        files = {place.path for place in (*song.stems, song.mixture) if place is not None}
        try:
            states = {path.name: path.stat() for path in sorted(files)}
        except OSError as error:
            raise AudioError(f"{song.path}: cannot be read ({error.strerror})") from None
        return {**self._measured, _FILES: {name: [s.st_size, s.st_mtime_ns] for name, s in states.items()}}

    def _path(self, song: Song) -> Path:
        return self._folder / f"{song.part} - {song.name}.json"

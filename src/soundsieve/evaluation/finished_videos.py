"""What is known of videos, kept in the folder of a report, so that an evaluation that was stopped can go on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from soundsieve.errors import AudioError, OutputError, SettingsError

FOLDER = "videos"
_FILES = "files"


class FinishedVideos:
    """One JSON file for each video, or mixture of two.

    Args:
        folder: Of the report.
        measured: What decides the figures: engine, weights, viewer, rules, measures. Videos that were measured
            otherwise, or whose files have changed since, are refused.
    """

    def __init__(self, folder: Path, measured: Mapping[str, Any]) -> None:
        self._folder = folder / FOLDER
        self._measured = json.loads(json.dumps(measured, default=str))

    def any(self) -> bool:
        """Say whether videos were finished here before."""
        return self._folder.is_dir() and any(self._folder.glob("*.json"))

    def clear(self) -> None:
        """Forget all videos.

        Raises:
            OutputError: when a file cannot be removed.
        """
        for path in sorted(self._folder.glob("*.json")):
            try:
                path.unlink()
            except OSError as error:
                raise OutputError(f"{path}: cannot be removed ({error.strerror})") from None

    def read(self, name: str, files: Iterable[Path]) -> Any:
        """Return what was kept of a video, None where nothing was.

        Args:
            name: Of the video.
            files: All that was read of it.

        Raises:
            SettingsError: it was measured in another way, or the file is damaged.
            AudioError: when one of its files is gone.
        """
        path = self._path(name)
        if not path.is_file():
            return None
        try:
            kept = json.loads(path.read_text(encoding="utf-8"))
            measured, values = kept["measured"], kept["values"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise SettingsError(f"{path}: cannot be read ({error}); --force measures all videos again") from None
        mine = self._identity(files)
        if measured != mine:
            other = next(key for key in {**measured, **mine} if measured.get(key) != mine.get(key))
            how = f"with {other} = {measured.get(other)!r}, not {mine.get(other)!r}"
            raise SettingsError(
                f"{path}: was measured {'before its files were changed' if other == _FILES else how}; "
                "choose another folder, or --force to measure all videos again"
            )
        return values

    def keep(self, name: str, files: Iterable[Path], values: Any) -> None:
        """Write down what is known of a video.

        Raises:
            AudioError: when one of its files is gone.
            OutputError: when it cannot be written.
        """
        path = self._path(name)
        temporary = path.with_name(f".{path.name}.part")
        text = json.dumps({"name": name, "measured": self._identity(files), "values": values}, allow_nan=False)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_text(text, encoding="utf-8")
            temporary.replace(path)
        except OSError as error:
            raise OutputError(f"{path}: cannot be written ({error.strerror})") from None

    def _identity(self, files: Iterable[Path]) -> dict[str, Any]:
        """What decides the figures of one video; its files are known by size and time, as reading them takes long."""
        states: dict[str, list[int]] = {}
        for path in sorted(set(files)):
            try:
                found = path.stat()
            except OSError as error:
                raise AudioError(f"{path}: cannot be read ({error.strerror})") from None
            states[str(path.resolve())] = [found.st_size, found.st_mtime_ns]
        return {**self._measured, _FILES: states}

    def _path(self, name: str) -> Path:
        # Two names may be too long for a file's, or differ only in what a file's name cannot hold.
        readable = "".join(c if c.isalnum() or c in "-_+. " else "_" for c in name)[:80]
        return self._folder / f"{readable} {hashlib.sha256(name.encode()).hexdigest()[:10]}.json"

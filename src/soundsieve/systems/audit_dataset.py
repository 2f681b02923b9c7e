"""Auditing a data set: its table, its near-duplicates, and what its division is worth."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from soundsieve import datasets
from soundsieve.datasets.audit import audit_clips
from soundsieve.evaluation.audit_report import AuditReport
from soundsieve.evaluation.ladder import Ladder, LadderSettings, climb
from soundsieve.evaluation.near_duplicates import Duplicates, DuplicateSettings, find_near_duplicates
from soundsieve.inference.progress import CancelToken, Progress
from soundsieve.settings import Settings


class AuditSettings(Settings):
    """What is looked for."""

    search: DuplicateSettings | None = Field(DuplicateSettings(), description="near-duplicates; None: not looked for")
    ladder: LadderSettings | None = Field(None, description="scores under each division; None: none")


def audit_dataset(
    name: str,
    root: Path,
    settings: AuditSettings | None = None,
    *,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> AuditReport:
    """Audit the copy of a data set in `root`.

    The table is audited whole. Near-duplicates and ladder need recordings, and take those that are there.

    Args:
        name: the data set.
        root: its folder.
        settings: what is looked for.
        progress: called after each recording with how many are done, and of how many; once for the near-duplicates
            and once more for the ladder.
        cancel: stops the audit.

    Raises:
        UnknownNameError: there is no such data set.
        DatasetError: the folder is missing or not laid out as published, or too small for a ladder.
        Cancelled: it was stopped.

    >>> import tempfile, numpy as np
    >>> from soundsieve import audio
    >>> noise = 0.1 * np.random.default_rng(0).standard_normal((1, 24_000)).astype(np.float32)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for label in ("rain", "wind"):
    ...         Path(folder, label).mkdir()
    ...         audio.write(Path(folder, label, "a.wav"), noise, 16_000)
    ...     report = audit_dataset("folder", Path(folder))
    >>> report.ok, len(report.conflicts)
    (False, 1)
    """
    settings = settings or AuditSettings()
    listed = datasets.listed(name, root)
    present = [clip for clip in listed if clip.path.is_file()]
    notes = []
    found: Duplicates | None = None
    ladder: Ladder | None = None
    if not present and (settings.search or settings.ladder):
        notes.append("no recordings here, so the table alone was audited")
    elif settings.search:
        found = find_near_duplicates(present, settings.search, progress=progress, cancel=cancel)
    if present and settings.ladder:
        linked = [(pair.first, pair.second) for pair in found.pairs] if found else []
        ladder = climb(present, linked=linked, settings=settings.ladder, progress=progress, cancel=cancel)
    missing = len(listed) - len(present)
    return AuditReport(name, root, listed, missing, audit_clips(listed), found, ladder, tuple(notes))

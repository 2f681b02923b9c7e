"""Making a trained network for `watch` ready for others: results on unseen videos, a card, half the size."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from soundsieve import checkpoint
from soundsieve.checkpoint import SUFFIX
from soundsieve.datasets.find_videos import find_videos
from soundsieve.datasets.made_videos import MANIFEST
from soundsieve.errors import CheckpointError, DatasetError
from soundsieve.evaluation.unmix_tables import decibels, markdown_table
from soundsieve.evaluation.watch_protocol import WatchEvaluationSettings
from soundsieve.evaluation.watch_report import ObjectRow, Over, WatchEvaluation
from soundsieve.evaluation.watch_scores import ENGINE, SYSTEMS
from soundsieve.inference.progress import Progress
from soundsieve.systems import release_card
from soundsieve.systems.evaluate_watch import evaluate_watch
from soundsieve.systems.release_card import LICENCES_FILE, Release, check_target

LIMITS = (
    "It knows its classes and nothing else: another sound goes to an object that is seen, or to the rest.",
    "It hears only what the pictures show it to listen for: what is not recognised has no track.",
)
MADE = (
    "It learned from videos that were put together of pictures and sounds, most of the instruments rendered: it knows "
    "of real ones what these have in common with them.",
)


def release(
    run: Path,
    places: Sequence[str],
    out: Path,
    *,
    command: str,
    licence: str = "MIT",
    note: str = "",
    force: bool = False,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> Release[WatchEvaluation]:
    """Evaluate the weights as they are released, and write the checkpoint with its card.

    Args:
        run: A finished run folder.
        places: Videos to test on, with their true tracks; see `datasets.find_videos`. Their part `test` is taken, those
            in which two objects sound.
        out: The checkpoint to write; its card is written beside it.
        command: How the run was made, for the card.
        licence: Of the weights.
        note: What a reader of the results must know, for the card.
        force: Replace what is there.
        jobs: Processes that evaluate.
        progress: Called after each video.

    Raises:
        OutputError: when `out` is no name for a checkpoint, cannot be written, or exists and `force` is not set.
        CheckpointError: when the run is not one for `watch`.
        DatasetError: when the true tracks are not known, a video cannot be measured, or licences are not told.
    """
    page = check_target(out, force=force)
    kept = checkpoint.load(checkpoint.locate(run))
    if kept.task != "watch":
        raise CheckpointError(f"{run}: is for {kept.task}, not for watch")
    if not find_videos(places).tracks:
        raise DatasetError(
            f"{', '.join(places)}: a release is tested on true tracks, which are not known of these videos"
        )
    data = {place: _licences(place) for place in places}
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder) / f"{out.stem}{SUFFIX}"
        checkpoint.save(draft, kept, half=True)
        report = evaluate_watch(
            places, WatchEvaluationSettings(objects=2, jobs=jobs), model=str(draft), progress=progress
        )
    if report.failed:
        raise DatasetError(f"{report.failed[0][1]}: a release is tested on all videos")
    overall = report.overall
    card: dict[str, Any] = {
        **kept.card,
        "licence": licence,
        "data": {Path(place.partition(":")[2] or place).name: told for place, told in data.items()},
        "split": [{"seed": kept.recipe.get("training", {}).get("seed", 0), "seen": kept.recipe.get("seen", {})}],
        "seed": kept.recipe.get("training", {}).get("seed", 0),
        "command": command,
        "limits": [*(MADE if any(_is_made(place) for place in places) else ()), *LIMITS],
        "note": note,
        "results": {**kept.card.get("results", {}), "test": _result(overall)},
        "result": f"SDR of unseen videos of two objects, against the mixture: {_gain(overall.gains[ENGINE]['sdr'])}",
    }
    checkpoint.save(out, replace(kept, card=card), half=True)
    text = release_card.page(
        out,
        kept,
        card,
        task="watch: a track for each object seen",
        reported_by=f"soundsieve evaluate watch --model {out.stem} --data {' --data '.join(data)}",
        results=_results_text(report, note),
    )
    page.write_text(text, encoding="utf-8")
    return Release(out, page, report)


def _root(place: str) -> Path:
    _, colon, rest = place.partition(":")
    return Path(rest) if colon and not Path(place).exists() else Path(place)


def _is_made(place: str) -> bool:
    return (_root(place) / MANIFEST).is_file()


def _licences(place: str) -> str:
    """Say, in one line, from where and under which licences the videos of a place are.

    Raises:
        DatasetError: when made videos do not tell.
    """
    page = _root(place) / LICENCES_FILE
    if not page.is_file():
        return "yours"
    rows: dict[str, dict[str, None]] = {}
    heading: list[str] = []
    for line in page.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("|") else []
        if {"from", "licence"} <= set(cells):
            heading = cells
        elif len(cells) == len(heading) and heading and not set("".join(cells)) <= set("-:"):
            row = dict(zip(heading, cells, strict=True))
            rows.setdefault(row["from"], {})[row["licence"]] = None
    if not rows:
        raise DatasetError(f"{page}: expected tables with the columns from and licence")
    return "; ".join(f"{source}: {', '.join(told)}" for source, told in sorted(rows.items()))


def _gain(found: Over) -> str:
    return f"{found.mean:+.1f} dB ({found.low:+.1f} … {found.high:+.1f})"


def _result(row: ObjectRow) -> dict[str, Any]:
    gain = row.gains[ENGINE]["sdr"]
    return {
        "videos": row.videos,
        "objects": row.objects,
        "missed": row.missed,
        "sdr_gain_db": _number(gain.mean),
        "interval_95_db": [_number(gain.low), _number(gain.high)],
        "sdr_gain_missed_as_silence_db": _number(row.all_gains[ENGINE].mean),
    }


def _number(value: float) -> float | None:
    """JSON has no NaN: what does not exist is None."""
    return round(value, 2) if math.isfinite(value) else None


def _results_text(report: WatchEvaluation, note: str) -> str:
    row = report.overall
    lines = [
        [system, *(decibels(row.levels[system][measure].mean) for measure in ("sdr", "si_sdr", "sir", "sar"))]
        for system in SYSTEMS
    ]
    table = markdown_table(["", "SDR (dB)", "SI-SDR", "SIR", "SAR"], lines)
    return f"""{row.videos} videos of the part `test` in which two objects sound; no picture and no sound of theirs was
trained on. The engine is told what the pictures show by the rule `evidence`; of {row.objects} objects that sound,
{row.missed} are not seen or not known and have no track. Means over the others:

{table}

SDR gain over the mixture {_gain(row.gains[ENGINE]["sdr"])}, 95 % bootstrap over videos; with missed objects as silence
{_gain(row.all_gains[ENGINE])}.
{chr(10) + note if note else ""}"""

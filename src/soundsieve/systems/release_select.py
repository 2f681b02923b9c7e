"""Making a trained selector ready for others: thresholds from validation, results from test, a card, half the size."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from soundsieve import checkpoint
from soundsieve.checkpoint import SUFFIX
from soundsieve.evaluation.queries import Progress
from soundsieve.evaluation.report import ConditionRow, Report
from soundsieve.evaluation.select import KEEP
from soundsieve.systems import release_card
from soundsieve.systems.evaluate_select import EvaluationSettings, calibrate_selector, evaluate_selector
from soundsieve.systems.release_card import Release, check_target, facts
from soundsieve.training.recipe import SelectRecipe

LIMITS = (
    "Trained on a few dozen recordings of each class: unusual ones are missed, and related sounds are confused.",
    "It knows its own classes only; everything else stays in the rest.",
    "Sounds of one class that overlap come out together.",
    "Mixtures were made, not recorded: each event's room is its own.",
)


def release(
    run: Path,
    data: Path,
    out: Path,
    *,
    command: str,
    licence: str = "MIT",
    note: str = "",
    mixtures: int = 500,
    force: bool = False,
    progress: Progress | None = None,
) -> Release[Report]:
    """Calibrate, evaluate, and write the checkpoint with its card.

    Args:
        run: A finished run folder.
        data: The folder that the recipe's data sets lie in.
        out: The checkpoint to write; its card is written beside it.
        command: How the run was made, for the card.
        licence: Of the weights.
        note: What a reader of the results must know, for the card.
        mixtures: In each test set.
        force: Replace what is there.
        progress: Called after each mixture.

    Raises:
        OutputError: when `out` is no name for a checkpoint, cannot be written, or exists and `force` is not set.
        CheckpointError, DatasetError, SettingsError: As for `evaluate_selector`.
    """
    page = check_target(out, force=force)
    kept = checkpoint.load(checkpoint.locate(run))
    thresholds = calibrate_selector(run, data, mixtures=mixtures, progress=progress)
    recipe = SelectRecipe.parse(kept.recipe)
    card = {
        **facts(
            kept,
            (*recipe.corpus.events, *recipe.corpus.backgrounds),
            data,
            seed=recipe.training.seed,
            licence=licence,
            command=command,
            limits=LIMITS,
        ),
        "thresholds_db": {name: round(level, 1) for name, level in thresholds.items()},
    }
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder) / f"{out.stem}{SUFFIX}"
        checkpoint.save(draft, replace(kept, card=card), half=True)
        report = evaluate_selector(draft, data, EvaluationSettings(mixtures=mixtures), progress=progress)
    card["note"] = note
    card["results"] = {**kept.card.get("results", {}), "test": _results(report)}
    card["result"] = _headline(report)
    checkpoint.save(out, replace(kept, card=card), half=True)
    mixed = f"--mixtures {report.protocol['mixtures']} --seed {report.protocol['seed']}"
    text = release_card.page(
        out,
        kept,
        card,
        task="select: keep or remove chosen sounds",
        reported_by=f"soundsieve evaluate select --model {out.stem} --data DATA {mixed}",
        results=_results_text(card, report),
    )
    page.write_text(text, encoding="utf-8")
    return Release(out, page, report)


def _results(report: Report) -> dict[str, Any]:
    rows = [row for row in report.conditions if row.task == KEEP]
    return {
        f"{row.condition}, {row.recordings} recordings": {
            "sdr_improvement_db": round(row.summary.sdr.mean, 2),
            "interval_95_db": [round(row.summary.sdr.low, 2), round(row.summary.sdr.high, 2)],
            "interval_95_by_recording_db": [round(level, 2) for level in row.summary.by_recording],
            "si_sdr_improvement_db": round(row.summary.si_sdr.mean, 2),
        }
        for row in rows
    }


def _headline(report: Report) -> str:
    row = next(row for row in report.conditions if row.task == KEEP)
    return f"{row.summary.sdr.mean:+.1f} dB SDR, {row.condition}, {row.recordings} recordings"


def _results_text(card: dict[str, Any], report: Report) -> str:
    table = "\n".join(_row(row) for row in report.conditions)
    return f"""SDR = 10·log10(‖x‖² / ‖x − x̂‖²). Improvement over the mixture, mean and 95 % intervals. Silence is
what an empty file would score; the ideal mask is a ceiling. The first interval covers the choice of mixtures, the
second that of the {sum(card["recordings"].get("test", {}).values())} test recordings.
{chr(10) + card["note"] + chr(10) if card["note"] else ""}
| recordings | condition | task | SDR gain (dB) | by mixture | by recording | SI-SDR gain (dB) | silence | ideal mask |
|---|---|---|---:|---|---|---:|---:|---:|
{table}"""


def _row(row: ConditionRow) -> str:
    s = row.summary
    low, high = s.by_recording
    return (
        f"| {row.recordings} | {row.condition} | {row.task} | {s.sdr.mean:+.2f} | {s.sdr.low:+.2f} … {s.sdr.high:+.2f} "
        f"| {low:+.2f} … {high:+.2f} "
        f"| {s.si_sdr.mean:+.2f} | {s.silence:+.2f} | {s.ideal_sdr:+.2f} |"
    )

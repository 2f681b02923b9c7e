"""Making a trained genre model ready for others: results from test, a card."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from soundsieve import checkpoint
from soundsieve.checkpoint import RUN_FILE
from soundsieve.datasets import gtzan
from soundsieve.errors import SettingsError
from soundsieve.evaluation.tag_report import PROTOCOLS, TagReport
from soundsieve.systems import evaluate_genre, release_card
from soundsieve.systems.evaluate_tag import has_folds
from soundsieve.systems.release_card import Release, check_target
from soundsieve.training.genre_recipe import GenreRecipe

LIMITS = (
    "GTZAN is Western music of before 2001, ten genres of one collector's taste; some of its labels are wrong, and "
    "people do not agree on genres either.",
    "It was trained on the descriptors of 30 s of whole recordings; of shorter ones it is less certain than it says.",
    "It knows its ten genres only; music like none of them, and what is no music, is mostly answered unknown.",
    "A copy that was coded with losses has other descriptors than the recordings of the table had.",
)


def release(
    run: Path, out: Path, *, command: str, licence: str = "MIT", note: str = "", force: bool = False
) -> Release[TagReport]:
    """Summarise what the model said of its test rows, and write the checkpoint with its card.

    Args:
        run: A finished run folder, of one split.
        out: The checkpoint to write; its card is written beside it.
        command: How the run was made, for the card.
        licence: Of the weights.
        note: What a reader of the results must know, for the card.
        force: Replace what is there.

    Raises:
        OutputError: when `out` is no name for a checkpoint, cannot be written, or exists and `force` is not set.
        SettingsError: when the run has several splits.
        CheckpointError: when it is not finished, or names no genres.
    """
    page = check_target(out, force=force)
    if run.is_dir() and has_folds(run):
        raise SettingsError(f"{run}: holds no {RUN_FILE}; a model to release is trained on one split")
    report = evaluate_genre.report_run(run)
    kept = checkpoint.load(run / RUN_FILE)
    recipe = GenreRecipe.parse(kept.recipe)
    row = report.accuracy[0]
    refit = ", and then learnt from the validation rows too" if recipe.training.refit else ""
    card = {
        **kept.card,
        "licence": licence,
        "data": {recipe.table.file or recipe.table.dataset: f"descriptors of GTZAN, licence: {gtzan.LICENCE}"},
        "split": [{"kind": recipe.split.kind, "seed": recipe.split.seed, "rows": kept.card["rows"]}],
        "command": command,
        "limits": list(LIMITS),
        "note": note,
        "results": {
            **kept.card["results"],
            "test": {
                "rows": row.clips,
                "accuracy": round(row.mean, 4),
                "interval_95": [round(row.low, 4), round(row.high, 4)],
                "calibration_error": [
                    round(report.calibration.error_before, 4),
                    round(report.calibration.error_after, 4),
                ],
            },
        },
        "result": f"{100 * row.mean:.1f} % of {row.clips} unseen tracks of unseen artists named right"
        if recipe.split.kind == "fault-filtered"
        else f"{100 * row.mean:.1f} % of {row.clips} rows named right ({recipe.split.kind} split)",
    }
    checkpoint.save(out, replace(kept, card=card))
    text = (
        f"{recipe.split.kind} split ({PROTOCOLS[recipe.split.kind]}): {100 * row.mean:.1f} % of {row.clips} named "
        f"right ({100 * row.low:.1f} … {100 * row.high:.1f}, 95 % interval by track). It was calibrated on "
        f"{kept.card['rows']['validation']} validation rows{refit}. Expected calibration error "
        f"{100 * report.calibration.error_before:.1f} % before calibration, "
        f"{100 * report.calibration.error_after:.1f} % after it."
    )
    results = "\n\n".join([text, *([note] if note else []), _table(report)])
    page.write_text(
        release_card.page(
            out,
            kept,
            card,
            task="genre: name the style of music",
            reported_by=f"soundsieve evaluate genre --model {run.name}",
            results=results,
            numbers="float32",
        ),
        encoding="utf-8",
    )
    return Release(out, page, report)


def _table(report: TagReport) -> str:
    lines = ["| genre | tracks | precision % | recall % | taken for |", "|---|---:|---:|---:|---|"]
    for place, row in enumerate(report.classes):
        lines.append(
            f"| {row.label} | {row.clips} | {_share(row.precision)} | {_share(row.recall)} | "
            f"{', '.join(_taken_for(report, place))} |"
        )
    return "\n".join(lines)


def _taken_for(report: TagReport, place: int) -> Sequence[str]:
    taken = {report.classes[k].label: int(n) for k, n in enumerate(report.confusion[place]) if n and k != place}
    return [f"{name} {taken[name]}" for name in sorted(taken, key=lambda name: (-taken[name], name))[:3]]


def _share(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f}"

"""Making a trained classifier ready for others: results from test, a card, half the size."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from soundsieve import checkpoint
from soundsieve.checkpoint import RUN_FILE, SUFFIX
from soundsieve.errors import SettingsError
from soundsieve.evaluation.heard import Heard
from soundsieve.evaluation.tag_report import TagReport
from soundsieve.inference.progress import Progress
from soundsieve.systems import release_card
from soundsieve.systems.evaluate_tag import evaluate_tagger, evaluate_times, has_folds, says_when
from soundsieve.systems.release_card import Release, check_target, facts
from soundsieve.training.tag_recipe import TagRecipe

LIMITS = (
    "It knows its own classes only; a sound like one of them is sometimes called by its name.",
    "A few dozen recordings of each class taught it: unusual ones are missed.",
    "Scores are calibrated on made mixtures of 6 s: of what is almost heard many times in an hour, the score is too "
    "high.",
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
) -> Release[TagReport]:
    """Evaluate as it will be handed on, and write the checkpoint with its card.

    Args:
        run: A finished run folder, of a recipe without folds.
        data: The folder that the recipe's data sets lie in.
        out: The checkpoint to write; its card is written beside it.
        command: How the run was made, for the card.
        licence: Of the weights.
        note: What a reader of the results must know, for the card.
        mixtures: On which it is judged when it hears what, if it says so.
        force: Replace what is there.
        progress: Called after each mixture.

    Raises:
        OutputError: when `out` is no name for a checkpoint, cannot be written, or exists and `force` is not set.
        SettingsError: when the run has folds.
        CheckpointError, DatasetError: As for `evaluate_tagger`.
    """
    page = check_target(out, force=force)
    if run.is_dir() and has_folds(run):
        raise SettingsError(f"{run}: holds no {RUN_FILE}; a model to release is trained by a recipe without folds")
    kept = checkpoint.load(checkpoint.locate(run))
    recipe = TagRecipe.parse(kept.recipe)
    used = (*recipe.corpus.events, *recipe.corpus.backgrounds)
    card: dict[str, Any] = {
        **kept.card,
        **facts(kept, used, data, seed=recipe.training.seed, licence=licence, command=command, limits=LIMITS),
        "note": note,
    }
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder) / f"{out.stem}{SUFFIX}"
        checkpoint.save(draft, replace(kept, card=card), half=True)
        report = evaluate_tagger(draft, data)
        if says_when(draft):
            times = evaluate_times(draft, data, mixtures=mixtures, progress=progress)
            report = replace(report, times=times)
    card["results"] = {**kept.card.get("results", {}), "test": _results(report)}
    card["result"] = _headline(report)
    checkpoint.save(out, replace(kept, card=card), half=True)
    text = release_card.page(
        out,
        kept,
        card,
        task="tag: name the sounds in a recording, with times",
        reported_by=f"soundsieve evaluate tag --model {out.stem} --data DATA"
        + (f" --mixtures {mixtures}" if report.times is not None else ""),
        results=_results_text(card, report),
    )
    page.write_text(text, encoding="utf-8")
    return Release(out, page, report)


def _headline(report: TagReport) -> str:
    row = report.accuracy[0]
    recall = f"mean recall {_percent(report.mean_recall)} %"
    return f"{_percent(row.mean)} % of {row.clips} unseen clips named right, {recall}"


def _results(report: TagReport) -> dict[str, Any]:
    row, unknown, times = report.accuracy[0], report.unknown, report.times
    results: dict[str, Any] = {
        "clips": row.clips,
        "accuracy": round(row.mean, 4),
        "interval_95": [round(row.low, 4), round(row.high, 4)],
        "mean_recall": round(report.mean_recall, 4),
        "calibration_error": [round(report.calibration.error_before, 4), round(report.calibration.error_after, 4)],
    }
    if unknown is not None:
        results["unknown_sounds"] = unknown.clips
        results["unknown_sounds_rejected"] = round(unknown.rejected, 4)
        results["clips_rejected"] = round(unknown.known_rejected, 4)
    if times is not None:
        results["mixtures"] = times.mixtures
        results["average_precision"] = round(times.average_precision, 4)
        results["f1"] = round(times.f1, 4)
        results["f1_interval_95"] = [round(times.low, 4), round(times.high, 4)]
    return results


def _results_text(card: dict[str, Any], report: TagReport) -> str:
    row, unknown, times = report.accuracy[0], report.unknown, report.times
    c = report.calibration
    lines = [
        f"Whole clips that neither training nor calibration heard: {_percent(row.mean)} % of {row.clips} named right "
        f"({_percent(row.low)} … {_percent(row.high)}, 95 % interval by source); recall averaged over the classes "
        f"{_percent(report.mean_recall)} %. Expected calibration error "
        f"{_percent(c.error_before)} % before calibration, {_percent(c.error_after)} % after it."
    ]
    if unknown is not None:
        lines.append(
            f'Of {unknown.clips} sounds of no class {_percent(unknown.rejected)} % were answered "unknown", and of '
            f"the clips {_percent(unknown.known_rejected)} %."
        )
    if times is not None:
        lines.append(_times_text(times))
    if card["note"]:
        lines.append(card["note"])
    return "\n\n".join([*lines, _table(report)])


def _times_text(times: Heard) -> str:
    return (
        f"When: in {times.mixtures} made mixtures of such clips, stretches of {times.stretch_s:.3f} s: mean average "
        f"precision {_percent(times.average_precision)} %, F1 of all decisions {_percent(times.f1)} % "
        f"({_percent(times.low)} … {_percent(times.high)}). Scores and how often they are right are "
        f"{_percent(times.error_before)} % apart before calibration and {_percent(times.error)} % after; of being "
        f"heard in a mixture at all, {_percent(times.mixture_error_before)} % and {_percent(times.mixture_error)} %."
    )


def _table(report: TagReport) -> str:
    heard = {} if report.times is None else {row.label: row for row in report.times.classes}
    heading = "| class | clips | precision % | recall % |" + (" average precision % | F1 % |" if heard else "")
    rule = "|---|---:|---:|---:|" + ("---:|---:|" if heard else "")
    rows = []
    for row in report.classes:
        text = f"| {row.label} | {row.clips} | {_share(row.precision)} | {_share(row.recall)} |"
        if heard:
            when = heard[row.label]
            text += f" {_share(when.average_precision)} | {_share(when.f1)} |"
        rows.append(text)
    said = "Precision and recall are of whole clips" + (", the rest of stretches of mixtures." if heard else ".")
    return "\n".join([said, "", heading, rule, *rows])


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"


def _share(value: float | None) -> str:
    return "–" if value is None else _percent(value)

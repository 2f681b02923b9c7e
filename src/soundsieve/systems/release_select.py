"""Making a trained selector ready for others: thresholds from validation, results from test, a card, half the size."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from soundsieve import checkpoint, datasets
from soundsieve.checkpoint import SUFFIX, Checkpoint
from soundsieve.corpus import SourceSettings
from soundsieve.errors import OutputError
from soundsieve.evaluation.queries import Progress
from soundsieve.evaluation.report import ConditionRow, Report
from soundsieve.evaluation.select import KEEP
from soundsieve.systems.evaluate_select import EvaluationSettings, calibrate_selector, evaluate_selector
from soundsieve.training.recipe import SelectRecipe

LICENCES_FILE = "LICENCES.md"  # written beside collected sounds by `soundsieve.recipes.select.material`
LIMITS = (
    "Trained on a few dozen recordings of each class: unusual ones are missed, and related sounds are confused.",
    "It knows its own classes only; everything else stays in the rest.",
    "Sounds of one class that overlap come out together.",
    "Mixtures were made, not recorded: each event's room is its own.",
)


@dataclass(frozen=True)
class Release:
    """What was written.

    Attributes:
        weights: The checkpoint, weights in float16.
        card: The same facts to read, in Markdown.
        report: The evaluation behind the results.
    """

    weights: Path
    card: Path
    report: Report


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
) -> Release:
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
    if out.suffix != SUFFIX:
        raise OutputError(f"{out}: expected a name that ends in {SUFFIX}")
    page = out.with_suffix(".md")
    for path in (out, page):
        if path.is_dir():
            raise OutputError(f"{path}: is a folder")
        if path.exists() and not force:
            raise OutputError(f"{path}: exists already; use --force to replace it")
    if not os.access(out.parent, os.W_OK):  # said before an hour of evaluation, not after it
        raise OutputError(f"{out}: the folder {out.parent} does not exist or is not writable")
    kept = checkpoint.load(checkpoint.locate(run))
    thresholds = calibrate_selector(run, data, mixtures=mixtures, progress=progress)
    card = {
        **_facts(kept, data, licence, command),
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
    page.write_text(_page(out, kept, card, report), encoding="utf-8")
    return Release(out, page, report)


def _facts(kept: Checkpoint, data: Path, licence: str, command: str) -> dict[str, Any]:
    recipe = SelectRecipe.parse(kept.recipe)
    every = (*recipe.corpus.events, *recipe.corpus.backgrounds)
    sources = [source for source in every if (data / source.root).is_dir()]  # optional ones may not have been there
    return {
        "licence": licence,
        "data": {source.root.as_posix(): _licence(source, data) for source in sources},
        "split": [source.model_dump(mode="json", exclude_defaults=True) for source in sources],
        "recordings": kept.card.get("recordings", {}),
        "seed": recipe.training.seed,
        "command": command,
        "limits": list(LIMITS),
    }


def _licence(source: SourceSettings, data: Path) -> str:
    """The data set's licence, or the first table of a folder's LICENCES.md: package, version, licence, clips."""
    table = data / source.root / LICENCES_FILE
    if not table.is_file():
        return datasets.get(source.dataset).LICENCE
    first = table.read_text(encoding="utf-8").split("\n\n")[1]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in first.splitlines()[2:]]
    return "; ".join(f"{package}: {licence}" for package, _, licence, *_ in rows)


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


def _page(out: Path, kept: Checkpoint, card: dict[str, Any], report: Report) -> str:
    parameters = sum(tensor.numel() for tensor in kept.weights.values())
    facts = {
        "task": "select: keep or remove chosen sounds",
        "architecture": f"`{kept.model}`, {parameters:,} numbers stored, {out.stat().st_size / 1e6:.1f} MB as float16",
        "sample rate": f"{kept.sample_rate} Hz",
        "classes": ", ".join(kept.classes),
        "licence of the weights": card["licence"],
        "seed": card["seed"],
        "made by": f"`{card['command']}`",
        "reported by": f"`soundsieve evaluate select --model {out.stem} --data DATA --mixtures "
        f"{report.protocol['mixtures']} --seed {report.protocol['seed']}`",
    }
    data = "\n".join(f"- `{name}`: {licence}" for name, licence in card["data"].items())
    split = "\n".join(f"- `{json.dumps(source)}`" for source in card["split"])
    table = "\n".join(_row(row) for row in report.conditions)
    return f"""# {out.stem}

{chr(10).join(f"- **{name}**: {value}" for name, value in facts.items())}

## Training recordings

{data}

How they were divided (groups of one source never straddle the split):

{split}

## Results

SDR = 10·log10(‖x‖² / ‖x − x̂‖²). Improvement over the mixture, mean and 95 % intervals. Silence is
what an empty file would score; the ideal mask is a ceiling. The first interval covers the choice of mixtures, the
second that of the {sum(card["recordings"].get("test", {}).values())} test recordings.
{chr(10) + card["note"] + chr(10) if card["note"] else ""}
| recordings | condition | task | SDR gain (dB) | by mixture | by recording | SI-SDR gain (dB) | silence | ideal mask |
|---|---|---|---:|---|---|---:|---:|---:|
{table}

## Limits

{chr(10).join(f"- {limit}" for limit in card["limits"])}
"""


def _row(row: ConditionRow) -> str:
    s = row.summary
    low, high = s.by_recording
    return (
        f"| {row.recordings} | {row.condition} | {row.task} | {s.sdr.mean:+.2f} | {s.sdr.low:+.2f} … {s.sdr.high:+.2f} "
        f"| {low:+.2f} … {high:+.2f} "
        f"| {s.si_sdr.mean:+.2f} | {s.silence:+.2f} | {s.ideal_sdr:+.2f} |"
    )

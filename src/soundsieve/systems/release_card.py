"""What every release has in common: where it may be written, where its recordings came from, and its page."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from soundsieve import datasets
from soundsieve.checkpoint import SUFFIX, Checkpoint
from soundsieve.errors import DatasetError, OutputError

LICENCES_FILE = "LICENCES.md"  # written beside collected sounds by `soundsieve.recipes.select.material`


Evaluation = TypeVar("Evaluation")


@dataclass(frozen=True)
class Release(Generic[Evaluation]):
    """What was written.

    Attributes:
        weights: The checkpoint, weights in float16.
        card: The same facts to read, in Markdown.
        report: The evaluation behind the results.
    """

    weights: Path
    card: Path
    report: Evaluation


def check_target(out: Path, *, force: bool) -> Path:
    """Refuse a name that nothing can be written to, before an hour of evaluation and not after it.

    Returns:
        The page to write beside the checkpoint.

    Raises:
        OutputError: when `out` is no name for a checkpoint, cannot be written, or exists and `force` is not set.
    """
    if out.suffix != SUFFIX:
        raise OutputError(f"{out}: expected a name that ends in {SUFFIX}")
    page = out.with_suffix(".md")
    for path in (out, page):
        if path.is_dir():
            raise OutputError(f"{path}: is a folder")
        if path.exists() and not force:
            raise OutputError(f"{path}: exists already; use --force to replace it")
    if not os.access(out.parent, os.W_OK):
        raise OutputError(f"{out}: the folder {out.parent} does not exist or is not writable")
    return page


class UsedSource(Protocol):
    """A data set of an experiment, as its recipe has it."""

    @property
    def dataset(self) -> str: ...  # noqa: D102 - its name

    @property
    def root(self) -> Path: ...  # noqa: D102 - its folder, relative to that of all data sets

    def model_dump(self, *, mode: str, exclude_defaults: bool) -> dict[str, Any]: ...  # noqa: D102 - all that is set


def facts(
    kept: Checkpoint,
    used: Sequence[UsedSource],
    data: Path,
    *,
    seed: int,
    licence: str,
    command: str,
    limits: Sequence[str],
) -> dict[str, Any]:
    """What is known about a model, for its card: its recordings and their licences, how it was made, its limits.

    Raises:
        DatasetError: when a folder of recordings is missing that training cannot have gone without.
    """
    sources = [source for source in used if (data / source.root).is_dir()]
    for source in used:
        if source not in sources and not getattr(source, "optional", False):
            raise DatasetError(
                f"{data / source.root}: not there; the card names the licences of all that was learned from"
            )
    return {
        "licence": licence,
        "data": {source.root.as_posix(): _licence(source, data) for source in sources},
        "split": [source.model_dump(mode="json", exclude_defaults=True) for source in sources],
        "recordings": kept.card.get("recordings", kept.card.get("songs", {})),
        "seed": seed,
        "command": command,
        "limits": list(limits),
    }


def _licence(source: UsedSource, data: Path) -> str:
    """The data set's licence, or what a folder's LICENCES.md says."""
    page = data / source.root / LICENCES_FILE
    if page.is_file():
        return licences_told(page)
    songs = source.dataset in datasets.song_names()
    return (datasets.get_songs if songs else datasets.get)(source.dataset).LICENCE


def licences_told(page: Path) -> str:
    """Return what a LICENCES.md says in one line: its first table with a column for licences, and its sentences.

    Raises:
        DatasetError: when it has no table with the columns package and licence.
    """
    blocks = [block.strip() for block in page.read_text(encoding="utf-8").split("\n\n")]
    tables = (_rows(block) for block in blocks if block.startswith("|"))
    rows = next((rows for rows in tables if rows and {"package", "licence"} <= set(rows[0])), None)
    if rows is None:
        raise DatasetError(f"{page}: expected a table with the columns package and licence")
    by_package: dict[str, dict[str, list[str]]] = {}
    for row in rows:
        by_package.setdefault(row["package"], {}).setdefault(row["licence"], []).append(row.get("part", ""))
    told = [
        f"{package} ({', '.join(parts)}): {licence}" if len(licences) > 1 else f"{package}: {licence}"
        for package, licences in by_package.items()
        for licence, parts in licences.items()
    ]
    return "; ".join([*told, *(block for block in blocks if block and block[0] not in "#|")])


def _rows(table: str) -> list[dict[str, str]]:
    """The rows of a Markdown table: heading → cell."""
    heading, _, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
    return [dict(zip(heading, row, strict=False)) for row in rows]


def page(
    out: Path,
    kept: Checkpoint,
    card: Mapping[str, Any],
    *,
    task: str,
    reported_by: str,
    results: str,
    numbers: str = "float16",
) -> str:
    """Return a card as Markdown.

    Args:
        out: The checkpoint, written already.
        kept: What is in it.
        card: Of `facts`.
        task: In a few words.
        reported_by: The command that measures again.
        results: Markdown.
        numbers: What the weights are written as.
    """
    parameters = sum(tensor.numel() for tensor in kept.weights.values())
    megabytes = out.stat().st_size / 1e6
    rows = {
        "task": task,
        "architecture": f"`{kept.model}`, {parameters:,} numbers stored, {megabytes:.1f} MB as {numbers}",
        "sample rate": f"{kept.sample_rate} Hz",
        "classes": ", ".join(kept.classes),
        "licence of the weights": card["licence"],
        "seed": card["seed"],
        "made by": f"`{card['command']}`",
        "reported by": f"`{reported_by}`",
    }
    return f"""# {out.stem}

{_list(f"**{name}**: {value}" for name, value in rows.items())}

## Training recordings

{_list(f"`{name}`: {licence}" for name, licence in card["data"].items())}

How they were divided (groups of one source never straddle the split):

{_list(f"`{json.dumps(source)}`" for source in card["split"])}

## Results

{results}

## Limits

{_list(card["limits"])}
"""


def _list(items: Any) -> str:
    return "\n".join(f"- {item}" for item in items)

"""Making a trained separator of songs ready for others: results on test songs, a card, half the size."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from soundsieve import checkpoint
from soundsieve.checkpoint import SUFFIX
from soundsieve.datasets.find_songs import find_songs
from soundsieve.errors import DatasetError
from soundsieve.evaluation.unmix_report import StemRow, UnmixReport
from soundsieve.evaluation.unmix_scores import ENGINE, IDEAL, MIXTURE
from soundsieve.inference.progress import Progress
from soundsieve.systems import release_card
from soundsieve.systems.evaluate_unmix import UnmixEvaluationSettings, evaluate_unmix
from soundsieve.systems.release_card import Release, check_target, facts
from soundsieve.training.unmix_recipe import UnmixRecipe

LIMITS = (
    "It learned from songs that were rendered from scores, and knows of real ones what these have in common with them.",
    "The voices it learned from are amateurs' singing Chinese pop, without effects, and hold nothing above 8 kHz.",
    "Above half its sample rate it does not listen: each stem gets the share that it has just below.",
    "What is neither sung, nor struck, nor a bass, is other, whatever it is.",
)


def release(
    run: Path,
    data: Path,
    out: Path,
    *,
    command: str,
    licence: str = "MIT",
    note: str = "",
    force: bool = False,
    progress: Progress | None = None,
) -> Release[UnmixReport]:
    """Evaluate the weights as they are released, and write the checkpoint with its card.

    Args:
        run: A finished run folder.
        data: The songs to test on; see `datasets.find_songs`. Their part `test` is taken.
        out: The checkpoint to write; its card is written beside it.
        command: How the run was made, for the card.
        licence: Of the weights.
        note: What a reader of the results must know, for the card.
        force: Replace what is there.
        progress: Called after each song.

    Raises:
        OutputError: when `out` is no name for a checkpoint, cannot be written, or exists and `force` is not set.
        CheckpointError, DatasetError, SettingsError: As for `evaluate_unmix`.
    """
    page = check_target(out, force=force)
    if any(song.part == "all" for song in find_songs(data).songs):
        raise DatasetError(
            f"{data}: holds songs of no part, which training may have heard; put those to test on in test/"
        )
    kept = checkpoint.load(checkpoint.locate(run))
    recipe = UnmixRecipe.parse(kept.recipe)
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder) / f"{out.stem}{SUFFIX}"
        checkpoint.save(draft, kept, half=True)
        report = evaluate_unmix(draft, data, UnmixEvaluationSettings(), progress=progress)
    if report.failed:
        raise DatasetError(f"{report.failed[0][1]}: a release is tested on all songs")
    rows = [row for row in report.rows if row.division == report.rows[0].division]
    card = {
        **kept.card,
        **facts(
            kept,
            recipe.corpus.sources,
            data if (data / recipe.corpus.sources[0].root).is_dir() else data.parent,
            seed=recipe.training.seed,
            licence=licence,
            command=command,
            limits=LIMITS,
        ),
        "note": note,
        "results": {**kept.card.get("results", {}), "test": {row.stem: _result(row) for row in rows}},
        "result": f"SDR of unseen songs, against the mixture: {', '.join(map(_gain, rows))} dB",
    }
    checkpoint.save(out, replace(kept, card=card), half=True)
    text = release_card.page(
        out,
        kept,
        card,
        task="unmix: take songs apart",
        reported_by=f"soundsieve evaluate unmix --model {out.stem} --data DATA",
        results=_results_text(report, note),
    )
    page.write_text(text, encoding="utf-8")
    return Release(out, page, report)


def _gain(row: StemRow) -> str:
    return f"{row.stem} {row.whole_sdr_gain.mean:+.1f}"


def _result(row: StemRow) -> dict[str, Any]:
    gain = row.whole_sdr_gain
    return {
        "songs": gain.songs,
        "sdr_db": round(row.whole[ENGINE].sdr_db, 2),
        "sdr_gain_db": round(gain.mean, 2),
        "interval_95_db": [round(gain.low, 2), round(gain.high, 2)],
        "median_of_medians_sdr_db": round(row.frames[ENGINE]["sdr"].median, 2),
    }


def _results_text(report: UnmixReport, note: str) -> str:
    table = "\n".join(map(_line, report.rows))
    songs, minutes = len(report.songs), report.speed.song_s / 60
    return f"""{songs} songs of the part `test`, {minutes:.0f} min; no song, voice, drum kit or soundfont of theirs was
trained on. SDR = 10·log10(‖x‖² / ‖x − x̂‖²) of whole songs, means over the songs that have the stem and another; the
interval is the 95 % bootstrap over songs. Median: BSS Eval v4, frames of 1 s, the median of the songs' medians.
{chr(10) + note + chr(10) if note else ""}
| divided into | stem | songs | SDR (dB) | mixture | gain | interval | median | mixture | ideal mask |
|---|---|---:|---:|---:|---:|---|---:|---:|---:|
{table}"""


def _line(row: StemRow) -> str:
    gain, sdr = row.whole_sdr_gain, {system: found["sdr"] for system, found in row.frames.items()}
    return (
        f"| {row.division} | {row.stem} | {gain.songs} | {row.whole[ENGINE].sdr_db:.2f} "
        f"| {row.whole[MIXTURE].sdr_db:.2f} | {gain.mean:+.2f} | {gain.low:+.2f} … {gain.high:+.2f} "
        f"| {sdr[ENGINE].median:.2f} | {sdr[MIXTURE].median:.2f} "
        f"| {sdr[IDEAL].median:.2f} |"
    )

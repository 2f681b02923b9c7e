"""Making a trained separator of songs ready for others: results on test songs, a card, half the size."""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from soundsieve import checkpoint
from soundsieve.checkpoint import SUFFIX
from soundsieve.datasets import Song
from soundsieve.datasets.find_songs import find_songs
from soundsieve.errors import DatasetError
from soundsieve.evaluation.unmix_report import StemRow, UnmixEvaluation
from soundsieve.evaluation.unmix_scores import ENGINE, IDEAL, MIXTURE
from soundsieve.evaluation.unmix_tables import decibels, with_interval
from soundsieve.inference.progress import Progress
from soundsieve.recipes.unmix.songs import MANIFEST
from soundsieve.systems import release_card
from soundsieve.systems.evaluate_unmix import UnmixEvaluationSettings, evaluate_unmix
from soundsieve.systems.release_card import Release, check_target, facts
from soundsieve.training.songs import SongCorpus, open_songs
from soundsieve.training.unmix_recipe import SongSource, UnmixRecipe

LIMITS = (
    "Above half its sample rate it does not listen: each stem gets the share that it has just below.",
    "What is neither sung, nor struck, nor a bass, is other, whatever it is.",
)
RENDERED = (
    "It learned from songs that were rendered from scores, and knows of real ones what these have in common with them.",
)
PARTLY_RENDERED = ("Some of the songs it learned from were rendered from scores.",)
SUNG = ("The voices it learned from are amateurs' singing Chinese pop, without effects, and hold nothing above 8 kHz.",)
UNSUNG = ("Nobody sings in the songs it learned from: it knows no voices.",)
NOT_THERE = "not in the test songs"


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
) -> Release[UnmixEvaluation]:
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
        DatasetError: when the songs of training are neither in `data` nor beside it, or it heard artists of
            the test.
        CheckpointError, DatasetError, SettingsError: As for `evaluate_unmix`.
    """
    page = check_target(out, force=force)
    found = find_songs(data)
    if any(song.part == "all" for song in found.songs):
        raise DatasetError(
            f"{data}: holds songs of no part, which training may have heard; put those to test on in test/"
        )
    kept = checkpoint.load(checkpoint.locate(run))
    recipe = UnmixRecipe.parse(kept.recipe)
    home = _home(recipe.corpus.sources, data, found.root)
    learned = [home / source.root for source in recipe.corpus.sources]
    _refuse_heard(found.of_part("test"), open_songs(recipe.corpus, home), data)
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
            home,
            seed=recipe.training.seed,
            licence=licence,
            command=command,
            limits=limits(learned),
        ),
        "note": note,
        "results": {**kept.card.get("results", {}), "test": {row.stem: _result(row) for row in rows}},
        "result": f"SDR of unseen songs, against the mixture: {', '.join(map(_gain, rows))}",
    }
    checkpoint.save(out, replace(kept, card=card), half=True)
    text = release_card.page(
        out,
        kept,
        card,
        task="unmix: take songs apart",
        reported_by=f"soundsieve evaluate unmix --model {out.stem} --data DATA",
        results=_results_text(report, note, rendered=all(map(_is_rendered, (found.root, *learned)))),
    )
    page.write_text(text, encoding="utf-8")
    return Release(out, page, report)


def limits(learned: Sequence[Path]) -> tuple[str, ...]:
    """Return what a network cannot do, by the folders of songs it learned from.

    Raises:
        DatasetError: when it cannot be read how songs were rendered.
    """
    rendered = [folder for folder in learned if _is_rendered(folder)]
    if len(rendered) < len(learned):
        return (*PARTLY_RENDERED, *LIMITS) if rendered else LIMITS
    return (*RENDERED, *(SUNG if any(map(_is_sung, rendered)) else UNSUNG), *LIMITS)


def _is_rendered(folder: Path) -> bool:
    return (folder / MANIFEST).is_file()


def _is_sung(folder: Path) -> bool:
    """Whether somebody sings in the songs that were rendered into a folder to be trained on."""
    path = folder / MANIFEST
    try:
        return bool(json.loads(path.read_text(encoding="utf-8"))["sources"]["train"]["singers"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DatasetError(f"{path}: does not say how the songs were rendered ({error})") from None


def _home(sources: Sequence[SongSource], data: Path, root: Path) -> Path:
    """The folder that the songs of training lie in: that of the songs to test on, or the one that is in."""
    places = (data, root, root.absolute().parent)
    for place in places:
        if all((place / source.root).is_dir() for source in sources):
            return place
    wanted = ", ".join(str(source.root) for source in sources)
    raise DatasetError(
        f"{data}: what the network learned from ({wanted}) is neither in it nor beside it; the card names its licences"
    )


def _refuse_heard(songs: Sequence[Song], corpus: SongCorpus, data: Path) -> None:
    """Refuse to test on songs, or on artists, that training may have heard."""
    heard = {song.group for subset in ("train", "validation") for song, _ in corpus.songs[subset]}
    both = [song.name for song in songs if song.group in heard]
    if both:
        raise DatasetError(
            f"{data}: {len(both)} songs of the test are by artists that training heard ({both[0]} first)"
        )


def _gain(row: StemRow) -> str:
    gain = row.whole_sdr_gain
    return f"{row.stem} {gain.mean:+.1f} dB" if gain.songs else f"{row.stem} {NOT_THERE}"


def _result(row: StemRow) -> dict[str, Any]:
    gain = row.whole_sdr_gain
    interval = [_number(gain.low), _number(gain.high)]
    return {
        "songs": gain.songs,
        "sdr_db": _number(row.whole[ENGINE].sdr_db),
        "sdr_gain_db": _number(gain.mean),
        "interval_95_db": None if None in interval else interval,
        "median_of_medians_sdr_db": _number(row.frames[ENGINE]["sdr"].median),
    }


def _number(value: float) -> float | None:
    """JSON has no NaN: what does not exist is None."""
    return round(value, 2) if math.isfinite(value) else None


def _results_text(report: UnmixEvaluation, note: str, *, rendered: bool) -> str:
    table = "\n".join(map(_line, report.rows))
    songs, minutes = len(report.songs), report.speed.song_s / 60
    apart = "song, voice, drum kit or soundfont of theirs" if rendered else "song of theirs or of their artists"
    return f"""{songs} songs of the part `test`, {minutes:.0f} min; no {apart} was
trained on. SDR = 10·log10(‖x‖² / ‖x − x̂‖²) of whole songs, means over the songs that have the stem and another; the
interval is the 95 % bootstrap over songs. Median: BSS Eval v4, frames of 1 s, the median of the songs' medians.
{chr(10) + note + chr(10) if note else ""}
| divided into | stem | songs | SDR (dB) | mixture | gain | interval | median | mixture | ideal mask |
|---|---|---:|---:|---:|---:|---|---:|---:|---:|
{table}"""


def _line(row: StemRow) -> str:
    gain, sdr = row.whole_sdr_gain, {system: found["sdr"] for system, found in row.frames.items()}
    if not gain.songs:
        return f"| {row.division} | {row.stem} | 0 | {NOT_THERE} |" + " – |" * 6
    whole = [decibels(row.whole[system].sdr_db) for system in (ENGINE, MIXTURE)]
    medians = [decibels(sdr[system].median) for system in (ENGINE, MIXTURE, IDEAL)]
    cells = [row.division, row.stem, str(gain.songs), *whole, *with_interval(gain, sign="+"), *medians]
    return f"| {' | '.join(cells)} |"

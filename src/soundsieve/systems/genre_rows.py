"""The rows that a recipe for naming genres is trained on: a table that is there, or recordings described now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from soundsieve import datasets
from soundsieve.datasets import gtzan
from soundsieve.datasets.clip import Clip
from soundsieve.datasets.genre_table import GenreTable, piece_name, read_table, row_name
from soundsieve.datasets.table_draft import TableDraft
from soundsieve.datasets.table_formats import Row
from soundsieve.errors import AudioError, DatasetError, OutputError
from soundsieve.evaluation import genre_protocol
from soundsieve.evaluation.genre_protocol import Split
from soundsieve.inference.describers import Describer, open_describer, windows_of
from soundsieve.inference.progress import Progress
from soundsieve.training.genre_recipe import GenreRecipe, SplitSettings, TableSettings
from soundsieve.training.run import keep_recipe

ROWS_FILE = "rows.csv"  # what recordings were described as, in a run folder
LEFT_OUT_FILE = "left-out.txt"  # beside it: those that cannot be read, and why


def find_table(settings: TableSettings, data: Path) -> Path:
    """Find a table: `data` itself where it is a file, else a file in a folder in it."""
    return data if data.is_file() or settings.file is None else data / settings.root / settings.file


def read_rows(recipe: GenreRecipe, data: Path, folder: Path, progress: Progress | None = None) -> GenreTable:
    """Read the table of a recipe, or describe its recordings, once: their rows are kept in the run folder.

    Args:
        recipe: What is wanted.
        data: The folder of all data sets, or the table.
        folder: The run folder.
        progress: Called after each recording that was described with how many are done, and of how many.

    Raises:
        DatasetError: when there is no table or recording, or none of the recipe's classes.
        OutputError: when the rows cannot be kept.
        DownloadError, CheckpointError: when the network that describes cannot be had.
    """
    s = recipe.table
    if s.file is not None or data.is_file():
        return of_classes(read_table(find_table(s, data)), recipe.classes)
    kept = folder / ROWS_FILE
    if not kept.is_file():
        clips = datasets.get(s.dataset).clips(data / s.root)
        wanted = [clip for clip in clips if recipe.classes is None or clip.labels[0] in recipe.classes]
        _describe(wanted, recipe, folder, progress)
    return of_classes(read_table(kept), recipe.classes)


def draw_splits(
    table: GenreTable, settings: SplitSettings, folder: Path, *, partial: bool = False
) -> tuple[Split, ...]:
    """Divide a table as a recipe says.

    Args:
        table: What to divide.
        settings: How.
        folder: Holds the fault-filtered lists, where these are asked for.
        partial: Whether lists may name tracks that the table lacks.

    Raises:
        DatasetError: when the lists are missing or name tracks that the table lacks, or there are too few rows.
    """
    seeds = range(settings.seed, settings.seed + settings.count)
    match settings.kind:
        case "random":
            return genre_protocol.random_splits(table, seeds).splits
        case "grouped":
            return genre_protocol.by_track(table, seeds).splits
        case "folds":
            return genre_protocol.folds(table, settings.seed, count=settings.count, by_track=True).splits
        case "fault-filtered":
            lists = gtzan.filtered_tracks(folder)
            if partial:
                there = set(table.groups)
                lists = {part: tuple(name for name in names if name in there) for part, names in lists.items()}
            return genre_protocol.fault_filtered(table, lists).splits * settings.count


def of_classes(table: GenreTable, classes: Sequence[str] | None) -> GenreTable:
    """Return the rows of some classes, or all.

    Raises:
        DatasetError: when there is none.
    """
    if classes is None:
        return table
    rows = [row for row, label in enumerate(table.labels) if label in classes]
    if not rows:
        raise DatasetError(f"no row of {', '.join(classes)}; the labels are {', '.join(table.classes)}")
    names, labels, groups = (tuple(part[row] for row in rows) for part in (table.names, table.labels, table.groups))
    return replace(table, names=names, labels=labels, groups=groups, values=table.values[rows])


def _describe(clips: Sequence[Clip], recipe: GenreRecipe, folder: Path, progress: Progress | None) -> None:
    """Describe recordings into the table of a run; when that was stopped, it goes on where it was."""
    settings = recipe.table
    describer = open_describer(settings.describer, edges=settings.edges, weights=settings.weights)
    left_out: list[str] = []
    with TableDraft(folder / ROWS_FILE, describer.names, settings.model_dump(mode="json")) as draft:
        draft.go_on()
        keep_recipe(folder, recipe)
        before = set(draft.recordings)
        for done, clip in enumerate(clips, 1):
            name = row_name(Path(clip.path.parent.name) / clip.path.name)
            if name not in before:
                try:
                    draft.add(name, _rows(clip, name, describer, settings.window_s))
                    draft.finish(name)
                except AudioError as error:
                    left_out.append(f"{error}\n")
            if progress is not None:
                progress(done, len(clips))
        try:
            (folder / LEFT_OUT_FILE).write_text("".join(left_out), encoding="utf-8")
        except OSError as error:
            raise OutputError(f"{folder / LEFT_OUT_FILE}: cannot be written ({error.strerror})") from None
        draft.write(draft.recordings)


def _rows(clip: Clip, name: str, describer: Describer, window_s: float) -> list[Row]:
    windows = windows_of(clip.path, describer.sample_rate, window_s)
    names = [piece_name(name, number) for number in range(len(windows))] if len(windows) > 1 else [name]
    found = zip(names, windows, describer.describe(windows).tolist(), strict=True)
    return [(own, len(window), *values, clip.labels[0]) for own, window, values in found]

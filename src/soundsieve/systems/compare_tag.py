"""Comparing classifiers: how often they are right against what they cost."""

from __future__ import annotations

import json
import math
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich import box
from rich.console import Group
from rich.table import Table
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from soundsieve import checkpoint
from soundsieve.checkpoint import RUN_FILE, Checkpoint
from soundsieve.evaluation.tag_report import Accuracy
from soundsieve.inference.describers import open_describer
from soundsieve.metrics.classification import mean_interval
from soundsieve.settings import read_yaml
from soundsieve.systems import evaluate_genre
from soundsieve.systems.evaluate_tag import fold_runs, report_run
from soundsieve.training.run import RECIPE_FILE
from soundsieve.training.tag_recipe import TagRecipe

CLIP_S = 5.0  # as long as those of ESC-50
_REPEATS = 9


@dataclass(frozen=True)
class Compared:
    """One run in a row.

    Attributes:
        run: The run folder's name.
        architecture: Its model.
        protocol: How its recordings were divided: choose, published, subsets; and how many folds if not all.
        accuracy: With the chosen epoch's weights.
        last: With the last epoch's; None where these were not kept.
        parameters: Of the network; of a model of descriptors, all numbers that it keeps.
        macs: Multiply-accumulates of the network for a clip of 5 s, or a row of descriptors.
        latency_ms: Front end and network on such a clip, or the music of a row, and one processor core, median.
        memory_mb: Weights, and what goes into and comes out of the largest operation, in float32, for such a clip.
        error: Expected calibration error after calibration.
    """

    run: str
    architecture: str
    protocol: str
    accuracy: Accuracy
    last: Accuracy | None
    parameters: int
    macs: int
    latency_ms: float
    memory_mb: float
    error: float


@dataclass(frozen=True)
class Seeds:
    """Runs of one recipe that differ in nothing but the seed.

    Attributes:
        runs: Their folders' names.
        mean: Of their accuracies.
        low: Student's 95 % interval of that mean.
        high: Its other end.
    """

    runs: tuple[str, ...]
    mean: float
    low: float
    high: float


def compare(runs: Sequence[Path]) -> list[Compared]:
    """Compare finished runs, the best first; measures each network on this machine, one after the other.

    Raises:
        CheckpointError: when one of them is no finished run.
    """
    rows = [_compared(run) for run in runs]
    return sorted(rows, key=lambda row: -row.accuracy.mean)


def across_seeds(runs: Sequence[Path], rows: Sequence[Compared]) -> list[Seeds]:
    """Average the accuracies of runs that differ in nothing but the seed, where there are two or more.

    Args:
        runs: The run folders.
        rows: What `compare` found of them.
    """
    accuracy = {row.run: row.accuracy.mean for row in rows}
    alike: dict[str, list[str]] = {}
    for run in runs:
        kept = read_yaml(run / RECIPE_FILE)
        if kept.get("task") == "genre":
            continue  # its seeds are the splits of one run
        recipe = TagRecipe.parse(kept).model_dump(mode="json")
        del recipe["training"]["seed"]
        alike.setdefault(json.dumps(recipe, sort_keys=True), []).append(run.name)
    found = []
    for names in alike.values():
        values = [accuracy[name] for name in names]
        if len(values) > 1:
            found.append(Seeds(tuple(names), statistics.fmean(values), *mean_interval(values)))
    return found


def _compared(run: Path) -> Compared:
    loaded = checkpoint.load(next(iter(fold_runs(run).values())) / RUN_FILE)
    genre = loaded.task == "genre"
    report = evaluate_genre.report_run(run) if genre else report_run(run)
    model = loaded.build()
    prepare = _describing(loaded) if genre else _listening(loaded)
    inputs = prepare()
    return Compared(
        run=run.name,
        architecture=loaded.model,
        protocol=_protocol(report.protocol),
        accuracy=report.accuracy[0],
        last=report.accuracy[1] if len(report.accuracy) > 1 else None,
        parameters=report.protocol["parameters"],
        macs=count_macs(model, *inputs),
        latency_ms=_latency_ms(lambda: model(*prepare())),
        memory_mb=_memory_mb(model, *inputs),
        error=report.calibration.error_after,
    )


def _protocol(found: Mapping[str, Any]) -> str:
    """Name the protocol, and say so where not all folds have been tested."""
    tested, folds = len(found["runs"]), found.get("folds")
    return f"{found['protocol']}, {tested} of {folds} folds" if folds and tested < folds else str(found["protocol"])


def _listening(loaded: Checkpoint) -> Callable[[], tuple[torch.Tensor, ...]]:
    """What makes a clip of noise into inputs of a classifier."""
    front_end = loaded.build_front_end()
    waveform = torch.randn(1, round(CLIP_S * loaded.sample_rate), generator=torch.Generator().manual_seed(0))
    return lambda: front_end(waveform)


def _describing(loaded: Checkpoint) -> Callable[[], tuple[torch.Tensor, ...]]:
    """What makes a window of noise into inputs of a model of descriptors."""
    front_end = loaded.build_descriptor_front_end()
    s = front_end.settings
    describer = open_describer(s.describer, edges=s.edges, weights=s.weights)
    window = np.random.default_rng(0).standard_normal(round(s.window_s * describer.sample_rate), np.float32)
    return lambda: front_end(torch.from_numpy(describer.describe([window])))[:1]


def count_macs(model: nn.Module, *inputs: torch.Tensor) -> int:
    """Count the multiply-accumulates of convolutions, matrix products, recurrences and attention.

    >>> count_macs(nn.Conv1d(3, 5, 7), torch.zeros(1, 3, 16))  # 10 places, each 3·7 for 5 channels
    1050
    >>> count_macs(nn.LSTM(4, 6), torch.zeros(10, 1, 4))  # 10 steps, 4 gates of 6 from 4 + 6
    2400
    """
    # With gradients, so that a transformer does not take its fused path, in which nothing can be counted.
    with torch.enable_grad(), FlopCounterMode(display=False, custom_mapping=_FUSED) as counter:
        model(*inputs)
    return int(counter.get_total_flops()) // 2


def _attention_flops(query: tuple[int, ...], key: tuple[int, ...], *rest: Any, **more: Any) -> int:
    batch, heads, steps, width = query
    return 2 * 2 * batch * heads * steps * key[2] * width  # scores, and what they weigh


def _lstm_flops(
    steps: tuple[int, ...], inward: tuple[int, ...], recurrent: tuple[int, ...], *rest: Any, **more: Any
) -> int:
    return 2 * steps[0] * steps[1] * (math.prod(inward) + math.prod(recurrent))


# What PyTorch does in one operation on a CPU, and its counter does not know.
_FUSED = {
    torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: _attention_flops,
    torch.ops.aten.mkldnn_rnn_layer: _lstm_flops,
}


class _Largest(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch leaves its modes untyped
    """Finds the operation whose inputs and outputs take the most memory."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.bytes = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        output = func(*args, **(kwargs or {}))
        tensors = [leaf for leaf in tree_leaves((args, kwargs, output)) if isinstance(leaf, torch.Tensor)]
        storages = {x.untyped_storage().data_ptr(): x.untyped_storage().nbytes() for x in tensors}
        self.bytes = max(self.bytes, sum(storages.values()))
        return output


def _memory_mb(model: nn.Module, *inputs: torch.Tensor) -> float:
    with torch.inference_mode(), _Largest() as largest:
        model(*inputs)
    weights = sum(weight.numel() * weight.element_size() for weight in model.parameters())
    return float(weights + largest.bytes) / 1e6


def _latency_ms(call: Callable[[], Any]) -> float:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.inference_mode():
            times = []
            for _ in range(_REPEATS + 1):  # the first one allocates
                begun = time.perf_counter()
                call()
                times.append(time.perf_counter() - begun)
    finally:
        torch.set_num_threads(threads)
    return 1000 * statistics.median(times[1:])


_WORDS, _NUMBERS = (
    ("run", "model", "protocol"),
    ("accuracy %", "95 % by source", "± between folds", "last epoch %", "parameters", "M MACs", "ms", "MB", "ECE %"),
)


def _cells(row: Compared) -> tuple[str, ...]:
    found = row.accuracy
    half = None if found.folds_low is None or found.folds_high is None else (found.folds_high - found.folds_low) / 2
    return (
        row.run,
        row.architecture,
        row.protocol,
        f"{100 * found.mean:.1f}",
        f"{100 * found.low:.1f} … {100 * found.high:.1f}",
        "" if half is None else f"{100 * half:.1f}",
        "" if row.last is None else f"{100 * row.last.mean:.1f}",
        f"{row.parameters:,}",
        f"{row.macs / 1e6:.1f}",
        f"{row.latency_ms:.1f}",
        f"{row.memory_mb:.1f}",
        f"{100 * row.error:.1f}",
    )


def _sentence(seeds: Seeds) -> str:
    low, high = f"{100 * seeds.low:.1f}", f"{100 * seeds.high:.1f}"
    return f"{', '.join(seeds.runs)}: one recipe, {len(seeds.runs)} seeds, {100 * seeds.mean:.1f} % ({low} … {high})"


def render(rows: Sequence[Compared], seeds: Sequence[Seeds] = ()) -> Group:
    """Return what `rich.print` shows of a comparison."""
    table = Table(box=box.SIMPLE_HEAD)
    for heading in _WORDS:
        table.add_column(heading)
    for heading in _NUMBERS:
        table.add_column(heading, justify="right")
    for row in rows:
        table.add_row(*_cells(row))
    return Group(table, *map(_sentence, seeds))


def to_markdown(rows: Sequence[Compared], seeds: Sequence[Seeds] = ()) -> str:
    """Return a comparison as a table for a page."""
    lines = [(*_WORDS, *_NUMBERS), ("---",) * len(_WORDS) + ("---:",) * len(_NUMBERS), *map(_cells, rows)]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return "\n\n".join([table, *map(_sentence, seeds)])

"""A separator of songs being judged on segments that training never hears, on one device or on two."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from soundsieve.errors import SettingsError
from soundsieve.training.songs import StemExample
from soundsieve.training.unmix_recipe import UnmixRecipe
from soundsieve.training.unmixing import UnmixTask

VALUES = {
    "sample_rate": 8_000,
    "model": {"name": "wave_unet", "hyper": {"L": 2, "F_c": 2}},
    "corpus": {"sources": [{"dataset": "stems", "root": "songs"}]},
}
VOCALS, DRUMS = 0, 1  # the rows of the stems that sound


class Half(torch.nn.Module):
    """Hands back half of the mixture as every stem."""

    def forward(self, mixture: Tensor) -> Tensor:
        return 0.5 * mixture[:, None].expand(-1, 4, -1, -1)


def segments(*levels: tuple[float, float]) -> StemExample:
    """Segments whose vocals and drums are two patterns at right angles, each at a level of its own."""
    references = torch.zeros(len(levels), 4, 2, 64)
    for row, (vocals, drums) in enumerate(levels):
        references[row, VOCALS, :, ::2], references[row, DRUMS, :, 1::2] = vocals, drums
    return StemExample(mixture=references.sum(1), references=references)


def validate(devices: list[list[StemExample]], monitor: str = "mse") -> list[dict[str, float]]:
    """What each device logs when all have seen their batches; they exchange tables as processes would."""
    tasks, tables, found = [], [], []
    for batches in devices:
        task = UnmixTask(UnmixRecipe.parse({**VALUES, "training": {"monitor": monitor}}))
        task.model = Half()
        task.on_validation_epoch_start()
        for number, batch in enumerate(batches):
            task.validation_step(batch, number)
        tasks.append(task)

    def note(table: Tensor, reduce_op: str) -> Tensor:
        tables.append(table)
        assert reduce_op == "sum"
        return table

    logged: dict[str, Any] = {}
    for reduce in (note, lambda table, reduce_op: torch.stack(tables).sum(0)):
        found = []
        for task in tasks:
            logged = {}
            task._trainer = SimpleNamespace(strategy=SimpleNamespace(reduce=reduce))  # type: ignore[assignment]
            task.log = lambda name, value, into=logged, **_: into.update({name: float(value)})  # type: ignore[method-assign]
            task.on_validation_epoch_end()
            found.append(logged)
    return found


LOUD, LOUDER, SUNG, SILENT = (0.1, 0.2), (0.1, 0.4), (0.3, 0.0), (0.0, 0.0)


def test_devices_that_heard_other_stems_agree_on_what_one_device_finds() -> None:
    [alone] = validate([[segments(LOUD, LOUDER, SUNG, SUNG, SILENT)]])
    for first, second in (
        ([segments(SUNG, SUNG)], [segments(LOUD, LOUDER, SILENT)]),
        ([segments(SILENT)], [segments(LOUD), segments(SUNG, LOUDER), segments(SUNG)]),
    ):
        one, two = validate([first, second])
        assert one == two
        assert one == pytest.approx(alone, rel=1e-5)


def test_the_figures_are_those_of_all_segments_with_the_stem() -> None:
    [found] = validate([[segments(LOUD, SUNG), segments(SILENT)]])
    # Of vocals at 0.1 beside drums at 0.2 half of both is left as the error: (0.05² + 0.1²) against 0.1².
    vocals = [10 * np.log10(0.1**2 / (0.05**2 + 0.1**2)), 10 * np.log10(4)]
    drums = 10 * np.log10(0.2**2 / (0.05**2 + 0.1**2))
    assert found["val/vocals_db"] == pytest.approx(np.mean(vocals), abs=1e-3)
    assert found["val/drums_db"] == pytest.approx(drums, abs=1e-3)
    assert found["val/sdr_db"] == pytest.approx((np.mean(vocals) + drums) / 2, abs=1e-3)
    assert set(found) == {"val/vocals_db", "val/drums_db", "val/sdr_db", "val/mse", "val/minus_mse_db"}
    error = np.mean([0.05**2 + 0.1**2, 0.15**2, 0]) / 2  # half of the samples of each pattern are zeros
    assert found["val/mse"] == pytest.approx(error, rel=1e-4)
    assert found["val/minus_mse_db"] == pytest.approx(-10 * np.log10(error), abs=1e-3)


def test_where_all_is_silent_there_is_no_ratio_to_choose_by() -> None:
    [found] = validate([[segments(SILENT)]])
    assert set(found) == {"val/mse", "val/minus_mse_db"}
    with pytest.raises(SettingsError, match=r"training.monitor = sdr: .* silent; expected mse"):
        validate([[segments(SILENT)]], monitor="sdr")

"""Seconds per batch in the logs."""

from __future__ import annotations

import time
from typing import Any

from lightning import Callback, LightningModule, Trainer


class StepTimer(Callback):
    """Logs the time from one batch to the next, waiting for data included."""

    def __init__(self) -> None:
        self._last: float | None = None

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start afresh: validation is not part of a batch."""
        self._last = None

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Log the time since the previous batch ended."""
        now = time.perf_counter()
        if self._last is not None:
            pl_module.log("train/batch_s", now - self._last)
        self._last = now

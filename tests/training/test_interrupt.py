from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning import Callback, LightningModule, Trainer

from soundsieve.training.interrupt import StopBetweenBatches


class Line(LightningModule):
    """Fits one number."""

    def __init__(self) -> None:
        super().__init__()
        self.slope = torch.nn.Parameter(torch.zeros(1))

    def training_step(self, batch: torch.Tensor, index: int) -> torch.Tensor:
        return ((self.slope - batch) ** 2).mean()

    def train_dataloader(self) -> Any:
        return torch.utils.data.DataLoader(torch.ones(8, 1))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), 0.1)


class CtrlC(Callback):
    """Sends it in the middle of the third batch, and counts the batches that ended."""

    def __init__(self) -> None:
        self.ended = 0

    def on_before_backward(self, trainer: Trainer, pl_module: LightningModule, loss: torch.Tensor) -> None:
        if self.ended == 2:
            os.kill(os.getpid(), signal.SIGINT)

    def on_train_batch_end(self, *_: Any) -> None:
        self.ended += 1


def test_the_batch_is_ended_before_the_run_is(tmp_path: Path) -> None:
    sender, stop = CtrlC(), StopBetweenBatches()
    trainer = Trainer(
        default_root_dir=tmp_path,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        max_epochs=1,
        callbacks=[sender, stop],
    )
    with stop.listening(), pytest.raises(SystemExit):
        trainer.fit(Line())
    assert trainer.interrupted
    assert sender.ended == 3
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_second_ctrl_c_stops_at_once() -> None:
    stop = StopBetweenBatches()
    with stop.listening():
        os.kill(os.getpid(), signal.SIGINT)
        assert stop.asked
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_a_program_that_handles_ctrl_c_itself_keeps_its_handler() -> None:
    heard: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: heard.append(number))
    try:
        stop = StopBetweenBatches()
        with stop.listening():
            os.kill(os.getpid(), signal.SIGINT)
        assert heard == [signal.SIGINT]
        assert not stop.asked
    finally:
        signal.signal(signal.SIGINT, before)

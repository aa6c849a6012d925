"""Epochs of a training for TensorBoard."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from abawbench.training.curves import flat

FOLDER = "tensorboard"


class Board:
    """Writes into the folder `tensorboard` of a run.

    Args:
        run: the run folder.
        epochs: that are done; what was written of later ones counts no more.

    Raises:
        ModuleNotFoundError: TensorBoard is not installed.
    """

    def __init__(self, run: Path, epochs: int) -> None:
        from torch.utils.tensorboard.writer import SummaryWriter

        self._writer = SummaryWriter(str(run / FOLDER), purge_step=epochs + 1 if epochs else None)

    def add(self, row: Mapping[str, Any]) -> None:
        """Write an epoch."""
        for name, value in flat(row).items():
            if name != "epoch" and value is not None:
                self._writer.add_scalar(name.replace(" ", "/"), value, row["epoch"])
        self._writer.flush()

    def close(self) -> None:
        """Write what is left."""
        self._writer.close()

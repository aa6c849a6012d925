"""Several processes that learn one batch together, started by torchrun or accelerate.

Each process computes its share of the sequences of a step. Outputs are gathered, so that every loss is over the whole
batch, and gradients are summed. The result is that of one process, except for rounding, dropout and the statistics of
batch norms, which each process keeps for its own share (those of the first are saved).
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, distributed, nn

from abawbench.table import Rows
from abawbench.training.batching import Step

Outputs = dict[str, Tensor]


@dataclass(frozen=True, slots=True)
class Processes:
    """The processes of a training.

    Attributes:
        rank: number of this process, from 0.
        size: number of processes.
    """

    rank: int = 0
    size: int = 1

    @property
    def is_first(self) -> bool:
        """True for the process that writes and reports."""
        return self.rank == 0

    def rows(self, step: Step, rank: int) -> Rows:
        """The frames of a step that belong to a process: whole sequences, assigned in turn.

        The sequences of a step that goes on stay with their process.
        """
        if self.size == 1:
            return np.arange(len(step.places))
        sequence = np.repeat(np.arange(len(step.lengths)), step.lengths)
        return np.flatnonzero(sequence % self.size == rank)

    def lengths(self, step: Step) -> Rows:
        """Number of frames of each sequence of this process."""
        return step.lengths[self.rank :: self.size]

    def order(self, step: Step) -> Rows:
        """Places of all frames, in the order of gathered outputs."""
        return step.places[np.concatenate([self.rows(step, rank) for rank in range(self.size)])]

    def gather(self, step: Step, own: Mapping[str, Tensor]) -> Outputs:
        """Outputs for all frames, in the order of `order`; gradients flow into those of this process alone.

        Args:
            step: step of all processes.
            own: outputs of this process by task, shape (own frames, width).
        """
        if self.size == 1:
            return dict(own)
        counts = [len(self.rows(step, rank)) for rank in range(self.size)]
        widths = [output.shape[1] for output in own.values()]
        # one message for all tasks; processes with fewer frames send zeros behind them
        message = next(iter(own.values())).new_zeros((max(counts), sum(widths)), dtype=torch.float32)
        message[: counts[self.rank]] = torch.cat([output.detach().float() for output in own.values()], 1)
        received = [torch.empty_like(message) for _ in counts]
        distributed.all_gather(received, message)
        parts = [part[:count].split(widths, 1) for part, count in zip(received, counts, strict=True)]
        return {
            name: torch.cat([own[name].float() if rank == self.rank else part[task] for rank, part in enumerate(parts)])
            for task, name in enumerate(own)
        }

    def add_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Sum the gradients of all processes; a parameter without a gradient in all of them stays without."""
        if self.size == 1:
            return
        every = list(parameters)
        has = torch.tensor([parameter.grad is not None for parameter in every], dtype=torch.int32)
        has = has.to(every[0].device)
        distributed.all_reduce(has)
        shared = [parameter for parameter, count in zip(every, has.tolist(), strict=True) if count]
        if not shared:
            return
        gradients = [torch.zeros_like(part) if part.grad is None else part.grad for part in shared]
        whole = torch.cat([gradient.flatten() for gradient in gradients])
        distributed.all_reduce(whole)
        sums = whole.split([part.numel() for part in shared])
        for parameter, total in zip(shared, sums, strict=True):
            parameter.grad = torch.empty_like(parameter).copy_(total.view(parameter.shape))

    def broadcast(self, value: Any) -> Any:
        """The value of the first process, in all of them; they wait for it."""
        if self.size == 1:
            return value
        values = [value]
        distributed.broadcast_object_list(values, src=0)
        return values[0]


ALONE = Processes()


@contextmanager
def start_processes(device: str) -> Generator[tuple[Processes, str]]:
    """Join the processes that torchrun or accelerate started; yields them and the device of this process."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1 or not distributed.is_available():
        yield ALONE, device
        return
    if device == "cuda":
        device = f"cuda:{os.environ.get('LOCAL_RANK', '0')}"
        torch.cuda.set_device(device)
    is_ours = not distributed.is_initialized()
    if is_ours:
        distributed.init_process_group("nccl" if device.startswith("cuda") else "gloo")
    try:
        yield Processes(distributed.get_rank(), distributed.get_world_size()), device
    finally:
        if is_ours:
            distributed.destroy_process_group()

"""The size of a network: its parameters, and its multiply-adds for one picture."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode


@dataclass(frozen=True, slots=True)
class Size:
    """The size of a network.

    Attributes:
        parameters: number of parameters; one that several modules hold counts once.
        multiply_adds: multiplications with addition in convolutions, linear layers, other matrix products and
            attention, for one input; element-wise work is not counted.
    """

    parameters: int
    multiply_adds: int


def size_of(network: nn.Module, *inputs: object) -> Size:
    """Measure a network without computing anything.

    Args:
        network: network, which stays as it is.
        inputs: arguments of its forward pass: tensors, dictionaries of tensors, numbers; only their shapes count.

    >>> size_of(nn.Conv2d(3, 8, 3, bias=False), torch.zeros(1, 3, 6, 6))
    Size(parameters=216, multiply_adds=3456)
    """
    # a copy that never holds numbers, since the copies of its tensors are there before it
    tensors = {id(part): part for part in (*network.parameters(), *network.buffers())}
    memo = {key: _empty_like(part) for key, part in tensors.items()}
    empty = copy.deepcopy(network, memo).eval()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        empty(*(_empty(value) for value in inputs))
    parameters = sum(parameter.numel() for parameter in empty.parameters())
    return Size(parameters, counter.get_total_flops() // 2)


def _empty_like(tensor: Tensor) -> Tensor:
    empty = tensor.detach().to("meta")
    return nn.Parameter(empty, requires_grad=tensor.requires_grad) if isinstance(tensor, nn.Parameter) else empty


def _empty(value: object) -> object:
    if isinstance(value, Tensor):
        return value.to("meta")
    if isinstance(value, dict):
        return {name: _empty(part) for name, part in value.items()}
    return value

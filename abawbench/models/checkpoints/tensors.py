"""Tensors that somebody else saved: safetensors files, and tensors that no network can use."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from pathlib import Path

import torch
from torch import Tensor

from abawbench.base.files import require_plain
from abawbench.base.problems import Problem, ProblemError, Problems

# bytes that tensors may take beyond four times the file: views of one storage are saved once
SLACK = 1 << 20


def read_safetensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors of a safetensors file by name, and the texts in its header.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is no safetensors file, or a damaged one.
        ProblemError: F01, the path leads to a pipe, a socket or a device.
    """
    from safetensors import SafetensorError, safe_open

    require_plain(path)
    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118
    except SafetensorError as error:
        raise ValueError(str(error)) from error
    # number types that only newer versions of torch have
    except (AttributeError, KeyError, RuntimeError, TypeError) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from error


def read_state(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file by name.

    Raises:
        ProblemError: E04 it is no such file, F01 as `read_safetensors`.
    """
    try:
        return read_safetensors(path)[0]
    except (OSError, ValueError) as error:
        expected = "a safetensors file"
        raise ProblemError(Problem("E04", str(error), expected, "convert or copy it again", str(path))) from error


def sizes_in(path: Path) -> list[int]:
    """How many numbers each tensor of a safetensors file has, by its header. Raises: as `read_safetensors`."""
    from safetensors import SafetensorError, safe_open

    require_plain(path)
    try:
        with safe_open(path, framework="pt") as file:
            return [prod(file.get_slice(name).get_shape()) for name in file.keys()]  # noqa: SIM118
    except SafetensorError as error:
        raise ValueError(str(error)) from error


def check_tensors(tensors: Mapping[str, Tensor], size: int, file: str) -> None:
    """Refuse tensors that no network can use.

    Args:
        tensors: tensors by name.
        size: bytes of their files.
        file: name of the file, for messages.

    Raises:
        ProblemError: E04 tensors that are sparse, quantised, complex or without numbers, or larger than their file; E22
            numbers that are not finite.
    """
    problems = Problems()
    fix = "save the plain state dictionary of the network"
    for name, tensor in tensors.items():
        if kind := _odd_kind(tensor):
            problems.add(Problem("E04", f"{name}: {kind} tensor", "a plain tensor of real numbers", fix, file))
    total = sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())
    if total > 4 * size + SLACK:
        found, expected = f"tensors of {total:,} bytes", f"no more than the {size:,} bytes of the file hold"
        problems.add(Problem("E04", found, expected, fix, file))
    problems.raise_if_any()
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not _is_finite(tensor):
            fix = "take an earlier checkpoint"
            problems.add(Problem("E22", f"{name}: NaN or infinite", "finite weights", fix, file))
    problems.raise_if_any()


def _odd_kind(tensor: Tensor) -> str:
    if tensor.layout != torch.strided:
        return "a sparse"
    if tensor.is_quantized:
        return "a quantised"
    if tensor.is_complex():
        return "a complex"
    return "an empty (meta)" if tensor.is_meta else ""


def _is_finite(tensor: Tensor) -> bool:
    """True where all numbers are finite, found without a mask of their size."""
    if not tensor.numel():
        return True
    if tensor.element_size() == 1:
        # torch knows no smallest number of 8 bits
        tensor = tensor.float()
    low, high = torch.aminmax(tensor)
    return bool(torch.isfinite(low) and torch.isfinite(high))

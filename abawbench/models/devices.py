"""Devices on which networks run."""

from __future__ import annotations

import importlib.util

from abawbench.base.problems import Problem, ProblemError


def resolve_device(name: str) -> str:
    """The device of this name; `auto` is a GPU where there is one, else the CPU.

    Raises:
        ProblemError: C02, there is no such device.
    """
    if name == "cpu" or importlib.util.find_spec("torch") is None:
        return "cpu"
    import torch

    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(1, device=name)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0]
        fix = "name cpu, or install a torch that has it"
        raise ProblemError(Problem("C02", f"--device {name}: {reason}", "a device that is there", fix)) from error
    return name

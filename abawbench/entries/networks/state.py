"""The weights of a network that is built already, from a safetensors file."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from abawbench.errors import Problem, ProblemError, Problems


def load_state(module: nn.Module, path: Path) -> None:
    """Put the tensors of a file into a module that has the same ones.

    Raises:
        ProblemError: E04 the file is no safetensors file, E08 every tensor that is missing, surplus or misshapen.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        found = load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        expected = "a safetensors file"
        raise ProblemError(Problem("E04", str(error), expected, "convert or copy it again", str(path))) from error
    wanted = module.state_dict()
    problems = Problems()
    for name in sorted(wanted.keys() | found.keys()):
        shape, other = (tuple(part[name].shape) if name in part else None for part in (wanted, found))
        if shape != other:
            had, expected = (f"{name} {'missing' if size is None else size}" for size in (other, shape))
            wish = f"no {name}" if shape is None else expected
            problems.add(Problem("E08", had, wish, "bring the weights of this very network", str(path)))
    problems.raise_if_any()
    module.load_state_dict(found)

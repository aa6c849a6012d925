"""Checks of config.json, the description of a network in transformers' folders, before anything is built from it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

from abawbench.base.problems import Problem, ProblemError, Problems
from abawbench.models.image_input import LARGEST

# no network has more layers, blocks or heads
MOST_PARTS = 1_000
# layers that a network may have beyond those that its tensors can belong to
SPARE_LAYERS = 64
# no width or number of labels is larger
LARGEST_NUMBER = 1_000_000
# each is an object in memory before any weight is known
_LAYERS = re.compile(r"(num|n)_(.*_)?(layers?|blocks?|stages?)|(layer_)?depths?")
_PARTS = re.compile(r"(num|n)_(.*_)?(heads?|groups?|experts?)")
_SIDES = re.compile(r"(image|patch|crop|window|kernel|pretrained_window)_sizes?|patch_stride|strides?")
_COUNTED = re.compile(rf"{_LAYERS.pattern}|{_PARTS.pattern}|{_SIDES.pattern}|num_.*|.*_(size|sizes|dim|dims|channels)")
_NEEDED = {"hidden_size", "image_size", "patch_size", "num_channels", "num_labels", "num_attention_heads"}


def check_config(config: Mapping[str, Any], tensors: int, file: str | None = None) -> None:
    """Refuse a configuration whose numbers belong to no network.

    Args:
        config: content of the file.
        tensors: number of tensors in the files of weights.
        file: name of the file, for messages; None where it is not known.

    Raises:
        ProblemError: E04, every number that is too large or negative, or no number at all.
    """
    problems = Problems()
    for place, name, value in _leaves(config, "", ""):
        fault = _fault(name, value, tensors)
        if fault:
            shown = repr(value)
            found = f"{place} = {shown if len(shown) <= 40 else f'{shown[:37]}...'}"
            problems.add(Problem("E04", found, fault, "fetch the folder again, or correct it", file))
    problems.raise_if_any()


def check_parameters(expected: int, found: int, file: str | None = None) -> None:
    """Refuse a configuration of a much larger network than its weights are of.

    Args:
        expected: number of parameters of the network.
        found: number of numbers in the files of weights.
        file: name of the file, for messages; None where it is not known.

    Raises:
        ProblemError: E08, the weights are of another network.
    """
    # some parts may be missing, and are then named
    if expected > 4 * found + 10_000_000:
        text, wanted = f"a network of {expected:,} parameters", f"one of about {found:,}, as the weights hold"
        raise ProblemError(Problem("E08", text, wanted, "fetch the whole folder again", file))


def _leaves(value: Any, place: str, name: str) -> Iterator[tuple[str, str, Any]]:
    """Place, name of the field, and value of every number and text in a configuration."""
    if isinstance(value, Mapping):
        for key, part in cast(Mapping[str, Any], value).items():
            yield from _leaves(part, f"{place}.{key}".lstrip("."), str(key))
    elif isinstance(value, list):
        if name in {"depths", "depth"} and all(type(part) is int for part in cast(list[Any], value)):
            yield f"the sum of {place}", name, sum(cast(list[int], value))
        for part in cast(list[Any], value):
            yield from _leaves(part, place, name)
    else:
        yield place, name, value


def _fault(name: str, value: Any, tensors: int) -> str:
    """What was expected in place of a value; empty where there is nothing to say against it."""
    if isinstance(value, bool) or value is None:
        return ""
    if isinstance(value, int | float) and not abs(value) <= 1e30:
        return "a number"
    if not _COUNTED.fullmatch(name):
        return "a number of 32 bits" if isinstance(value, int) and abs(value) >= 1 << 32 else ""
    if isinstance(value, str):
        return "a number" if name in _NEEDED or name.startswith("num_") else ""
    limits = {_LAYERS: min(tensors + SPARE_LAYERS, MOST_PARTS), _PARTS: MOST_PARTS, _SIDES: LARGEST}
    largest = next((limit for pattern, limit in limits.items() if pattern.fullmatch(name)), LARGEST_NUMBER)
    least = 1 if name in _NEEDED else 0
    return "" if least <= value <= largest else f"a number from {least} to {largest:,}"

"""The parts that all layouts of checkpoints share: branch, preset and fitted network, and the comparison of tensors."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from abawbench.base.problems import Problem, ProblemError, Problems
from abawbench.models import backbones
from abawbench.models.backbones import Backbone, Overrides
from abawbench.models.checkpoints.left_over import check_left_over, first_of, is_needless
from abawbench.models.image_input import ImageInput


@dataclass(frozen=True, slots=True)
class Preset:
    """The pictures that a network in a file takes, and who says so.

    Attributes:
        image_input: the pictures.
        source: what says so, for a card.
        assumed: names of the values that nothing in the file says.
    """

    image_input: ImageInput
    source: str
    assumed: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Branch:
    """The part of a file that holds one network.

    Attributes:
        name: place of the network in the file: names of dictionaries and modules, joined by dots; empty at the top.
        tensors: tensors of the network, by their names inside it.
        beside: other tensors of the same dictionary.
        apart: names of other dictionaries that hold tensors, as `head` or `optimizer`, and of tensors around this one.
        arguments: arguments of the training program, where the file holds them.
    """

    name: str
    tensors: Mapping[str, Tensor]
    beside: Mapping[str, Tensor] = field(default_factory=dict[str, Tensor])
    apart: tuple[str, ...] = ()
    arguments: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class Detected:
    """The network in a branch.

    Attributes:
        kind: name of the backbone.
        described: project whose names the tensors have, for a card.
    """

    kind: str
    described: str


@dataclass(frozen=True, eq=False)
class Fitted:
    """A network with the weights of a file.

    Attributes:
        backbone: backbone in evaluation mode, in float32.
        missing: tensors that the file lacks and the network can do without.
        unexpected: tensors that only the file has.
        source: what says which pictures the network takes.
        assumed: names of the values of the image input that nothing in the file says.
    """

    backbone: Backbone
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    source: str
    assumed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Layout:
    """The names that one project gives to the tensors of a network.

    Attributes:
        title: network and project, for messages.
        signature: names that every file of the layout has; one that ends with a dot is the beginning of a name.
        further: further names that its files have; an unknown file is compared with all of them.
        detect: function that recognises the network of a branch that has the signature. It raises ProblemError E10 for
            a network that cannot be read.
        fit: function that loads the network of a branch, given what `detect` found, the preset that a configuration
            beside the file gives (None where there is none), and overrides. It raises ProblemError: E08 tensors
            missing, left over, of another shape or number type, E17 overrides that the network cannot follow, E10.
    """

    title: str
    signature: tuple[str, ...]
    further: tuple[str, ...]
    detect: Callable[[Branch], Detected]
    fit: Callable[[Branch, Detected, Preset | None, Overrides], Fitted]


def fit_own(
    make: Callable[[Overrides], Backbone],
    tensors: Mapping[str, Tensor],
    preset: Preset | None,
    overrides: Overrides,
    *,
    assumed: tuple[str, ...] = (),
) -> Fitted:
    """Load a network of this package, whose names are those of the file.

    Args:
        make: function that makes the network with random weights.
        tensors: weights by name.
        preset: pictures that the network takes; None for those that `make` gives it.
        overrides: values that replace those of the preset.
        assumed: names of the values that nothing says where there is no preset.

    Raises:
        ProblemError: E08, tensors missing, left over, of another shape or number type; E17, as `make`.
    """
    given = None if preset is None else preset.image_input
    with torch.device("meta"):
        network = make(overrides if given is None else overrides.over(Overrides.of(given)))
    if given is not None:
        # what is cut out of a resized crop is no override
        network.card = replace(network.card, image_input=overrides.apply(given, network.card.kind))
    expected = network.state_dict()
    missing, unexpected = compare(expected, tensors, network.card.kind)
    copied = {name: _copied(tensors[name], value) for name, value in expected.items() if name in tensors}
    copied |= {name: torch.zeros(expected[name].shape, dtype=expected[name].dtype) for name in missing}
    # the network lies on the meta device, hence the tensors are assigned and not copied
    network.load_state_dict(copied, assign=True)
    if preset is None:
        source = f"{'assumed: ' if assumed else ''}preset of {network.card.kind}"
        return Fitted(network, missing, unexpected, source, assumed)
    return Fitted(network, missing, unexpected, preset.source, preset.assumed)


def build_kind(kind: str) -> Callable[[Overrides], Backbone]:
    """A function that builds a kind of backbone with random weights."""
    return lambda overrides: backbones.build(kind, overrides=overrides)


def compare(
    expected: Mapping[str, Tensor], tensors: Mapping[str, Tensor], kind: str
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names of tensors that are missing without harm, and of those left over.

    Args:
        expected: tensors of the network; their shapes and whether they are integers count.
        tensors: tensors of the file.
        kind: name of the network, for messages.

    Raises:
        ProblemError: E08, everything that does not fit.
    """
    absent = [name for name in expected if name not in tensors]
    harmless = tuple(name for name in absent if is_needless(name))
    missing = [name for name in absent if name not in harmless]
    problems = [missing_tensors(missing, kind)] if missing else []
    found = {name: (tensors[name], value) for name, value in expected.items() if name in tensors}
    problems += [
        wrong_shape(name, tuple(tensor.shape), tuple(value.shape))
        for name, (tensor, value) in found.items()
        if tensor.shape != value.shape
    ]
    problems += [
        wrong_type(name, tensor)
        for name, (tensor, value) in found.items()
        if value.is_floating_point() and not is_weight(tensor)
    ]
    if not problems:
        unexpected = tuple(name for name in tensors if name not in expected)
        problems += check_left_over(unexpected, expected, kind)
        if not problems:
            return harmless, unexpected
    raise ProblemError(*problems)


def is_weight(tensor: Tensor) -> bool:
    """True where the numbers are weights as they are; integers and numbers of 8 bits need a scale."""
    return tensor.is_floating_point() and tensor.element_size() > 1


def require_tensors(found: Mapping[str, Tensor], wanted: Mapping[str, Tensor], kind: str) -> None:
    """Check that all tensors of a network are there, each of its shape; others are not looked at.

    Args:
        found: tensors of a file by name.
        wanted: tensors of the network by name.
        kind: name of the network, for messages.

    Raises:
        ProblemError: E08, every tensor that is missing or of another shape.
    """
    problems = Problems()
    missing = [name for name in wanted if name not in found]
    if missing:
        problems.add(missing_tensors(missing, kind))
    for name, tensor in wanted.items():
        if name in found and found[name].shape != tensor.shape:
            problems.add(wrong_shape(name, tuple(found[name].shape), tuple(tensor.shape)))
    problems.raise_if_any()


def missing_tensors(names: list[str], kind: str) -> Problem:
    """E08, tensors that the file lacks."""
    found = f"{len(names)} tensors missing: {first_of(names)}"
    return Problem("E08", found, f"all tensors of {kind}", "fetch the whole file", count=len(names))


def wrong_shape(name: str, found: tuple[int, ...], expected: tuple[int, ...]) -> Problem:
    """E08, a tensor of another shape."""
    return Problem("E08", f"{name} of shape {found}", f"shape {expected}", "name a file of that network")


def wrong_type(name: str, tensor: Tensor) -> Problem:
    """E08, weights in numbers that mean nothing without a scale."""
    found = f"{name} in {str(tensor.dtype).removeprefix('torch.')}"
    return Problem(
        "E08", found, "weights in float32, float16, bfloat16 or float64", "name the file before quantisation"
    )


def unknown_network(found: str, expected: str, fix: str) -> ProblemError:
    """E10, a network that cannot be read."""
    return ProblemError(Problem("E10", found, expected, fix))


def any_name(names: Iterable[str], pattern: str) -> bool:
    """True where one of the names begins with the pattern."""
    return any(re.match(pattern, name) for name in names)


def depth_of(names: Iterable[str], pattern: str) -> int:
    """One more than the highest number that the group of a pattern matches, but no more than there are names.

    A number that no file of so few tensors can have is not believed. 0 without a match.
    """
    known = list(names)
    depth = max((int(match[1][:9]) + 1 for name in known if (match := re.match(pattern, name))), default=0)
    return min(depth, len(known))


def first_and_last(tensor: Tensor) -> tuple[int, int]:
    """The first and the last number of a shape: rows and columns, or width and side; (0, 0) for a single number."""
    return (tensor.shape[0], tensor.shape[-1]) if tensor.ndim else (0, 0)


def _copied(tensor: Tensor, like: Tensor) -> Tensor:
    return tensor.to(like.dtype, copy=True).contiguous()

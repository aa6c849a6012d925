"""Finds the network in a checkpoint, whatever dictionaries and module names training code has put around it."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, cast

from torch import Tensor

from abawbench.base.problems import Problem, ProblemError, did_you_mean
from abawbench.models.checkpoints.fit import Branch, Layout
from abawbench.models.checkpoints.left_over import by_module, is_known_module, is_needless
from abawbench.models.checkpoints.refused import unknown_layout

# dictionaries inside each other; what lies deeper is not looked at
_DEEPEST = 100
# key of the arguments of a training program
_ARGUMENTS = "args"


@dataclass(frozen=True, eq=False)
class _Place:
    """A network in a file: its layout, its dictionary, and the name of the module that it is in."""

    layout: Layout
    path: tuple[str, ...]
    tensors: Mapping[str, Tensor]
    prefix: str

    @property
    def name(self) -> str:
        """The place as a user names it; empty at the top of the file."""
        return ".".join((*self.path, self.prefix)).strip(".")


def find_branch(tree: Mapping[str, Any], layouts: Sequence[Layout], wanted: str = "") -> tuple[Layout, Branch]:
    """Find the network in a checkpoint, and its layout.

    Dictionaries around it, and names of modules in front of the names of its tensors, do not matter. Beside it in the
    same dictionary there may be heads, decoders and losses; of other dictionaries nothing is asked.

    Args:
        tree: content of the file.
        layouts: layouts that can be read.
        wanted: branch that is meant, as `model_ema`; empty where the file holds one network. What stands beside a
            branch that is named is not looked at.

    Raises:
        ProblemError: E10, there are no tensors, no network, several, or none of that name; E08 a module beside the
            network that may belong to it.
    """
    dictionaries = dict(_dictionaries(tree))
    if not dictionaries:
        found = f"no tensors, but {', '.join(map(str, list(tree)[:10])) or 'nothing'}"
        expected = "tensors by name, alone or in dictionaries"
        raise ProblemError(Problem("E10", found, expected, "save the state dictionary of the network"))
    places = [place for path, tensors in dictionaries.items() for place in _places(path, tensors, layouts)]
    if not places:
        raise unknown_layout(dictionaries.values(), layouts)
    place = _chosen(places, wanted) if wanted else _only(places)
    branch = _branch(place, places, tree, dictionaries)
    if not wanted:
        _refuse_strangers(branch, place.layout)
    return place.layout, branch


def tensors_of(tree: Mapping[str, Any]) -> dict[str, Tensor]:
    """The tensors of a dictionary by name, without those of dictionaries inside."""
    return {str(name): value for name, value in tree.items() if isinstance(value, Tensor)}


def _dictionaries(tree: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], dict[str, Tensor]]]:
    """Every dictionary that holds tensors, with the keys that lead to it, the outer ones first; each once."""
    waiting: list[tuple[tuple[str, ...], Mapping[str, Any]]] = [((), tree)]
    seen = {id(tree)}
    for path, inner in waiting:
        tensors = tensors_of(inner)
        if tensors:
            yield path, tensors
        for name, value in inner.items() if len(path) < _DEEPEST else ():
            if isinstance(value, Mapping) and id(cast(object, value)) not in seen:
                seen.add(id(cast(object, value)))
                waiting.append(((*path, str(name)), cast(Mapping[str, Any], value)))


def _places(path: tuple[str, ...], tensors: Mapping[str, Tensor], layouts: Sequence[Layout]) -> Iterator[_Place]:
    for layout in layouts:
        first = layout.signature[0]
        for name in tensors:
            prefix = name.removesuffix(first)
            if len(prefix) < len(name) and (not prefix or prefix.endswith(".")) and _has(tensors, prefix, layout):
                yield _Place(layout, path, tensors, prefix)


def _has(tensors: Mapping[str, Tensor], prefix: str, layout: Layout) -> bool:
    """True where the signature of a layout is there behind a prefix."""
    whole = [f"{prefix}{name}" for name in layout.signature if not name.endswith(".")]
    begun = [f"{prefix}{name}" for name in layout.signature if name.endswith(".")]
    return all(name in tensors for name in whole) and all(
        any(own.startswith(name) for own in tensors) for name in begun
    )


def _only(places: Sequence[_Place]) -> _Place:
    if len(places) == 1:
        return places[0]
    shown = ", ".join(f"{place.name or 'the top'} ({place.layout.title})" for place in places)
    names = [place.name for place in places if place.name]
    found, expected = f"{len(places)} networks: {shown}", "one network, or the name of the branch that is meant"
    fix = f"{_choice(names[0])}, or another of them" if names else "save the state dictionary of one of them alone"
    raise ProblemError(Problem("E10", found, expected, fix))


def _chosen(places: Sequence[_Place], wanted: str) -> _Place:
    exact = [place for place in places if place.name == wanted]
    inside = exact or [place for place in places if place.name.startswith(f"{wanted}.")]
    if len(inside) == 1:
        return inside[0]
    names = [place.name for place in inside or places if place.name]
    found = f"{len(inside) or 'no'} networks in the branch {wanted}"
    expected = f"one of {', '.join(names)}" if names else "no branch: the network is at the top of the file"
    raise ProblemError(Problem("E10", found, expected, did_you_mean(wanted, names, "correct the branch")))


def _branch(
    place: _Place,
    places: Sequence[_Place],
    tree: Mapping[str, Any],
    dictionaries: Mapping[tuple[str, ...], Mapping[str, Tensor]],
) -> Branch:
    # a network inside the module of another is another branch
    inner = tuple(
        other.prefix
        for other in places
        if other.path == place.path and other.prefix != place.prefix and other.prefix.startswith(place.prefix)
    )
    own = {
        name.removeprefix(place.prefix): tensor
        for name, tensor in place.tensors.items()
        if name.startswith(place.prefix) and not (inner and name.startswith(inner))
    }
    beside = {
        _relative(name, place.prefix): tensor
        for name, tensor in place.tensors.items()
        if not name.startswith(place.prefix) or (inner and name.startswith(inner))
    }
    arguments = tree.get(_ARGUMENTS)
    return Branch(
        name=place.name,
        tensors=own,
        beside=beside,
        apart=tuple(dict.fromkeys(_apart(place.path, dictionaries))),
        arguments=vars(arguments) if isinstance(arguments, argparse.Namespace) else {},
    )


def _apart(path: tuple[str, ...], dictionaries: Mapping[tuple[str, ...], Mapping[str, Tensor]]) -> Iterator[str]:
    """Names of the tensors in the dictionaries around a path, and of the dictionaries that stand beside one on it."""
    for other, tensors in dictionaries.items():
        shared = len(list(takewhile(lambda pair: pair[0] == pair[1], zip(path, other, strict=False))))
        if shared < len(other):
            yield other[shared]
        elif other != path:
            yield from tensors


def _relative(name: str, prefix: str) -> str:
    """A name without the modules that it shares with a prefix."""
    parts = name.split(".")
    pairs = zip(parts, prefix.split("."), strict=False)
    return ".".join(parts[len(list(takewhile(lambda pair: pair[0] == pair[1], pairs))) :])


def _refuse_strangers(branch: Branch, layout: Layout) -> None:
    strange = [name for name in branch.beside if not is_known_module(name) and not is_needless(name)]
    if strange:
        found = f"modules beside {branch.name}, which holds the {layout.title}: {by_module(strange)}"
        expected = "heads, decoders and losses alone: other modules may belong to the network"
        fix = f"where they do not, {_choice(branch.name)}"
        raise ProblemError(Problem("E08", found, expected, fix, count=len(strange)))


def _choice(name: str) -> str:
    return f'write branch = "{name}" beside weights in entry.toml, or --branch {name} for extract'

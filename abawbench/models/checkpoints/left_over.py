"""Decides which tensors a file may hold beyond those of the network that it is loaded as."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from abawbench.base.problems import Problem

# number of tensors that a message names
SHOWN = 5
# modules of which none can change the features of a network: each reads them, or serves the training alone
_KNOWN = {
    "heads, which read the features": r"(?!.*att)(\w+_)?(heads?|classifiers?)(_\w+)?\d*|output_layer|fc|logits",
    "poolers and projections behind the last layer": r"pooler|projector|projection_head|visual_projection|predictor",
    "decoders of masked autoencoders, and the token of their hidden patches": r"(\w+_)?decoder|decoder_\w+|mask_token",
    "losses, which may have weights of classes": r"(\w+_)?(criterion|criteria|loss|losses|loss_fn|loss_func)",
    "the number of states in a running average": r"n_averaged",
}
_HARMLESS_MODULE = re.compile("|".join(_KNOWN.values()))
# buffers and tokens that stand inside a network and change no feature, or that newer versions compute anew
_HARMLESS_TENSOR = re.compile(
    r"(.*\.)?(num_batches_tracked|mask_token|position_ids|relative_position_index|total_(ops|params))"
)


def is_needless(name: str) -> bool:
    """True where a network can do without a tensor of this name, or with it where it has none."""
    return _HARMLESS_TENSOR.fullmatch(name) is not None


def is_known_module(name: str) -> bool:
    """True where the first part of a tensor's name is that of a head, a decoder or the like.

    >>> is_known_module("decoder_blocks.0.norm1.weight"), is_known_module("ssh1.conv_3x3.0.weight")
    (True, False)
    """
    return _HARMLESS_MODULE.fullmatch(_module(name)) is not None


def check_left_over(left_over: Iterable[str], own: Iterable[str], kind: str) -> tuple[Problem, ...]:
    """E08, tensors inside a network that it does not have, and modules beside it that are no head or decoder.

    Args:
        left_over: names of tensors that only the file has.
        own: names of the tensors of the network.
        kind: name of the network, for messages.
    """
    own_modules = {_module(name) for name in own}
    strange = [name for name in left_over if not is_needless(name)]
    surplus = [name for name in strange if _module(name) in own_modules]
    unknown = [name for name in strange if name not in surplus and not is_known_module(name)]
    problems: list[Problem] = []
    fix = "it is a variant of that network, which is not read here: name another file"
    if surplus:
        found = f"{len(surplus)} tensors that {kind} does not have: {first_of(surplus)}"
        expected = "no more than its own, a head and a decoder"
        problems.append(Problem("E08", found, expected, fix, count=len(surplus)))
    if unknown:
        found = f"modules that {kind} does not have: {by_module(unknown)}"
        expected = f"{kind} alone, or with a head, a decoder or a loss"
        problems.append(Problem("E08", found, expected, fix, count=len(unknown)))
    return tuple(problems)


def by_module(names: Iterable[str]) -> str:
    """The modules that tensors belong to, each with the number of its tensors; needless ones by their own names.

    >>> by_module(["head.weight", "head.bias", "embeddings.mask_token"])
    'head (2 tensors), mask_token'
    """
    counts = Counter(name.rpartition(".")[2] if is_needless(name) else _module(name) for name in names)
    texts = [name if count == 1 else f"{name} ({count} tensors)" for name, count in counts.items()]
    return first_of(texts)


def first_of(texts: list[str]) -> str:
    """The first few of some texts."""
    return ", ".join(texts[:SHOWN]) + (", ..." if len(texts) > SHOWN else "")


def _module(name: str) -> str:
    return name.partition(".")[0]

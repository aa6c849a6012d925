"""Describes checkpoints of no layout that can be read: what they are, or are nearest to."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from torch import Tensor

from abawbench.base.problems import ProblemError
from abawbench.models.checkpoints.fit import Layout, any_name, unknown_network


def unknown_layout(dictionaries: Iterable[Mapping[str, Tensor]], layouts: Sequence[Layout]) -> ProblemError:
    """E10 for tensors of no layout that can be read, to be raised.

    Args:
        dictionaries: tensors of the file by name, by dictionary; the largest is taken for the network.
        layouts: layouts that can be read.
    """
    tensors = max(dictionaries, key=len)
    titles = [layout.title for layout in layouts]
    expected = f"{', '.join(titles[:-1])} or {titles[-1]}"
    if any_name(tensors, r"(.*\.)?layers\.0\.attention\.q_proj\.weight"):
        found = "the tensors of a network of transformers 5, as they lie in memory"
        fix = "save it with save_pretrained, or a backbone with save_backbone"
        return unknown_network(found, "names as transformers writes them", fix)
    if any_name(tensors, r"(.*\.)?input_layer\.") and any_name(tensors, r"(.*\.)?body\."):
        found = "a network of the older IR or IR-SE family (input_layer, body)"
        return unknown_network(found, expected, "take an IResNet of insightface")
    first = ", ".join(list(tensors)[:10])
    names = {layout: (*layout.signature, *layout.further) for layout in layouts}
    counts = {layout: sum(_has(tensors, name) for name in names[layout]) for layout in layouts}
    nearest = max(counts, key=lambda layout: counts[layout])
    fix = "name another file, or give a folder of transformers"
    if counts[nearest]:
        lacking = next((name for name in names[nearest] if not _has(tensors, name)), "one module with all of its names")
        fix = f"it is nearest to {nearest.title}, but lacks {lacking}: {fix}"
    return unknown_network(f"{len(tensors)} tensors, first {first}", f"the tensors of {expected}", fix)


def _has(names: Collection[str], name: str) -> bool:
    """True where a name is there, behind any modules; one that ends with a dot is a beginning."""
    if name.endswith("."):
        return any(f".{own}".find(f".{name}") >= 0 for own in names)
    return any(f".{own}".endswith(f".{name}") for own in names)

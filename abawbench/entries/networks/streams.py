"""Trunks with a stream for each task, as entries name them, with the weights of their parts."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from torch import nn

from abawbench.base.problems import Problem, ProblemError, did_you_mean
from abawbench.challenges import Task
from abawbench.entries.model import Weights
from abawbench.entries.networks.frame_encoder import BRING, BackboneSettings, WeightsFile, load_state, make_backbone
from abawbench.models.backbones import Backbone
from abawbench.models.sharing.settings import SharingSettings
from abawbench.models.sharing.streams import StreamTrunk, build_streams

# purpose of the file of the units, on the card
SHARING = "sharing"


@dataclass(frozen=True, slots=True)
class SharedTrunkSettings(SharingSettings):
    """Settings of a trunk with a stream for each task, and the weights that a training made of it.

    Attributes:
        trunks: weights of the trunk of each stream, or of the one trunk of all; empty for copies of the entry's trunk.
        weights: weights of the units, a safetensors file.
    """

    trunks: tuple[WeightsFile, ...] = ()
    weights: WeightsFile | None = None


def make_trunk(
    settings: BackboneSettings,
    sharing: SharedTrunkSettings | None,
    role: str,
    seed: int | None,
    outputs: Callable[[Task], Sequence[str]],
    tasks: Sequence[Task],
) -> tuple[Backbone, tuple[Weights, ...], dict[str, Any]]:
    """Make the trunk of an entry, the descriptions of its files, and the facts about it for a card.

    Args:
        settings: settings of the backbone.
        sharing: streams and units; None for a trunk that all tasks share.
        role: purpose of the trunk in the entry, as `trunk`.
        seed: seed of random weights; None where weights must come from files.
        outputs: names of the outputs of a task.
        tasks: tasks of the entry.

    Raises:
        ProblemError: as `make_backbone`; E02 streams of other tasks; E11 units without weights; E17 settings that do
            not fit the backbone.
    """
    if sharing is None:
        trunk, file, facts = make_backbone(settings, role, seed)
        return trunk, () if file is None else (file,), facts
    problems = _stream_problems(sharing, tasks)
    parts: list[tuple[Backbone, Weights | None, dict[str, Any]]] = []
    for part, place in _parts(settings, sharing, role):
        try:
            parts.append(make_backbone(part, place, seed))
        except ProblemError as error:
            problems.extend(error.problems)
    if problems:
        raise ProblemError(*problems)
    by_name = {task.name: task for task in tasks}
    named = sharing.streams or tuple((task.name,) for task in tasks)
    streams = {"+".join(names): tuple(out for name in names for out in outputs(by_name[name])) for names in named}
    trunk = build_streams([backbone for backbone, _, _ in parts], sharing, streams, seed=seed or 0)
    files = [file for _, file, _ in parts if file is not None]
    files += _fill_units(trunk, sharing, seed)
    return trunk, tuple(files), _facts(trunk, role, parts[0][2], files, named, seed)


def sharing_modules(trunk: StreamTrunk) -> nn.Module:
    """The modules of a trunk beside its copies, whose weights are in a file of their own."""
    return nn.ModuleDict({name.replace(" ", "_"): module for name, module in trunk.sharing_modules().items()})


def _parts(settings: BackboneSettings, sharing: SharedTrunkSettings, role: str) -> list[tuple[BackboneSettings, str]]:
    if not sharing.trunks:
        return [(settings, role)]
    several = len(sharing.trunks) > 1
    return [
        (replace(settings, weights=file, branch=""), f"{role} {place}" if several else role)
        for place, file in enumerate(sharing.trunks, start=1)
    ]


def _stream_problems(sharing: SharedTrunkSettings, tasks: Sequence[Task]) -> list[Problem]:
    known = [task.name for task in tasks]
    named = [name for names in sharing.streams for name in names]
    if not named:
        return []
    problems = [
        Problem("E02", f"sharing.streams: {name}", f"tasks of {', '.join(known)}", did_you_mean(name, known))
        for name in dict.fromkeys(named)
        if name not in known
    ]
    wrong = [name for name in known if named.count(name) != 1]
    if wrong:
        found = f"sharing.streams with {', '.join(f'{name} {named.count(name)} times' for name in wrong)}"
        problems.append(Problem("E02", found, "every task in one stream", "put each task into one stream"))
    return problems


def _fill_units(trunk: StreamTrunk, sharing: SharedTrunkSettings, seed: int | None) -> list[Weights]:
    modules = sharing_modules(trunk)
    if not modules.state_dict():
        return []
    if sharing.weights is not None:
        file = sharing.weights.on_card(SHARING)
        load_state(modules, sharing.weights.file)
        return [file]
    if seed is None:
        raise ProblemError(Problem("E11", "no weights for the sharing units", "a file of weights", BRING))
    return []


def _facts(
    trunk: StreamTrunk,
    role: str,
    first: dict[str, Any],
    files: Sequence[Weights],
    named: Sequence[tuple[str, ...]],
    seed: int | None,
) -> dict[str, Any]:
    unit = trunk.settings.unit
    places = [name.removeprefix("after ") for name in trunk.sharing_modules() if name != "depth"]
    after = f" after {', '.join(places)}" if places else ""
    shared: dict[str, Any] = {
        "unit": asdict(unit),
        "after": [int(place) for place in places],
        "streams": _columns(trunk, named),
    }
    if seed is not None and all(file.role != SHARING for file in files):
        shared["seed"] = seed
    facts = {
        **first,
        "role": role,
        "kind": f"{first['kind']} in {len(named)} streams, {unit.kind}{after}",
        "width": trunk.card.width,
        "sharing": shared,
    }
    if files:
        facts["sha256"] = hashlib.sha256(" ".join(file.sha256 for file in files).encode()).hexdigest()
    return facts


def _columns(trunk: StreamTrunk, named: Sequence[tuple[str, ...]]) -> list[dict[str, Any]]:
    """The tasks of each stream, and the columns of its features."""
    columns = [trunk.columns(outputs[0]) for outputs in trunk.streams.values()]
    return [{"tasks": list(names), "columns": [own.start, own.stop]} for names, own in zip(named, columns, strict=True)]

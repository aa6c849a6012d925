"""A trunk with a stream for each task: copies of a backbone that share features behind some of their stages."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

import torch
from torch import Tensor, nn

from abawbench.base.problems import Problem, ProblemError
from abawbench.models.backbones.model import Backbone, refuse_other_pictures
from abawbench.models.sharing.build import make_unit
from abawbench.models.sharing.mixtures import DepthMixture
from abawbench.models.sharing.settings import ConvFlu, Hard, Mtan, Separate, SharingSettings, Sluice
from abawbench.models.sharing.unit import SharingUnit
from abawbench.models.temporal.settings import network_problem

# outputs of each stream by its name
Streams = Mapping[str, tuple[str, ...]]


class StreamTrunk(Backbone):
    """Copies of a backbone, one for each stream; the vector of a picture is those of all streams end to end.

    With `hard` there is one copy, whose vector all outputs read; with `mtan` there is one copy too, and each stream has
    what it attends to.

    Attributes:
        settings: settings of the sharing.
        streams: names of the outputs of each stream.
        trunks: the copies.
        units: unit behind each stage of `settings.after`.
        depth: mixture of the stages of each stream, for `sluice`; else None.
    """

    def __init__(self, trunks: Sequence[Backbone], settings: SharingSettings, streams: Streams) -> None:
        card = trunks[0].card
        vectors = 1 if isinstance(settings.unit, Hard) else len(streams)
        super().__init__(replace(card, width=vectors * card.width))
        self.settings, self.streams = settings, dict(streams)
        self._width = card.width
        self.trunks = nn.ModuleList(trunks)
        names, channels = list(streams), trunks[0].channels
        self._places = {stage - 1: place for place, stage in enumerate(_shared_stages(settings, len(channels)))}
        units: list[SharingUnit] = []
        before = None
        for stage in self._places:
            units.append(make_unit(channels[stage], names, settings.unit, before=before))
            before = channels[stage]
        self.units = nn.ModuleList(units)
        self.depth = DepthMixture(channels, names) if isinstance(settings.unit, Sluice) else None

    def forward(self, pictures: Tensor) -> Tensor:
        """Vectors of all streams, shape (pictures, width), of pictures, shape (pictures, channels, size, size)."""
        refuse_other_pictures(self.card, pictures)
        trunks = [cast(Backbone, trunk) for trunk in self.trunks]
        stages = list(zip(*(trunk.stages for trunk in trunks), strict=True))
        maps = [trunk.begin(pictures) for trunk in trunks]
        names = list(self.streams)
        shared: dict[str, Tensor] | None = None
        history: list[Mapping[str, Tensor]] = []
        is_one = len(trunks) == 1
        for number, copies in enumerate(stages):
            maps = [stage(own) for stage, own in zip(copies, maps, strict=True)]
            if number in self._places:
                seen = dict(zip(names, maps * len(names) if is_one else maps, strict=True))
                given: dict[str, Tensor] = self.units[self._places[number]](seen, shared)
                # the one trunk of mtan goes on as it is
                maps = maps if is_one else list(given.values())
                shared = given
            if self.depth is not None:
                history.append(dict(zip(names, maps, strict=True)))
        if self.depth is not None:
            maps = list(self.depth(history).values())
        elif is_one and shared is not None:
            maps = list(shared.values())
        ends = trunks * len(maps) if is_one else trunks
        return torch.cat([trunk.finish(own) for trunk, own in zip(ends, maps, strict=True)], 1)

    def columns(self, output: str) -> slice:
        """The columns of the vectors that the head of an output reads: those of its stream."""
        if isinstance(self.settings.unit, Hard):
            return slice(0, self._width)
        place = next(place for place, outputs in enumerate(self.streams.values()) if output in outputs)
        return slice(place * self._width, (place + 1) * self._width)

    def sharing_modules(self) -> dict[str, nn.Module]:
        """The modules that are not of a copy, by name: the units, `after 1` and so on, and `depth`."""
        units = {f"after {stage + 1}": self.units[place] for stage, place in self._places.items()}
        return units if self.depth is None else {**units, "depth": self.depth}

    def param_groups(self, base_lr: float) -> list[dict[str, Any]]:
        """Groups of the parameters of all units, as `SharingUnit.param_groups`; the depth mixture has the base rate."""
        groups = [group for unit in self._units() for group in unit.param_groups(base_lr)]
        if self.depth is not None:
            bridges = list(self.depth.bridges.parameters())
            groups.append({"params": [self.depth.weights], "lr": base_lr, "weight_decay": 0.0})
            groups += [{"params": bridges, "lr": base_lr}] if bridges else []
        return groups

    def regulariser(self) -> Tensor | None:
        """The sum of the penalties of the last forward pass; None where no unit has one."""
        if not isinstance(self.settings.unit, Sluice) or not self.settings.unit.penalty:
            return None
        return torch.stack([unit.regulariser() for unit in self._units()]).sum()

    def stats(self) -> dict[str, float]:
        """Mean gates or weights of every unit, as `after 1 leak expression<-va`; see `SharingUnit.stats`."""
        return {
            f"after {stage + 1} {name}": value
            for stage, place in self._places.items()
            for name, value in cast(SharingUnit, self.units[place]).stats().items()
        }

    def _units(self) -> list[SharingUnit]:
        return [cast(SharingUnit, unit) for unit in self.units]


def build_streams(
    trunks: Sequence[Backbone], settings: SharingSettings, streams: Streams, *, seed: int | None = None
) -> StreamTrunk:
    """Build a trunk with a stream for each task, in evaluation mode.

    Args:
        trunks: a backbone of each stream, or one that each stream gets a copy of; it is used up.
        settings: settings of the sharing.
        streams: outputs of each stream by its name, two streams or more.
        seed: seed of the weights of the units, which leaves torch's own random state as it was; None draws from that
            state.

    Raises:
        ProblemError: E17, every setting that does not fit the backbone.
    """
    problems = sharing_problems(trunks[0], settings, streams)
    copies = 1 if settings.unit.ONE_TRUNK else len(streams)
    if len(trunks) not in {1, copies}:
        problems.append(network_problem(f"{len(trunks)} trunks for {copies} streams", f"1 or {copies}"))
    if problems:
        raise ProblemError(*problems)
    every = list(trunks) if len(trunks) == copies else [copy.deepcopy(trunks[0]) for _ in range(copies)]
    with torch.random.fork_rng(devices=[], enabled=seed is not None):
        if seed is not None:
            # not torch.manual_seed, which would seed accelerators too
            torch.default_generator.manual_seed(seed)
        return StreamTrunk(every, settings, streams).eval()


def sharing_problems(trunk: Backbone, settings: SharingSettings, streams: Streams) -> list[Problem]:
    """Every E17 of the settings with a backbone."""
    problems: list[Problem] = []
    unit = settings.unit
    if len(streams) < 2:
        found = f"{len(streams)} stream{'s' * (len(streams) != 1)}: {'; '.join(map(', '.join, streams.values()))}"
        problems.append(network_problem(found, "two streams or more", "name the tasks of each, or remove the sharing"))
    if getattr(trunk, "has_landmarks", False):
        found = f"streams of {trunk.card.kind}"
        problems.append(network_problem(found, "a trunk that takes pictures alone", "name a kind without landmarks"))
    try:
        stages, has_tokens = len(trunk.stages), trunk.has_tokens
    except ProblemError as error:
        return [*problems, *error.problems]
    if isinstance(unit, Separate | Hard):
        if settings.after:
            found = f"sharing.after = {list(settings.after)} with unit {unit.kind}"
            problems.append(network_problem(found, "no stages: this unit stands behind none", "remove it"))
        return problems
    out = [stage for stage in settings.after if not 1 <= stage <= stages]
    if out or len(set(settings.after)) < len(settings.after):
        found = f"sharing.after = {list(settings.after)} of {trunk.card.kind}"
        problems.append(network_problem(found, f"stages from 1 to {stages}, each once"))
        return problems
    shared = _shared_stages(settings, stages)
    if not shared:
        found = f"the {stages} stage of {trunk.card.kind}"
        problems.append(network_problem(found, "two stages or more, or sharing.after", "write after = [1]"))
    if isinstance(unit, Mtan) and stages not in shared:
        found = f"sharing.after = {list(settings.after)} with unit mtan"
        expected = f"the last stage, {stages}, too: what a task attends to there is what its head reads"
        problems.append(network_problem(found, expected))
    if has_tokens and isinstance(unit, Mtan | ConvFlu) and unit.kernel > 1:
        found = f"kernel = {unit.kernel} over the tokens of {trunk.card.kind}"
        problems.append(network_problem(found, "kernel = 1: a row of tokens has no neighbours", "write kernel = 1"))
    if isinstance(unit, Sluice):
        problems += [
            network_problem(
                f"subspaces = {unit.subspaces} of the {trunk.channels[stage - 1]} channels of stage {stage}",
                "a number that divides the channels",
            )
            for stage in shared
            if trunk.channels[stage - 1] % unit.subspaces
        ]
    return problems


def _shared_stages(settings: SharingSettings, stages: int) -> list[int]:
    """The numbers of the stages, from 1, behind which a unit stands."""
    if isinstance(settings.unit, Separate | Hard):
        return []
    if settings.after:
        return sorted(settings.after)
    return list(range(1, stages + isinstance(settings.unit, Mtan)))

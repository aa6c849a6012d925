"""Sharing units by their settings."""

from __future__ import annotations

from collections.abc import Sequence

from abawbench.base.problems import ProblemError
from abawbench.models.sharing.gated import ConvFluUnit, MtanUnit
from abawbench.models.sharing.mixtures import CrossStitchUnit, NddrUnit, SluiceUnit
from abawbench.models.sharing.settings import ConvFlu, CrossStitch, Hard, Mtan, Nddr, Separate, Sluice, Unit
from abawbench.models.sharing.unit import SharingUnit
from abawbench.models.temporal.settings import network_problem


def make_unit(channels: int, tasks: Sequence[str], settings: Unit, *, before: int | None = None) -> SharingUnit:
    """Make the unit behind a stage, with fresh weights.

    `hard` is a matter of the network, which has one trunk then: its unit passes the maps on, as that of `none`.

    Args:
        channels: number of channels of each stream.
        tasks: names of the streams, two or more.
        settings: kind and options of the unit.
        before: channels of the stage whose unit comes before, None for the first unit; only `mtan` needs it.

    Raises:
        ProblemError: E17, fewer than two streams, a name twice, or options that do not fit the channels.
    """
    if len(tasks) < 2 or len(set(tasks)) < len(tasks):
        found = f"streams {', '.join(tasks) or 'without a name'}"
        raise ProblemError(network_problem(found, "two streams or more, each with its own name"))
    match settings:
        case Separate() | Hard():
            return SharingUnit(channels, tasks)
        case CrossStitch():
            return CrossStitchUnit(channels, tasks, settings)
        case Sluice():
            return SluiceUnit(channels, tasks, settings)
        case Nddr():
            return NddrUnit(channels, tasks, settings)
        case Mtan():
            return MtanUnit(channels, tasks, settings, before)
        case ConvFlu():
            return ConvFluUnit(channels, tasks, settings)

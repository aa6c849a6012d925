"""What a claim is: regimes, arms, seeds, and the comparisons that decide it, all written down before it runs.

A claim has a folder in `benchmarks/claims/` with a README.md, which registers it, and a function `make_claim` in its
package. A cell of a claim is one arm in one regime with one weight and some seeds; the numbers of a cell depend on its
settings only.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from abawbench.base.problems import Problem, ProblemError, did_you_mean, near_names
from abawbench.metrics.f1 import f1_per_class_from, f1_per_label_from

Floats = NDArray[np.float64]
Statistics = Mapping[str, Floats]

FOLDER = Path(__file__).parent
# packages of this folder, in the order of the issue that asked for them
CLAIMS = (
    "disjoint_labels",
    "zero_shot_compound",
    "temporal",
    "coupling_stress",
    "selective_sharing",
    "synthesis_rare",
    "pretraining",
)


@dataclass(frozen=True)
class Arm:
    """One way to do it.

    Attributes:
        name: short name.
        meaning: what it is, in a line.
        weights: values of the one weight that is tuned on the validation people; one value where there is none.
    """

    name: str
    meaning: str
    weights: tuple[float, ...] = (0.0,)


@dataclass(frozen=True, eq=False)
class Figure:
    """A figure of merit.

    Attributes:
        name: name in tables.
        value: function from statistics of shape (..., cells of the statistics) to values of shape (...).
    """

    name: str
    value: Callable[[Statistics], Floats]


@dataclass(frozen=True)
class Side:
    """One side of a comparison."""

    regime: str
    arm: str


@dataclass(frozen=True)
class Comparison:
    """A difference of two arms, first minus second.

    Attributes:
        name: what is asked, in a few words.
        first: the first side.
        second: the second side.
        figure: name of the figure.
        expects: sign of the difference that the claim expects; 0 for a comparison without an expectation.
        is_primary: whether the claim is decided by it; all primary comparisons share one error rate (Holm).
        least: the smallest difference that matters.
    """

    name: str
    first: Side
    second: Side
    figure: str
    expects: Literal[-1, 0, 1] = 0
    is_primary: bool = False
    least: float = 0.01


@dataclass(frozen=True)
class Cell:
    """A piece of work, whose numbers depend on nothing else.

    Attributes:
        regime: name of the regime.
        arm: name of the arm.
        weight: value of the arm's weight.
        seeds: seeds that it covers.
    """

    regime: str
    arm: str
    weight: float
    seeds: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a cell gives.

    Attributes:
        validation: the figure that tuning maximises, on the validation people only, shape (seeds,).
        statistics: additive statistics on the test people by task, shape (seeds, people, ...).
    """

    validation: Floats
    statistics: Statistics


@dataclass(frozen=True, eq=False)
class Claim:
    """A claim and its experiment.

    Attributes:
        name: name of its package in this folder.
        title: the question, in a line.
        settings: everything that the numbers depend on besides the cell; another value makes other cells.
        arms: the arms.
        design: regime and arm of everything that runs.
        seeds: number of seeds.
        run: function from a cell and the folder of all claims to its outcome; with more than one process, a function
            of a module.
        figures: figures of merit.
        comparisons: comparisons; at least one is primary.
        tuning_seeds: number of seeds with which the weights are tuned, the first ones; 0 for all.
        seeds_in_cell: number of seeds that a cell covers.
        prepare: function that makes what the cells share, such as drawn faces; called before them with the folder of
            all claims, the number of processes, and a function for lines of progress.
        facts: function from the folder of all claims to further numbers that the report names.
        cells_of: name of the claim whose cells these are; empty for the claim itself.
    """

    name: str
    title: str
    settings: Mapping[str, Any]
    arms: tuple[Arm, ...]
    design: tuple[Side, ...]
    seeds: int
    run: Callable[[Cell, Path], Outcome]
    figures: tuple[Figure, ...]
    comparisons: tuple[Comparison, ...]
    tuning_seeds: int = 0
    seeds_in_cell: int = 1
    prepare: Callable[[Path, int, Callable[[str], None]], None] = field(default=lambda *_: None)
    facts: Callable[[Path], Mapping[str, float]] = field(default=lambda _: {})
    cells_of: str = ""

    def __post_init__(self) -> None:
        """Check that names fit.

        Raises:
            ValueError: a comparison names a side or a figure that is not there, or none is primary.
        """
        figures = {figure.name for figure in self.figures}
        for comparison in self.comparisons:
            if not {comparison.first, comparison.second} <= set(self.design) or comparison.figure not in figures:
                raise ValueError(f"{self.name}: '{comparison.name}' compares what is not there")
            if comparison.is_primary and not comparison.expects:
                raise ValueError(f"{self.name}: '{comparison.name}' is primary without an expectation")
        if not any(comparison.is_primary for comparison in self.comparisons):
            raise ValueError(f"{self.name}: no primary comparison")
        if not {side.arm for side in self.design} <= {arm.name for arm in self.arms}:
            raise ValueError(f"{self.name}: an arm of the design is not described")

    def arm(self, name: str) -> Arm:
        """The arm of a name."""
        return next(arm for arm in self.arms if arm.name == name)

    def figure(self, name: str) -> Figure:
        """The figure of a name."""
        return next(figure for figure in self.figures if figure.name == name)

    def cells(self, side: Side, weight: float, seeds: int) -> list[Cell]:
        """The cells of an arm in a regime with one weight, which cover the first seeds."""
        step = self.seeds_in_cell
        blocks = [tuple(range(begin, min(begin + step, seeds))) for begin in range(0, seeds, step)]
        return [Cell(side.regime, side.arm, weight, block) for block in blocks]


def load_claim(name: str, *, large: bool = False) -> Claim:
    """The claim of a name.

    Args:
        name: one of `CLAIMS`.
        large: the size for a GPU.

    Raises:
        ProblemError: C02, no claim has this name.
    """
    if name not in CLAIMS:
        fix = did_you_mean(name, CLAIMS, near_names(name, CLAIMS))
        raise ProblemError(Problem("C02", f"claim '{name}'", f"one of {', '.join(CLAIMS)}", fix))
    claim: Claim = importlib.import_module(f"benchmarks.claims.{name}").make_claim(large=large)
    return claim


def macro_f1_of(task: str) -> Callable[[Statistics], Floats]:
    """Macro F1 of a task whose statistics are confusion counts."""
    return lambda statistics: f1_per_class_from(statistics[task]).mean(-1)


def mean_f1_of(task: str) -> Callable[[Statistics], Floats]:
    """Mean F1 of the labels of a task whose statistics are label counts."""
    return lambda statistics: f1_per_label_from(statistics[task]).mean(-1)

"""Does coupling help where hardly a picture holds both kinds of labels? README.md registers the experiment."""

from __future__ import annotations

from dataclasses import asdict, replace
from functools import partial
from typing import Literal

from benchmarks.claims.claim import Claim, Comparison, Figure, Side, macro_f1_of, mean_f1_of
from benchmarks.claims.coupled_cells import ARMS, Regime, Size, prepare_world, run_coupled, world_facts

LABELS = {"60/2000": (60, 2000), "2000/40": (2000, 40), "2000/2000": (2000, 2000)}
ENCODERS: dict[str, tuple[Literal["mlp", "cnn"], int]] = {
    "mlp32": ("mlp", 32),
    "mlp128": ("mlp", 128),
    "cnn": ("cnn", 32),
}
EXPRESSION, ACTION_UNITS = "expression F1", "action unit F1"
ALL_ARMS = ("single", "multi", "multi-matched", "matching", "papers", "likelihood", "read-through")
# arms of a narrow network, and of one end to end, of the default size
NARROW_ARMS = ("single", "multi", "multi-matched", "matching", "likelihood")
CNN_ARMS = {"60/2000": ("multi", "matching", "likelihood"), "2000/2000": ("single", "multi", "multi-matched")}
OVERLAPS = (0.5, 1.0)
TABLES: tuple[Literal["permuted", "unrelated"], ...] = ("permuted", "unrelated")
SEEDS = 10
SIZE = Size()
# for a GPU: all arms everywhere, ten times as many people to test
LARGE = replace(SIZE, training=(520, 16), test=(1000, 8))


def regimes_of() -> dict[str, Regime]:
    """All regimes by name."""
    found: dict[str, Regime] = {}
    for labels, (expressions, units) in LABELS.items():
        for name, (encoder, width) in ENCODERS.items():
            plain = Regime(expressions, units, encoder, width)
            found[f"{labels} {name}"] = plain
            found |= {f"{labels} {name}, overlap {share:g}": replace(plain, overlap=share) for share in OVERLAPS}
            found |= {f"{labels} {name}, {table} table": replace(plain, table=table) for table in TABLES}
    return found


def design_of(*, large: bool) -> tuple[Side, ...]:
    """What runs: the main factors first, then overlap and tables."""
    sides: list[Side] = []
    for labels, (expressions, units) in LABELS.items():
        for name in ENCODERS:
            arms = {"mlp32": NARROW_ARMS, "mlp128": ALL_ARMS, "cnn": CNN_ARMS.get(labels, ())}[name]
            sides += [Side(f"{labels} {name}", arm) for arm in (ALL_ARMS if large else arms)]
            if not large and (name != "mlp128" or expressions == units):
                continue
            for share in OVERLAPS:
                sides += [
                    Side(f"{labels} {name}, overlap {share:g}", arm) for arm in ("multi", "matching", "likelihood")
                ]
            for table in TABLES:
                sides += [Side(f"{labels} {name}, {table} table", arm) for arm in ("matching", "likelihood")]
    return tuple(sides)


def comparisons_of(design: tuple[Side, ...]) -> tuple[Comparison, ...]:
    """The primary comparisons, and those that explain them."""
    poor, few_units = "60/2000 mlp128", "2000/40 mlp128"
    primary = (
        _compare("matching helps the task that is poor in labels", poor, "matching", "multi", EXPRESSION, 1),
        _compare("likelihood coupling is better than matching", poor, "likelihood", "matching", EXPRESSION, 1),
        _compare("sharing a narrow trunk harms", "2000/2000 mlp32", "multi", "single", ACTION_UNITS, -1),
    )
    others: list[Comparison] = []
    for labels, figures in (
        ("60/2000", (EXPRESSION,)),
        ("2000/40", (ACTION_UNITS,)),
        ("2000/2000", (EXPRESSION, ACTION_UNITS)),
    ):
        for name in ENCODERS:
            regime = f"{labels} {name}"
            for figure in figures:
                for first, second in (
                    ("multi", "single"),
                    ("multi-matched", "single"),
                    ("matching", "multi"),
                    ("papers", "multi"),
                    ("likelihood", "multi"),
                    ("likelihood", "read-through"),
                ):
                    if {Side(regime, first), Side(regime, second)} <= set(design):
                        others.append(_compare(f"{regime}: {first} - {second}", regime, first, second, figure))
    for regime, figure in ((poor, EXPRESSION), (few_units, ACTION_UNITS)):
        for arm in ("matching", "likelihood"):
            for share in OVERLAPS:
                shared = f"{regime}, overlap {share:g}"
                others.append(_compare(f"{shared}: {arm} - multi", shared, arm, "multi", figure))
            for table in TABLES:
                name = f"{regime}, {table} table"
                first, second = Side(name, arm), Side(regime, "multi")
                others.append(Comparison(f"{name}: {arm} - multi", first, second, figure))
    known = {(each.first, each.second, each.figure) for each in primary}
    return (*primary, *(each for each in others if (each.first, each.second, each.figure) not in known))


def make_claim(*, large: bool) -> Claim:
    """The claim about labels that do not overlap."""
    regimes, size, design = regimes_of(), LARGE if large else SIZE, design_of(large=large)
    return Claim(
        name="disjoint_labels",
        title="Does coupling help where no picture holds both kinds of labels?",
        settings={"version": 1, "size": asdict(size)},
        arms=tuple(arm for arm in ARMS if arm.name in ALL_ARMS),
        design=design,
        seeds=SEEDS,
        tuning_seeds=SEEDS // 2,
        seeds_in_cell=SEEDS // 2,
        run=partial(run_coupled, regimes, size, large),
        figures=(Figure(EXPRESSION, macro_f1_of("expression")), Figure(ACTION_UNITS, mean_f1_of("action_units"))),
        comparisons=comparisons_of(design),
        prepare=partial(prepare_world, size, ("independent",)),
        facts=partial(world_facts, size, "independent"),
    )


def _compare(
    name: str, regime: str, first: str, second: str, figure: str, expects: Literal[-1, 0, 1] = 0
) -> Comparison:
    sides = Side(regime, first), Side(regime, second)
    return Comparison(name, *sides, figure, expects, is_primary=expects != 0)

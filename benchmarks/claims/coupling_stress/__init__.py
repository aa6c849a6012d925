"""Where does likelihood coupling break? README.md registers the experiment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

from benchmarks.claims.claim import Claim, Comparison, Figure, Side, macro_f1_of, mean_f1_of
from benchmarks.claims.coupled_cells import ARMS, Regime, Size, prepare_world, run_coupled, world_facts
from benchmarks.claims.disjoint_labels import ACTION_UNITS, EXPRESSION, LARGE, SEEDS, SIZE
from benchmarks.claims.drawn_faces import Bond

PLAIN = Regime(60, 2000)
# what spoils the table alone, which arms without a table do not feel
NOISES = {f"noise {deviation:g}": replace(PLAIN, noise=deviation) for deviation in (0.05, 0.1, 0.2, 0.4)}
REGIMES = {
    "undisturbed": PLAIN,
    **NOISES,
    **{f"flips {share:g}": replace(PLAIN, flips=share) for share in (0.05, 0.1, 0.2)},
    "dependent": replace(PLAIN, bond="dependent"),
    "lower half": replace(PLAIN, is_lower=True),
    "lower half, unrelated": replace(PLAIN, is_lower=True, bond="unrelated"),
}
BONDS: tuple[Bond, ...] = ("independent", "dependent", "unrelated")
WITHOUT_TABLE = ("multi", "self-training")
WITH_TABLE = ("matching", "likelihood", "pseudo-labels", "read-through")
# what carries the question where the labels are disturbed, and in the half face
MAIN_ARMS = ("multi", "matching", "likelihood", "pseudo-labels")


def make_claim(*, large: bool) -> Claim:
    """The stress test of likelihood coupling."""
    size = LARGE if large else SIZE
    design = tuple(Side(regime, arm) for regime in REGIMES for arm in _arms(regime))
    primary = (
        Comparison(
            "likelihood coupling beats pseudo-labels where the table is off by .2",
            Side("noise 0.2", "likelihood"),
            Side("noise 0.2", "pseudo-labels"),
            EXPRESSION,
            1,
            is_primary=True,
        ),
        Comparison(
            "likelihood coupling harms unrelated tasks",
            Side("lower half, unrelated", "likelihood"),
            Side("lower half, unrelated", "multi"),
            EXPRESSION,
            -1,
            is_primary=True,
        ),
    )
    others = [
        Comparison(f"{regime}: likelihood - {arm}", Side(regime, "likelihood"), _against(regime, arm), EXPRESSION)
        for regime in REGIMES
        for arm in (*WITHOUT_TABLE, "matching", "pseudo-labels", "read-through")
        if _against(regime, arm) in design
    ]
    known = {(each.first, each.second) for each in primary}
    return Claim(
        name="coupling_stress",
        title="Where does likelihood coupling break?",
        settings={"version": 1, "size": asdict(size)},
        arms=tuple(arm for arm in ARMS if arm.name in {*WITHOUT_TABLE, *WITH_TABLE}),
        design=design,
        seeds=SEEDS,
        tuning_seeds=SEEDS // 2,
        seeds_in_cell=SEEDS // 2,
        run=partial(run_coupled, REGIMES, size, large),
        figures=(Figure(EXPRESSION, macro_f1_of("expression")), Figure(ACTION_UNITS, mean_f1_of("action_units"))),
        comparisons=(*primary, *(each for each in others if (each.first, each.second) not in known)),
        prepare=partial(prepare_world, size, BONDS),
        facts=partial(_facts, size),
    )


def _arms(regime: str) -> tuple[str, ...]:
    if regime in NOISES:
        return WITH_TABLE
    return (*WITHOUT_TABLE, *WITH_TABLE) if regime in {"undisturbed", "dependent"} else MAIN_ARMS


def _against(regime: str, arm: str) -> Side:
    return Side("undisturbed" if regime in NOISES and arm in WITHOUT_TABLE else regime, arm)


def _facts(size: Size, out: Path) -> Mapping[str, float]:
    return {
        name: value for bond in ("independent", "dependent") for name, value in world_facts(size, bond, out).items()
    }

"""Intervals over seeds and people together, paired differences, and one error rate for all claims."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from abawbench.metrics.bootstrap import draws, percentile_interval, weighted
from benchmarks.claims.cells import Tuned
from benchmarks.claims.claim import Claim, Comparison, Figure, Floats, Outcome, Side

RESAMPLES, SEED, LEVEL = 4000, 0, 0.95
ERROR_RATE = 0.05
# resamples whose sums are in memory at a time
BLOCK = 250


def point(outcome: Outcome, figure: Figure) -> float:
    """The figure of each seed over all people, averaged over seeds."""
    return float(figure.value({name: array.sum(1) for name, array in outcome.statistics.items()}).mean())


def resampled(outcome: Outcome, figure: Figure) -> Floats:
    """The figure of resamples of seeds and of people, which are drawn independently of each other.

    Every seed is tested on the same people, so that both are crossed: a resample weights the people of all seeds alike.
    Outcomes with equal numbers of seeds and people are resampled alike, which pairs them.

    Returns:
        Shape (RESAMPLES,).

    Source: Owen 2007, Annals of Applied Statistics 1(2), the pigeonhole bootstrap.
    """
    seeds, people = next(iter(outcome.statistics.values())).shape[:2]
    by_person = {name: array.swapaxes(0, 1) for name, array in outcome.statistics.items()}
    of_people = draws(np.ones(people, np.int64), RESAMPLES, SEED)
    of_seeds = draws(np.ones(seeds, np.int64), RESAMPLES, SEED + 1) / seeds
    parts = [
        (figure.value(weighted(by_person, of_people[begin : begin + BLOCK])) * of_seeds[begin : begin + BLOCK]).sum(1)
        for begin in range(0, RESAMPLES, BLOCK)
    ]
    return np.concatenate(parts)


def analyse(claim: Claim, tuned: Mapping[Side, Tuned]) -> dict[str, Any]:
    """Figures and comparisons of a claim with their intervals, as JSON."""
    samples = {
        (side, figure.name): resampled(tuned[side].outcome, figure) for side in claim.design for figure in claim.figures
    }
    arms = [
        {
            "regime": side.regime,
            "arm": side.arm,
            "weight": tuned[side].weight,
            "validation": {f"{weight:g}": round(value, 5) for weight, value in tuned[side].validation.items()},
            "figures": {
                figure.name: _rounded(point(tuned[side].outcome, figure), samples[side, figure.name])
                for figure in claim.figures
            },
        }
        for side in claim.design
    ]
    return {"arms": arms, "comparisons": [_compared(claim, tuned, samples, each) for each in claim.comparisons]}


def _compared(
    claim: Claim, tuned: Mapping[Side, Tuned], samples: Mapping[tuple[Side, str], Floats], comparison: Comparison
) -> dict[str, Any]:
    first, second = (tuned[side].outcome for side in (comparison.first, comparison.second))
    shapes = [{name: array.shape for name, array in outcome.statistics.items()} for outcome in (first, second)]
    if shapes[0] != shapes[1]:
        raise ValueError(f"{claim.name}: '{comparison.name}' compares other people or seeds")
    figure = claim.figure(comparison.figure)
    change = samples[comparison.first, figure.name] - samples[comparison.second, figure.name]
    tail = min(np.count_nonzero(change <= 0), np.count_nonzero(change >= 0))
    return {
        "name": comparison.name,
        "first": [comparison.first.regime, comparison.first.arm],
        "second": [comparison.second.regime, comparison.second.arm],
        "figure": comparison.figure,
        "expects": comparison.expects,
        "is_primary": comparison.is_primary,
        "least": comparison.least,
        "difference": _rounded(point(first, figure) - point(second, figure), change),
        "p": round(min(1.0, 2 * (1 + tail) / (1 + len(change))), 6),
    }


def verdict(comparison: Mapping[str, Any], adjusted: float | None) -> str:
    """What a comparison says, by the rule that every claim registers.

    Args:
        comparison: comparison of `analyse`.
        adjusted: p after Holm; None for a comparison that is not primary, which is judged by its interval.
    """
    difference, low, high = comparison["difference"]
    is_clear = (low > 0 or high < 0) if adjusted is None else adjusted < ERROR_RATE
    if -comparison["least"] < low and high < comparison["least"]:
        return "no difference that matters"
    if is_clear and comparison["expects"]:
        return "holds" if difference * comparison["expects"] > 0 else "the opposite holds"
    if is_clear:
        return "greater" if difference > 0 else "less"
    return "undecided"


def _rounded(value: float, samples: Floats) -> list[float]:
    interval = percentile_interval(samples, LEVEL)
    low, high = (float("nan"), float("nan")) if interval is None else interval
    return [round(value, 5), round(low, 5), round(high, 5)]

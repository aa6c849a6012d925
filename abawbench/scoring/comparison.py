"""Several predictions of the same rows: their ranks, and every pair of them with one error rate for all."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from abawbench.base.problems import Problem, ProblemError
from abawbench.challenges import Challenge
from abawbench.fill import MOST_FILLED, Policy
from abawbench.metrics.bootstrap import left_out, resampled
from abawbench.metrics.holm import holm
from abawbench.metrics.jackknife import jackknife_interval
from abawbench.scoring.criteria import Path, evaluate, spans
from abawbench.scoring.intervals import LEVEL, USUAL, Resampling, listed, warning
from abawbench.scoring.paired import Figures, apart, collect_together, joined, permutation
from abawbench.scoring.ranks import rank_ranges
from abawbench.scoring.score import pair
from abawbench.scoring.statistics import Statistics
from abawbench.table import Floats, Table

# probability that some pair is told apart wrongly
ERROR_RATE = 0.05


def compare(
    challenge: Challenge,
    truth: Table,
    predictions: Sequence[tuple[str, Table]],
    *,
    missing: Policy = "error",
    allow_filled: float = MOST_FILLED,
    resampling: Resampling = USUAL,
) -> dict[str, Any]:
    """Rank several predictions, and test every pair of them.

    The range of an entry's rank leaves out the ranks that the tests exclude. As p is adjusted for all pairs, all ranges
    hold together. How probable each rank is, joint resamples of the videos say.

    Args:
        challenge: the challenge.
        truth: annotated rows.
        predictions: name and rows of each prediction, at least two.
        missing: fill policy for annotated rows without a prediction.
        allow_filled: greatest share of filled rows among the annotated ones, from 0 to 1.
        resampling: number of resamples and of swaps, the seed of both, and the subjects to resample, if any.

    Returns:
        challenge, fingerprint, figure (the score, or the first defined figure if there is no score), predictions (the
        best first: name, value, interval, and as `Ranks.to_json` gives them rank, range, tier, probability), pairs
        (better, worse, difference, interval, p, p_holm: p adjusted for all pairs, swaps), resamples, seed, clusters,
        unit, warning, flags, problems (notes on the tables, as JSON).

    Raises:
        ProblemError: as for `score`; C02, fewer than two predictions.
    """
    if len(predictions) < 2:
        raise ProblemError(Problem("C02", f"{len(predictions)} predictions", "two at least", "name another one"))
    pairs = [pair(challenge, truth, table, missing=missing, allow_filled=allow_filled) for _, table in predictions]
    every = collect_together(challenge, pairs, resampling.subjects)
    resamples, seed, clusters = resampling.resamples, resampling.seed, len(every[0].groups)

    def figures(sums: Mapping[str, Floats]) -> dict[Path, Floats]:
        return evaluate(challenge, sums, every[0].pilots)

    totals = [figures(one.total) for one in every]
    # whether a figure is defined, the truth decides
    main = next(path for path, value in totals[0].items() if not np.isnan(value))

    def each(sums: Mapping[str, Floats]) -> dict[int, Floats]:
        return {place: figures(side)[main] for place, side in enumerate(apart(sums))}

    points = np.array([float(total[main]) for total in totals])
    together, span = joined(every), spans(challenge)[main]
    without, samples = left_out(together, each), resampled(together, each, resamples=resamples, seed=seed)
    order = np.argsort(-points, kind="stable").tolist()
    tests = _tests(every, figures, main, points, order, resampling)
    above = np.zeros((len(every), len(every)), np.bool_)
    for couple, test in tests.items():
        above[couple] = test["p_holm"] < ERROR_RATE
    ranks = rank_ranges(points, np.stack([samples[place] for place in range(len(every))]), above=above).to_json()
    names = [name for name, _ in predictions]

    def apart_by(one: int, two: int) -> dict[str, Any]:
        change, width = float(points[one] - points[two]), span[1] - span[0]
        interval = listed(jackknife_interval(change, without[one] - without[two], LEVEL, (-width, width)))
        return {"better": names[one], "worse": names[two], "difference": change, "interval": interval}

    return {
        "challenge": challenge.id,
        "fingerprint": challenge.fingerprint,
        "figure": ".".join(main),
        "predictions": [
            {
                "name": names[place],
                "value": float(points[place]),
                "interval": listed(jackknife_interval(float(points[place]), without[place], LEVEL, span)),
                **ranks[place],
            }
            for place in order
        ],
        "pairs": [apart_by(*couple) | test for couple, test in tests.items()],
        "resamples": resamples,
        "seed": seed,
        "clusters": clusters,
        "unit": resampling.unit,
        "warning": warning(clusters, resampling.unit),
        "flags": list(dict.fromkeys(flag for paired in pairs for flag in paired.flags)),
        "problems": [note.to_json() for note in dict.fromkeys(note for paired in pairs for note in paired.notes)],
    }


def _tests(
    every: Sequence[Statistics],
    figures: Figures,
    main: Path,
    points: Floats,
    order: Sequence[int],
    resampling: Resampling,
) -> dict[tuple[int, int], dict[str, Any]]:
    """By pair of places in an order: p of the swaps, p adjusted for all pairs, and the number of swaps."""
    couples = list(itertools.combinations(order, 2))
    resamples, seed = resampling.resamples, resampling.seed
    tested = [
        permutation(every[a], every[b], figures, main, float(points[a] - points[b]), resamples=resamples, seed=seed)
        for a, b in couples
    ]
    adjusted = holm([p for p, _ in tested])
    return {
        couple: {"p": p, "p_holm": p_holm, "swaps": swaps}
        for couple, (p, swaps), p_holm in zip(couples, tested, adjusted, strict=True)
    }

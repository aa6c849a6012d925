"""The difference of two predictions on the challenge's own score, tested in pairs by video."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from abawbench.base.notebook import NotebookTable
from abawbench.base.number_text import format_figure, format_interval
from abawbench.challenges import Challenge
from abawbench.fill import MOST_FILLED, Policy
from abawbench.metrics.jackknife import ROUNDING, jackknife_of, student_quantile
from abawbench.scoring.criteria import Path, evaluate, figure_name, number
from abawbench.scoring.intervals import LEVEL, USUAL, Resampling, jackknives, warning
from abawbench.scoring.paired import Figures, changes_left_out, collect_together, permutation
from abawbench.scoring.score import pair
from abawbench.scoring.statistics import Statistics
from abawbench.table import Floats, Table

POWER = 0.8
SHOWN_VIDEOS = 10


class Difference(dict[str, Any]):
    """The result of `difference`, a dictionary that shows itself in a notebook."""

    def _repr_html_(self) -> str:
        return self._shown().html()

    def _repr_markdown_(self) -> str:
        return self._shown().markdown()

    def _shown(self) -> NotebookTable:
        """Both figures, their difference and its interval, of the compared figure first."""
        rows = [
            [
                figure_name(tuple(name.split("."))),
                format_figure(one["first"]),
                format_figure(one["second"]),
                format_figure(one["difference"], "+"),
                format_interval(one["interval"], "+"),
            ]
            for name, one in self["figures"].items()
        ]
        name = figure_name(tuple(self["figure"].split(".")))
        title = (
            f"{self['challenge']}: {name} {format_figure(self['difference'], '+')}, p = {self['p']:.4f} "
            f"by swaps of {self['clusters']:,} {self['unit']}s"
        )
        notes = [*self["flags"], *([self["warning"]] if self["warning"] else [])]
        return NotebookTable(title, ["", "first", "second", "difference", f"{LEVEL:.0%} interval"], rows, notes)


def difference(
    challenge: Challenge,
    truth: Table,
    first: Table,
    second: Table,
    *,
    missing: Policy = "error",
    allow_filled: float = MOST_FILLED,
    resampling: Resampling = USUAL,
) -> Difference:
    """Compare two predictions: first minus second of every figure, with intervals and a permutation test.

    The test swaps the two predictions video by video: in all ways if there are no more than the resamples, otherwise in
    random ways. The interval leaves one video at a time out of both predictions.

    Args:
        challenge: the challenge.
        truth: annotated rows.
        first: rows of the first prediction.
        second: rows of the second prediction.
        missing: fill policy for annotated rows without a prediction.
        allow_filled: greatest share of filled rows among the annotated ones, from 0 to 1.
        resampling: number of swaps and their seed, and the subjects to swap and to leave out, if any.

    Returns:
        challenge, fingerprint, figure (the one that is compared: the score, or the first defined figure if there is no
        score), first, second, difference, interval, p, swaps, seed, smallest_detectable (at 80 % power, two-sided
        5 %; None where no video changes the difference), clusters, unit, warning, figures (path joined by dots ->
        first, second, difference, interval), videos (the ten with the largest effect: half of the change of the
        difference if the two are swapped there), flags, problems (notes on the three tables, as JSON).

    Raises:
        ProblemError: as for `score`.
    """
    pairs = [pair(challenge, truth, table, missing=missing, allow_filled=allow_filled) for table in (first, second)]
    a, b = collect_together(challenge, pairs, resampling.subjects)
    unit, resamples, seed = resampling.unit, resampling.resamples, resampling.seed

    def figures(sums: Mapping[str, Floats]) -> dict[Path, Floats]:
        return evaluate(challenge, sums, a.pilots)

    totals = [figures(statistics.total) for statistics in (a, b)]
    points = {path: totals[0][path] - totals[1][path] for path in totals[0]}
    main = next(path for path in points if not np.isnan(points[path]))
    without = changes_left_out(a, b, figures)
    found = jackknives(challenge, a.total, points, without, is_difference=True)
    p, swaps = permutation(a, b, figures, main, float(points[main]), resamples=resamples, seed=seed)
    clusters = len(a.groups)
    return Difference(
        {
            "challenge": challenge.id,
            "fingerprint": challenge.fingerprint,
            "figure": ".".join(main),
            "first": number(totals[0][main]),
            "second": number(totals[1][main]),
            "difference": number(points[main]),
            "interval": found[main],
            "p": p,
            "swaps": swaps,
            "seed": seed,
            "smallest_detectable": _detectable(float(points[main]), without[main]),
            "clusters": clusters,
            "unit": unit,
            "warning": warning(clusters, unit),
            "figures": {
                ".".join(path): {
                    "first": number(totals[0][path]),
                    "second": number(totals[1][path]),
                    "difference": number(points[path]),
                    "interval": found[path],
                }
                for path in points
            },
            "videos": _videos(a, b, figures, main, float(points[main])),
            "flags": list(dict.fromkeys(flag for paired in pairs for flag in paired.flags)),
            "problems": [note.to_json() for note in dict.fromkeys(note for paired in pairs for note in paired.notes)],
        }
    )


def _detectable(point: float, without: Floats) -> float | None:
    """The smallest true difference that a test at the level finds with the power; None where no cluster changes it."""
    found = jackknife_of(point, without)
    if found is None or found.error <= ROUNDING:
        return None
    return found.error * sum(student_quantile(share, found.freedom) for share in ((1 + LEVEL) / 2, POWER))


def _videos(a: Statistics, b: Statistics, figures: Figures, main: Path, observed: float) -> list[dict[str, Any]]:
    change = {task: array - b.tasks[task] for task, array in a.tasks.items()}
    one = figures({task: a.total[task] - array for task, array in change.items()})[main]
    two = figures({task: b.total[task] + array for task, array in change.items()})[main]
    effect = (observed - (one - two)) / 2
    order = np.argsort(-np.abs(np.nan_to_num(effect)), kind="stable")[:SHOWN_VIDEOS]
    return [{"video": a.groups[place], "effect": number(effect[place])} for place in order if effect[place]]

"""The page docs/optimism.md, made from the published pairs."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from abawbench.tuning.trials.optimism import LEAST_TEAMS, ScorePair, coverage, fit_line, published_pairs

HEADS = ("metric", "pairs", "teams", "mean seen", "mean change", "of baselines", "line", "interval", "covered")
WHAT = """\
A score that could be seen before the test, and the score on the test whose labels nobody had, from {pairs}
published pairs of {teams} teams and of the organisers' baselines. A team chooses among many systems, epochs,
windows and thresholds by the first, so it flatters; the test may also be harder or easier. The pairs cannot
tell the two apart. The baselines, which were hardly chosen, show more of the second.
"""
TUNED = """\
One team published what tuning did: tuned on the validation split it saw 0.741 and got 0.690 on the test,
where its untuned system got 0.731 (`wmivikas/ABAW2026-Task2-ECCV:README.md`; the metric is not told with
these figures, so they are in no table). This is why `abawbench tune` and `abawbench ensemble` report
cross-fitted figures.
"""
METRICS = """\
Each team counts once, however many pairs it published. The line is the regression of the test score on the
score seen before, where four teams at least published some. The interval is the 95 % prediction interval of a
further team, at the mean of the seen scores. Covered is the share of the teams whose pairs lie within the
interval that the other teams give. The pairs are few and unlike each other, and the baselines, which lie far
below the teams, pull at the slope: the intervals are wide, and that is the honest answer.
"""
USE = """\
`abawbench trials` prints the expectation for the trial that it names, and in Python
`abawbench.tuning.trials.optimism.expected_private(challenge, score)` gives it for any score. Pairs of one metric
from several editions are put together though their tests differ. Published are the teams that wrote a paper
or won; others may have lost more.
"""
PAIRS = """\
Same: `yes`, one system on both splits; `best`, the best published one on each; `assumed`, no source says that
both belong together. Seen: on the validation split, or on the one named. Valence and arousal: the mean of the
two CCCs.
"""


def page() -> str:
    """The content of docs/optimism.md."""
    return "\n".join(_page()) + "\n"


def _page() -> Iterator[str]:
    known = published_pairs()
    teams = {pair.team for pair in known} - {"organisers"}
    yield "# What validation scores became on the test"
    yield ""
    yield "`make tables` writes this page from `abawbench/tuning/trials/published_pairs.csv`."
    yield ""
    yield from _paragraph(WHAT.format(pairs=len(known), teams=len(teams)))
    yield from _paragraph(TUNED)
    yield "## By metric"
    yield ""
    yield from _paragraph(METRICS)
    yield f"| {' | '.join(HEADS)} |"
    yield "|---" * len(HEADS) + "|"
    for metric in dict.fromkeys(pair.metric for pair in known):
        yield _row_of(metric, [pair for pair in known if pair.metric == metric])
    yield ""
    yield from _paragraph(USE)
    yield "## The pairs"
    yield ""
    yield from _paragraph(PAIRS)
    yield "| challenge | team: system | seen | test | change | same | source |"
    yield "|---|---|---|---|---|---|---|"
    for pair in known:
        split = "" if pair.seen_split == "validation" else f" ({pair.seen_split})"
        note = f"; {pair.note}" if pair.note else ""
        yield (
            f"| {pair.challenge} | {pair.team}: {pair.system} | {pair.seen:.4f}{split} | {pair.unseen:.4f} | "
            f"{pair.unseen - pair.seen:+.4f} | {pair.same} | {pair.source}{note} |"
        )


def _paragraph(text: str) -> Iterator[str]:
    yield from textwrap.wrap(text, 120, break_long_words=False, break_on_hyphens=False)
    yield ""


def _row_of(metric: str, pairs: Sequence[ScorePair]) -> str:
    counts = Counter(pair.team for pair in pairs)

    def mean(values: Sequence[float]) -> float:
        return float(np.average(values, weights=[1 / counts[pair.team] for pair in pairs]))

    baselines = [pair.unseen - pair.seen for pair in pairs if pair.team == "organisers"]
    seen = mean([pair.seen for pair in pairs])
    cells = [
        metric,
        str(len(pairs)),
        str(len(counts)),
        f"{seen:.3f}",
        f"{mean([pair.unseen - pair.seen for pair in pairs]):+.3f}",
        f"{np.mean(baselines):+.3f}" if baselines else "–",
    ]
    line = fit_line(pairs)
    if line is None or line.teams < LEAST_TEAMS:
        cells += ["–", "–", "–"]
    else:
        expected, half = line.at(seen)
        cells += [
            f"{line.intercept:.3f} {line.slope:+.3f} x seen",
            f"{expected - half:.3f} to {expected + half:.3f}",
            f"{coverage(pairs):.0%}",
        ]
    return f"| {' | '.join(cells)} |"

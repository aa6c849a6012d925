"""Does coupling help to name compound expressions that nobody labelled? README.md registers the experiment."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.claims.claim import Claim, Comparison, Figure, Side, macro_f1_of
from benchmarks.claims.disjoint_labels import make_claim as make_disjoint_labels

PUBLISHED, SUM = "compound F1, published score", "compound F1, sum of the two expressions"
ARMS = ("single", "multi", "matching", "papers", "likelihood")
REGIMES = tuple(f"{labels} {name}" for labels in ("60/2000", "2000/40", "2000/2000") for name in ("mlp32", "mlp128"))


def make_claim(*, large: bool) -> Claim:
    """The claim about compound expressions, on the networks of `disjoint_labels`."""
    base = make_disjoint_labels(large=large)
    few = "60/2000 mlp128"
    primary = Comparison(
        "matching helps to name compounds where expression labels are few",
        Side(few, "matching"),
        Side(few, "multi"),
        PUBLISHED,
        1,
        is_primary=True,
    )
    others = [
        Comparison(f"{regime}: {arm} - multi", Side(regime, arm), Side(regime, "multi"), figure)
        for regime in REGIMES
        for arm in ("matching", "papers", "likelihood")
        for figure in (PUBLISHED, SUM)
        if (regime, arm, figure) != (few, "matching", PUBLISHED)
    ]
    return replace(
        base,
        name="zero_shot_compound",
        title="Does coupling help to name compound expressions that nobody labelled?",
        arms=tuple(arm for arm in base.arms if arm.name in ARMS),
        design=tuple(Side(regime, arm) for regime in REGIMES for arm in ARMS),
        figures=(Figure(PUBLISHED, macro_f1_of("compound_published")), Figure(SUM, macro_f1_of("compound_sum"))),
        comparisons=(primary, *others),
        cells_of="disjoint_labels",
    )

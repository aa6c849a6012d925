"""Does coupling help to name compound expressions that nobody labelled? README.md registers the experiment."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.claims.claim import Claim, Comparison, Figure, Side, macro_f1_of
from benchmarks.claims.disjoint_labels import make_claim as make_disjoint_labels

PUBLISHED, SUM = "compound F1, published score", "compound F1, sum of the two expressions"
ARMS = {"mlp32": ("multi", "matching", "likelihood"), "mlp128": ("multi", "matching", "papers", "likelihood")}
LABELS = ("60/2000", "2000/40", "2000/2000")


def make_claim(*, large: bool) -> Claim:
    """The claim about compound expressions, on the networks of `disjoint_labels`."""
    base = make_disjoint_labels(large=large)
    design = tuple(Side(f"{labels} {name}", arm) for labels in LABELS for name, arms in ARMS.items() for arm in arms)
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
        Comparison(f"{side.regime}: {side.arm} - multi", side, Side(side.regime, "multi"), figure)
        for side in design
        for figure in (PUBLISHED, SUM)
        if side.arm != "multi" and (side, figure) != (primary.first, PUBLISHED)
    ]
    return replace(
        base,
        name="zero_shot_compound",
        title="Does coupling help to name compound expressions that nobody labelled?",
        arms=tuple(arm for arm in base.arms if arm.name in ARMS["mlp128"]),
        design=design,
        figures=(Figure(PUBLISHED, macro_f1_of("compound_published")), Figure(SUM, macro_f1_of("compound_sum"))),
        comparisons=(primary, *others),
        cells_of="disjoint_labels",
    )

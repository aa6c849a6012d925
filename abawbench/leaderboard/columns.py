"""Columns of a leaderboard, and the wordings of measures in sources."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Column:
    """A figure that a leaderboard shows.

    Attributes:
        title: heading of the column.
        path: path of the figure in a score, as ("terms", "va").
        low: least possible value; None where the measure of the fact decides.
        high: greatest possible value, above which a percentage would lie; None where the measure of the fact decides.
    """

    title: str
    path: tuple[str, ...]
    low: float | None = None
    high: float | None = None


COLUMNS: Mapping[str, Column] = {
    "score": Column("score", ("score",)),
    "ccc_v": Column("CCC valence", ("metrics", "ccc_valence"), -1.0, 1.0),
    "ccc_a": Column("CCC arousal", ("metrics", "ccc_arousal"), -1.0, 1.0),
    "ccc_va": Column("CCC mean", ("terms", "va"), -1.0, 1.0),
    "f1_expr": Column("F1 expression", ("metrics", "f1_expression"), 0.0, 1.0),
    "f1_au": Column("F1 AU", ("metrics", "f1_action_units"), 0.0, 1.0),
}
"""Every column by the name of its figure in published facts, in the order of a table. A new column is one line here."""


@dataclass(frozen=True, slots=True)
class Measure:
    """A measure as a source words it.

    Attributes:
        low: least possible value.
        high: greatest possible value, above which a percentage would lie.
        same_as: ids of the official metrics that it equals; empty where it equals none, or the wording leaves it open.
    """

    low: float
    high: float
    same_as: frozenset[str] = frozenset()


def _fraction(*same_as: str) -> Measure:
    return Measure(0.0, 1.0, frozenset(same_as))


def _coefficient(*same_as: str) -> Measure:
    return Measure(-1.0, 1.0, frozenset(same_as))


MEASURES: Mapping[str, Measure] = {
    "mean of CCC valence and CCC arousal": _coefficient("va-ccc"),
    "CCC": _coefficient("va-ccc"),
    "ABAW1/2 EXPR criterion from F1 and accuracy (7 classes)": _fraction("expr-f1-acc"),
    "total of macro F1 and accuracy (ABAW2 EXPR, 7 classes)": _fraction("expr-f1-acc"),
    "ABAW2 EXPR measure (7 classes)": _fraction("expr-f1-acc"),
    "macro F1 over 8 classes": _fraction("expr-f1"),
    "ABAW1/2 AU total from F1 and accuracy": _fraction("au-f1-acc"),
    "total of mean F1 and accuracy (ABAW2 AU)": _fraction("au-f1-acc"),
    "mean F1 over 12 AUs": _fraction("au-f1"),
    "F1 (macro) as worded by the authors": _fraction(),
    "mean CCC + macro F1 expression + mean F1 AU": Measure(-1.0, 3.0, frozenset({"mtl-sum"})),
    "macro F1 over 6 classes": _fraction("lsd-f1"),
    "macro F1 over 7 classes": _fraction("ce-f1"),
    "macro F1": _fraction("lsd-f1", "vd-f1"),
    "mean F1": _fraction(),
    "F1": _fraction(),
    "mean Pearson over 7 classes": _coefficient("eri-pearson"),
    "mean Pearson over 6 classes": _coefficient("emi-pearson"),
    "video-level macro F1": _fraction("ah-video-f1"),
    "average F1 (frame level)": _fraction(),
    "average precision": _fraction(),
    "accuracy": _fraction("expr-accuracy"),
    "UAR": _fraction("raf-uar"),
    # a rank, or parts, without a word on the measure
    "": Measure(-1.0, 3.0),
}

"""Metrics: pure functions on arrays, each made of additive statistics and a function of these."""

from __future__ import annotations

from abawbench.metrics.average_precision import average_precision, grid_average_precision
from abawbench.metrics.concordance import concordance, pearson
from abawbench.metrics.f1 import accuracy, balanced_accuracy, macro_f1, mean_f1
from abawbench.metrics.identification import rank_one, verification_rate

__all__ = [
    "accuracy",
    "average_precision",
    "balanced_accuracy",
    "concordance",
    "grid_average_precision",
    "macro_f1",
    "mean_f1",
    "pearson",
    "rank_one",
    "verification_rate",
]

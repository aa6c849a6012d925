"""Every edition and track of the ABAW challenges, and protocols of other data sets, as frozen, dated data."""

from __future__ import annotations

from abawbench.challenges.catalogue import CHALLENGES, get
from abawbench.challenges.model import (
    Baseline,
    Categorical,
    Challenge,
    Continuous,
    ForbiddenData,
    FormatId,
    Metric,
    MultiLabel,
    Part,
    Reported,
    Size,
    Statement,
    Task,
    Term,
    assumed_fields,
    is_assumed,
)

__all__ = [
    "CHALLENGES",
    "Baseline",
    "Categorical",
    "Challenge",
    "Continuous",
    "ForbiddenData",
    "FormatId",
    "Metric",
    "MultiLabel",
    "Part",
    "Reported",
    "Size",
    "Statement",
    "Task",
    "Term",
    "assumed_fields",
    "get",
    "is_assumed",
]

"""Every edition and track of the ABAW challenges, and protocols of other data sets, as frozen, dated data.

`catalogue` has them all; `lookup` gets one by its id or path, those of your own, too, which `own` reads with `fields`,
`fitting` checks, and `toml_writing` writes.
"""

from __future__ import annotations

from abawbench.challenges.catalogue import CHALLENGES
from abawbench.challenges.lookup import find, get, known
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
    "find",
    "get",
    "is_assumed",
    "known",
]

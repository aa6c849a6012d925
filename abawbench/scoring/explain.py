"""Score lineage: every row of the truth in exactly one bucket."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from abawbench.challenges import Categorical, Challenge, Continuous
from abawbench.scoring.score import Paired
from abawbench.table import Mask, Table

BUCKETS = {
    "scored": "annotated and predicted",
    "repeated": "scored once more: the truth repeats the row",
    "filled": "scored with a value that the fill policy made",
    "partly annotated": "left out: some columns of the task are annotated, others not",
    "not annotated": "left out: no annotation for the task",
    "no prediction": "left out: neither annotated for any task nor predicted",
}


def explain(challenge: Challenge, paired: Paired) -> dict[str, Any]:
    """Rows of the truth by bucket, for each task, in all and by video; the sums equal the rows of the truth.

    Returns:
        buckets (their meaning), tasks (bucket -> rows, and `sum`), videos (video -> task -> bucket -> rows, buckets
        without rows left out), surplus (prediction rows that met no truth row), flags.
    """
    truth = paired.truth
    repeated = _is_repetition(truth)
    filled = paired.prediction.filled if paired.filled and paired.prediction.filled is not None else None
    videos: dict[str, dict[str, dict[str, int]]] = {name: {} for name in truth.videos}
    tasks: dict[str, dict[str, int]] = {}
    names = list(BUCKETS)
    for task in challenge.tasks:
        valid = paired.valid[task.name]
        values = truth.values[task.name]
        if isinstance(task, Categorical):
            some = valid
        elif isinstance(task, Continuous):
            some = ~np.isnan(values).all(1)
        else:
            some = (values >= 0).any(1)
        bucket = np.full(len(truth), names.index("not annotated"), np.int8)
        bucket[paired.unpredicted] = names.index("no prediction")
        bucket[some & ~valid] = names.index("partly annotated")
        bucket[valid] = names.index("scored")
        bucket[valid & repeated] = names.index("repeated")
        if filled is not None:
            bucket[valid & filled] = names.index("filled")
        tasks[task.name] = _counts(bucket, names) | {"sum": len(truth)}
        table = np.bincount(truth.video * np.int64(len(names)) + bucket, minlength=len(truth.videos) * len(names))
        for name, row in zip(truth.videos, table.reshape(-1, len(names)).tolist(), strict=True):
            videos[name][task.name] = {names[place]: count for place, count in enumerate(row) if count}
    return {
        "buckets": BUCKETS,
        "tasks": tasks,
        "videos": videos,
        "surplus": len(paired.alignment.surplus),
        "flags": list(paired.flags),
    }


def _counts(bucket: NDArray[np.int8], names: list[str]) -> dict[str, int]:
    return dict(zip(names, np.bincount(bucket, minlength=len(names)).tolist(), strict=True))


def _is_repetition(truth: Table) -> Mask:
    """True for the second and later occurrences of a (video, frame)."""
    order = np.lexsort((np.arange(len(truth)), truth.frame, truth.video))
    video, frame = truth.video[order], truth.frame[order]
    again = np.zeros(len(truth), bool)
    again[order[1:]] = (video[1:] == video[:-1]) & (frame[1:] == frame[:-1])
    return again

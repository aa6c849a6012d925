"""Frames without a crop get the answers of others, by a named policy, before anything is decided."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from abawbench.entries.model import Answers
from abawbench.table import Floats, Integers, Mask, Rows

Policy = Literal["none", "previous", "nearest", "linear"]
POLICIES: tuple[Policy, ...] = get_args(Policy)


def filled(answers: Answers, frame: Integers, valid: Mask, policy: Policy) -> tuple[Answers, Mask]:
    """Answers with those of other frames where a frame is not valid, and which frames that concerns.

    `previous` takes the last valid frame, else the first; `nearest` the closer one, the earlier of two; `linear`
    interpolates probabilities and values between both neighbours. A clip without valid frames stays as it is.

    Args:
        answers: by task, shape (frames, width).
        frame: shape (frames,), numbers, rising.
        valid: shape (frames,).
        policy: one of `POLICIES`.

    >>> row = {"va": np.array([[0.0], [np.nan], [np.nan], [1.0]])}
    >>> given, mask = filled(row, np.arange(4, dtype=np.int32), ~np.isnan(row["va"][:, 0]), "nearest")
    >>> given["va"].ravel().tolist(), mask.tolist()
    ([0.0, 0.0, 1.0, 1.0], [False, True, True, False])
    """
    known = np.flatnonzero(valid)
    if policy == "none" or not len(known) or len(known) == len(valid):
        return answers, np.zeros(len(valid), bool)
    place = np.searchsorted(known, np.arange(len(valid)), side="right") - 1
    before = known[np.maximum(place, 0)]
    after = known[np.minimum(np.where(before == np.arange(len(valid)), place, place + 1), len(known) - 1)]
    # ahead of the first valid frame there is only what follows
    after = np.where(place < 0, before, after)
    number = frame.astype(np.float64)
    span = number[after] - number[before]
    share = np.where(span > 0, (number - number[before]) / np.where(span > 0, span, 1.0), 0.0)
    match policy:
        case "previous":
            share = np.zeros_like(share)
        case "nearest":
            share = (share > 0.5).astype(np.float64)
        case "linear":
            pass
    return {task: _mixed(given, before, after, share, valid) for task, given in answers.items()}, ~valid


def _mixed(given: Floats, before: Rows, after: Rows, share: Floats, valid: Mask) -> Floats:
    weight = share[:, None]
    mixed = given[before] * (1 - weight) + given[after] * weight
    return np.where(valid[:, None], given, mixed)

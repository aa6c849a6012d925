"""Staged entries, a clip at a time."""

from __future__ import annotations

import numpy as np

from abawbench.data.clips import BATCH, Clip
from abawbench.entries.model import Answers, Seen, Staged


def look_at(entry: Staged, clip: Clip, batch: int = BATCH) -> Seen:
    """What an entry sees in the valid frames of a clip, shape (valid frames, width).

    A clip without valid frames is shown one black crop, for the width alone.
    """
    positions = np.flatnonzero(clip.valid)
    parts = [entry.look(clip.read(positions[begin : begin + batch])) for begin in range(0, len(positions), batch)]
    if parts:
        return np.concatenate(parts)
    return entry.look(np.zeros((1, clip.size, clip.size, 3), np.uint8))[:0]


def predict_staged(entry: Staged, clip: Clip) -> Answers:
    """What `Entry.predict` of a staged entry gives: look at each frame, then conclude."""
    return entry.conclude(look_at(entry, clip), clip)

"""Prediction stores of imaginary members, written as `predict` writes them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from abawbench.challenges import Challenge
from abawbench.entries.model import Card
from abawbench.inference.store import Predictions, Store, begin_store
from abawbench.table import Floats


def write_store(
    root: Path, challenge: Challenge, name: str, units: Mapping[str, tuple[list[int], Mapping[str, Floats]]]
) -> Store:
    """Write a store that answers all tasks of a challenge.

    Args:
        root: folder of the store.
        challenge: challenge whose tasks are answered.
        name: name of the entry.
        units: by unit, the frame numbers and the answers by task; rows of NaN are not valid.
    """
    card = Card(name, f"Member {name}", challenge.tasks, None, trained_on=("imaginary",), licence="CC0-1.0")
    root.mkdir(parents=True)
    store = begin_store(
        root,
        {
            "form": 1,
            "card": card.to_json(),
            "seed": None,
            "source": {},
            "device": "cpu",
            "versions": {},
            "fill": "none",
        },
        None,
    )
    for unit, (frames, answers) in units.items():
        valid = ~np.isnan(next(iter(answers.values()))).any(axis=1)
        frame = np.array(frames, np.int32)
        store.write(Predictions(unit, frame, None, valid, np.zeros(len(frame), bool), answers), f"clip {unit}")
    return store

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from abawbench import records
from abawbench.challenges import Challenge, Size, get
from abawbench.scoring import score
from abawbench.scoring.intervals import Resampling
from abawbench.table import Table

# abaw6-va with a validation split of five videos
SMALL = replace(get("abaw6-va"), sizes={"validation": Size(units=5, rows=150)}, valid_rows={})


def disclosed(**told) -> records.Disclosure:
    """What a careful writer discloses, with fields of one's own."""
    return records.Disclosure(
        **{
            "trained_on": ["some data"],
            "validation_used_for": "early stopping",
            "thresholds_from": "none",
            "trials": 2,
            "crops": "none",
            "licence": "Apache-2.0",
            "synthetic_truth": False,
            "note": "",
        }
        | told
    )


def made(challenge: Challenge, rows: int = 150, **fields) -> records.Record:
    """Videos 0 to 4 with a prediction that is the truth with noise, or the first of their rows."""
    generator = np.random.default_rng(0)
    video = np.repeat(np.arange(5, dtype=np.int32), 30)
    frame = np.tile(np.arange(30, dtype=np.int32), 5)
    names = tuple(f"video {number}" for number in range(5))
    values = generator.uniform(-1, 1, (150, 2))
    noisy = np.clip(values + generator.normal(0, 0.5, (150, 2)), -1, 1)
    truth, prediction = (Table(names, video[:rows], frame[:rows], {"va": array[:rows]}) for array in (values, noisy))
    told = {name: fields.pop(name) for name in ("trained_on", "synthetic_truth") if name in fields}
    given = {
        "entry": "2026_team_method",
        "split": "validation",
        "dataset": get("abaw6-va").dataset,
        "date": "2026-01-31",
        "truth_sha256": "0" * 64,
        "prediction_sha256": "f" * 64,
        "disclosure": disclosed(**told),
    }
    return records.make(
        score(challenge, truth, prediction, resampling=Resampling(200)), records.Provenance(**given | fields)
    )


@pytest.fixture
def small_challenge(catalogue_with) -> Challenge:
    """abaw6-va in a catalogue where its validation split has the size of the records of `va_record`."""
    catalogue_with(SMALL)
    return SMALL


@pytest.fixture(name="va_record")
def va_record_fixture(small_challenge: Challenge) -> Callable[..., records.Record]:
    """Makes a record of abaw6-va on its whole validation split, with fields and disclosures of one's own."""
    return functools.partial(made, small_challenge)

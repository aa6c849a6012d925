from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from abawbench.challenges import get
from abawbench.entries.model import Card
from abawbench.inference.store import FORM, Predictions, begin_store, open_store
from abawbench.table import Table
from abawbench.tuning.steps.kinds import Affine, Fill, Gate, Lag, Line, Offsets, Smoothing, Thresholds
from abawbench.tuning.steps.tuned import Estimate, Fitted, Report, Tuned

MTL = get("abaw4-mtl")
CARD = Card("2026_test_stream", "a test", MTL.tasks, None, licence="Apache-2.0")


def random_answers(tasks, rows, random):
    """Answers to each task, shape (rows, width)."""
    answers = {}
    for task in tasks:
        values = random.random((rows, task.width))
        if task.is_real:
            values = 2 * values - 1
        elif not task.is_vector:
            values /= values.sum(1, keepdims=True)
        answers[task.name] = values
    return answers


def random_unit(name, frames, random, *, card=CARD, times=None, missing=(), filled=()):
    """Predictions of a unit; without crops at some positions."""
    valid = np.ones(frames, bool)
    valid[[*missing, *filled]] = False
    is_filled = np.zeros(frames, bool)
    is_filled[list(filled)] = True
    answers = random_answers(card.tasks, frames, random)
    for values in answers.values():
        values[~(valid | is_filled)] = np.nan
    frame = np.arange(1, frames + 1, dtype=np.int32)
    return Predictions(name, frame, times, valid, is_filled, answers)


def write_store(root, units, card=CARD, **record):
    """A prediction store of these units."""
    root.mkdir()
    store = begin_store(root, {"form": FORM, "card": card.to_json(), "seed": 0, "source": {}, **record}, None)
    for unit in units:
        store.write(unit, "0" * 64)
    return open_store(root)


def random_truth(units, random, challenge=MTL):
    """Annotations of every frame of some units."""
    video = np.repeat(np.arange(len(units), dtype=np.int32), [len(unit.frame) for unit in units])
    values = {}
    for task in challenge.tasks:
        if task.is_real:
            values[task.name] = 2 * random.random((len(video), task.width)) - 1
        else:
            shape = (len(video), task.width) if task.is_vector else len(video)
            values[task.name] = random.integers(0, 2 if task.is_vector else task.width, shape).astype(np.int8)
    return Table(tuple(unit.unit for unit in units), video, np.concatenate([unit.frame for unit in units]), values)


@pytest.fixture
def units():
    random = np.random.default_rng(0)
    return [
        random_unit("a", 40, random, times=np.arange(40) / 25, missing=(7, 8), filled=(20,)),
        random_unit("b", 25, random, times=np.arange(25) / 30, missing=range(8, 18)),
        random_unit("c", 1, random),
    ]


@pytest.fixture
def store(tmp_path, units):
    return write_store(tmp_path / "store", units)


@pytest.fixture
def tuned():
    """Values with a step of every kind."""
    labels = next(task for task in MTL.tasks if task.name == "action_units").outputs
    return Tuned(
        challenge=MTL.id,
        fingerprint=MTL.fingerprint,
        fitted=Fitted(CARD.name, "1" * 64, "2" * 64, "3" * 64, ("a", "b")),
        report=Report(
            {"score": Estimate(1.0, 1.2, 1.1, (1.0, 1.2), (0.05, 0.15)), "terms.va": Estimate(0.3, 0.4, 0.35)},
            folds=5,
            repeats=20,
            clusters=2,
            unit="video",
            resamples=1000,
            level=0.95,
            seed=0,
        ),
        tasks={
            "va": (
                Smoothing("mean", 0.2),
                Affine({"valence": Line(1.4, 0.1), "arousal": Line(0.5, -0.1)}),
                Lag(0.1),
                Fill("nearest"),
            ),
            "expression": (Smoothing("exponential", 0.1, online=True), Offsets({"Fear": 0.7})),
            "action_units": (
                Smoothing("median", 0.3),
                Thresholds({labels[0]: 0.3, labels[3]: 0.8}),
                Gate("2026_test_other", "4" * 64, 0.6),
            ),
        },
    )


def with_steps(tuned, **tasks):
    """The values with other steps."""
    return replace(tuned, tasks=tasks)

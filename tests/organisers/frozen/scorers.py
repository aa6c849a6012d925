"""Frozen scorers and files for them."""

from __future__ import annotations

import functools
import types
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from abawbench.challenges import CHALLENGES, Challenge
from abawbench.formats.read import read_predictions, read_truth
from abawbench.formats.write import write_annotations, write_list, write_predictions
from abawbench.organisers.frozen import frozen_scorer
from abawbench.organisers.samples import sample, write
from abawbench.scoring import Resampling, Score, score
from abawbench.scoring.intervals import quoted
from abawbench.scoring.statistics import annotated_rows
from abawbench.table import Table

MADE = "2026-01-02"


@functools.cache
def source(identifier: str) -> str:
    return frozen_scorer(CHALLENGES[identifier], MADE)


@functools.cache
def scorer(identifier: str) -> types.ModuleType:
    """The module of a frozen scorer, as a platform imports it: not among the modules of the interpreter."""
    module = types.ModuleType(f"score_{identifier}")
    exec(compile(source(identifier), f"score_{identifier}.py", "exec", dont_inherit=True), module.__dict__)
    return module


@dataclass(frozen=True)
class Files:
    """Paths of a truth, a list and a prediction."""

    truth: Path
    template: Path
    prediction: Path


def sampled(challenge: Challenge, folder: Path, **sizes: int) -> Files:
    """A sample of a challenge in a folder."""
    made = sample(challenge, **sizes)
    parts = {"truth": made.truth, "list": made.template, "prediction": made.prediction}
    return Files(*(write(files, folder / name) for name, files in parts.items()))


def random_files(challenge: Challenge, folder: Path, seed: int) -> Files:
    """A random truth and prediction of a challenge: odd in their annotations, constant columns, classes or rows."""
    random = np.random.default_rng(seed)
    sizes = {"units": int(random.integers(2, 9)), "rows": int(random.integers(6, 90)), "seed": seed}
    given = sampled(challenge, folder / "sample", **sizes)
    truth, prediction = read_truth(challenge, given.truth), read_predictions(challenge, given.prediction)
    for task in challenge.tasks:
        known, guess = truth.values[task.name], prediction.values[task.name]
        if random.random() < 0.2:
            guess[...] = guess[0]
        if random.random() < 0.1:
            known[...] = known[0]
        if random.random() < 0.2:
            # one class or label fewer on both sides, or none that is on
            for values in (known, guess):
                values[values == values.max()] = values.max() if task.is_real else 0
        if task.sentinel is not None and random.random() < 0.5:
            missing = np.nan if task.is_real else -1
            rows = random.random(len(truth)) < random.choice([0.1, 0.9, 1.0 if len(challenge.tasks) > 1 else 0.5])
            known[rows] = missing
            if task.is_vector and random.random() < 0.3:
                known[random.random(known.shape) < 0.05] = missing
    if random.random() < 0.3:
        # videos with few rows, or none
        rows = np.flatnonzero(random.random(len(truth)) < 0.4)
        if len(rows) > 1 and not truth.is_by_place:
            truth, prediction = _some(truth, rows), _some(prediction, rows)
    if random.random() < 0.5:
        prediction = replace(prediction, probability=None)
    return written(challenge, folder, truth, prediction)


def _some(table: Table, rows: Any) -> Table:
    """Some rows of a table, and the units that are left."""
    names, video = np.unique(table.video[rows], return_inverse=True)
    taken = table.take(rows)
    return replace(taken, videos=tuple(table.videos[place] for place in names.tolist()), video=video.astype(np.int32))


def written(challenge: Challenge, folder: Path, truth: Table, prediction: Table) -> Files:
    """A truth and a prediction in the official formats, the truth's classes as `4.0` in some of them."""
    suffix = ".csv" if challenge.annotation_format.endswith("csv") else ".txt"
    files = Files(*(folder / f"{name}{suffix}" for name in ("truth", "list", "prediction")))
    write_annotations(challenge, truth, files.truth)
    write_list(challenge, truth, files.template)
    write_predictions(challenge, prediction, files.template, files.prediction)
    return files


def expected(challenge: Challenge, files: Files) -> Score | None:
    """The score of the package; None where no row is annotated."""
    truth, prediction = read_truth(challenge, files.truth), read_predictions(challenge, files.prediction)
    if not any(annotated_rows(task, truth)[0].any() for task in challenge.tasks):
        return None
    return score(challenge, truth, prediction, resampling=Resampling(resamples=2))


def bits(value: Any) -> Any:
    """Figures as text that tells every bit, in their nested dictionaries and lists."""
    if isinstance(value, Mapping):
        return {name: bits(part) for name, part in value.items()}
    if isinstance(value, list):
        return [bits(part) for part in value]
    return value.hex() if isinstance(value, float) else value


def quoted_ones(intervals: Mapping[str, Any]) -> Any:
    """Of the intervals of the package, those to quote."""
    if "jackknife" in intervals:
        found = quoted(intervals)
        return None if found is None else list(found[1])
    return {name: quoted_ones(part) for name, part in intervals.items() if isinstance(part, Mapping)}

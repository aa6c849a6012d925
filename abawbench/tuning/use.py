"""Predictions read with a file of tuned values, and what a reader of their score must know."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from abawbench.base.hashes import sha256_of
from abawbench.base.problems import Problem, ProblemError
from abawbench.challenges import Challenge
from abawbench.inference import is_store
from abawbench.inference.store import Store, open_store
from abawbench.records import CrossFitted, TunedUse
from abawbench.table import Table
from abawbench.tuning.apply import read_tuned_store
from abawbench.tuning.tuned import Tuned, read_tuned, truth_hash


@dataclass(frozen=True, slots=True)
class TunedFile:
    """A file of tuned values, and how it is to be used.

    Attributes:
        path: the file.
        gate: store of the entry that a gate names; None for values without a gate.
        any_entry: True to take the values although the entry or the challenge is another.
    """

    path: Path
    gate: Path | None = None
    any_entry: bool = False


def read_tuned_predictions(
    challenge: Challenge, predictions: Path, file: TunedFile, truth: Table | None = None
) -> tuple[Table, TunedUse | None]:
    """Read a prediction store as the rows of a challenge, with tuned values.

    Args:
        challenge: challenge to predict for.
        predictions: folder of the store.
        file: the file of tuned values.
        truth: the truth to score against.

    Returns:
        The predictions, whose notes say what was tuned and whether a score on the truth is in-sample; and what a record
        of this score says, None without a truth.

    Raises:
        ProblemError: C02 the predictions are no store; problems of the file, of the stores, and that these do not fit
            each other.
    """
    tuned = read_tuned(file.path)
    store, gate = _open(predictions), None if file.gate is None else _open(file.gate)
    table = read_tuned_store(challenge, store, tuned, gate=gate, any_entry=file.any_entry)
    words = f"{', '.join(tuned.names) or 'nothing'}, fitted on {len(tuned.fitted.videos):,} videos"
    notes = [Problem("N70", words, "values that were not fitted on these videos", "", str(file.path))]
    use = None if truth is None else use_of(tuned, file, challenge, truth, store)
    if use is not None and use.is_in_sample:
        notes.append(_in_sample(use, file))
    return replace(table, notes=(*table.notes, *notes)), use


def use_of(tuned: Tuned, file: TunedFile, challenge: Challenge, truth: Table, store: Store) -> TunedUse:
    """What a record says of tuned values that the score of a store on a truth was made with."""
    annotated = np.logical_or.reduce(
        [task.annotations_of(truth)[1].any(axis=1) for task in challenge.tasks if task.name in truth.values]
    )
    scored = {truth.videos[video] for video in np.unique(truth.video[annotated]).tolist()}
    shared = len(scored & set(tuned.fitted.videos))
    scored_here = (challenge.id, store.key, truth_hash(challenge, truth))
    is_same = scored_here == (tuned.challenge, tuned.fitted.store, tuned.fitted.truth_sha256)
    figures = tuned.report.figures if is_same else {}
    known = {name: CrossFitted(value=one.cross_fitted, interval=one.interval) for name, one in figures.items()}
    return TunedUse(
        sha256=sha256_of(file.path),
        steps=list(tuned.names),
        overlap="none" if not shared else "all" if shared == len(scored) else "some",
        cross_fitted=known,
    )


def _in_sample(use: TunedUse, file: TunedFile) -> Problem:
    found = f"the values were fitted on {use.overlap} of the scored videos, so the score flatters"
    if "score" in use.cross_fitted:
        found += f"; the cross-fitted score is {use.cross_fitted['score'].value:.4f}"
    fix = "quote the cross-fitted score, or score on other videos"
    return Problem("N71", found, "a score on videos that the values were not fitted on", fix, str(file.path))


def _open(path: Path) -> Store:
    if not is_store(path):
        fix = "give the store; files of decided values hold no probabilities to tune"
        raise ProblemError(Problem("C02", "tuned values without a store", "a store of `predict`", fix, str(path)))
    return open_store(path)

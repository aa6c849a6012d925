"""Predictions read with a file of tuned values, and what a reader of their score must know."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from abawbench.base.hashes import sha256_of
from abawbench.base.problems import Problem, ProblemError
from abawbench.challenges import Challenge
from abawbench.inference import WEIGHTS, is_ensemble, is_store
from abawbench.inference.store import Store, open_store, table_of
from abawbench.records import CrossFitted, TunedUse
from abawbench.table import Table
from abawbench.tuning.ensembles.weights import EnsembleWeights, read_weights
from abawbench.tuning.steps.apply import read_tuned_store
from abawbench.tuning.steps.tuned import Tuned, read_tuned, truth_hash


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
    challenge: Challenge, predictions: Path, file: TunedFile | None, truth: Table | None = None
) -> tuple[Table, TunedUse | None]:
    """Read a prediction store as the rows of a challenge, with tuned values.

    Args:
        challenge: challenge to predict for.
        predictions: folder of the store.
        file: the file of tuned values; None for the answers as they are, which may be those of an ensemble.
        truth: the truth to score against.

    Returns:
        The predictions, whose notes say what was tuned and whether a score on the truth is in-sample; and what a record
        of this score says, None without a truth, and where nothing was fitted.

    Raises:
        ProblemError: C02 the predictions are no store; problems of the file, of the stores, and that these do not fit
            each other.
    """
    store = _open(predictions)
    uses: list[TunedUse] = []
    notes: list[Problem] = []
    answering = [predictions]
    if file is None:
        table = table_of(store, challenge)
    else:
        tuned, gate = read_tuned(file.path), None if file.gate is None else _open(file.gate)
        table = read_tuned_store(challenge, store, tuned, gate=gate, any_entry=file.any_entry)
        words = f"{', '.join(tuned.names) or 'nothing'}, fitted on {len(tuned.fitted.videos):,} videos"
        notes.append(Problem("N70", words, "values that were not fitted on these videos", "", str(file.path)))
        answering += [file.gate] if file.gate is not None and "gate" in tuned.names else []
        if truth is not None:
            uses.append(use_of(tuned, file, challenge, truth, store))
    if truth is not None:
        weights = [use_of_weights(path, challenge, truth) for path in answering]
        uses += [use for use in weights if use is not None]
    use = _together(uses) if uses else None
    if use is not None and use.is_in_sample:
        notes.append(_in_sample(use, predictions if file is None else file.path))
    return replace(table, notes=(*table.notes, *notes)), use


def use_of(tuned: Tuned, file: TunedFile, challenge: Challenge, truth: Table, store: Store) -> TunedUse:
    """What a record says of tuned values that the score of a store on a truth was made with."""
    scored_here = (challenge.id, store.key, truth_hash(challenge, truth))
    is_same = scored_here == (tuned.challenge, tuned.fitted.store, tuned.fitted.truth_sha256)
    figures = tuned.report.figures if is_same else {}
    return TunedUse(
        sha256=sha256_of(file.path),
        steps=list(tuned.names),
        overlap=_overlap(challenge, truth, tuned.fitted.videos),
        cross_fitted={
            name: CrossFitted(value=one.cross_fitted, interval=one.interval) for name, one in figures.items()
        },
    )


def use_of_weights(predictions: Path, challenge: Challenge, truth: Table) -> TunedUse | None:
    """What a record says of the weights of an ensemble whose store was scored on a truth.

    Returns:
        None for another store, and for equal weights, which are fitted on nothing.

    Raises:
        ProblemError: R03, the file of weights in the store is wrong.
    """
    if not is_ensemble(predictions):
        return None
    path = predictions / WEIGHTS
    weights = read_weights(path)
    if weights.method == "equal":
        return None
    is_same = (weights.challenge, weights.truth_sha256) == (challenge.id, truth_hash(challenge, truth))
    return TunedUse(
        sha256=sha256_of(path),
        steps=[f"{weights.method} ensemble"],
        overlap=_overlap(challenge, truth, weights.videos),
        cross_fitted=dict(_worth(weights, path)) if is_same else {},
    )


def _worth(weights: EnsembleWeights, path: Path) -> Iterator[tuple[str, CrossFitted]]:
    """The cross-fitted figures of an ensemble, by their paths. Raises: ProblemError R03, the report lacks some."""
    for name in ("score", *weights.weights):
        try:
            found = weights.report["figures"].get(name)
            if found is None:
                continue
            own = found["ensemble"]
            interval = None if own["interval"] is None else (float(own["interval"][0]), float(own["interval"][1]))
            worth = CrossFitted(value=float(own["cross_fitted"]), interval=interval)
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            fix = "make the ensemble again"
            raise ProblemError(Problem("R03", f"report.figures.{name}", "its figures", fix, str(path))) from error
        yield name if name == "score" else f"terms.{name}", worth


def _overlap(challenge: Challenge, truth: Table, videos: Sequence[str]) -> Literal["all", "some", "none"]:
    """Whether all, some or none of the annotated units of a truth are among those that values were fitted on."""
    annotated = np.logical_or.reduce(
        [task.annotations_of(truth)[1].any(axis=1) for task in challenge.tasks if task.name in truth.values]
    )
    scored = {truth.videos[video] for video in np.unique(truth.video[annotated]).tolist()}
    shared = len(scored & set(videos))
    return "none" if not shared else "all" if shared == len(scored) else "some"


def _together(uses: Sequence[TunedUse]) -> TunedUse:
    """One statement on tuned values and on the weights of the ensembles that they were applied to or that gate them.

    Values that were tuned with an ensemble which was fitted on the same videos have no honest figure: the folds of the
    tuning were seen by the weights.
    """
    first, *others = uses
    overlaps = {use.overlap for use in uses}
    overlap = next(one for one in ("all", "some", "none") if one in overlaps)
    is_seen = any(use.is_in_sample for use in others)
    return first.model_copy(
        update={
            "steps": [step for use in reversed(uses) for step in use.steps],
            "overlap": overlap,
            "cross_fitted": {} if is_seen else first.cross_fitted,
        }
    )


def _in_sample(use: TunedUse, source: Path) -> Problem:
    words = ", ".join(use.steps) or "the choice to tune nothing"
    found = f"{words}: fitted on {use.overlap} of the scored videos, so the score flatters"
    if "score" in use.cross_fitted:
        found += f"; the cross-fitted score is {use.cross_fitted['score'].value:.4f}"
    fix = "quote the cross-fitted score, or score on other videos"
    return Problem("N71", found, "a score on videos that the values were not fitted on", fix, str(source))


def _open(path: Path) -> Store:
    if not is_store(path):
        fix = "give the store; files of decided values hold no probabilities to tune"
        raise ProblemError(Problem("C02", "tuned values without a store", "a store of `predict`", fix, str(path)))
    return open_store(path)

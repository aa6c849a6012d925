"""The public functions on tuning: gains, tuned values, ensembles and trials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from abawbench.api import read_table
from abawbench.challenges import get
from abawbench.fill import MOST_FILLED, Policy
from abawbench.inference import is_store
from abawbench.scoring import pair
from abawbench.scoring.intervals import RESAMPLES, Resampling

if TYPE_CHECKING:
    from abawbench.api import Source
    from abawbench.tuning.ensembles.weights import Average, EnsembleWeights, Method
    from abawbench.tuning.gains.gain import Gain
    from abawbench.tuning.steps.tuned import Tuned


def gains(
    challenge: str,
    truth: Source,
    prediction: Source,
    *,
    missing: Policy = "error",
    allow_filled: float = MOST_FILLED,
    resamples: int = RESAMPLES,
    seed: int = 0,
    subjects: Mapping[str, str] | None = None,
) -> tuple[Gain, ...]:
    """Compute what the score would gain if one kind of error were repaired, the greatest gain first.

    Options are as for `score`. A prediction store gives more than a file of decided rows: thresholds and offsets of
    classes need its probabilities.

    Raises:
        ProblemError: every problem of the inputs.
    """
    from abawbench.inference.store import open_store
    from abawbench.tuning.gains.gain import gains as gains_of
    from abawbench.tuning.inputs.stream import read_stream

    rules = get(challenge)
    known, table = read_table(rules, truth, "truth"), read_table(rules, prediction, "prediction")
    paired = pair(rules, known, table, missing=missing, allow_filled=allow_filled)
    stream = None
    if isinstance(prediction, str | Path) and is_store(Path(prediction)):
        stream = read_stream(open_store(Path(prediction)), rules)
    return gains_of(rules, paired, stream, resampling=Resampling(resamples, seed, subjects))


def trials(
    challenge: str,
    truth: Source,
    predictions: Sequence[Source],
    *,
    send: int = 5,
    missing: Policy = "error",
    allow_filled: float = MOST_FILLED,
    resamples: int = RESAMPLES,
    seed: int = 0,
    subjects: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Select which of many predictions to send, by the expected best score over resamples of videos.

    The keys of the result are listed in `abawbench.tuning.trials.plan.plan_trials`; further options are as for `score`.

    Args:
        challenge: id of the challenge.
        truth: annotations: a file, a folder or a DataFrame.
        predictions: predictions of each trial: a file, a folder, a prediction store or a DataFrame.
        send: number of trials that may be sent.
        missing: fill policy for annotated rows that have no prediction.
        allow_filled: greatest share of filled rows among the annotated ones, from 0 to 1.
        resamples: number of bootstrap resamples.
        seed: seed of the resampling.
        subjects: subject of each video; with it the resamples are of subjects instead of videos.

    Raises:
        ProblemError: every problem of all inputs.
    """
    from abawbench.scoring.statistics import Statistics
    from abawbench.tuning.inputs.several import comparable_statistics, read_each
    from abawbench.tuning.trials.plan import plan_trials

    rules = get(challenge)
    known = read_table(rules, truth, "truth")

    def statistics(source: Source) -> Statistics:
        table = read_table(rules, source, "prediction")
        paired = pair(rules, known, table, missing=missing, allow_filled=allow_filled)
        return comparable_statistics(rules, paired, subjects)

    return plan_trials(
        rules,
        _names_of(predictions),
        read_each(predictions, statistics),
        send=send,
        resampling=Resampling(resamples, seed, subjects),
    )


def tune(
    challenge: str,
    truth: Source,
    store: str | Path,
    out: str | Path | None = None,
    *,
    only: str | Sequence[str] = (),
    plateau: bool = False,
    online: bool = False,
    gate: str | Path | None = None,
    missing: Policy = "error",
    allow_filled: float = MOST_FILLED,
    folds: int = 5,
    repeats: int = 20,
    resamples: int = RESAMPLES,
    seed: int = 0,
    subjects: Mapping[str, str] | None = None,
) -> Tuned:
    """Tune the answers in a prediction store, and cross-fit what that is worth.

    Args:
        challenge: id of the challenge.
        truth: annotations: a file, a folder or a DataFrame.
        store: prediction store.
        out: file for the tuned values; None writes none.
        only: names of the kinds of steps to tune, as `thresholds`; none for all.
        plateau: True to take the middle of a flat top, not its peak.
        online: True for steps that need no answer of the future.
        gate: store of another entry, to answer where this one is not confident.
        missing: fill policy for annotated rows without an answer: error, previous or nearest.
        allow_filled: greatest share of filled rows among the annotated ones, from 0 to 1.
        folds: number of folds of videos.
        repeats: number of times that the folds are dealt.
        resamples: number of bootstrap resamples.
        seed: seed of folds and resamples.
        subjects: subject of each video; with it folds and resamples are of subjects instead of videos.

    Raises:
        ProblemError: every problem of the inputs; then nothing is written.
    """
    from abawbench.tuning.steps.kinds import STEPS
    from abawbench.tuning.steps.tuned import write_tuned
    from abawbench.tuning.tune import Settings, open_answers
    from abawbench.tuning.tune import tune as tune_store

    rules = get(challenge)
    settings = Settings(
        steps=frozenset([only] if isinstance(only, str) else only or STEPS),
        folds=folds,
        repeats=repeats,
        online=online,
        plateau=plateau,
        missing=missing,
        allow_filled=allow_filled,
    )
    tuned, _ = tune_store(
        rules,
        read_table(rules, truth, "truth"),
        open_answers(Path(store)),
        settings,
        gate=None if gate is None else open_answers(Path(gate)),
        resampling=Resampling(resamples, seed, subjects),
    )
    if out is not None:
        write_tuned(tuned, Path(out))
    return tuned


def ensemble(
    challenge: str,
    truth: Source,
    stores: Sequence[str | Path],
    out: str | Path,
    *,
    method: Method = "greedy",
    average: Average = "probability",
    missing: Policy = "error",
    allow_filled: float = MOST_FILLED,
    folds: int = 5,
    repeats: int = 5,
    resamples: int = 1000,
    seed: int = 0,
    subjects: Mapping[str, str] | None = None,
) -> EnsembleWeights:
    """Fit an ensemble of prediction stores, cross-fit its gain over the best of them, and write its store.

    Args:
        challenge: id of the challenge.
        truth: annotations: a file, a folder or a DataFrame.
        stores: prediction stores of the members.
        out: folder of the ensemble's store; its weights are in `weights.json` there.
        method: `greedy` selection with replacement, ascent on the `simplex`, or `equal` weights.
        average: what is averaged: `probability`, or `rank`.
        missing: fill policy for annotated rows that no member answers: error, previous or nearest.
        allow_filled: greatest share of filled rows, and of frames in which others stand in for a member.
        folds: number of folds of videos.
        repeats: number of times that the folds are dealt.
        resamples: number of bootstrap resamples.
        seed: seed of folds and resamples.
        subjects: subject of each video; with it folds and resamples are of subjects instead of videos.

    Raises:
        ProblemError: every problem of the inputs; then nothing is written.
    """
    from abawbench.tuning.ensembles.fit import fit_ensemble
    from abawbench.tuning.ensembles.members import read_members
    from abawbench.tuning.ensembles.weights import write_ensemble

    rules = get(challenge)
    known = read_table(rules, truth, "truth")
    members = read_members(rules, [Path(store) for store in stores], allow_filled)
    weights = fit_ensemble(
        rules,
        known,
        members,
        method=method,
        average=average,
        missing=missing,
        allow_filled=allow_filled,
        folds=folds,
        repeats=repeats,
        resampling=Resampling(resamples, seed, subjects),
    )
    write_ensemble(rules, members, weights, Path(out))
    return weights


def apply_ensemble(
    challenge: str,
    stores: Sequence[str | Path],
    weights: str | Path,
    out: str | Path,
    *,
    allow_filled: float = MOST_FILLED,
) -> EnsembleWeights:
    """Write the store of a fitted ensemble for other stores of the same members, as of the test set.

    Args:
        challenge: id of the challenge.
        stores: prediction stores of the members, in any order.
        weights: file of weights that `ensemble` wrote.
        out: folder of the ensemble's store.
        allow_filled: greatest share of frames in which others stand in for a member.

    Raises:
        ProblemError: every problem of the inputs; then nothing is written.
    """
    from abawbench.tuning.ensembles.members import read_members
    from abawbench.tuning.ensembles.weights import in_order, read_weights, write_ensemble

    rules, file = get(challenge), Path(weights)
    fitted = read_weights(file, rules)
    members = read_members(rules, [Path(store) for store in stores], allow_filled)
    ordered = in_order(fitted, members, file)
    write_ensemble(rules, members, ordered, Path(out))
    return ordered


def _names_of(sources: Sequence[Source]) -> list[str]:
    """A name for each prediction: its path, or its number."""
    return [str(one) if isinstance(one, str | Path) else f"trial {place}" for place, one in enumerate(sources, 1)]

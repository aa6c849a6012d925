"""Tuning of a prediction store: the steps of every task, searched, cross-fitted, and written down."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from abawbench.base.problems import Problem, ProblemError, near_names
from abawbench.challenges import Challenge
from abawbench.entries.outputs import covered
from abawbench.fill import COPYING, MOST_FILLED, Policy
from abawbench.inference import is_store
from abawbench.inference.store import Store, open_store, require_answers
from abawbench.scoring import Resampling
from abawbench.scoring.intervals import LEVEL, USUAL
from abawbench.table import Table
from abawbench.tuning.inputs.labelled import MOST_CLUSTERS, Labelled, labelled
from abawbench.tuning.inputs.stream import ASSUMED_RATE, Stream, read_stream
from abawbench.tuning.search.answers import StreamAnswers
from abawbench.tuning.search.crossfit import CrossFit, Plan, added, crossfit
from abawbench.tuning.search.last_steps import last_step_of
from abawbench.tuning.search.procedure import Combination, Procedure, Stage
from abawbench.tuning.search.searches import FLAT
from abawbench.tuning.steps.apply import can_gate
from abawbench.tuning.steps.kinds import STEPS, steps_for
from abawbench.tuning.steps.transforms import candidates
from abawbench.tuning.steps.tuned import Bounds, Estimate, Fitted, Report, Tuned, identity_of, truth_hash
from abawbench.tuning.use import use_of_weights


@dataclass(frozen=True, slots=True)
class Settings:
    """What is tuned, and how it is judged.

    Attributes:
        steps: names of the kinds of steps.
        folds: number of folds.
        repeats: number of times that the folds are dealt.
        online: True for steps that need no answer of the future.
        plateau: True to take the middle of a flat top, not its peak.
        missing: fill policy for annotated rows without an answer: `error`, `previous` or `nearest`.
        allow_filled: greatest share of filled rows among the annotated ones.
    """

    steps: frozenset[str] = frozenset(STEPS)
    folds: int = 5
    repeats: int = 20
    online: bool = False
    plateau: bool = False
    missing: Policy = "error"
    allow_filled: float = MOST_FILLED


def tune(
    challenge: Challenge,
    truth: Table,
    store: Store,
    settings: Settings,
    *,
    gate: Store | None = None,
    resampling: Resampling = USUAL,
    tell: Callable[[str], None] = lambda _: None,
) -> tuple[Tuned, Mapping[str, CrossFit]]:
    """Tune the answers of a store on annotated videos.

    Args:
        challenge: the challenge.
        truth: annotated rows.
        store: predictions of an entry for them.
        settings: what is tuned.
        gate: predictions of another entry, for gates.
        resampling: number of resamples, seed of folds and resamples, and subjects that stay together, if any.
        tell: called with what is done now.

    Returns:
        The tuned values, and what they are worth: for the `score`, and where it has several, for each `terms.<task>`.

    Raises:
        ProblemError: C02 a challenge without a score, or settings that cannot be used, P07 a store without an answer to
            any of its tasks, T10 or T13 a task that cannot be judged, D24 fewer videos than folds, and what `pair` and
            `read_stream` raise.
    """
    _require_settings(settings, gate)
    _require_score(challenge, store)
    stream = read_stream(store, challenge)
    other = None if gate is None else read_stream(gate, challenge)
    paired, rows, sizes = labelled(
        challenge, truth, stream, settings.missing, settings.allow_filled, resampling.subjects
    )
    plan = Plan.of(sizes, resampling, settings.folds, settings.repeats)
    parts: dict[str, CrossFit] = {}
    steps: dict[str, Combination] = {}
    notes = list(_notes(stream, len(sizes)))
    for one in (store,) if gate is None else (store, gate):
        notes += _fitted_before(challenge, truth, one)
    for name, own in rows.items():
        told = _Told(name, tell)
        if gate is not None and "gate" in settings.steps & set(steps_for(own.task)) and not can_gate(gate, own.task):
            notes.append(f"{name}: no gate, since {gate.card.name} does not answer all of it")
        procedure = _procedure(challenge, own, stream, other, store, gate, settings, told)
        parts[f"terms.{name}"] = crossfit(procedure, replace(plan, progress=told.resamples))
        steps[name] = procedure.steps(procedure.fit(np.ones((1, own.clusters)))[0])
        notes += [f"{name}: {note}" for note in procedure.notes]
    figures = {"score": added(list(parts.values())), **(parts if len(parts) > 1 else {})}
    report = Report(
        {name: estimate_of(figure) for name, figure in figures.items()},
        folds=settings.folds,
        repeats=settings.repeats,
        clusters=len(sizes),
        unit="video" if resampling.subjects is None else "subject",
        resamples=resampling.resamples,
        level=LEVEL,
        seed=resampling.seed,
        notes=tuple(notes),
    )
    annotated = np.unique(truth.video[np.logical_or.reduce(list(paired.valid.values()))])
    fitted = Fitted(
        entry=store.card.name,
        identity=identity_of(store),
        store=store.key,
        truth_sha256=truth_hash(challenge, truth),
        videos=tuple(sorted(truth.videos[place] for place in annotated.tolist())),
    )
    return Tuned(challenge.id, challenge.fingerprint, fitted, report, steps), figures


@dataclass(frozen=True, slots=True)
class _Told:
    """Tells of the progress with a task."""

    task: str
    tell: Callable[[str], None]

    def __call__(self, text: str) -> None:
        self.tell(f"{self.task}: {text}")

    def resamples(self, done: int, total: int) -> None:
        # a few lines in all
        if done % max(1, total // 4) == 0 and done < total:
            self(f"{done:,} of {total:,} resamples")


def _procedure(
    challenge: Challenge,
    rows: Labelled,
    stream: Stream,
    other: Stream | None,
    store: Store,
    gate: Store | None,
    settings: Settings,
    tell: Callable[[str], None],
) -> Procedure:
    flat = FLAT if settings.plateau else None
    named = (gate.card.name, identity_of(gate)) if gate is not None and can_gate(gate, rows.task) else None
    lists = candidates(rows.task, online=settings.online, other=named)
    if stream.valid.all():
        lists.pop("fill", None)
    is_answered = bool(covered(store.card, rows.task))
    stages = [
        Stage(name, options)
        for name, options in lists.items()
        if name in settings.steps and len(options) > 1 and is_answered
    ]
    answers = StreamAnswers(rows, stream, other)
    last_step = last_step_of(challenge, rows, answers(()), set(settings.steps) if is_answered else set(), flat)
    return Procedure(last_step, stages, answers, flat, tell)


def open_answers(path: Path) -> Store:
    """Open the store that is tuned, or that a gate names. Raises: ProblemError C02 no store, P02 a damaged one."""
    if not is_store(path):
        fix = "give the store; files of decided values hold no probabilities to tune"
        raise ProblemError(Problem("C02", "no store", "a store of `predict`", fix, str(path)))
    return open_store(path)


def estimate_of(figure: CrossFit) -> Estimate:
    """What a file of tuned values says of a figure."""
    interval, gain = (_bounds(figure.interval(name)) for name in ("cross_fitted", "gain"))
    return Estimate(figure.before, figure.in_sample, figure.cross_fitted, interval, gain)


def _bounds(interval: list[float] | None) -> Bounds | None:
    return None if interval is None else (interval[0], interval[1])


def _require_settings(settings: Settings, gate: Store | None) -> None:
    """Raises: ProblemError C02, a fill policy that cannot be used, steps that there are not, a gate to nothing."""
    if settings.missing not in COPYING:
        found, expected = f"fill policy '{settings.missing}'", " or ".join(COPYING)
        raise ProblemError(Problem("C02", found, expected, "name one of these, or none"))
    unknown = sorted(settings.steps - set(STEPS))
    if unknown:
        expected = near_names(unknown[0], list(STEPS))
        raise ProblemError(Problem("C02", f"step '{unknown[0]}'", expected, "correct the name", count=len(unknown)))
    if settings.steps == frozenset({"gate"}) and gate is None:
        fix = "name it: --gate STORE"
        raise ProblemError(Problem("C02", "a gate to no entry", "the store of another entry", fix))


def _require_score(challenge: Challenge, store: Store) -> None:
    """Raises: ProblemError, the challenge has no score or the store does not answer any of its tasks."""
    if not challenge.metric.terms:
        found, expected = f"{challenge.id}, whose official metric is not settled", "a challenge with a score"
        raise ProblemError(Problem("C02", found, expected, "name another challenge"))
    require_answers(store, challenge)


def _notes(stream: Stream, clusters: int) -> Iterator[str]:
    if stream.assumed:
        yield f"{stream.assumed} units without times: {ASSUMED_RATE:g} frames a second (assumed)"
    if clusters == MOST_CLUSTERS:
        yield f"videos or pictures are joined to {MOST_CLUSTERS:,} groups, which folds and resamples keep together"


def _fitted_before(challenge: Challenge, truth: Table, store: Store) -> Iterator[str]:
    """A note where the answers are those of an ensemble that was fitted on the same videos."""
    use = use_of_weights(store.root, challenge, truth)
    if use is not None and use.is_in_sample:
        yield (
            f"the {use.steps[0]} {store.root} was fitted on {use.overlap} of these videos: the cross-fitted figures "
            "flatter, too"
        )

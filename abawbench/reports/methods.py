"""A paragraph for the methods section of a paper: how a score was computed, as a record has it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from abawbench.base.installed import VERSION
from abawbench.base.number_text import format_figure, format_interval
from abawbench.challenges import Challenge, is_assumed
from abawbench.fill import describe
from abawbench.records import Disclosure, Record, TunedUse
from abawbench.scoring import Score
from abawbench.scoring.intervals import KINDS, quoted

# parts of a metric that sources may leave open, and what they decide
OPEN = {
    "metric.pooling": "which rows are pooled",
    "metric.absent_class": "the F1 of a class without a row",
    "metric.constant_series": "the coefficient of a constant series",
}


@dataclass(frozen=True, eq=False)
class Facts:
    """What a paragraph tells.

    Attributes:
        fingerprint: fingerprint of the challenge's definition.
        dataset: name of the data; None for the challenge's own.
        split: split that was scored; None where it is not said.
        rows: numbers of rows: truth, predicted, and by task valid.
        units: number of units of the truth.
        policy: fill policy for annotated rows without a prediction.
        filled: number of filled rows by policy.
        intervals: intervals of a score with their settings, as plain data.
        disclosure: what the author of a record discloses; None for a score without a record.
        tuned: the tuned values of the prediction; None where none were used or nothing is known of it.
        versions: versions of the software by name.
    """

    fingerprint: str
    dataset: str | None
    split: str | None
    rows: Mapping[str, Any]
    units: int
    policy: str
    filled: Mapping[str, int]
    intervals: Mapping[str, Any]
    disclosure: Disclosure | None
    tuned: TunedUse | None
    versions: Mapping[str, str]

    @staticmethod
    def of_record(record: Record) -> Facts:
        """The facts of a record."""
        return Facts(
            fingerprint=record.fingerprint,
            dataset=record.dataset,
            split=record.split,
            rows=record.rows.model_dump(),
            units=record.rows.units,
            policy=record.fill.policy,
            filled=record.fill.rows,
            # a record from before the jackknife has none, which is not the same as an undefined one
            intervals=record.intervals.model_dump(exclude_unset=True),
            disclosure=record.disclosure,
            tuned=record.tuned,
            versions=record.versions.model_dump(),
        )

    @staticmethod
    def of_score(score: Score, policy: str) -> Facts:
        """The facts of a score without a record.

        Args:
            score: the score.
            policy: fill policy that the score was made with.
        """
        return Facts(
            fingerprint=score.fingerprint,
            dataset=None,
            split=score.size.split if score.size.verdict == "official size" else None,
            rows=score.rows,
            units=score.counts.units,
            policy=policy,
            filled=score.filled,
            intervals=score.intervals,
            disclosure=None,
            tuned=None,
            versions={"abawbench": VERSION},
        )


def methods(challenge: Challenge, facts: Facts) -> str:
    """The paragraph as plain text, one sentence after the other."""
    return " ".join(_sentences(challenge, facts))


def _sentences(challenge: Challenge, facts: Facts) -> Iterator[str]:
    data = facts.dataset or challenge.dataset
    where = f"the {facts.split} split of {data}" if facts.split else f"labels in the format of {data}"
    edition = f"edition {challenge.edition} of ABAW, {challenge.venue}" if challenge.edition else challenge.venue
    yield (
        f"Predictions for {challenge.title} ({challenge.id}, {edition}) were scored on {where} "
        f"by {challenge.metric.formula}, computed over {challenge.metric.pooling}."
    )
    valid = ", ".join(f"{count:,} for {task.replace('_', ' ')}" for task, count in facts.rows["valid"].items())
    yield f"The truth has {facts.rows['truth']:,} rows in {facts.units:,} units; {valid} are annotated and count."
    filled = sum(facts.filled.values())
    if filled:
        yield (
            f"{filled:,} annotated rows without a prediction were filled under the policy {facts.policy}: "
            f"{describe(facts.filled)}."
        )
    else:
        yield "Every annotated row has a prediction."
    yield from _on_intervals(facts)
    yield from _on_tuning(facts)
    yield from _on_disclosure(facts)
    open_parts = [what for name, what in OPEN.items() if name in challenge.sources and is_assumed(challenge, name)]
    if open_parts:
        yield f"The organisers do not state {_listed(open_parts)}; these are assumed."
    names = {"abawbench": "abawbench", "numpy": "NumPy", "python": "Python"}
    versions = [f"{names.get(name, name)} {version}" for name, version in facts.versions.items()]
    yield f"Scores were computed with {_listed(versions)} (definition {facts.fingerprint})."


def _on_intervals(facts: Facts) -> Iterator[str]:
    sizes = facts.intervals
    found = quoted(sizes["score"])
    if found is None:
        return
    kind, level, clusters = found[0], f"{sizes['level']:.0%}", f"{sizes['clusters']:,} {sizes['unit']}s"
    if kind == KINDS["jackknife"]:
        yield f"Intervals are {level} intervals by the jackknife, which leaves out one of {clusters} at a time."
    else:
        how = f"{sizes['resamples']:,} resamples of {clusters} with seed {sizes['seed']}"
        yield f"Intervals are {level} {kind} intervals from {how}."


def _on_tuning(facts: Facts) -> Iterator[str]:
    if facts.tuned is None:
        return
    steps = _listed(list(facts.tuned.steps))
    yield f"Answers were post-processed with tuned values ({steps})."
    if facts.tuned.is_in_sample:
        yield f"These were fitted on {facts.tuned.overlap} of the scored videos, so the score is in-sample."
    known = facts.tuned.cross_fitted.get("score")
    if known is not None:
        bounds = "" if known.interval is None else f" (95% interval {format_interval(known.interval)})"
        yield f"The cross-fitted score is {format_figure(known.value)}{bounds}."


def _on_disclosure(facts: Facts) -> Iterator[str]:
    told = facts.disclosure
    if told is None:
        return
    yield f"Training data: {_listed(told.trained_on) if told.trained_on else 'none'}."
    yield f"The validation labels were used for {told.validation_used_for}."
    yield f"Thresholds, windows and weights of ensembles come from: {told.thresholds_from}."
    yield (
        f"{told.trials:,} prediction{'s' * (told.trials > 1)} had been scored on this split when this one was chosen, "
        "itself included."
    )
    yield f"Face crops: {told.crops}; licence of code and weights: {told.licence}."
    if told.synthetic_truth:
        yield "The truth is generated, not annotated."


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"

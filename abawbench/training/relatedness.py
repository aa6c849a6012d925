"""The table of relatedness of a training: where it comes from, what it is mixed with, and whether it holds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from abawbench.base.problems import Problem, ProblemError
from abawbench.challenges import Task
from abawbench.models.label_mixtures import (
    CHANCE,
    Comparison,
    LabelRows,
    compare,
    fit_shares,
    learn_table,
    log_likelihood,
    mixture_log_likelihood,
    share_of_better_permutations,
)
from abawbench.models.relatedness_files import read_relatedness
from abawbench.models.relatedness_tables import (
    TRAINING,
    base_rates,
    count_relatedness,
    estimate_relatedness,
    expert_table,
    smoothed,
)
from abawbench.models.settings import CouplingSettings
from abawbench.table import Floats, Mask, Table

# begins every sentence about a table
NOTE = "relatedness: "
# training rows that a check looks at, spread over all of them, and parts of the videos, of which each is held out once
CHECKED_ROWS, PARTS = 2_000, 5
# rows with a class and labels that a check by classes needs
LEAST_ROWS = 30


@dataclass(frozen=True, eq=False)
class Relatedness:
    """A table of relatedness of two tasks.

    Attributes:
        shares: shares from 0 to 1, NaN where not known, shape (classes, labels).
        likelihood: the same mixed with base rates, and learned where that is wanted; NaN in classes of which nothing is
            known.
        notes: what a check of the table found, in sentences.
    """

    shares: Floats
    likelihood: Floats
    notes: tuple[str, ...]


def make_relatedness(settings: CouplingSettings, classes: Task, labels: Task, truth: Table) -> Relatedness:
    """Make the table of a coupling, and check it on training rows.

    Args:
        settings: settings of the coupling.
        classes: task of the classes.
        labels: task of the labels.
        truth: truth of the training split.

    Raises:
        ProblemError: E17, a table that cannot be read or estimated; F01 as `read_relatedness`.
    """
    rows = label_rows(classes, labels, truth)
    source = _Source(settings, classes, labels)
    shares = source.shares(rows)
    mixed = table = source.mixed(rows, shares)
    notes: list[str] = []
    unknown = np.isnan(shares)
    if unknown.any():
        counted = int((unknown & ~np.isnan(table)).sum())
        further = f"; likelihood coupling takes {counted:,} of them from training labels" if counted else ""
        notes.append(f"{NOTE}{unknown.sum():,} of {shares.size:,} cells are not known{further}")
    if "likelihood" in settings.terms and settings.likelihood.learned:
        table, note = _learned(settings, rows, mixed)
        notes.append(f"{NOTE}{note}")
    if not (shares > 0).any() and set(settings.terms) == {"likelihood"}:
        # what is left out as too few rows or too small a share still counts beside base rates
        shares = table
    learned = None if table is mixed else table
    return Relatedness(shares, table, (*notes, f"{NOTE}{_check(source, rows, shares, mixed, learned)}"))


def label_rows(classes: Task, labels: Task, truth: Table) -> LabelRows:
    """The rows of a table that have a class or labels; videos are their groups, or rows where there is one video."""
    number, known = classes.annotations_of(truth)
    shown, annotated = labels.annotations_of(truth)
    group = truth.video if len(truth.videos) > 1 else np.arange(len(truth.video))
    numbers = np.where(known, number, -1).astype(np.int64)[:, 0]
    rows = LabelRows(numbers, shown, annotated, group.astype(np.int64))
    return rows.take((numbers >= 0) | annotated.any(1))


@dataclass(frozen=True, eq=False)
class _Source:
    """Where a table comes from: experts, a file, or counts."""

    settings: CouplingSettings
    classes: Task
    labels: Task

    @property
    def is_counted(self) -> bool:
        return self.settings.table is None and self.settings.relatedness == "estimated"

    def shares(self, rows: LabelRows) -> Floats:
        settings, classes, labels = self.settings, self.classes, self.labels
        if settings.table is not None:
            return read_relatedness(settings.table, classes.outputs, labels.outputs)
        if settings.relatedness == "expert":
            return expert_table(classes.outputs, labels.outputs)
        if not _with_both(rows).any():
            found = f"no training row is annotated for both {classes.name} and {labels.name}"
            fix = "name a file (training.coupling.table), or take the expert table"
            raise ProblemError(Problem("E17", found, "rows with both, to estimate relatedness on", fix))
        shares = estimate_relatedness(
            rows.classes,
            rows.labels,
            rows.annotated,
            classes=classes.width,
            minimum=settings.least_rows,
            threshold=settings.threshold,
            split=TRAINING,
        )
        if np.isnan(shares).all() and set(settings.terms) != {"likelihood"}:
            most = np.bincount(rows.classes[_with_both(rows)]).max()
            found = f"no class has more than {most} training rows that are annotated for both tasks"
            fix = "lower training.coupling.least_rows, or name a file (training.coupling.table)"
            raise ProblemError(Problem("E17", found, f"{settings.least_rows} rows of a class", fix))
        return shares

    def mixed(self, rows: LabelRows, shares: Floats) -> Floats:
        """The table mixed with base rates; `shares` count where the table is not counted.

        A class that a given table says nothing of, as the expert's of Other, is counted where rows hold both.
        """
        options = self.settings.likelihood
        base = base_rates(rows.labels, rows.annotated)
        shown, annotated = count_relatedness(
            rows.classes,
            rows.labels,
            rows.annotated,
            classes=self.classes.width,
            split=TRAINING,
        )
        share = np.where(annotated > 0, shown / np.maximum(annotated, 1), np.nan)
        counted = smoothed(share, base, annotated, options.pseudo_rows)
        if self.is_counted:
            return counted
        given = smoothed(shares, base, options.given_rows, options.pseudo_rows)
        return np.where(np.isnan(given), counted, given)


def _learned(settings: CouplingSettings, rows: LabelRows, table: Floats) -> tuple[Floats, str]:
    """The table learned on four of five parts of the videos, if it explains the labels of the fifth better."""
    own = rows.take(rows.annotated.any(1) & _usable(rows, table))
    held_out = _part(own) == 0
    if held_out.all() or not held_out.any():
        return table, "too few videos with labels to learn a table; it stays as it is"
    options = settings.likelihood
    train, rest = own.take(~held_out), own.take(held_out)
    learned = learn_table(train, table, options.given_rows + options.pseudo_rows)

    def explained(own_table: Floats) -> Floats:
        shares = fit_shares(log_likelihood(train, own_table))
        return mixture_log_likelihood(log_likelihood(rest, own_table), shares)

    found = compare(explained(learned) - explained(table), rest.group)
    if found.is_better:
        return learned, f"the learned table explains held-out labels better ({_describe(found)})"
    return table, f"a learned table explains held-out labels no better ({_describe(found)}); not used"


def _check(source: _Source, rows: LabelRows, shares: Floats, mixed: Floats, learned: Floats | None) -> str:
    """Whether the table explains the labels of training rows, in a sentence."""
    table = mixed if learned is None else learned
    usable = rows.annotated.any(1) & _usable(rows, table)
    both = usable & (rows.classes >= 0)
    if both.sum() >= LEAST_ROWS:
        found = _gain_over_base_rates(source, _spread(rows, both), shares, learned)
        if found.is_better:
            return f"the table explains held-out labels better than base rates do ({_describe(found)})"
        return (
            f"WARNING: the table explains the labels of held-out training rows no better than base rates do "
            f"({_describe(found)}): the coupling may do harm; compare with a training without it"
        )
    alone = _spread(rows, usable).without_classes()
    if len(alone) < LEAST_ROWS or np.isfinite(table).all(1).sum() < 2:
        return "too few training rows with labels to check the table on"
    share = share_of_better_permutations(alone, table)
    scale = f"{share:.0%} of permuted tables explain the labels of {len(alone):,} training rows better"
    untold = "too few rows hold both tasks to check its names"
    if share <= CHANCE:
        return f"{scale}; {untold}"
    return (
        f"WARNING: {scale}: the table says little of which labels go together, and the coupling may do harm; compare "
        f"with a training without it; {untold}"
    )


def _gain_over_base_rates(source: _Source, rows: LabelRows, shares: Floats, learned: Floats | None) -> Comparison:
    """The gain over base rates; what is counted, base rates too, is counted on the other parts of the videos."""
    part = _part(rows)
    gains = np.zeros(len(rows))
    for number in np.unique(part):
        held_out = part == number
        others, own = rows.take(~held_out), rows.take(held_out)
        base = base_rates(others.labels, others.annotated)
        used = source.mixed(others, shares) if learned is None else learned
        # a class without rows in the other parts has its labels at base rates
        used = np.where(np.isnan(used), base, used)
        reached = log_likelihood(own, used)[np.arange(len(own)), own.classes]
        gains[held_out] = reached - log_likelihood(own, base[None])[:, 0]
    return compare(gains, rows.group)


def _with_both(rows: LabelRows) -> Mask:
    return np.asarray((rows.classes >= 0) & rows.annotated.any(1), np.bool_)


def _usable(rows: LabelRows, table: Floats) -> Mask:
    """True for rows without a class, or of a class of which something is known."""
    is_class = np.isfinite(table).all(1)
    return (rows.classes < 0) | np.take(is_class, rows.classes)


def _part(rows: LabelRows) -> np.ndarray:
    _, place = np.unique(rows.group, return_inverse=True)
    return place % PARTS


def _spread(rows: LabelRows, wanted: Mask) -> LabelRows:
    """At most `CHECKED_ROWS` of the wanted rows, spread over all of these."""
    places = np.flatnonzero(wanted)
    step = -(-len(places) // CHECKED_ROWS)
    return rows.take(places[:: max(step, 1)])


def _describe(found: Comparison) -> str:
    return f"{found.gain:+.2f} ± {found.error:.2f} nats a row, {found.rows:,} rows"

"""Mixtures of labels by class: how well a table of relatedness explains labels, and tables learned from labels.

Every class c has a share pi_c, and shows label i with probability W_ci, independently of the others.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from abawbench.models import likelihood
from abawbench.models.relatedness_tables import Floats, Mask

Rows = NDArray[np.int64]
STEPS = 50
# permuted tables that a table is compared with, and the share of them that may explain labels better by chance
PERMUTED = 49
CHANCE = 0.05
# standard errors that a gain must be above 0
STANDARD_ERRORS = 2.0


@dataclass(frozen=True, eq=False)
class LabelRows:
    """Rows with labels, some of them with a class.

    Attributes:
        classes: class numbers, -1 where not annotated, shape (rows,).
        labels: labels, 0 or 1, anything where not annotated, shape (rows, labels).
        annotated: True where a label is annotated, shape (rows, labels).
        group: number of the video of each row, or of whatever else makes rows alike, shape (rows,).
    """

    classes: Rows
    labels: Floats
    annotated: Mask
    group: Rows

    def __len__(self) -> int:
        return len(self.classes)

    def take(self, rows: Mask | Rows) -> LabelRows:
        """The rows under a mask, or of these numbers."""
        return LabelRows(self.classes[rows], self.labels[rows], self.annotated[rows], self.group[rows])

    def without_classes(self) -> LabelRows:
        """The same labels, with no class annotated."""
        return replace(self, classes=np.full(len(self), -1))


def log_likelihood(rows: LabelRows, table: Floats) -> Floats:
    """Log likelihood of the annotated labels of each row, given each class, shape (rows, classes).

    As `abawbench.models.likelihood.log_likelihood`, of arrays.
    """
    labels, annotated, shares = (
        torch.from_numpy(np.ascontiguousarray(part)) for part in (rows.labels, rows.annotated, table)
    )
    return likelihood.log_likelihood(labels, annotated, shares).numpy()


def fit_shares(evidence: Floats, *, steps: int = STEPS) -> Floats:
    """The shares of classes under which labels are most likely, by expectation and maximisation; shape (classes,).

    Args:
        evidence: log likelihoods from `log_likelihood`, shape (rows, classes).
        steps: number of steps.
    """
    is_class = np.isfinite(evidence).all(0) if len(evidence) else np.ones(evidence.shape[1], bool)
    shares = is_class / is_class.sum()
    # the largest factor of each row cancels
    odds = np.exp(evidence - evidence.max(1, keepdims=True, initial=-np.inf))
    for _ in range(steps if len(evidence) else 0):
        joint = odds * shares
        # one row more, spread over all classes, keeps every share above 0
        total = (joint / joint.sum(1, keepdims=True)).sum(0) + is_class / is_class.sum()
        shares = total / total.sum()
    return shares


def mixture_log_likelihood(evidence: Floats, shares: Floats) -> Floats:
    """Log likelihood of the labels of each row whatever its class, shape (rows,)."""
    with np.errstate(divide="ignore"):
        joint = evidence + np.log(shares)
    most = joint.max(1, keepdims=True)
    return most[:, 0] + np.log(np.exp(joint - most).sum(1))


def learn_table(rows: LabelRows, table: Floats, strength: float, *, steps: int = STEPS) -> Floats:
    """Learn a table from labels by expectation and maximisation, from a table that the classes keep their meaning by.

    A row without a class counts for every class by its probability given the row's labels.

    Args:
        rows: training rows.
        table: table to begin with, without NaN but in classes of which nothing is known; shape (classes, labels).
        strength: number of rows that each cell of that table is worth, above 0.
        steps: number of steps.

    Returns:
        Shape (classes, labels); classes of which nothing is known stay so.

    Source: semi-supervised latent class analysis; Dempster, Laird and Rubin 1977, J. R. Stat. Soc. B 39(1).
    """
    on = np.where(rows.annotated, rows.labels, 0).astype(np.float64)
    seen = rows.annotated.astype(np.float64)
    named = rows.classes >= 0
    given = np.zeros((len(rows), len(table)))
    given[named, rows.classes[named]] = 1
    learned = table
    for _ in range(steps):
        evidence = log_likelihood(rows, learned)
        free = evidence[~named]
        joint = np.exp(free - free.max(1, keepdims=True, initial=-np.inf)) * fit_shares(free, steps=5)
        given[~named] = joint / joint.sum(1, keepdims=True)
        learned = (given.T @ on + strength * table) / (given.T @ seen + strength)
    return learned


@dataclass(frozen=True, slots=True)
class Comparison:
    """How much better one table explains rows than another.

    Attributes:
        gain: mean gain of log likelihood a row, in nats.
        error: standard error of the gain over groups; infinite with one group.
        rows: number of rows.
    """

    gain: float
    error: float
    rows: int

    @property
    def is_better(self) -> bool:
        """True where the gain is more than chance."""
        return self.gain > STANDARD_ERRORS * self.error


def compare(gains: Floats, group: Rows) -> Comparison:
    """The mean of the gains of rows, with its error over groups.

    >>> compare(np.array([1.0, 1.0, 3.0, 3.0]), np.array([0, 0, 1, 1]))
    Comparison(gain=2.0, error=1.0, rows=4)
    """
    _, place = np.unique(group, return_inverse=True)
    count, total = np.bincount(place), np.bincount(place, gains)
    groups, mean = len(count), gains.mean()
    # the error of a ratio of sums over groups
    spread = np.sqrt(((total - count * mean) ** 2).sum() * groups / max(groups - 1, 1)) / len(gains)
    return Comparison(float(mean), float(spread) if groups > 1 else float("inf"), len(gains))


def share_of_better_permutations(rows: LabelRows, table: Floats, seed: int = 0) -> float:
    """The share of tables with permuted columns that explain labels better than the table does, whatever the classes.

    Each column is permuted by itself, which keeps how often a label is shown and destroys which labels go together.
    A table under other names of classes explains labels as well: nothing but rows with a class can tell them apart.

    Args:
        rows: rows with labels; their classes are not used.
        table: table without NaN but in classes of which nothing is known, which are left out; shape (classes, labels).
        seed: seed of the permutations.
    """
    own = table[~np.isnan(table).any(1)]
    random = np.random.default_rng(seed)
    reached = _explained(rows, own)
    others = [_explained(rows, random.permuted(own, axis=0)) for _ in range(PERMUTED)]
    return sum(other > reached + 1e-9 for other in others) / PERMUTED


def _explained(rows: LabelRows, table: Floats) -> float:
    evidence = log_likelihood(rows, table)
    return float(mixture_log_likelihood(evidence, fit_shares(evidence, steps=10)).mean())

"""Averages of ranks: what members agree on counts, not how sure each of them says it is.

- Labels: a probability is replaced by its rank among the frames that the ensemble was fitted on. The mean rank is
  ranked again, as means lie closer to the middle, and the mean of the members' quantiles makes it a probability.
- Classes: probabilities are replaced by their ranks within the frame, which sum to 1 as probabilities do.
- Numbers are averaged as they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from abawbench.challenges import Categorical, MultiLabel, Task
from abawbench.entries.outputs import THRESHOLD
from abawbench.table import Floats

# shares of the frames at which quantiles are kept, close together at both ends, where rare labels are decided
GRID: Floats = np.concatenate(([0.0], 1 / (1 + np.exp(-np.linspace(-8, 8, 129))), [1.0]))
# frames, evenly spaced, that mean ranks are ranked among
SAMPLE = 8192


@dataclass(frozen=True, eq=False)
class LabelRanks:
    """What turns the probabilities of a task's labels into ranks, and mean ranks into probabilities.

    Attributes:
        members: quantiles of each member's probabilities, shape (members, width, quantiles).
        sample: ranks of some frames, shape (members, frames, width).
    """

    members: Floats
    sample: Floats

    @staticmethod
    def of(answers: Floats) -> LabelRanks:
        """The ranks among these answers, without NaN, shape (members, frames, width)."""
        quantiles = np.moveaxis(np.quantile(answers, GRID, axis=1), 0, -1)
        step = -(-answers.shape[1] // SAMPLE)
        return LabelRanks(quantiles, to_ranks(answers[:, ::step], quantiles))

    def mean_quantiles(self, weights: Floats) -> Floats:
        """Quantiles of the weighted mean rank of each label, shape (width, quantiles)."""
        mean = np.einsum("m,mfc->cf", weights / weights.sum(), self.sample)
        ordered = np.sort(mean, axis=1)
        place = GRID * (ordered.shape[1] - 1)
        return np.stack([np.interp(place, np.arange(ordered.shape[1]), own) for own in ordered])

    def threshold(self, weights: Floats) -> Floats:
        """The mean rank that becomes a probability of 0.5, shape (width,); above 1 where no mean rank does."""
        bounds: list[float] = []
        for own, of_mean in zip(_blended(weights, self.members), self.mean_quantiles(weights), strict=True):
            least = _inverse(THRESHOLD, GRID, own)
            known, share = _steps(of_mean)
            bounds.append(_inverse(least, known, share))
        return np.array(bounds)


def _inverse(value: float, points: Floats, heights: Floats) -> float:
    """The least point at which interpolated, rising heights reach a value; 0 where all do, 2 where none does."""
    place = int(np.searchsorted(heights, value))
    if place == 0:
        return 0.0
    if place == len(heights):
        return 2.0
    share = (value - heights[place - 1]) / (heights[place] - heights[place - 1])
    return float(points[place - 1] + share * (points[place] - points[place - 1]))


def to_ranks(answers: Floats, quantiles: Floats) -> Floats:
    """Probabilities of labels as ranks from 0 to 1, shape (members, frames, width); NaN stays NaN.

    Args:
        answers: probabilities, shape (members, frames, width).
        quantiles: quantiles of each member, shape (members, width, quantiles).
    """
    return np.stack([_rank_columns(own, known) for own, known in zip(answers, quantiles, strict=True)])


def from_ranks(mean: Floats, weights: Floats, quantiles: Floats, mean_quantiles: Floats) -> Floats:
    """Probabilities of labels from weighted mean ranks, shape (frames, width).

    Args:
        mean: mean ranks, shape (frames, width).
        weights: weight of each member, shape (members,).
        quantiles: quantiles of each member, shape (members, width, quantiles).
        mean_quantiles: quantiles of the mean ranks, shape (width, quantiles); see `LabelRanks`.
    """
    ranks = _rank_columns(mean, mean_quantiles)
    known = _blended(weights, quantiles)
    return np.stack([np.interp(column, GRID, own) for column, own in zip(ranks.T, known, strict=True)], axis=-1)


def ranks_of_classes(answers: Floats) -> Floats:
    """Ranks of probabilities within each frame, equal ones sharing theirs, divided by their sum.

    Args:
        answers: shape (members, frames, classes); NaN stays NaN.

    >>> ranks_of_classes(np.array([[[0.7, 0.2, 0.1]]])).round(3).tolist()
    [[[0.667, 0.333, 0.0]]]
    """
    classes = answers.shape[-1]
    ranks = np.zeros_like(answers)
    for other in range(classes):
        column = answers[..., other, None]
        ranks += (column < answers) + 0.5 * (column == answers)
    # a class is as probable as itself
    ranks = (ranks - 0.5) / (classes * (classes - 1) / 2)
    return np.where(np.isnan(answers), np.nan, ranks)


def _rank_columns(values: Floats, quantiles: Floats) -> Floats:
    return np.stack([np.interp(column, *_steps(own)) for column, own in zip(values.T, quantiles, strict=True)], axis=-1)


def _steps(quantiles: Floats) -> tuple[Floats, Floats]:
    """The different quantiles, and the share of frames below each, where half of its equals count as below."""
    known, place, count = np.unique(quantiles, return_index=True, return_counts=True)
    return known, (GRID[place] + GRID[place + count - 1]) / 2


def _blended(weights: Floats, quantiles: Floats) -> Floats:
    """The weighted mean of the members' quantiles, shape (width, quantiles)."""
    return np.einsum("m,mcq->cq", weights / weights.sum(), quantiles)


def ranks_for(task: Task, answers: Floats) -> tuple[Floats, LabelRanks | None]:
    """The answers to a task as ranks, and for labels what they are ranked by; numbers stay as they are.

    Args:
        task: the task.
        answers: answers without NaN, shape (members, frames, width).
    """
    if isinstance(task, MultiLabel):
        ranks = LabelRanks.of(answers)
        return to_ranks(answers, ranks.members), ranks
    return (ranks_of_classes(answers) if isinstance(task, Categorical) else answers), None

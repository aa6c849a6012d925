"""Assigns groups to folds, so that every count is shared as evenly as the groups allow."""

from __future__ import annotations

import numpy as np

from abawbench.table import Floats, Rows

# with more groups, trying every swap of two costs too much and gains too little
SWAPPED = 1000
STARTS = 5


def stratify(counts: Floats, weights: Floats, folds: int, seed: int = 0) -> Rows:
    """Assign each group to a fold.

    The groups with the largest shares are assigned first, each to the fold that has least of the group's counts. Then
    single groups are moved and pairs are swapped, as long as that lowers the weighted sum of squared differences
    between the share that each fold has of a count and an equal share. Of a few such assignments in slightly different
    order, the most even one is taken. The same counts and seed give the same folds.

    Args:
        counts: counts of each group, shape (groups, counts), not negative; every column has a positive total.
        weights: weight of an uneven share of each count, shape (counts,).
        folds: number of folds, at most the number of groups.
        seed: seed of the order in which groups are assigned; another seed gives other folds, about as even.

    Returns:
        The number of each group's fold, shape (groups,), from 0; no fold is empty.

    Source: greedy step after Sechidis, Tsoumakas and Vlahavas 2011, On the stratification of multi-label data, ECML
    PKDD, applied to groups.
    """
    random = np.random.default_rng(seed)
    # a fold's share of the groups themselves is one more count, so that no fold stays empty
    shares = np.column_stack([counts, np.ones(len(counts))])
    shares = shares / shares.sum(axis=0) * np.sqrt(np.append(weights, weights.mean()))
    size = (shares**2).sum(axis=1)
    best, least = np.zeros(len(counts), np.int64), np.inf
    for _ in range(STARTS if len(counts) <= SWAPPED else 1):
        order = np.argsort(-size * random.uniform(0.7, 1.4, len(counts)), kind="stable")
        fold = _improved(shares, _dealt(shares, order, folds), folds)
        loss = float((_sums(shares, fold, folds) ** 2).sum())
        if loss < least:
            best, least = fold, loss
    return best


def _sums(shares: Floats, fold: Rows, folds: int) -> Floats:
    """The shares of each fold, shape (folds, counts)."""
    sums = np.zeros((folds, shares.shape[1]))
    np.add.at(sums, fold, shares)
    return sums


def _dealt(shares: Floats, order: Rows, folds: int) -> Rows:
    fold = np.empty(len(shares), np.int64)
    sums = np.zeros((folds, shares.shape[1]))
    for place, group in enumerate(order.tolist()):
        row = shares[group]
        # adding a row to a fold raises the sum of squares by 2 row.sum + row.row: only the first depends on the fold
        chosen = place if place < folds else int(np.argmin(sums @ row))
        fold[group] = chosen
        sums[chosen] += row
    return fold


def _improved(shares: Floats, fold: Rows, folds: int) -> Rows:
    """The folds after moves and swaps, the best one each time, until none helps."""
    fold = fold.copy()
    rows = np.arange(len(shares))
    sums = _sums(shares, fold, folds)
    own = (shares**2).sum(axis=1)
    inner = shares @ shares.T if len(shares) <= SWAPPED else None
    least = -1e-9 * float(own.sum())
    for _ in range(4 * min(len(shares), SWAPPED)):
        overlap = shares @ sums.T
        at_home = overlap[rows, fold]
        move = 2 * (overlap - at_home[:, None] + own[:, None])
        move[rows, fold] = np.inf
        move[np.bincount(fold, minlength=folds)[fold] == 1] = np.inf
        group, target = divmod(int(np.argmin(move)), folds)
        gain, changes = float(move[group, target]), ((group, target),)
        if inner is not None:
            there = overlap[:, fold]
            swap = there + there.T
            swap -= at_home + at_home[:, None]
            swap += own + own[:, None] - 2 * inner
            swap[fold == fold[:, None]] = np.inf
            one, other = divmod(int(np.argmin(swap)), len(shares))
            if 2 * float(swap[one, other]) < gain:
                gain, changes = 2 * float(swap[one, other]), ((one, int(fold[other])), (other, int(fold[one])))
        if gain >= least:
            break
        for group, target in changes:
            sums[fold[group]] -= shares[group]
            sums[target] += shares[group]
            fold[group] = target
    return fold

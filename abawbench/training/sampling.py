"""Which frames a step sees. Every order depends on a seed and the number of the epoch, and on nothing that went before.

Positions are numbers from 0 into whatever is ordered: rows, crops, videos, segments.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from abawbench.base.problems import Problem, ProblemError
from abawbench.challenges import Categorical, Continuous, Task
from abawbench.entries.baselines.labelled import values_of
from abawbench.table import Floats, Rows, Table

# of a continuous column's range. Source: wtomin/Multitask-Emotion-Recognition-with-Incomplete-Labels
BINS = 20


def epoch_batches(
    sizes: Mapping[str, int],
    batch: int,
    *,
    seed: int,
    epoch: int,
    least: Mapping[str, int] | None = None,
    weights: Mapping[str, Floats] | None = None,
) -> list[dict[str, Rows]]:
    """The steps of an epoch over databases that are seen together.

    Each step has frames of every database, as many as its share of all frames, but not fewer than asked. The database
    that needs the most steps is seen once, in parts that differ by one frame at most; the others begin anew with
    another shuffle as often as needed.

    Args:
        sizes: frames by database, above 0.
        batch: frames of a step, all databases together; more where `least` asks for more.
        seed: of the whole training.
        epoch: its number.
        least: frames of a database in a step, 1 where not named; a concordance wants some 32 (assumed).
        weights: by database, shape (frames,), how often each frame is wanted: at least 0, not all 0; only ratios
            count. A frame comes as often as expected, give or take less than one. All alike where not named.

    Returns:
        For each step, positions by database.

    Raises:
        ProblemError: E19, a database without frames, or a batch with no place.

    Source: sizes proportional to the databases, arXiv:1910.11111 (assumed(paper)); the rest is assumed.

    >>> steps = epoch_batches({"a": 6, "b": 2}, 4, seed=0, epoch=0)
    >>> [{name: len(rows) for name, rows in step.items()} for step in steps]
    [{'a': 3, 'b': 1}, {'a': 3, 'b': 1}]
    """
    _refuse(sizes, batch)
    total = sum(sizes.values())
    shares = {name: max((least or {}).get(name, 1), round(batch * size / total)) for name, size in sizes.items()}
    steps = max(-(-size // shares[name]) for name, size in sizes.items())
    parts: dict[str, list[Rows]] = {}
    for name, size in sizes.items():
        wanted = (weights or {}).get(name)
        if -(-size // shares[name]) == steps:
            parts[name] = np.array_split(_pass(name, size, wanted, seed, epoch, 0), steps)
        else:
            passes = -(-steps * shares[name] // size)
            stream = np.concatenate([_pass(name, size, wanted, seed, epoch, number) for number in range(passes)])
            parts[name] = list(stream[: steps * shares[name]].reshape(steps, shares[name]))
    return [{name: parts[name][step] for name in sizes} for step in range(steps)]


def balancing_weights(task: Task, table: Table, *, most: float = 10.0) -> Floats:
    """How often to see each row of a table so that the values of a task are seen alike.

    One over how frequent a row's own class is; for labels the mean of that over its annotated columns, on and off; for
    continuous columns likewise, over 20 bins of the range.

    Args:
        task: by which to balance.
        table: truth of the training split.
        most: no row is wanted more often than this many times the mean (assumed).

    Returns:
        Shape (rows,), mean 1 before the limit; 1 for rows without a label.
    """
    values, annotated = values_of(task, table)
    if isinstance(task, Continuous):
        position = (values - task.low) / (task.high - task.low) * BINS
        kinds, width = np.clip(np.nan_to_num(position), 0, BINS - 1).astype(np.int64), BINS
    else:
        kinds, width = np.maximum(values, 0).astype(np.int64), len(task.classes) if isinstance(task, Categorical) else 2
    total = np.zeros(len(values))
    for column in range(values.shape[1]):
        rows = annotated[:, column]
        frequency = np.bincount(kinds[rows, column], minlength=width)
        total[rows] += rows.sum() / frequency[kinds[rows, column]]
    columns = annotated.sum(1)
    labelled = columns > 0
    weights = np.ones(len(values))
    if labelled.any():
        weights[labelled] = total[labelled] / columns[labelled]
        weights[labelled] /= weights[labelled].mean()
    return np.minimum(weights, most)


def video_order(videos: int, *, seed: int, epoch: int) -> Rows:
    """The videos, each once, in random order. Shape (videos,)."""
    return _random(seed, epoch, "videos", 0).permutation(videos)


def packs(lengths: Sequence[int] | NDArray[np.integer], frames: int, *, seed: int, epoch: int) -> list[Rows]:
    """Sequences of about the same length together, so that hardly any padding is computed; the packs in random order.

    Which of the sequences of one length meet, and where a pack begins, differs from epoch to epoch.

    Args:
        lengths: frames of each sequence, at least 1.
        frames: a pack has at most so many, padding counted; a longer sequence is a pack of its own.
        seed: of the whole training.
        epoch: its number.

    Returns:
        Positions of sequences, each of them once, the longest of a pack first.
    """
    random = _random(seed, epoch, "packs", 0)
    given = np.asarray(lengths)
    order = random.permutation(len(given))
    order = order[np.argsort(-given[order], kind="stable")]
    result: list[Rows] = []
    start = 0
    while start < len(order):
        fitting = max(frames // int(given[order[start]]), 1)
        # a first pack of random size shifts all that follow
        size = fitting if result else int(random.integers(1, fitting + 1))
        result.append(order[start : start + size])
        start += size
    return [result[place] for place in random.permutation(len(result))]


def _pass(name: str, size: int, weights: Floats | None, seed: int, epoch: int, number: int) -> Rows:
    random = _random(seed, epoch, name, number)
    return random.permutation(size) if weights is None else _drawn(weights, size, random)


def _drawn(weights: Floats, count: int, random: np.random.Generator) -> Rows:
    total = weights.sum()
    if not (len(weights) and np.isfinite(total) and total > 0 and (weights >= 0).all()):
        found = f"{len(weights)} weights that sum to {total:g}"
        raise ProblemError(Problem("E19", found, "numbers from 0, some above", "correct the weights of the frames"))
    order = random.permutation(len(weights))
    # evenly spaced marks on the line of all weights, from a random start
    marks = np.cumsum(weights[order])
    marks *= count / marks[-1]
    marks[marks == marks[-1]] = count
    taken = np.searchsorted(marks, np.arange(count) + random.random(), side="right")
    return random.permutation(order[np.minimum(taken, len(order) - 1)])


def _random(seed: int, epoch: int, name: str, number: int) -> np.random.Generator:
    # the name, not the place: a database more leaves the orders of the others as they were
    return np.random.default_rng([seed, epoch, zlib.crc32(name.encode()), number])


def _refuse(sizes: Mapping[str, int], batch: int) -> None:
    problems = [
        Problem("E19", f"{name} with {size} frames", "a frame at least", "leave it out, or look where its frames are")
        for name, size in sizes.items()
        if size < 1
    ]
    if not sizes:
        problems.append(Problem("E19", "no database", "one at least", "name what to train on"))
    if batch < 1:
        problems.append(Problem("E19", f"a batch of {batch}", "1 at least", "correct the size"))
    if problems:
        raise ProblemError(*problems)

"""The steps of an epoch: the frames that are learned together, and their order. Needs no torch.

Every order depends on a seed and the number of the epoch alone. Positions are indices from 0 of rows, crops, videos or
segments; places are those of `SplitFrames`.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from abawbench.base.problems import Problem, ProblemError
from abawbench.challenges import Task
from abawbench.models.temporal.settings import TemporalSettings
from abawbench.table import Floats, Rows, Table

if TYPE_CHECKING:
    from abawbench.training.data import SplitFrames

# bins of a continuous column's range. Source: wtomin/Multitask-Emotion-Recognition-with-Incomplete-Labels
BINS = 20
Time = Literal["rows", "frames"]


@dataclass(frozen=True, eq=False)
class Step:
    """The frames of one step.

    Attributes:
        places: places of the frames, shape (frames,), one sequence after the other.
        lengths: number of frames of each sequence, shape (sequences,).
        goes_on: True where the sequences continue the first sequences of the step before, from their state.
    """

    places: Rows
    lengths: Rows
    goes_on: bool = False


def frame_steps(
    databases: Mapping[str, Rows], batch: int, seed: int, epoch: int, weights: Mapping[str, Floats] | None = None
) -> list[Step]:
    """Steps of single frames, each with some frames of every database.

    Args:
        databases: places of each database.
        batch: number of frames in a step.
        seed: seed of the training.
        epoch: number of the epoch.
        weights: relative frequency of each place, by database; None to draw each once.
    """
    sizes = {name: len(places) for name, places in databases.items()}
    steps: list[Step] = []
    for drawn in epoch_batches(sizes, batch, seed=seed, epoch=epoch, weights=weights):
        places = np.concatenate([databases[name][chosen] for name, chosen in drawn.items()])
        steps.append(Step(places, np.ones(len(places), np.int64)))
    return steps


def databases_of(frames: SplitFrames, kind: Literal["one", "labels"]) -> dict[str, Rows]:
    """The labelled places of a split: all together, or by the tasks that they have labels for, as `va+expression`."""
    places = np.flatnonzero(frames.labelled)
    if kind == "one":
        return {"all": places}
    known = frames.labelled_for[places]
    sets, member = np.unique(known, axis=0, return_inverse=True)
    tasks = list(frames.targets)
    return {
        "+".join(task for task, has in zip(tasks, row, strict=True) if has): places[member.ravel() == number]
        for number, row in enumerate(sets.tolist())
    }


def segment_steps(
    frames: SplitFrames, temporal: TemporalSettings, time: Time, batch: int, seed: int, epoch: int
) -> list[Step]:
    """Steps of segments that have a label, packed by length until they hold about `batch` frames."""
    spans = np.concatenate([_spans(frames, clip, temporal, time) for clip in range(len(frames.clips))])
    labels = np.concatenate([[0], np.cumsum(frames.labelled)])
    spans = spans[labels[spans[:, 1]] > labels[spans[:, 0]]]
    lengths = spans[:, 1] - spans[:, 0]
    return [_step(spans[pack]) for pack in packs(lengths, batch, seed=seed, epoch=epoch)]


def video_steps(
    frames: SplitFrames, temporal: TemporalSettings, time: Time, videos: int, seed: int, epoch: int
) -> list[Step]:
    """Steps of whole clips, `videos` of them together, a segment of each in a step; longer clips come first.

    Clips that have ended are left out of a step, instead of padded: assumed(choice). Source: aim3_mtl section 2.3.
    """
    order = video_order(len(frames.clips), seed=seed, epoch=epoch)
    steps: list[Step] = []
    for begin in range(0, len(order), videos):
        clips = [_spans(frames, clip, temporal, time) for clip in order[begin : begin + videos].tolist()]
        clips.sort(key=len, reverse=True)
        for number in range(len(clips[0])):
            spans = np.stack([clip[number] for clip in clips if len(clip) > number])
            steps.append(_step(spans, goes_on=number > 0))
    return steps


def epoch_batches(
    sizes: Mapping[str, int],
    batch: int,
    *,
    seed: int,
    epoch: int,
    weights: Mapping[str, Floats] | None = None,
) -> list[dict[str, Rows]]:
    """The steps of an epoch over several databases.

    Each step has frames of every database, in proportion to its size, but at least one. The database that needs the
    most steps is passed once, in parts that differ by one frame at most; the others start again with another shuffle
    as often as needed.

    Args:
        sizes: number of frames of each database, above 0.
        batch: number of frames in a step over all databases; more where small databases get their one frame.
        seed: seed of the training.
        epoch: number of the epoch.
        weights: weights of the frames by database, shape (frames,), at least 0 and not all 0; only ratios count. The
            count of a frame differs from its expectation by less than one. Equal where not named.

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
    shares = {name: max(1, round(batch * size / total)) for name, size in sizes.items()}
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
    """Weights of the rows of a table that make the values of a task equally frequent.

    The weight is one over the frequency of a row's class; for labels, the mean of one over the frequency of on or off
    over its annotated columns; for continuous columns likewise, with 20 bins of the range.

    Args:
        task: task whose values are balanced.
        table: truth of the training split.
        most: largest weight, in times the mean (assumed).

    Returns:
        Shape (rows,), mean 1 before the limit; 1 for rows without a label.
    """
    values, annotated = task.annotations_of(table)
    if task.is_real:
        low, high = task.span
        position = (values - low) / (high - low) * BINS
        kinds, width = np.clip(np.nan_to_num(position), 0, BINS - 1).astype(np.int64), BINS
    else:
        kinds, width = np.maximum(values, 0).astype(np.int64), 2 if task.is_vector else task.width
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
    """Packs of sequences of about the same length, which need hardly any padding, in random order.

    Packs begin at other lengths in each epoch, and combine sequences of equal length anew.

    Args:
        lengths: number of frames of each sequence, at least 1.
        frames: most frames of a pack, with padding; a longer sequence is a pack of its own.
        seed: seed of the training.
        epoch: number of the epoch.

    Returns:
        Positions of sequences, each of them once, the longest of a pack first.
    """
    random = _random(seed, epoch, "packs", 0)
    frames_of = np.asarray(lengths)
    order = random.permutation(len(frames_of))
    order = order[np.argsort(-frames_of[order], kind="stable")]
    result: list[Rows] = []
    start = 0
    while start < len(order):
        fitting = max(frames // int(frames_of[order[start]]), 1)
        # a first pack of random size shifts all packs after it
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
    # evenly spaced points on the line of all weights, from a random start
    marks = np.cumsum(weights[order])
    marks *= count / marks[-1]
    marks[marks == marks[-1]] = count
    taken = np.searchsorted(marks, np.arange(count) + random.random(), side="right")
    return random.permutation(order[np.minimum(taken, len(order) - 1)])


def _random(seed: int, epoch: int, name: str, number: int) -> np.random.Generator:
    # seeded by name and not by position, so that another database does not change the orders of these
    return np.random.default_rng([seed, epoch, zlib.crc32(name.encode()), number])


def _refuse(sizes: Mapping[str, int], batch: int) -> None:
    problems = [
        Problem("E19", f"{name} with {size} frames", "a frame at least", "leave it out, or check its frames")
        for name, size in sizes.items()
        if size < 1
    ]
    if not sizes:
        problems.append(Problem("E19", "no database", "one at least", "name what to train on"))
    if batch < 1:
        problems.append(Problem("E19", f"a batch of {batch}", "1 at least", "correct the size"))
    if problems:
        raise ProblemError(*problems)


def _step(spans: Rows, *, goes_on: bool = False) -> Step:
    places = np.concatenate([np.arange(start, stop) for start, stop in spans.tolist()])
    return Step(places, spans[:, 1] - spans[:, 0], goes_on)


def _spans(frames: SplitFrames, clip: int, temporal: TemporalSettings, time: Time) -> Rows:
    """First place, and place after the last, of each segment of a clip, cut as in prediction."""
    from abawbench.models.temporal.segments import windows

    begin, end = frames.begins[clip : clip + 2].tolist()
    if time == "rows" or temporal.mode == "compat":
        segment = temporal.segment or end - begin
        return begin + windows(end - begin, segment, temporal.stride or segment)
    frame = frames.frame[begin:end] - frames.frame[begin]
    length = int(frame[-1]) + 1
    segment = temporal.segment or length
    spans = np.searchsorted(frame, windows(length, segment, temporal.stride or segment))
    return begin + spans[spans[:, 0] < spans[:, 1]]

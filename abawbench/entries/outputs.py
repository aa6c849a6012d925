"""From the numbers of a foreign model to answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from abawbench.base.problems import Problem, ProblemError
from abawbench.challenges import Categorical, Continuous, MultiLabel, Task
from abawbench.clips.clip import Clip
from abawbench.entries.model import Answers
from abawbench.table import Floats, Mask

Activation = Literal["none", "softmax", "sigmoid", "tanh", "clip"]


ACTIVATIONS: dict[type[Task], tuple[Activation, ...]] = {
    Continuous: ("none", "sigmoid", "tanh", "clip"),
    Categorical: ("none", "softmax"),
    MultiLabel: ("none", "sigmoid", "clip"),
}


# float32 sums of probabilities stray by less
TOLERANCE = 1e-3


def softmax(scores: Floats) -> Floats:
    """Probabilities, shape (rows, classes), of scores of any size."""
    odds = np.exp(scores - scores.max(axis=1, keepdims=True, initial=-np.inf))
    return odds / odds.sum(axis=1, keepdims=True)


def sigmoid(scores: Floats) -> Floats:
    """Probabilities of scores of any size."""
    # half the hyperbolic tangent does not overflow
    return 0.5 + 0.5 * np.tanh(scores / 2)


def activated(task: Task, values: Floats, activation: Activation) -> Floats:
    """What a model gives for a task as an answer, shape (rows, columns); `clip` goes to the task's own range."""
    low, high = range_of(task)
    match activation:
        case "none":
            return values
        case "softmax":
            return softmax(values)
        case "sigmoid":
            return sigmoid(values)
        case "tanh":
            return np.tanh(values)
        case "clip":
            return np.clip(values, low, high)


def range_of(task: Task) -> tuple[float, float]:
    """Lowest and highest answer to a task."""
    return (task.low, task.high) if isinstance(task, Continuous) else (0.0, 1.0)


def is_distribution(values: Floats) -> Mask:
    """Shape (rows,), True where a row is of probabilities that sum to 1, nearly."""
    return np.all(values >= -TOLERANCE, axis=1) & (np.abs(values.sum(axis=1) - 1) <= TOLERANCE)


def checked(task: Task, values: Floats, *, file: str, fix: str) -> Floats:
    """Answers as the contract of an entry wants them: what strays by rounding is brought into range, exactly.

    Args:
        task: what is answered.
        values: shape (rows, columns).
        file: the model, for the message.
        fix: what to do about values out of range.

    Raises:
        ProblemError: E14, values that are not finite, out of range, or probabilities that do not sum to 1.
    """
    low, high = range_of(task)
    finite = np.all(np.isfinite(values), axis=1)
    if isinstance(task, Categorical):
        fine, expected = finite & is_distribution(values), "probabilities that sum to 1"
    else:
        inside = (values >= low - TOLERANCE) & (values <= high + TOLERANCE)
        fine, expected = finite & np.all(inside, axis=1), f"finite values from {low:g} to {high:g}"
    if not fine.all():
        row = values[int(np.flatnonzero(~fine)[0])]
        found = f"{task.name} = {', '.join(f'{value:.4g}' for value in row)}"
        raise ProblemError(Problem("E14", found, expected, fix, file, count=int((~fine).sum())))
    bounded = np.clip(values, low, high)
    return bounded / bounded.sum(axis=1, keepdims=True) if isinstance(task, Categorical) else bounded


def over_frames(values: Floats, clip: Clip) -> Floats:
    """Rows of the valid frames among NaN rows of the others, shape (frames, columns)."""
    answer = np.full((len(clip), values.shape[1]), np.nan)
    answer[clip.valid] = values
    return answer


def outputs_of(tasks: Sequence[Task]) -> dict[str, int]:
    """Heads and their widths: one for each continuous column, for each categorical and each multi-label task.

    >>> from abawbench.challenges import get
    >>> outputs_of(get("abaw4-mtl").tasks)
    {'valence': 1, 'arousal': 1, 'expression': 8, 'action_units': 12}
    """
    outputs: dict[str, int] = {}
    for task in tasks:
        match task:
            case Continuous():
                outputs |= dict.fromkeys(task.columns, 1)
            case Categorical():
                outputs[task.name] = len(task.classes)
            case MultiLabel():
                outputs[task.name] = len(task.columns)
    return outputs


def scores_by_task(tasks: Sequence[Task], heads: Mapping[str, NDArray[Any]]) -> dict[str, Floats]:
    """Scores of heads named as in `outputs_of`, shape (frames, width) for each task."""
    return {
        task.name: np.concatenate([heads[column] for column in task.columns], axis=1).astype(np.float64)
        if isinstance(task, Continuous)
        else heads[task.name].astype(np.float64)
        for task in tasks
    }


def verdict(tasks: Sequence[Task], scores: Mapping[str, Floats], clip: Clip) -> Answers:
    """Answers on the valid frames of a clip, NaN elsewhere: softmax, sigmoid, and numbers brought into their range.

    Args:
        tasks: what is answered.
        scores: by task, shape (valid frames, width).
        clip: the clip.
    """
    return {task.name: over_frames(_answer(task, scores[task.name]), clip) for task in tasks}


def _answer(task: Task, scores: Floats) -> Floats:
    match task:
        case Continuous():
            return np.clip(scores, task.low, task.high)
        case Categorical():
            return softmax(scores)
        case MultiLabel():
            return sigmoid(scores)

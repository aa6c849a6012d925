"""From the numbers of a foreign model to answers."""

from __future__ import annotations

from typing import Literal

import numpy as np

from abawbench.challenges import Categorical, Continuous, MultiLabel, Task
from abawbench.data.clips import Clip
from abawbench.errors import Problem, ProblemError
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

"""From the scores of a network's heads to the answers of its tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from abawbench.challenges import Categorical, Continuous, MultiLabel, Task
from abawbench.data.clips import Clip
from abawbench.entries.model import Answers
from abawbench.entries.outputs import over_frames, sigmoid, softmax
from abawbench.table import Floats


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

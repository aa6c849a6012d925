"""From an entry's probabilities to the decided rows of a challenge."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np

from abawbench.challenges import Categorical, Challenge, Continuous, MultiLabel, Task
from abawbench.data.clips import Clip
from abawbench.entries.model import Answers, Card, Entry, columns
from abawbench.table import Floats, Table, Values

THRESHOLD = 0.5


def uncovered(card: Card, challenge: Challenge) -> dict[str, tuple[str, ...]]:
    """What a challenge asks for and the entry does not answer: by task, names of classes, columns or labels."""
    result: dict[str, tuple[str, ...]] = {}
    for task in challenge.tasks:
        own = card.task(task.name)
        has = columns(own) if own is not None and type(own) is type(task) else ()
        lacking = tuple(name for name in columns(task) if name not in has)
        if lacking:
            result[task.name] = lacking
    return result


def answer(entry: Entry, clips: Sequence[Clip], challenge: Challenge) -> Table:
    """Every valid frame of the clips as a row of a prediction.

    The most probable class, labels from 0.5 on, numbers brought into the range of the challenge; classes and columns
    are met by name. What the entry does not answer gets a constant: 0 for a number, class 0, label 0 (`uncovered` names
    it). Frames without a crop get no row: filling them is a policy of whoever writes the file.
    """
    parts: dict[str, list[Values]] = {task.name: [_empty(task)] for task in challenge.tasks}
    for clip in clips:
        answers = entry.predict(clip)
        for task in challenge.tasks:
            parts[task.name].append(_decided(task, entry.card, answers, clip))
    frame = [np.empty(0, np.int32), *(clip.frame[clip.valid].astype(np.int32) for clip in clips)]
    values: dict[str, Values] = {task: cast(Values, np.concatenate(arrays)) for task, arrays in parts.items()}
    video = [np.empty(0, np.int32), *(np.full(int(clip.valid.sum()), i, np.int32) for i, clip in enumerate(clips))]
    return Table(
        videos=tuple(clip.video for clip in clips),
        video=np.concatenate(video),
        frame=np.concatenate(frame),
        values=values,
        source=entry.card.name,
    )


def _empty(task: Task) -> Values:
    match task:
        case Continuous():
            return np.empty((0, len(task.columns)))
        case Categorical():
            return np.empty(0, np.int8)
        case MultiLabel():
            return np.empty((0, len(task.columns)), np.int8)


def _decided(task: Task, card: Card, answers: Answers, clip: Clip) -> Values:
    own = card.task(task.name)
    given = answers.get(task.name) if own is not None and type(own) is type(task) else None
    arranged = np.zeros((int(clip.valid.sum()), len(columns(task))))
    if own is not None and given is not None:
        arranged = _arranged(given[clip.valid], columns(own), columns(task))
    match task:
        case Continuous():
            return np.clip(arranged, task.low, task.high)
        case Categorical():
            return arranged.argmax(axis=1).astype(np.int8)
        case MultiLabel():
            return (arranged >= THRESHOLD).astype(np.int8)


def _arranged(given: Floats, own: tuple[str, ...], asked: tuple[str, ...]) -> Floats:
    result = np.zeros((len(given), len(asked)))
    for place, name in enumerate(asked):
        if name in own:
            result[:, place] = given[:, own.index(name)]
    return result

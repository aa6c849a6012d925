"""From an entry's probabilities to the decided rows of a challenge."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np

from abawbench.challenges import Categorical, Challenge, Continuous, MultiLabel, Task
from abawbench.clips.clip import Clip
from abawbench.entries.model import Answers, Card, Entry
from abawbench.table import Floats, Integers, Mask, Table, Values

THRESHOLD = 0.5


def uncovered(card: Card, challenge: Challenge) -> dict[str, tuple[str, ...]]:
    """What a challenge asks for and the entry does not answer: by task, names of classes, columns or labels."""
    result: dict[str, tuple[str, ...]] = {}
    for task in challenge.tasks:
        own = card.task(task.name)
        has = own.outputs if own is not None and type(own) is type(task) else ()
        lacking = tuple(name for name in task.outputs if name not in has)
        if lacking:
            result[task.name] = lacking
    return result


@dataclass(frozen=True, eq=False)
class Said:
    """What an entry said of some frames of a unit.

    Attributes:
        video: name of the unit.
        frame: shape (rows,), numbers.
        answers: by task, shape (rows, width), no NaN.
        filled: shape (rows,), True where a policy took them from other frames; None where none did.
    """

    video: str
    frame: Integers
    answers: Answers
    filled: Mask | None = None


def answer(entry: Entry, clips: Sequence[Clip], challenge: Challenge) -> Table:
    """Every valid frame of the clips as a row of a prediction.

    The most probable class, labels from 0.5 on, numbers brought into the range of the challenge; classes and columns
    are met by name. What the entry does not answer gets a constant: 0 for a number, class 0, label 0 (`uncovered` names
    it). Frames without a crop get no row: filling them is a policy of whoever writes the file.
    """

    def said() -> Iterator[Said]:
        for clip in clips:
            given = {task: values[clip.valid] for task, values in entry.predict(clip).items()}
            yield Said(clip.video, clip.frame[clip.valid], given)

    return decided(entry.card, said(), challenge)


def decided(card: Card, said: Iterable[Said], challenge: Challenge, *, source: str | None = None) -> Table:
    """What was said of units, one after another, as rows of a prediction; decided as `answer` says.

    Args:
        card: of the entry that said it.
        said: by unit; rows keep its order.
        challenge: what is asked.
        source: for messages; the entry's name where not given.
    """
    parts: dict[str, list[Values]] = {task.name: [_empty(task)] for task in challenge.tasks}
    videos: list[str] = []
    video: list[Integers] = [np.empty(0, np.int32)]
    frame: list[Integers] = [np.empty(0, np.int32)]
    filled: list[Mask] = [np.empty(0, bool)]
    for unit in said:
        rows = len(unit.frame)
        for task in challenge.tasks:
            parts[task.name].append(_decided(task, card, unit.answers, rows))
        video.append(np.full(rows, len(videos), np.int32))
        frame.append(unit.frame.astype(np.int32))
        filled.append(np.zeros(rows, bool) if unit.filled is None else unit.filled)
        videos.append(unit.video)
    mask = np.concatenate(filled)
    return Table(
        videos=tuple(videos),
        video=np.concatenate(video),
        frame=np.concatenate(frame),
        values={task: cast(Values, np.concatenate(arrays)) for task, arrays in parts.items()},
        filled=mask if mask.any() else None,
        source=card.name if source is None else source,
    )


def _empty(task: Task) -> Values:
    match task:
        case Continuous():
            return np.empty((0, len(task.columns)))
        case Categorical():
            return np.empty(0, np.int8)
        case MultiLabel():
            return np.empty((0, len(task.columns)), np.int8)


def _decided(task: Task, card: Card, answers: Answers, rows: int) -> Values:
    own = card.task(task.name)
    given = answers.get(task.name) if own is not None and type(own) is type(task) else None
    arranged = np.zeros((rows, task.width))
    if own is not None and given is not None:
        arranged = _arranged(given, own.outputs, task.outputs)
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

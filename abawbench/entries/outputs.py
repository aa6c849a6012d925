"""Conversion of a model's numbers to answers, and of answers to the decided rows of a challenge.

Every difference by the kind of a task is here: ACTIVATIONS, `label_forms`, `decide` and `certain_answers`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from abawbench.base.problems import Problem, ProblemError
from abawbench.challenges import Categorical, Challenge, Continuous, MultiLabel, Task
from abawbench.clips.clip import Clip
from abawbench.entries.model import Answers, Card, Entry
from abawbench.entries.names import check_names
from abawbench.models.frameworks.settings import LabelForm
from abawbench.table import Floats, Integers, Mask, Table, Values

Activation = Literal["none", "softmax", "sigmoid", "tanh", "clip"]

# activations that make an answer to a kind of task
ACTIVATIONS: dict[type[Task], tuple[Activation, ...]] = {
    Continuous: ("none", "sigmoid", "tanh", "clip"),
    Categorical: ("none", "softmax"),
    MultiLabel: ("none", "sigmoid", "clip"),
}
# activation that the networks of this package are trained with
TRAINED: dict[type[Task], Activation] = {Continuous: "clip", Categorical: "softmax", MultiLabel: "sigmoid"}
# probability from which a label is decided to be on
THRESHOLD = 0.5
# numbers that do not sum to 1 in every row by chance
FEWEST_SCORES = 6
# likewise for scores from 0 to 1 before a sigmoid, each of which may lie there by chance, and the range that they fill:
# the small scores of a network that has hardly learned lie close together
FEWEST_IN_RANGE = 64
FILLED_RANGE = (0.05, 0.6)
# greatest rounding error of float32 probabilities and of their sums
TOLERANCE = 1e-3


def softmax(scores: Floats) -> Floats:
    """Probabilities of classes from scores of any size, shape (rows, classes)."""
    # infinite scores give NaN, which the caller refuses
    with np.errstate(invalid="ignore"):
        odds = np.exp(scores - scores.max(axis=1, keepdims=True, initial=-np.inf))
    return odds / odds.sum(axis=1, keepdims=True)


def sigmoid(scores: Floats) -> Floats:
    """Probabilities of labels from scores of any size."""
    # half the hyperbolic tangent does not overflow
    return 0.5 + 0.5 * np.tanh(scores / 2)


def activate(task: Task, values: Floats, activation: Activation) -> Floats:
    """Answers to a task from the numbers of a model, shape (rows, width); `clip` cuts at the task's own range."""
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
            return np.clip(values, *task.span)


def sums_to_one(task: Task) -> bool:
    """True for a task whose answers are probabilities of classes that exclude each other."""
    return isinstance(task, Categorical)


def is_distribution(values: Floats, tolerance: float = TOLERANCE) -> Mask:
    """True for each row of probabilities that sum to 1, up to rounding; shape (rows,)."""
    return np.all(values >= -TOLERANCE, axis=1) & (np.abs(values.sum(axis=1) - 1) <= tolerance)


def correct_rounding(task: Task, values: Floats, *, file: str, fix: str) -> Floats:
    """Correct rounding errors in the answers of a foreign model, so that they lie in the range of the task.

    Args:
        task: task that is answered.
        values: answers, shape (rows, width).
        file: file of the model, for messages.
        fix: correction of values out of range, for messages.

    Raises:
        ProblemError: E14, values that are not finite or out of range, or probabilities that do not sum to 1.
    """
    low, high = task.span
    finite = np.all(np.isfinite(values), axis=1)
    if sums_to_one(task):
        fine, expected = finite & is_distribution(values), "probabilities that sum to 1"
    else:
        inside = (values >= low - TOLERANCE) & (values <= high + TOLERANCE)
        fine, expected = finite & np.all(inside, axis=1), f"finite values from {low:g} to {high:g}"
    if not fine.all():
        row = values[int(np.flatnonzero(~fine)[0])]
        found = f"{task.name} = {', '.join(f'{value:.4g}' for value in row)}"
        raise ProblemError(Problem("E14", found, expected, fix, file, count=int((~fine).sum())))
    bounded = np.clip(values, low, high)
    return bounded / bounded.sum(axis=1, keepdims=True) if sums_to_one(task) else bounded


def refuse_probabilities(task: Task, scores: Floats, activation: Activation, *, file: str, place: str) -> None:
    """Refuse scores of a foreign model that are probabilities already, and would become others by their activation.

    Args:
        task: task that is answered.
        scores: scores, shape (rows, width).
        activation: activation that they are to get.
        file: file of the model, for messages.
        place: place where the activation is set, for messages.

    Raises:
        ProblemError: E14, rows that all sum to 1 and get a softmax, or scores that all lie from 0 to 1 and get a
            sigmoid, after which every label would be present in every frame; these must come near both ends.
    """
    expected = None
    if activation == "softmax" and scores.size >= FEWEST_SCORES and is_distribution(scores).all():
        expected = "scores for a softmax, not numbers that sum to 1"
    elif activation == "sigmoid" and scores.size >= FEWEST_IN_RANGE and _fills_probabilities(scores):
        expected = "scores for a sigmoid, some of them below 0 or above 1"
    if expected is not None:
        found = f"{task.name} = {', '.join(f'{value:.4g}' for value in scores[0])}"
        fix = f'set {place} = "none": they are probabilities already'
        raise ProblemError(Problem("E14", found, expected, fix, file))


def _fills_probabilities(scores: Floats) -> bool:
    low, high = float(scores.min()), float(scores.max())
    return 0 <= low < FILLED_RANGE[0] and FILLED_RANGE[1] < high <= 1


def over_frames(values: Floats, clip: Clip) -> Floats:
    """Answers to the valid frames of a clip among rows of NaN for the others, shape (frames, width)."""
    result = np.full((len(clip), values.shape[1]), np.nan)
    result[clip.valid] = values
    return result


def head_widths(tasks: Sequence[Task]) -> dict[str, int]:
    """Widths of a network's heads by name: a head for each real-valued column, and one for each other task.

    >>> from abawbench.challenges import get
    >>> head_widths(get("abaw4-mtl").tasks)
    {'valence': 1, 'arousal': 1, 'expression': 8, 'action_units': 12}
    """
    widths: dict[str, int] = {}
    for task in tasks:
        widths |= dict.fromkeys(task.outputs, 1) if task.is_real else {task.name: task.width}
    return widths


def label_forms(tasks: Sequence[Task]) -> dict[str, LabelForm]:
    """Forms of the labels of a network's heads, by the names of `head_widths`."""
    forms: dict[str, LabelForm] = {}
    for task in tasks:
        match task:
            case Continuous():
                forms |= dict.fromkeys(task.outputs, LabelForm("number", task.low, task.high))
            case Categorical():
                forms[task.name] = LabelForm("classes")
            case MultiLabel():
                forms[task.name] = LabelForm("labels")
    return forms


def join_heads(tasks: Sequence[Task], heads: Mapping[str, NDArray[Any]]) -> dict[str, Floats]:
    """Scores by task, shape (frames, width), from those of the heads that `head_widths` names."""
    return {
        task.name: np.concatenate([heads[name] for name in head_widths([task])], axis=1).astype(np.float64)
        for task in tasks
    }


def activate_scores(tasks: Sequence[Task], scores: Mapping[str, Floats], clip: Clip) -> Answers:
    """Answers of a network to a clip: softmax, sigmoid or numbers cut at their range, and NaN on invalid frames.

    Args:
        tasks: tasks that are answered.
        scores: scores by task, shape (valid frames, width).
        clip: clip with the valid frames.
    """
    return {task.name: over_frames(activate(task, scores[task.name], TRAINED[type(task)]), clip) for task in tasks}


def decide(task: Task, answers: Floats, thresholds: Floats | None = None) -> Values:
    """Decide answers as the values of a table: numbers in range, the most probable class, labels from a threshold on.

    Args:
        task: task that is answered.
        answers: answers without NaN, shape (rows, width).
        thresholds: probability from which each label is present, shape (width,); None for 0.5.
    """
    match task:
        case Continuous():
            return np.clip(answers, task.low, task.high)
        case Categorical():
            return answers.argmax(axis=1).astype(np.int8)
        case MultiLabel():
            return (answers >= (THRESHOLD if thresholds is None else thresholds)).astype(np.int8)


def certain_answers(task: Task, values: Floats) -> Floats:
    """Answers that are certain of decided values, shape (rows, width): probability 1 for a class, other values as is.

    Args:
        task: task that is answered.
        values: decided values, shape (rows, labels).
    """
    return np.eye(task.width)[values[:, 0].astype(np.int64)] if sums_to_one(task) else values


@dataclass(frozen=True, eq=False)
class UnitAnswers:
    """Answers of an entry to some frames of a unit.

    Attributes:
        video: name of the unit.
        frame: numbers of the frames, shape (rows,).
        answers: answers by task, shape (rows, width), without NaN.
        filled: True for each row that a fill policy took from another frame, shape (rows,); None where there is none.
    """

    video: str
    frame: Integers
    answers: Answers
    filled: Mask | None = None


def covered(card: Card, task: Task) -> tuple[str, ...]:
    """Columns or classes of a challenge's task that an entry answers, by the entry's card."""
    own = card.task(task.name)
    has = own.outputs if own is not None and type(own) is type(task) else ()
    return tuple(name for name in task.outputs if name in has)


def uncovered(card: Card, challenge: Challenge) -> dict[str, tuple[str, ...]]:
    """Columns and classes of a challenge that an entry does not answer, by task; tasks that lack none are left out."""
    lacking = {
        task.name: tuple(name for name in task.outputs if name not in covered(card, task)) for task in challenge.tasks
    }
    return {task: names for task, names in lacking.items() if names}


def answer(entry: Entry, clips: Sequence[Clip], challenge: Challenge) -> Table:
    """The prediction of an entry for a challenge, a row for each valid frame of the clips.

    Answers are decided as by `decide`; classes and columns are matched by name. Columns that the entry does not answer
    get a constant: 0 for a number, class 0, label 0 (`uncovered` names them). Frames without a crop get no row; the
    writer of a file fills them by its policy.
    """

    def units() -> Iterator[UnitAnswers]:
        for clip in clips:
            answers = {task: values[clip.valid] for task, values in entry.predict(clip).items()}
            yield UnitAnswers(clip.video, clip.frame[clip.valid], answers)

    return decode(entry.card, units(), challenge)


def decode(card: Card, units: Iterable[UnitAnswers], challenge: Challenge, *, source: str | None = None) -> Table:
    """Decode the answers to units as the rows of a prediction, by the rules of `answer`.

    Args:
        card: card of the entry that gave the answers.
        units: answers to each unit; rows keep their order.
        challenge: challenge to predict for.
        source: name of the prediction, for messages; None for the name of the entry.

    Raises:
        ProblemError: E16, names on the card that are not known, whose answers would be lost.
    """
    parts: dict[str, list[Values]] = {task.name: [task.empty(0)] for task in challenge.tasks}
    videos: list[str] = []
    video: list[Integers] = [np.empty(0, np.int32)]
    frame: list[Integers] = [np.empty(0, np.int32)]
    filled: list[Mask] = [np.empty(0, bool)]
    for unit in units:
        rows = len(unit.frame)
        for task in challenge.tasks:
            parts[task.name].append(decide(task, arrange(task, card, unit.answers, rows)))
        video.append(np.full(rows, len(videos), np.int32))
        frame.append(unit.frame.astype(np.int32))
        filled.append(np.zeros(rows, bool) if unit.filled is None else unit.filled)
        videos.append(unit.video)
    # behind the units: what is wrong with their files is told first
    problems = check_names(card, challenge.tasks)
    if problems:
        raise ProblemError(*problems)
    mask = np.concatenate(filled)
    return Table(
        videos=tuple(videos),
        video=np.concatenate(video),
        frame=np.concatenate(frame),
        values={task: cast(Values, np.concatenate(arrays)) for task, arrays in parts.items()},
        filled=mask if mask.any() else None,
        source=card.name if source is None else source,
    )


def arrange(task: Task, card: Card, answers: Answers, rows: int) -> Floats:
    """Answers in the columns of a challenge's task, 0 in those that the entry does not answer."""
    result = np.zeros((rows, task.width))
    own = card.task(task.name)
    if own is not None and task.name in answers:
        for name in covered(card, task):
            result[:, task.outputs.index(name)] = answers[task.name][:, own.outputs.index(name)]
    return result

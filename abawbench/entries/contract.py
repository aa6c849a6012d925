"""The contract of an entry: the clips it takes, prediction frame by frame, the form of its answers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

import numpy as np

from abawbench.base.problems import Problem, ProblemError
from abawbench.challenges import Task
from abawbench.clips.clip import BATCH, Clip
from abawbench.clips.features import FeatureClip
from abawbench.entries.crops import crop_misfit
from abawbench.entries.features import feature_misfit
from abawbench.entries.model import Answers, Card, Entry, FrameFeatures, FrameWise, Trainable
from abawbench.entries.outputs import sums_to_one
from abawbench.table import Floats, Mask

# probabilities in single precision sum to 1 within this
SUM_TOLERANCE = 1e-5


def select_clips(entry: Entry, clips: Sequence[Clip]) -> tuple[list[Clip], list[tuple[str, Problem]]]:
    """Select the clips whose crops or features an entry takes by its card; other units have a problem, E06 or P04."""
    selected: list[Clip] = []
    problems: list[tuple[str, Problem]] = []
    for clip in clips:
        name = f"{entry.card.name}, unit {clip.video}, frame {int(clip.frame[0]) if len(clip) else 0}"
        if isinstance(clip, FeatureClip) and (unfit := feature_misfit(entry, clip)) is not None:
            found, expected, fix = unfit
            problems.append((clip.video, Problem("P04", f"{name}: {found}", expected, fix)))
        elif (misfit := crop_misfit(entry.card, clip)) is not None:
            found, expected, fix = misfit
            problems.append((clip.video, Problem("E06", f"{name}: {found}", expected, fix)))
        else:
            selected.append(clip)
    return selected, problems


def check_card_type(entry: Entry | Trainable) -> None:
    """Check that an entry has a card that can be written down. Raises: ProblemError E16."""
    card = cast(object, entry.card)
    if not isinstance(card, Card):
        kind = type(card).__name__
        raise ProblemError(Problem("E16", f"a card of type {kind}", "an abawbench.entries.Card", "make it one"))
    try:
        json.dumps(card.to_json())
    except (TypeError, ValueError) as error:
        found = f"{card.name}: a card that is no JSON: {error}"
        raise ProblemError(
            Problem("E16", found, "text, numbers, lists and mappings", "correct the card's fields")
        ) from error


def place_in(card: Card, unit: str, frame: int | None = None) -> str:
    """The entry, the unit and the frame at which something failed, for messages."""
    return f"{card.name}, unit {unit}" + ("" if frame is None else f", frame {frame}")


def encode_clip(entry: FrameWise, clip: Clip, batch: int = BATCH) -> FrameFeatures:
    """Encode the valid frames of a clip as features, shape (valid frames, width).

    For a clip without valid frames, the entry encodes one black crop, which tells the width.
    """
    positions = np.flatnonzero(clip.valid)
    parts = [entry.encode(clip.read(positions[begin : begin + batch])) for begin in range(0, len(positions), batch)]
    if parts:
        return np.concatenate(parts)
    return entry.encode(np.zeros((1, clip.size, clip.size, 3), np.uint8))[:0]


def predict_frame_wise(entry: FrameWise, clip: Clip) -> Answers:
    """Encode each frame of a clip, then answer: the `predict` of frame-wise entries."""
    return entry.answer(encode_clip(entry, clip), clip)


def check_answers(card: Card, answers: object, clip: Clip) -> tuple[Problem, ...]:
    """Everything wrong with the answers to a clip: E13 their shape, E14 their values."""
    if not isinstance(answers, Mapping):
        return (_wrong_shape(card, clip, type(answers).__name__, "a mapping from task to array"),)
    known = ", ".join(task.name for task in card.tasks)
    surplus = [str(name) for name in answers if card.task(str(name)) is None]
    problems = [_wrong_shape(card, clip, f"an answer to {name}", f"answers to {known}") for name in surplus]
    for task in card.tasks:
        values: Any = answers.get(task.name)
        expected = f"float64 ({len(clip)}, {task.width}) for {task.name}"
        if values is None:
            problems.append(_wrong_shape(card, clip, f"no answer to {task.name}", expected))
        elif not isinstance(values, np.ndarray) or values.dtype != np.float64:
            kind = f"array of {values.dtype}" if isinstance(values, np.ndarray) else type(values).__name__
            problems.append(_wrong_shape(card, clip, f"{kind} for {task.name}", expected))
        elif values.shape != (len(clip), task.width):
            problems.append(_wrong_shape(card, clip, f"shape {values.shape} for {task.name}", expected))
        else:
            for found, rows, expected in wrong_values(task, values, clip.valid):
                place = place_in(card, clip.video, int(clip.frame[np.flatnonzero(rows)[0]]))
                text, count = f"{place}: {found} for {task.name}", int(rows.sum())
                problems.append(Problem("E14", text, expected, "correct the entry's predict", count=count))
    return tuple(problems)


def _wrong_shape(card: Card, clip: Clip, found: str, expected: str) -> Problem:
    return Problem("E13", f"{card.name}, unit {clip.video}: {found}", expected, "correct the entry's predict")


def wrong_values(task: Task, values: Floats, valid: Mask) -> Iterator[tuple[str, Mask, str]]:
    """The values found, a mask of their rows, and the values expected, for each rule that some rows break.

    Args:
        task: task that is answered.
        values: answers, float64, shape (rows, width).
        valid: True where a row has answers, shape (rows,).
    """
    low, high = task.span
    is_finite = np.isfinite(values).all(axis=1)
    unknown = valid & ~is_finite
    if unknown.any():
        # the other checks mean nothing for values that are not finite
        yield "not a finite number", unknown, "numbers on every valid frame"
        return
    outside = valid & ((values < low) | (values > high)).any(axis=1)
    if outside.any():
        yield "a value out of range", outside, f"values from {low:g} to {high:g}"
    surplus = ~valid & ~np.isnan(values).all(axis=1)
    if surplus.any():
        yield "a value", surplus, "NaN where a frame is not valid"
    if sums_to_one(task):
        off = valid & (np.abs(values.sum(axis=1) - 1) > SUM_TOLERANCE)
        if off.any():
            yield "probabilities that do not sum to 1", off, "a sum of 1 over the classes"

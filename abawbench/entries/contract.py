"""What every answer holds to, and how a failure of an entry is told."""

from __future__ import annotations

import traceback
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from abawbench.base.problems import Problem, ProblemError
from abawbench.challenges import Categorical, Continuous, Task
from abawbench.clips.clip import BATCH, Clip
from abawbench.clips.features import FeatureClip
from abawbench.entries.model import Answers, Card, Entry, FrameFeatures, FrameWise

# probabilities in single precision sum to 1 within this
SUM = 1e-5


def broken(card: Card, answers: object, clip: Clip) -> tuple[Problem, ...]:
    """What is wrong with the answers to a clip: E13 their shape, E14 their values; one problem for each task."""
    if not isinstance(answers, Mapping):
        return (_shape(card, clip, type(answers).__name__, "a mapping from task to array"),)
    named = ", ".join(task.name for task in card.tasks)
    surplus = [str(name) for name in answers if card.task(str(name)) is None]
    problems = [_shape(card, clip, f"an answer to {name}", f"answers to {named}") for name in surplus]
    for task in card.tasks:
        given: Any = answers.get(task.name)
        expected = f"float64 ({len(clip)}, {task.width}) for {task.name}"
        if given is None:
            problems.append(_shape(card, clip, f"no answer to {task.name}", expected))
        elif not isinstance(given, np.ndarray) or given.dtype != np.float64:
            kind = f"array of {given.dtype}" if isinstance(given, np.ndarray) else type(given).__name__
            problems.append(_shape(card, clip, f"{kind} for {task.name}", expected))
        elif given.shape != (len(clip), task.width):
            problems.append(_shape(card, clip, f"shape {given.shape} for {task.name}", expected))
        else:
            problems.extend(_values(card, task, given, clip))
    return tuple(problems)


def _shape(card: Card, clip: Clip, found: str, expected: str) -> Problem:
    return Problem("E13", f"{card.name}, unit {clip.video}: {found}", expected, "correct the entry's predict")


def _values(card: Card, task: Task, given: np.ndarray[Any, np.dtype[np.float64]], clip: Clip) -> list[Problem]:
    low, high = (task.low, task.high) if isinstance(task, Continuous) else (0.0, 1.0)
    unknown = ~np.isfinite(given)
    rules = [
        ("not a finite number", clip.valid & unknown.any(axis=1), "numbers on every valid frame"),
        (
            "a value out of range",
            clip.valid & ~unknown.any(axis=1) & ((given < low) | (given > high)).any(axis=1),
            f"values from {low:g} to {high:g}",
        ),
        ("a value", ~clip.valid & ~np.isnan(given).all(axis=1), "NaN where a frame is not valid"),
    ]
    if isinstance(task, Categorical):
        off = np.abs(given.sum(axis=1) - 1) > SUM
        rules.append(("probabilities that do not sum to 1", clip.valid & off, "a sum of 1 over the classes"))
    problems: list[Problem] = []
    for what, rows, expected in rules:
        if rows.any():
            row = int(np.flatnonzero(rows)[0])
            found = f"{card.name}, unit {clip.video}, frame {clip.frame[row]}: {what} for {task.name}"
            problems.append(Problem("E14", found, expected, "correct the entry's predict", count=int(rows.sum())))
            if what.startswith("not"):
                break
    return problems


def failure(card: Card, error: Exception, unit: str, frame: int | None) -> tuple[Problem, ...]:
    """An exception of an entry as problems that name entry, unit and frame; its own Problems stay what they are."""
    if isinstance(error, ProblemError):
        return error.problems
    place = traceback.extract_tb(error.__traceback__)[-1]
    where = f"unit {unit}" + ("" if frame is None else f", frame {frame}")
    found = f"{card.name}, {where}: {type(error).__name__}: {error} ({place.filename}:{place.lineno})"
    fix = "use a smaller --batch" if "out of memory" in str(error) else "correct the entry, then run again"
    return (Problem("E12", found, "an answer", fix),)


def fitting(entry: Entry, clips: Sequence[Clip]) -> tuple[list[Clip], list[Problem]]:
    """Clips whose crops, or features, are what the card of an entry says it takes; E06 and P04 for the others."""
    picture, width = entry.card.picture, getattr(entry, "width", None)
    fitting: list[Clip] = []
    problems: list[Problem] = []
    for clip in clips:
        name = f"{entry.card.name}, unit {clip.video}, frame {int(clip.frame[0]) if len(clip) else 0}"
        if isinstance(clip, FeatureClip):
            if not isinstance(entry, FrameWise) or clip.width != width:
                expected = "crops" if width is None else f"{width} as the entry's networks make them"
                fix = "extract the features with the backbones of this entry"
                problems.append(Problem("P04", f"{name}: {clip.width} features a frame", expected, fix))
                continue
        elif picture is not None and clip.size != picture.size:
            found = f"{name}: crops of {clip.size} x {clip.size} pixels"
            expected = f"{picture.size} x {picture.size} ({picture.crop}), as its card says"
            problems.append(Problem("E06", found, expected, "align the faces to that size, or correct the card"))
            continue
        fitting.append(clip)
    return fitting, problems


def encode_clip(entry: FrameWise, clip: Clip, batch: int = BATCH) -> FrameFeatures:
    """What an entry sees in the valid frames of a clip, shape (valid frames, width).

    A clip without valid frames is shown one black crop, for the width alone.
    """
    positions = np.flatnonzero(clip.valid)
    parts = [entry.encode(clip.read(positions[begin : begin + batch])) for begin in range(0, len(positions), batch)]
    if parts:
        return np.concatenate(parts)
    return entry.encode(np.zeros((1, clip.size, clip.size, 3), np.uint8))[:0]


def predict_frame_wise(entry: FrameWise, clip: Clip) -> Answers:
    """What `Entry.predict` of a staged entry gives: look at each frame, then conclude."""
    return entry.answer(encode_clip(entry, clip), clip)

"""Table: rows (video, frame) by typed columns, for truth and prediction alike."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from abawbench.base.problems import Problem

Floats = NDArray[np.float64]
Integers = NDArray[np.int32]
Classes = NDArray[np.int8]
Mask = NDArray[np.bool_]
Rows = NDArray[np.int64]
Values = Floats | Classes

NO_FRAME = -1
# suffixes of the units of the first two persons of a video
PERSONS = ("_left", "_right")
_PERSON = re.compile(r"_(?:left|right|person(?:[3-9]|[1-9][0-9]+))\Z")


@dataclass(frozen=True, eq=False)
class Table:
    """Rows in the official order, with the official repetitions.

    Attributes:
        videos: names of the units (videos, persons in videos, clips or single images), in order of first appearance.
        video: shape (rows,), index into `videos`.
        frame: shape (rows,), the frame's number as the format writes it; `NO_FRAME` where a row is a whole video.
        values: values by name of the task. Continuous: float64 (rows, columns), NaN where not annotated or predicted.
            Categorical: int8 (rows,), multi-label: int8 (rows, columns), -1 where not annotated or predicted.
        probability: float64 (rows,), probability of class 1; None where the format has none.
        filled: shape (rows,), True where a fill policy made the values; None where no policy was used.
        source: file or folder of the rows, for messages.
        notes: what is odd about the source, and how it was read.
        is_store: True where the names are those of the user's own crops, which may be more than a list asks for.
        is_by_place: True where a row's place in the file of its unit gives its frame.
    """

    videos: tuple[str, ...]
    video: Integers
    frame: Integers
    values: Mapping[str, Values]
    probability: Floats | None = None
    filled: Mask | None = None
    source: str = ""
    notes: tuple[Problem, ...] = ()
    is_store: bool = False
    is_by_place: bool = False

    def __len__(self) -> int:
        return len(self.video)

    def numbers(self, task: str) -> Floats:
        """Values of a continuous task, shape (rows, columns)."""
        return cast(Floats, self.values[task])

    def classes(self, task: str) -> Classes:
        """Values of a categorical task, shape (rows,), or of a multi-label one, shape (rows, columns)."""
        return cast(Classes, self.values[task])

    def unanswered(self) -> dict[str, Mask]:
        """By task, True for each row that lacks a value of it, shape (rows,); tasks that lack none are left out."""
        lacking: dict[str, Mask] = {}
        for task, values in self.values.items():
            # a sum is NaN if a part of it is
            if len(values) and (np.isnan(values.sum()) if values.dtype == np.float64 else values.min() < 0):
                is_empty = np.isnan(values) if values.dtype == np.float64 else values < 0
                rows: Mask = is_empty if is_empty.ndim == 1 else np.any(is_empty, axis=1)
                lacking[task] = rows
        return lacking

    def take(self, rows: NDArray[np.integer]) -> Table:
        """The table with these rows, in this order; `videos` stay as they are."""
        return replace(
            self,
            video=self.video[rows],
            frame=self.frame[rows],
            values={task: values[rows] for task, values in self.values.items()},
            probability=None if self.probability is None else self.probability[rows],
            filled=None if self.filled is None else self.filled[rows],
        )

    def name(self, row: int) -> str:
        """The name of a row in messages, as `video45 frame 12`."""
        video = self.videos[self.video[row]]
        return video if self.frame[row] == NO_FRAME else f"{video} frame {self.frame[row]}"


def person_suffix(place: int) -> str:
    """The suffix of a person's unit after the video's name: two are left and right, further ones are numbered.

    >>> [person_suffix(place) for place in range(3)]
    ['_left', '_right', '_person3']
    """
    return PERSONS[place] if place < len(PERSONS) else f"_person{place + 1}"


def video_of(unit: str) -> str:
    """The name of a unit's video: the unit's name without the suffix of a person.

    >>> [video_of(unit) for unit in ("6-30-1920x1080_left", "talk_person3", "video45_1")]
    ['6-30-1920x1080', 'talk', 'video45_1']
    """
    return _PERSON.sub("", unit)


def join_tables(tables: Sequence[Table]) -> Table:
    """Join the rows of several tables, one after the other; a unit of the same name is the same unit."""
    names = tuple(dict.fromkeys(video for table in tables for video in table.videos))
    place = {name: number for number, name in enumerate(names)}
    video = [np.array([place[name] for name in table.videos], np.int32)[table.video] for table in tables]
    probability = [table.probability for table in tables if table.probability is not None]
    return Table(
        videos=names,
        video=np.concatenate(video),
        frame=np.concatenate([table.frame for table in tables]),
        values={
            task: cast(Values, np.concatenate([table.values[task] for table in tables])) for task in tables[0].values
        },
        probability=np.concatenate(probability) if len(probability) == len(tables) else None,
        source=", ".join(table.source for table in tables),
        notes=tuple(note for table in tables for note in table.notes),
    )


@dataclass(frozen=True, eq=False)
class Alignment:
    """The match of the rows of a prediction with those of a truth.

    Attributes:
        rows: shape (truth rows,), index of the prediction row of each truth row; -1 where there is none.
        surplus: indices of prediction rows without a truth row.
        same_order: True if both have the same rows in the same order.
    """

    rows: Rows
    surplus: Rows
    same_order: bool


def align(truth: Table, prediction: Table) -> Alignment:
    """Match rows by (video, frame): the k-th row of a key in the prediction with the k-th in the truth.

    The common case, the same rows in the same order, costs one comparison of two columns.
    """
    video = prediction.video
    if truth.videos != prediction.videos:
        video = places_of(prediction.videos, truth.videos)[video]
    if np.array_equal(truth.video, video) and np.array_equal(truth.frame, prediction.frame):
        return Alignment(np.arange(len(truth)), np.empty(0, np.int64), True)
    truth_keys, truth_order = occurrences(row_keys(truth.video, truth.frame))
    prediction_keys, prediction_order = occurrences(row_keys(video, prediction.frame))
    # a surplus video has index -1, hence a key below those of all rows of the truth
    return match_keys(truth_keys, truth_order, prediction_keys, prediction_order)


def places_of(names: Sequence[str], known: Sequence[str]) -> Integers:
    """The place of each name among the known ones, shape (names,), -1 where it is not among them.

    >>> places_of(("b", "c"), ("a", "b")).tolist()
    [1, -1]
    """
    places = {name: place for place, name in enumerate(known)}
    return np.array([places.get(name, -1) for name in names], np.int32)


def row_keys(video: Integers, frame: Integers) -> Rows:
    """One number for each pair of a video's index and a frame, shape (rows,); negative keys where the index is -1."""
    return (video.astype(np.int64) << 32) + frame


def occurrences(keys: Rows) -> tuple[NDArray[np.int64], Rows]:
    """Sorted pairs of key and occurrence, shape (2, rows), and the row that each comes from, shape (rows,)."""
    position = np.arange(len(keys))
    if np.all(keys[1:] > keys[:-1]):
        return np.stack([keys, np.zeros_like(keys)]), position
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
    occurrence = position - np.repeat(starts, np.diff(np.append(starts, len(keys))))
    return np.stack([ordered, occurrence]), order


def match_keys(truth_keys: Rows, truth_order: Rows, prediction_keys: Rows, prediction_order: Rows) -> Alignment:
    """Match the rows of a prediction with those of a truth by the pairs that `occurrences` gives of each."""
    rows = np.full(len(truth_order), -1)
    used = np.zeros(len(prediction_order), bool)
    place = np.searchsorted(prediction_keys[0], truth_keys[0]) + truth_keys[1]
    hit = np.flatnonzero(place < len(prediction_order))
    hit = hit[prediction_keys[0][place[hit]] == truth_keys[0][hit]]
    matched = prediction_order[place[hit]]
    rows[truth_order[hit]] = matched
    used[matched] = True
    return Alignment(rows, np.flatnonzero(~used), False)

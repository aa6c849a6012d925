"""Members of an ensemble: the stores of several entries, their answers side by side for every frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from abawbench.base.problems import Problem, ProblemError
from abawbench.challenges import Challenge, Task
from abawbench.entries.outputs import covered, sums_to_one
from abawbench.fill import MOST_FILLED
from abawbench.inference import is_store
from abawbench.inference.store import Store, open_store, require_answers
from abawbench.table import Floats, Integers, Mask, Rows, row_keys
from abawbench.tuning.inputs.several import read_each
from abawbench.tuning.inputs.stream import ASSUMED_RATE, Stream, read_stream, runs_of
from abawbench.tuning.steps.tuned import identity_of


@dataclass(frozen=True, eq=False)
class Members:
    """The answers of several entries to the frames of all of their stores.

    In a frame, and in a column or class, that a member does not answer, the mean of those members that do stands in for
    it; a member's own classes then share what is left.

    Attributes:
        stores: store of each member.
        identities: identity of the entry of each member; see `tuned.identity_of`.
        units: names of the units, sorted.
        unit: index of each frame's unit, rising, shape (frames,).
        frame: frame numbers, rising within a unit, shape (frames,).
        time: seconds from the start of the unit's video, shape (frames,); NaN where no store has times.
        valid: True where a member answered from a crop of the frame itself, shape (frames,).
        filled: True where a fill policy made the answers of all members that have some, shape (frames,).
        answers: by task, shape (members, frames, width); NaN in frames that no member answers, 0 in columns.
        columns: by task, True for the columns or classes that each member answers itself, shape (members, width).
        stood_in: number of frames in which others stand in for each member, shape (members,).
    """

    stores: tuple[Store, ...]
    identities: tuple[str, ...]
    units: tuple[str, ...]
    unit: Integers
    frame: Integers
    time: Floats
    valid: Mask
    filled: Mask
    answers: Mapping[str, Floats]
    columns: Mapping[str, Mask]
    stood_in: Rows

    @property
    def names(self) -> tuple[str, ...]:
        """Folder of each member's store."""
        return tuple(str(store.root) for store in self.stores)

    @property
    def answered(self) -> Mask:
        """True for each frame that some member answers, shape (frames,)."""
        return self.valid | self.filled

    @property
    def remarks(self) -> tuple[str, ...]:
        """What others stand in for, by member."""
        frames = [
            f"{name} does not answer {lacking:,} of {int(self.answered.sum()):,} frames: there the mean of the members "
            "that do stands in for it"
            for name, lacking in zip(self.names, self.stood_in.tolist(), strict=True)
            if lacking
        ]
        columns = [
            f"{name} answers {int(own.sum())} of {len(own)} columns of {task}: for the others the mean of the members "
            "that do stands in"
            for task, known in self.columns.items()
            for name, own in zip(self.names, known, strict=True)
            if not own.all()
        ]
        return (*frames, *columns)

    def own(self, task: str) -> Floats:
        """Answers to a task with 0 in the columns that a member does not answer itself, as its store is scored."""
        columns = self.columns[task]
        return self.answers[task] if columns.all() else np.where(columns[:, None], self.answers[task], 0.0)

    def mean(self, challenge: Challenge) -> Stream:
        """The plain mean of the members as the answers of one entry."""
        time = np.where(np.isnan(self.time), self.frame / ASSUMED_RATE, self.time)
        return Stream(
            units=self.units,
            unit=self.unit,
            frame=self.frame,
            time=time,
            valid=self.valid,
            filled=self.filled,
            answers={task.name: self.answers[task.name].mean(0) for task in challenge.tasks},
            run=runs_of(self.unit, self.frame, time, self.answered),
            source=f"the mean of {len(self.stores)} stores",
        )


def read_members(challenge: Challenge, roots: Sequence[Path], allow_filled: float = MOST_FILLED) -> Members:
    """Read the stores of an ensemble's members.

    Args:
        challenge: challenge that all of them answer.
        roots: folder of each store.
        allow_filled: greatest share of frames in which others may stand in for a member, from 0 to 1.

    Raises:
        ProblemError: the problems of all stores: P02 and F02 no store, or a damaged one; P07 an entry without an answer
            to any task; P08 a task without a member, or an entry twice; T12 too many frames that a member lacks.
    """
    stores = read_each(roots, lambda root: _open(challenge, root))
    identities = tuple(identity_of(store) for store in stores)
    _require_distinct(stores, identities)
    streams = read_each(stores, lambda store: read_stream(store, challenge))
    units = tuple(sorted({name for stream in streams for name in stream.units}))
    keys = [_keys(stream, units) for stream in streams]
    known = np.unique(np.concatenate(keys))
    places = [np.searchsorted(known, own) for own in keys]
    frames = len(known)
    answers = {task.name: np.full((len(streams), frames, task.width), np.nan) for task in challenge.tasks}
    valid, some = np.zeros(frames, bool), np.zeros((len(streams), frames), bool)
    time = np.full(frames, np.nan)
    for member, (stream, place) in enumerate(zip(streams, places, strict=True)):
        for task in challenge.tasks:
            answers[task.name][member, place] = stream.answers[task.name]
        valid[place] |= stream.valid
        some[member, place] = stream.valid | stream.filled
        if not stream.assumed:
            time[place] = np.where(np.isnan(time[place]), stream.time, time[place])
    answered: Mask = np.any(some, axis=0)
    stood_in = (answered & ~some).sum(1)
    _require_enough(stores, stood_in, int(answered.sum()), allow_filled)
    columns = {task.name: _columns(task, stores) for task in challenge.tasks}
    for task in challenge.tasks:
        _stand_in(answers[task.name], some, answered)
        _stand_in_columns(task, answers[task.name], columns[task.name])
    return Members(
        stores=tuple(stores),
        identities=identities,
        units=units,
        unit=(known >> 32).astype(np.int32),
        frame=(known & 0xFFFFFFFF).astype(np.int32),
        time=time,
        valid=valid,
        filled=answered & ~valid,
        answers=answers,
        columns=columns,
        stood_in=stood_in,
    )


def _open(challenge: Challenge, root: Path) -> Store:
    if not is_store(root):
        fix = "make it with `abawbench predict`; files of decided answers cannot be averaged"
        raise ProblemError(Problem("P02", "no store", "a prediction store", fix, str(root)))
    store = open_store(root)
    require_answers(store, challenge)
    return store


def _columns(task: Task, stores: Sequence[Store]) -> Mask:
    known = [covered(store.card, task) for store in stores]
    if not any(known):
        fix = "add the store of an entry that does"
        raise ProblemError(Problem("P08", f"no member that answers {task.name}", "one at least", fix))
    return np.array([[name in own for name in task.outputs] for own in known])


def _require_distinct(stores: Sequence[Store], identities: Sequence[str]) -> None:
    first: dict[str, Store] = {}
    problems: list[Problem] = []
    for store, identity in zip(stores, identities, strict=True):
        other = first.setdefault(identity, store)
        if other is not store:
            found = f"the entry {store.card.name} of {other.root} again"
            problems.append(Problem("P08", found, "an entry once", "name one of the two stores", str(store.root)))
    if len(stores) < 2:
        fix = "name the stores of two entries at least"
        problems.append(Problem("C02", f"{len(stores)} store", "two stores at least", fix))
    if problems:
        raise ProblemError(*problems)


def _keys(stream: Stream, units: Sequence[str]) -> Rows:
    place = {name: number for number, name in enumerate(units)}
    own = np.array([place[name] for name in stream.units], np.int32)
    return row_keys(own[stream.unit], stream.frame)


def _require_enough(stores: Sequence[Store], stood_in: Rows, frames: int, allowed: float) -> None:
    problems = [
        Problem(
            "T12",
            f"no answer to {lacking:,} of {frames:,} frames that other members answer",
            f"at most {allowed:.0%} in which others stand in",
            "predict the same units with every member, leave it out, or raise --allow-filled",
            str(store.root),
            count=lacking,
        )
        for store, lacking in zip(stores, stood_in.tolist(), strict=True)
        if lacking > allowed * frames
    ]
    if problems:
        raise ProblemError(*problems)


def _stand_in(values: Floats, some: Mask, answered: Mask) -> None:
    """Put the mean of those members that answer in place of the answers of the others; `values` is changed."""
    partly = np.flatnonzero(answered & ~some.all(0))
    if len(partly):
        own = some[:, partly, None]
        mean = np.where(own, values[:, partly], 0.0).sum(0) / own.sum(0)
        values[:, partly] = np.where(own, values[:, partly], mean)


def _stand_in_columns(task: Task, values: Floats, columns: Mask) -> None:
    """Likewise for columns and classes that some members do not answer themselves; `values` is changed."""
    counts = columns.sum(0)
    mean = np.where(columns[:, None], values, 0.0).sum(0) / np.maximum(counts, 1)
    for member in np.flatnonzero(~columns.all(1)).tolist():
        own, others = columns[member], ~columns[member]
        values[member][:, others] = mean[:, others]
        if sums_to_one(task):
            values[member][:, own] *= 1 - mean[:, others].sum(1, keepdims=True)
            values[member] /= values[member].sum(1, keepdims=True)

"""An entry under test: loaded twice, with clips that it can answer and what it said first."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, cast

import numpy as np

from abawbench.base.problems import Problem, ProblemError
from abawbench.challenges import Task
from abawbench.clips.alignment import CROP_SIZE
from abawbench.clips.clip import Clip, Frames, Positions
from abawbench.entries.conformance.drawn import drawn_clips, drawn_truth
from abawbench.entries.contract import check_answers, describe_failure
from abawbench.entries.model import Answers, Card, DeviceEntry, Entry, FrameFeatures, TableEntry, Trainable

Load = Callable[[], Entry | Trainable]
Takes = Literal["crops", "features", "files", "nothing"]


@dataclass(frozen=True, eq=False, slots=True)
class Subject:
    """An entry, and what it is tried on.

    Attributes:
        entry: ready to answer.
        again: the same, loaded anew, and not asked yet.
        is_fitted: True where both were fitted on drawn faces.
        takes: what it looks at; `files` for an entry that looks up what lies in some.
        clip: with valid frames and others.
        other: another unit.
        said: what `entry` answered to `clip`, its very first question; None where it failed.
        failed: why it did.
        reads: whether it read crops for that.
    """

    entry: Entry
    again: Entry
    is_fitted: bool
    takes: Takes
    clip: Clip
    other: Clip
    said: object
    failed: tuple[Problem, ...]
    reads: bool

    def answers(self, entry: Entry, clip: Clip) -> Answers:
        """What one of the two answers to a clip. Raises: ProblemError E12, or one of the entry's own."""
        return _answers(entry, clip, takes_features=self.takes == "features")

    @property
    def tasks(self) -> tuple[Task, ...]:
        """Those of the card that were answered at first; that the others were not is told once."""
        given = cast(Mapping[str, object], self.said) if isinstance(self.said, Mapping) else {}
        return tuple(task for task in self.entry.card.tasks if task.name in given)

    def check_answers(self, answers: object, clip: Clip) -> tuple[Problem, ...]:
        """What is wrong with answers, E13 and E14, as far as these tasks go."""
        if not isinstance(answers, Mapping):
            return check_answers(self.entry.card, answers, clip)
        given, names = cast(Mapping[str, object], answers), {task.name for task in self.tasks}
        kept = {name: values for name, values in given.items() if name in names}
        return check_answers(replace(self.entry.card, tasks=self.tasks), kept, clip)


def subject_of(load: Load, tasks: Sequence[Task]) -> Subject:
    """An entry loaded twice, fitted where it must be, and asked once.

    Args:
        load: makes it anew with every call.
        tasks: that a `Trainable` is taught.

    Raises:
        ProblemError: of loading and fitting; E12 where these fail otherwise, E16 for a card that is none.
    """
    (entry, is_fitted), (again, _) = _ready(load, tasks), _ready(load, tasks)
    takes = _takes(entry)
    clip, other = _clips(entry)
    read: list[int] = []

    def noted(positions: Positions) -> Frames:
        read.append(len(positions))
        return clip.source(positions)

    said, failed = None, ()
    try:
        said = _answers(entry, replace(clip, source=noted), takes_features=takes == "features")
    except ProblemError as error:
        failed = error.problems
    if takes == "crops" and entry.card.picture is None and not read:
        takes = "nothing"
    return Subject(entry, again, is_fitted, takes, clip, other, said, failed, bool(read))


def _ready(load: Load, tasks: Sequence[Task]) -> tuple[Entry, bool]:
    card = Card("the entry", "", (), None)
    try:
        made = load()
        given = cast(object, made.card)
        if not isinstance(given, Card):
            kind = type(given).__name__
            raise ProblemError(Problem("E16", f"a card of type {kind}", "an abawbench.entries.Card", "make it one"))
        card = given
        if not isinstance(made, Trainable):
            return made, False
        size = CROP_SIZE if card.picture is None else card.picture.size
        fitted = cast(object, made.fit(drawn_clips(size), drawn_truth(tasks)))
        if isinstance(fitted, Entry):
            return fitted, True
        found = f"{card.name}: fit makes a {type(fitted).__name__}"
        raise ProblemError(Problem("E02", found, "an entry, with a card and predict(clip)", "return one"))
    except Exception as error:
        raise ProblemError(*describe_failure(card, error, "(none yet)", None)) from error


def _clips(entry: Entry) -> tuple[Clip, Clip]:
    """A clip with gaps, and one of another unit where there is one."""
    try:
        size = CROP_SIZE if entry.card.picture is None else entry.card.picture.size
        clips = entry.clips() if isinstance(entry, TableEntry) else drawn_clips(size)
        return _with_gaps(clips[0]), clips[-1]
    except Exception as error:
        raise ProblemError(*describe_failure(entry.card, error, "(none yet)", None)) from error


def _takes(entry: Entry) -> Takes:
    if isinstance(entry, TableEntry):
        return "files"
    if entry.card.sees_truth:
        return "nothing"
    if isinstance(entry, DeviceEntry) and entry.card.picture is None:
        try:
            entry.encode(np.zeros((1, CROP_SIZE, CROP_SIZE, 3), np.uint8))
        except ProblemError as error:
            return "features" if {problem.rule for problem in error.problems} == {"E06"} else "crops"
        except Exception:
            return "crops"
    return "crops"


def _answers(entry: Entry, clip: Clip, *, takes_features: bool) -> Answers:
    try:
        if takes_features and isinstance(entry, DeviceEntry):
            return entry.answer(_features(clip, entry.width), clip)
        return entry.predict(clip)
    except Exception as error:
        raise ProblemError(*describe_failure(entry.card, error, clip.video, None)) from error


def _features(clip: Clip, width: int) -> FrameFeatures:
    """Random features of the valid frames, the same for a frame of a unit whatever stands beside it."""
    rows = [np.random.default_rng([len(clip.video), frame]) for frame in clip.frame[clip.valid].tolist()]
    return np.array([row.normal(size=width) for row in rows], np.float32).reshape(len(rows), width)


def _with_gaps(clip: Clip) -> Clip:
    """The clip with some frames not valid: the first, the last and two in the middle; of a short clip the last."""
    count = len(clip)
    gaps = [0, count // 2, count // 2 + 1, count - 1] if count >= 8 else [count - 1] if count > 1 else []
    return replace(clip, valid=clip.valid & ~np.isin(np.arange(count), gaps))

"""Checks that each look at one answer, or at the card, of an entry under test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from abawbench.base.problems import Problem, ProblemError
from abawbench.clips.clip import Clip, Positions, clip_in_memory
from abawbench.entries.conformance import complete_card
from abawbench.entries.conformance.drawn import resized
from abawbench.entries.conformance.subject import Subject
from abawbench.entries.model import DeviceEntry


def card(subject: Subject) -> tuple[Problem, ...]:
    """E16, what the card leaves out."""
    needs_networks = subject.takes == "crops" and isinstance(subject.entry, DeviceEntry)
    return complete_card.lacking(
        subject.entry.card, reads=subject.reads, needs_networks=needs_networks, is_fitted=subject.is_fitted
    )


def tasks(subject: Subject) -> tuple[Problem, ...]:
    """E16, tasks with wrong names; E13, tasks that are answered and not on the card, or the other way round."""
    own = subject.entry.card
    problems = complete_card.misnamed(own)
    if not isinstance(subject.said, Mapping):
        return problems
    given, promised = {str(name) for name in subject.said}, {task.name for task in own.tasks}
    unit = f"{own.name}, unit {subject.clip.video}"
    expected = f"answers to {', '.join(sorted(promised)) or 'nothing'}, as its card says"
    fix = "correct the card or predict"
    surplus = tuple(Problem("E13", f"{unit}: an answer to {name}", expected, fix) for name in sorted(given - promised))
    absent = tuple(Problem("E13", f"{unit}: no answer to {name}", expected, fix) for name in sorted(promised - given))
    return (*problems, *surplus, *absent)


def rows(subject: Subject) -> tuple[Problem, ...]:
    """E12 E13 E14, a clip of valid and other frames."""
    return subject.failed or subject.check_answers(subject.said, subject.clip)


def one_frame(subject: Subject) -> tuple[Problem, ...]:
    """E12 E13 E14, a clip of one frame."""
    return _asked(subject, _part(subject.other, np.flatnonzero(subject.other.valid)[:1]))


def no_valid_frame(subject: Subject) -> tuple[Problem, ...]:
    """E12 E13 E14, a clip whose frames are all not valid."""
    return _asked(subject, replace(subject.clip, valid=np.zeros(len(subject.clip), bool)))


def no_frame(subject: Subject) -> tuple[Problem, ...]:
    """E12 E13, a clip of no frame."""
    return _asked(subject, _part(subject.clip, np.empty(0, np.intp)))


def another_size(subject: Subject) -> tuple[Problem, ...]:
    """E12 E13 E14, crops that are neither refused, by E06, nor answered soundly."""
    crops = subject.other.frames[:4]
    size = max(crops.shape[1] * 3 // 4, 1)
    clip = clip_in_memory(subject.other.video, resized(crops, size))
    problems = _asked(subject, clip)
    return () if {problem.rule for problem in problems} == {"E06"} else problems


def _asked(subject: Subject, clip: Clip) -> tuple[Problem, ...]:
    try:
        return subject.check_answers(subject.answers(subject.entry, clip), clip)
    except ProblemError as error:
        return error.problems


def _part(clip: Clip, kept: Positions) -> Clip:
    """The frames at these positions of a clip."""
    time = None if clip.time is None else clip.time[kept]
    return replace(
        clip,
        frame=clip.frame[kept],
        valid=clip.valid[kept],
        time=time,
        files=None,
        source=lambda positions: clip.source(kept[positions]),
    )

"""Checks that each ask an entry under test twice: the answer, or what it sees, must be the same, or must not."""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from abawbench.base.problems import Problem, ProblemError
from abawbench.clips.clip import Frames
from abawbench.entries.conformance.drawn import drawn_clips
from abawbench.entries.conformance.subject import Subject
from abawbench.entries.model import Answers, DeviceEntry, FrameFeatures, FrameWise

# float32 adds up in another order in another batch
SEEN = 1e-4
ANSWERED = 1e-5
# an entry may have been loaded to another device
ELSEWHERE = 1e-3
# of a batch that is filled up with black, as `abawbench predict` does
BATCH = 16


def again(subject: Subject) -> tuple[Problem, ...]:
    """E15, the same clip a second time."""
    fix = "draw no random numbers without a fixed seed, and turn dropout off"
    return _unlike(subject, subject.answers(subject.entry, subject.clip), "asked again", fix)


def loaded_again(subject: Subject) -> tuple[Problem, ...]:
    """E15, the same clip to the entry loaded anew."""
    fix = "give whatever is random a fixed seed when it is made"
    return _unlike(subject, subject.answers(subject.again, subject.clip), "loaded again", fix)


def after_another(subject: Subject) -> tuple[Problem, ...]:
    """E15, the same clip after another one."""
    subject.answers(subject.entry, subject.other)
    fix = "let predict keep nothing of the clips before"
    return _unlike(subject, subject.answers(subject.entry, subject.clip), f"after {subject.other.video}", fix)


def apart(subject: Subject) -> tuple[Problem, ...]:
    """E15, the same clip by way of `encode`, or `prepare` and `forward`, and `answer`."""
    entry = subject.entry
    assert isinstance(entry, FrameWise)
    crops = subject.clip.read(np.flatnonzero(subject.clip.valid))
    if isinstance(entry, DeviceEntry):
        entry = entry.at("cpu", "float32")
        seen = entry.forward(entry.prepare(crops))
    else:
        seen = entry.encode(crops)
    fix = "let predict be predict_frame_wise(self, clip)"
    return _unlike(subject, entry.answer(seen, subject.clip), "looked at and concluded apart", fix, ELSEWHERE)


def beside(subject: Subject) -> tuple[Problem, ...]:
    """E13, what is seen is no matrix of one row a crop; E15, it depends on the other crops of a batch."""
    entry = subject.entry
    assert isinstance(entry, FrameWise)
    first, second = drawn_clips(subject.clip.size)
    mixed = np.stack([crop for pair in zip(first.frames[:4], second.frames[:4], strict=True) for crop in pair][:-1])
    padded = np.concatenate([mixed, np.zeros((BATCH - len(mixed), *mixed.shape[1:]), np.uint8)])
    seen = {"alone": np.concatenate([_seen(entry, crop[np.newaxis]) for crop in mixed])}
    seen["beside others"] = _seen(entry, mixed)
    seen["in a batch with black ones"] = _seen(entry, padded)[: len(mixed)]
    alone = seen.pop("alone")
    allowed = SEEN * max(1.0, float(np.abs(alone).max(initial=0)))
    problems: list[Problem] = []
    for where, other in seen.items():
        off = np.abs(alone - other).max(axis=1, initial=0)
        # a difference that is no number is too large as well
        wrong = ~(off <= allowed)
        if wrong.any():
            place = int(np.flatnonzero(wrong)[0])
            found = f"{entry.card.name}: crop {place + 1} alone and {where} differ by {off[place]:.3g} in look"
            fix = "put nothing into look that mixes crops, as statistics of a batch do"
            problems.append(Problem("E15", found, f"at most {allowed:.2g}", fix, count=int(wrong.sum())))
    return tuple(problems)


def colours(subject: Subject) -> tuple[Problem, ...]:
    """E16, an entry that works in colour, by its card, and sees no difference between a red face and a blue one."""
    entry = subject.entry
    assert isinstance(entry, FrameWise)
    face = drawn_clips(subject.clip.size)[0].frames[:1]
    red = (face * np.array([1.0, 0.5, 0.25])).astype(np.uint8)
    seen = _seen(entry, red), _seen(entry, red[..., ::-1].copy())
    scale = max(1e-6, float(np.abs(seen[0]).max(initial=0)))
    if np.abs(seen[0] - seen[1]).max(initial=0) > 1e-5 * scale:
        return ()
    picture = entry.card.picture
    colour = "colour" if picture is None else picture.colour
    found = f"{entry.card.name}: a red face and a blue one are seen the same, its card says {colour}"
    return (Problem("E16", found, "a difference", 'write colour = "grey", or look at the colours'),)


def _seen(entry: FrameWise, crops: Frames) -> FrameFeatures:
    seen: Any = entry.encode(crops)
    wide = entry.width if isinstance(entry, DeviceEntry) else None
    if isinstance(seen, np.ndarray) and seen.ndim == 2 and len(seen) == len(crops) and wide in {None, seen.shape[1]}:
        return cast(FrameFeatures, seen)
    found = f"{entry.card.name}: look gives {getattr(seen, 'shape', type(seen).__name__)} for {len(crops)} crops"
    expected = f"({len(crops)}, {'width' if wide is None else wide})"
    raise ProblemError(Problem("E13", found, expected, "correct the entry's look"))


def _unlike(subject: Subject, answers: Answers, when: str, fix: str, allowed: float = ANSWERED) -> tuple[Problem, ...]:
    """Where answers to the clip are not what was said first; tasks that are not on the card are left to others."""
    clip = subject.clip
    problems = list(subject.check_answers(answers, clip))
    if problems:
        return tuple(problems)
    said = cast(Answers, subject.said)
    for task in subject.tasks:
        # NaN stands where a frame is not valid, in both
        off = np.nan_to_num(np.abs(said[task.name] - answers[task.name])).max(axis=1, initial=0)
        wrong = np.flatnonzero(off > allowed)
        if len(wrong):
            frame = clip.frame[wrong[0]]
            where = f"{subject.entry.card.name}, unit {clip.video}, frame {frame}"
            found = f"{where}: {task.name} {when} differs by {off[wrong[0]]:.3g}"
            problems.append(Problem("E15", found, f"at most {allowed:g}", fix, count=len(wrong)))
    return tuple(problems)

"""The checks that every entry must pass, whatever model it holds: `conform` runs the list CHECKS."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np

from abawbench import challenges
from abawbench.base.problems import Problem, ProblemError
from abawbench.challenges import Task
from abawbench.clips.clip import Clip, Frames, clip_in_memory, part_of
from abawbench.entries.conformance import card
from abawbench.entries.conformance.subject import Load, Subject, drawn_clips, make_subject, resize_crops
from abawbench.entries.contract import place_in
from abawbench.entries.failures import reporting_failures
from abawbench.entries.model import Answers, DeviceEntry, FrameFeatures, FrameWise
from abawbench.entries.network_notes import network_notes

if TYPE_CHECKING:
    from abawbench.models.sizes import Size

FILLED_IN = "its file is filled in"
LOADS = "it loads, and learns where it has to"
ROWS = "every frame has its row, and values lie in their ranges"
AGAIN = "asked again, it answers the same"
BESIDE = "a crop is seen the same alone, beside others and beside black ones"
TWICE = (ROWS, AGAIN)

# greatest difference of features, by their scale, and of answers: float32 adds up in another order in another batch
FEATURE_TOLERANCE = 1e-4
ANSWER_TOLERANCE = 1e-5
# greatest difference of answers where an entry may have been loaded to another device
DEVICE_TOLERANCE = 1e-3
# crops of a batch that is filled up with black ones, as `abawbench predict` fills it
BATCH = 16


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of one check.

    Attributes:
        name: requirement that was checked, a sentence.
        problems: problems that the check found.
        left_out: reason why the check was not made; None where it was made.
    """

    name: str
    problems: tuple[Problem, ...] = ()
    left_out: str | None = None

    @property
    def state(self) -> Literal["ok", "FAILED", "left out"]:
        """The outcome in a word or two."""
        return "left out" if self.left_out is not None else "FAILED" if self.problems else "ok"

    def to_json(self) -> dict[str, object]:
        """The finding as `--json` prints it."""
        problems = [problem.to_json() for problem in self.problems]
        return {"name": self.name, "state": self.state, "left_out": self.left_out, "problems": problems}


@dataclass(frozen=True, slots=True)
class Report:
    """The findings of all checks, in their order; only the first where an entry does not load.

    Attributes:
        findings: findings of the checks.
        notes: notes on the card of the entry.
        on_weights: notes on the weights of the entry, which fail no check.
        size: parameters of the backbones that encode crops, and their multiply-adds for one crop; None for an entry
            that has none of this package.
    """

    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()
    on_weights: tuple[Problem, ...] = ()
    size: Size | None = None

    @property
    def is_ok(self) -> bool:
        """True where no check failed."""
        return not self.problems

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Problems of all checks."""
        return tuple(problem for finding in self.findings for problem in finding.problems)

    def to_json(self) -> dict[str, object]:
        """The report as `--json` prints it."""
        size = {} if self.size is None else {"size": asdict(self.size)}
        return {"ok": self.is_ok, "findings": [finding.to_json() for finding in self.findings], **size}


@dataclass(frozen=True, slots=True)
class Check:
    """One requirement on an entry.

    Attributes:
        name: the requirement, a sentence.
        find_problems: function that returns the problems of an entry that does not meet it.
        left_out: function that returns the reason why it does not apply to an entry; None where it applies.
        needs: names of the checks whose failure this one would only repeat.
    """

    name: str
    find_problems: Callable[[Subject], tuple[Problem, ...]]
    left_out: Callable[[Subject], str | None] = lambda _: None
    needs: tuple[str, ...] = (ROWS,)


def conform(load: Load, tasks: Sequence[Task] | None = None) -> Report:
    """Check that an entry keeps the promises of `Entry`, `FrameWise` and `DeviceEntry`.

    The entry predicts from drawn faces, from random features where it takes features, or from its own files where it
    looks answers up. An exception of the entry is a problem, E12, like any other.

    Args:
        load: function that makes the entry anew with every call.
        tasks: tasks that a `Trainable` learns from drawn faces; None for those of abaw4-mtl.
    """
    try:
        subject = make_subject(load, challenges.get("abaw4-mtl").tasks if tasks is None else tasks)
    except ProblemError as error:
        return Report((Finding(LOADS, error.problems),))
    findings = [Finding(LOADS)]
    for check in CHECKS:
        failed = [finding.name for finding in findings if finding.name in check.needs and finding.state == "FAILED"]
        reason = f"after the failure of '{failed[0]}'" if failed else check.left_out(subject)
        problems = () if reason is not None else _run(check, subject)
        findings.append(Finding(check.name, problems, reason))
    own = subject.entry.card
    return Report(tuple(findings), own.notes, network_notes(own), getattr(subject.entry, "size", None))


def _run(check: Check, subject: Subject) -> tuple[Problem, ...]:
    try:
        with reporting_failures(place_in(subject.entry.card, subject.clip.video)):
            return check.find_problems(subject)
    except ProblemError as error:
        return error.problems


def _card(subject: Subject) -> tuple[Problem, ...]:
    """E16, facts that the card leaves out."""
    needs_networks = subject.takes == "crops" and isinstance(subject.entry, DeviceEntry)
    return card.check_card(
        subject.entry.card,
        reads_crops=subject.reads_crops,
        needs_networks=needs_networks,
        is_fitted=subject.is_fitted,
    )


def _tasks(subject: Subject) -> tuple[Problem, ...]:
    """E16, tasks with wrong names; E13, tasks that are answered but not on the card, or the other way round."""
    own = subject.entry.card
    problems = card.check_task_names(own)
    if not isinstance(subject.first_answers, Mapping):
        return problems
    answered, promised = {str(name) for name in subject.first_answers}, {task.name for task in own.tasks}
    unit = f"{own.name}, unit {subject.clip.video}"
    expected = f"answers to {', '.join(sorted(promised)) or 'nothing'}, as its card says"
    found = [f"an answer to {name}" for name in sorted(answered - promised)]
    found += [f"no answer to {name}" for name in sorted(promised - answered)]
    fix = "correct the card or predict"
    return (*problems, *(Problem("E13", f"{unit}: {text}", expected, fix) for text in found))


def _first_answers(subject: Subject) -> tuple[Problem, ...]:
    """E12 E13 E14, answers to a clip with valid and invalid frames."""
    return subject.first_failure or subject.check_answers(subject.first_answers, subject.clip)


def _one_frame(subject: Subject) -> tuple[Problem, ...]:
    """E12 E13 E14, answers to a clip of one frame."""
    return _answers_to(subject, part_of(subject.other_clip, np.flatnonzero(subject.other_clip.valid)[:1]))


def _no_valid_frame(subject: Subject) -> tuple[Problem, ...]:
    """E12 E13 E14, answers to a clip of invalid frames."""
    return _answers_to(subject, replace(subject.clip, valid=np.zeros(len(subject.clip), bool)))


def _no_frame(subject: Subject) -> tuple[Problem, ...]:
    """E12 E13, answers to a clip without frames."""
    return _answers_to(subject, part_of(subject.clip, np.empty(0, np.intp)))


def _another_size(subject: Subject) -> tuple[Problem, ...]:
    """E12 E13 E14, answers to crops of another size, where they are not refused by E06."""
    crops = subject.other_clip.frames[:4]
    clip = clip_in_memory(subject.other_clip.video, resize_crops(crops, max(crops.shape[1] * 3 // 4, 1)))
    problems = _answers_to(subject, clip)
    return () if {problem.rule for problem in problems} == {"E06"} else problems


def _answers_to(subject: Subject, clip: Clip) -> tuple[Problem, ...]:
    try:
        return subject.check_answers(subject.predict(clip), clip)
    except ProblemError as error:
        return error.problems


def _again(subject: Subject) -> tuple[Problem, ...]:
    """E15, other answers to the same clip a second time."""
    fix = "draw no random numbers without a fixed seed, and turn dropout off"
    return _compare(subject, subject.predict(subject.clip), "asked again", fix)


def _loaded_again(subject: Subject) -> tuple[Problem, ...]:
    """E15, other answers of the reloaded entry."""
    fix = "give whatever is random a fixed seed when it is made"
    return _compare(subject, subject.predict(subject.clip, entry=subject.reloaded), "loaded again", fix)


def _after_another(subject: Subject) -> tuple[Problem, ...]:
    """E15, other answers to the same clip after another clip."""
    subject.predict(subject.other_clip)
    fix = "let predict keep nothing of the clips before"
    return _compare(subject, subject.predict(subject.clip), f"after {subject.other_clip.video}", fix)


def _apart(subject: Subject) -> tuple[Problem, ...]:
    """E15, other answers by `encode`, or `prepare` and `forward`, and `answer` than by `predict`."""
    entry = subject.entry
    assert isinstance(entry, FrameWise)
    crops = subject.clip.read(np.flatnonzero(subject.clip.valid))
    if isinstance(entry, DeviceEntry):
        entry = entry.at("cpu", "float32")
        features = entry.forward(entry.prepare(crops))
    else:
        features = entry.encode(crops)
    fix = "let predict be predict_frame_wise(self, clip)"
    answers = entry.answer(features, subject.clip)
    return _compare(subject, answers, "encoded and answered apart", fix, DEVICE_TOLERANCE)


def _beside(subject: Subject) -> tuple[Problem, ...]:
    """E13, features that are not a matrix with a row for each crop; E15, features that depend on other crops."""
    entry = subject.entry
    assert isinstance(entry, FrameWise)
    first, second = drawn_clips(subject.clip.size)
    mixed = np.stack([crop for pair in zip(first.frames[:4], second.frames[:4], strict=True) for crop in pair][:-1])
    padded = np.concatenate([mixed, np.zeros((BATCH - len(mixed), *mixed.shape[1:]), np.uint8)])
    alone = np.concatenate([_encode(entry, crop[np.newaxis]) for crop in mixed])
    batches = {
        "beside others": _encode(entry, mixed),
        "in a batch with black ones": _encode(entry, padded)[: len(mixed)],
    }
    allowed = FEATURE_TOLERANCE * max(1.0, float(np.abs(alone).max(initial=0)))
    problems: list[Problem] = []
    for where, features in batches.items():
        off = np.abs(alone - features).max(axis=1, initial=0)
        # a difference that is not a number is too large as well
        wrong = ~(off <= allowed)
        if wrong.any():
            place = int(np.flatnonzero(wrong)[0])
            found = f"{entry.card.name}: crop {place + 1} alone and {where} differ by {off[place]:.3g} in encode"
            fix = "put nothing into encode that mixes crops, as statistics of a batch do"
            problems.append(Problem("E15", found, f"at most {allowed:.2g}", fix, count=int(wrong.sum())))
    return tuple(problems)


def _colours(subject: Subject) -> tuple[Problem, ...]:
    """E16, the same features of a red face and a blue one from an entry whose card says that it works in colour."""
    entry = subject.entry
    assert isinstance(entry, FrameWise)
    face = drawn_clips(subject.clip.size)[0].frames[:1]
    red = (face * np.array([1.0, 0.5, 0.25])).astype(np.uint8)
    of_red, of_blue = _encode(entry, red), _encode(entry, red[..., ::-1].copy())
    scale = max(1e-6, float(np.abs(of_red).max(initial=0)))
    if np.abs(of_red - of_blue).max(initial=0) > 1e-5 * scale:
        return ()
    picture = entry.card.picture
    colour = "colour" if picture is None else picture.colour
    found = f"{entry.card.name}: a red face and a blue one are encoded the same, its card says {colour}"
    return (Problem("E16", found, "a difference", 'write colour = "grey", or encode the colours'),)


def _encode(entry: FrameWise, crops: Frames) -> FrameFeatures:
    features: Any = entry.encode(crops)
    width = entry.width if isinstance(entry, DeviceEntry) else None
    is_matrix = isinstance(features, np.ndarray) and features.ndim == 2 and len(features) == len(crops)
    if is_matrix and width in {None, features.shape[1]}:
        return cast(FrameFeatures, features)
    shape = getattr(features, "shape", type(features).__name__)
    found = f"{entry.card.name}: encode gives {shape} for {len(crops)} crops"
    expected = f"({len(crops)}, {'width' if width is None else width})"
    raise ProblemError(Problem("E13", found, expected, "correct the entry's encode"))


def _compare(
    subject: Subject, answers: Answers, when: str, fix: str, allowed: float = ANSWER_TOLERANCE
) -> tuple[Problem, ...]:
    """E15, answers to the clip that differ from the first ones, in the tasks that these hold."""
    clip = subject.clip
    problems = list(subject.check_answers(answers, clip))
    if problems:
        return tuple(problems)
    first = cast(Answers, subject.first_answers)
    for task in subject.answered_tasks:
        # both hold NaN where a frame is not valid
        off = np.nan_to_num(np.abs(first[task.name] - answers[task.name])).max(axis=1, initial=0)
        wrong = np.flatnonzero(off > allowed)
        if len(wrong):
            where = f"{subject.entry.card.name}, unit {clip.video}, frame {clip.frame[wrong[0]]}"
            found = f"{where}: {task.name} {when} differs by {off[wrong[0]]:.3g}"
            problems.append(Problem("E15", found, f"at most {allowed:g}", fix, count=len(wrong)))
    return tuple(problems)


# reason why a check of crops does not apply, by the input of an entry
NO_CROPS = {"features": "it takes features", "files": "it looks up files", "nothing": "it looks at no picture"}


def _without_encode(subject: Subject) -> str | None:
    is_frame_wise = isinstance(subject.entry, FrameWise)
    return NO_CROPS.get(subject.takes) or (None if is_frame_wise else "it does not look at each crop alone")


def _without_picture(subject: Subject) -> str | None:
    no_picture = subject.entry.card.picture is None
    return NO_CROPS.get(subject.takes) or ("its card names no picture" if no_picture else None)


def _without_colour(subject: Subject) -> str | None:
    picture = subject.entry.card.picture
    is_grey = picture is not None and picture.colour == "grey"
    return _without_encode(subject) or _without_picture(subject) or ("it works in grey" if is_grey else None)


CHECKS = (
    Check("its card says what it takes, what it was made from, and under which licence", _card, needs=()),
    Check("it answers the tasks of its card by their names, and no others", _tasks, needs=()),
    Check(ROWS, _first_answers, needs=()),
    Check(AGAIN, _again),
    Check("loaded again, it answers the same", _loaded_again, needs=TWICE),
    Check("after another clip, it answers the same", _after_another, needs=TWICE),
    Check("a clip of one frame is answered", _one_frame),
    Check("a clip without valid frames has rows without answers", _no_valid_frame),
    Check("a clip without frames has no rows", _no_frame),
    Check(BESIDE, _beside, _without_encode, TWICE),
    Check("encoding and answering apart, it answers the same", _apart, _without_encode, (*TWICE, BESIDE)),
    Check("crops of another size are refused as such, or brought to size", _another_size, _without_picture),
    Check("red and blue are told apart", _colours, _without_colour, (*TWICE, BESIDE)),
)

"""What every entry must do, whatever stands behind it, as a list of checks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from abawbench import challenges
from abawbench.base.problems import Problem, ProblemError
from abawbench.challenges import Task
from abawbench.entries.conformance import sameness, soundness
from abawbench.entries.conformance.subject import Load, Subject, subject_of
from abawbench.entries.contract import describe_failure
from abawbench.entries.model import FrameWise

LOADS = "it loads, and learns where it has to"
ROWS = "every frame has its row, and values lie in their ranges"
AGAIN = "asked again, it answers the same"
BESIDE = "a crop is seen the same alone, beside others and beside black ones"
TWICE = (ROWS, AGAIN)


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of one check.

    Attributes:
        name: what is asked for, a sentence.
        problems: what was found instead.
        left_out: why the check was not made; None where it was.
    """

    name: str
    problems: tuple[Problem, ...] = ()
    left_out: str | None = None

    @property
    def state(self) -> Literal["ok", "FAILED", "left out"]:
        """What came of it, in a word or two."""
        return "left out" if self.left_out is not None else "FAILED" if self.problems else "ok"

    def to_json(self) -> dict[str, object]:
        """The finding as `--json` prints it."""
        problems = [problem.to_json() for problem in self.problems]
        return {"name": self.name, "state": self.state, "left_out": self.left_out, "problems": problems}


@dataclass(frozen=True, slots=True)
class Report:
    """What came of all checks, in their order; of the first alone where an entry does not load."""

    findings: tuple[Finding, ...]

    @property
    def is_ok(self) -> bool:
        """True where no check failed."""
        return not self.problems

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Those of all checks."""
        return tuple(problem for finding in self.findings for problem in finding.problems)

    def to_json(self) -> dict[str, object]:
        """The report as `--json` prints it."""
        return {"ok": self.is_ok, "findings": [finding.to_json() for finding in self.findings]}


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that is asked of an entry.

    Attributes:
        name: what is asked for, a sentence.
        problems: what is found instead.
        left_out: why it cannot be asked of this entry; None where it can.
        needs: names of checks without which it would only tell the same fault again.
    """

    name: str
    problems: Callable[[Subject], tuple[Problem, ...]]
    left_out: Callable[[Subject], str | None]
    needs: tuple[str, ...] = (ROWS,)


def conform(load: Load, tasks: Sequence[Task] | None = None) -> Report:
    """Whether an entry holds to what `Entry`, `FrameWise` and `DeviceEntry` promise.

    It is asked for answers to drawn faces, to random features where it takes features, to what it has files of where
    it looks them up. An exception of the entry is a problem, E12, as any other.

    Args:
        load: makes the entry, anew with every call.
        tasks: that a `Trainable` is taught on drawn faces; those of abaw4-mtl where not given.
    """
    try:
        subject = subject_of(load, challenges.get("abaw4-mtl").tasks if tasks is None else tasks)
    except ProblemError as error:
        return Report((Finding(LOADS, error.problems),))
    findings = [Finding(LOADS)]
    for check in CHECKS:
        failed = [finding.name for finding in findings if finding.name in check.needs and finding.state == "FAILED"]
        reason = f"after the failure of '{failed[0]}'" if failed else check.left_out(subject)
        problems = () if reason is not None else _problems(check, subject)
        findings.append(Finding(check.name, problems, reason))
    return Report(tuple(findings))


def _problems(check: Check, subject: Subject) -> tuple[Problem, ...]:
    try:
        return check.problems(subject)
    except Exception as error:
        return describe_failure(subject.entry.card, error, subject.clip.video, None)


def _never(subject: Subject) -> None:
    del subject


def _no_crops(subject: Subject) -> str | None:
    match subject.takes:
        case "crops":
            return None
        case "features":
            return "it takes features"
        case "files":
            return "it looks up files"
        case "nothing":
            return "it looks at no picture"


def _no_look(subject: Subject) -> str | None:
    reason = _no_crops(subject)
    return (
        "it does not look at each crop alone" if reason is None and not isinstance(subject.entry, FrameWise) else reason
    )


def _no_picture(subject: Subject) -> str | None:
    reason = _no_crops(subject)
    return "its card names no picture" if reason is None and subject.entry.card.picture is None else reason


def _no_colour(subject: Subject) -> str | None:
    reason = _no_look(subject) or _no_picture(subject)
    picture = subject.entry.card.picture
    return "it works in grey" if reason is None and picture is not None and picture.colour == "grey" else reason


CHECKS = (
    Check(
        "its card says what it takes, what it was made from, and under which licence", soundness.card, _never, needs=()
    ),
    Check("it answers the tasks of its card by their names, and no others", soundness.tasks, _never, needs=()),
    Check(ROWS, soundness.rows, _never, needs=()),
    Check(AGAIN, sameness.again, _never),
    Check("loaded again, it answers the same", sameness.loaded_again, _never, TWICE),
    Check("after another clip, it answers the same", sameness.after_another, _never, TWICE),
    Check("a clip of one frame is answered", soundness.one_frame, _never),
    Check("a clip without valid frames has rows without answers", soundness.no_valid_frame, _never),
    Check("a clip without frames has no rows", soundness.no_frame, _never),
    Check(BESIDE, sameness.beside, _no_look, TWICE),
    Check("looking and concluding apart, it answers the same", sameness.apart, _no_look, (*TWICE, BESIDE)),
    Check("crops of another size are refused as such, or brought to size", soundness.another_size, _no_picture),
    Check("red and blue are told apart", sameness.colours, _no_colour, (*TWICE, BESIDE)),
)

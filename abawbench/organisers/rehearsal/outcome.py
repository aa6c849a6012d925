"""What became of a submission in a rehearsal: what a participant would see, and whether it is right."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from abawbench.base.problems import Problem, inert
from abawbench.organisers.rehearsal.profiles import Profile
from abawbench.organisers.rehearsal.sent import Sent

# scored: it stands on the board with its scores; refused: it has no score, and the team reads why; failed: it has no
# score, and the team reads nothing that helps; unscored: it counts as finished without the scores of the board
State = Literal["scored", "refused", "failed", "unscored", "not run"]
# characters of a text that a problem quotes
MOST_QUOTED = 200


@dataclass(frozen=True)
class Outcome:
    """What became of a submission.

    Attributes:
        submission: name of the submission.
        stage: codename of the phase, or name of the task, whose truth it was compared with.
        profile: name of the profile.
        state: what became of it.
        platform_says: the status that the platform shows.
        is_on_board: True where it takes a place on the board.
        scores: the numbers on the board by their key.
        errors: standard error, which the team reads.
        details: the page with detailed results; empty where there is none.
        seconds: time that the program took.
        remarks: what was not as on the platform, and what the platform does to the scores.
        rules: for a planted fault, the rules that `abawbench check` gives.
        problems: what is wrong with the bundle, as this outcome shows.
    """

    submission: str
    stage: str
    profile: str
    state: State
    platform_says: str
    is_on_board: bool = False
    scores: Mapping[str, float] = field(default_factory=dict[str, float])
    errors: str = ""
    details: str = ""
    seconds: float = 0.0
    remarks: tuple[str, ...] = ()
    rules: frozenset[str] = frozenset()
    problems: tuple[Problem, ...] = ()

    @property
    def is_right(self) -> bool:
        """True if nothing is wrong with the bundle as far as this outcome shows."""
        return not self.problems

    def to_json(self) -> dict[str, Any]:
        """The outcome as plain data."""
        return {
            "submission": self.submission,
            "phase": self.stage,
            "profile": self.profile,
            "state": self.state,
            "platform_says": self.platform_says,
            "on_board": self.is_on_board,
            "scores": dict(self.scores),
            "stderr": self.errors,
            "detailed_results": self.details,
            "seconds": round(self.seconds, 3),
            "remarks": list(self.remarks),
            "rules": sorted(self.rules),
            "problems": [problem.to_json() for problem in self.problems],
        }


def not_run(sent: Sent, stage: str, profile: Profile, why: str) -> Outcome:
    """The outcome of a submission that could not be run under a profile."""
    return Outcome(sent.name, stage, profile.name, "not run", "not run", remarks=(f"not run: {why}",), rules=sent.rules)


def judged(outcome: Outcome, sent: Sent) -> Outcome:
    """The outcome with what is wrong about it, given what should become of the submission.

    O27: a bad submission is on the board or finished, or its team reads nothing; O28: a good one has no score.
    """
    problems = list(outcome.problems)
    place = f"{sent.name} ({outcome.profile})"
    if outcome.state == "not run" or sent.is_refused is None:
        return replace(outcome, rules=sent.rules)
    if sent.is_refused and outcome.state in {"scored", "unscored"}:
        where = "on the board" if outcome.is_on_board else "as finished"
        fix = "exit with 1 and leave no scores, with the problems on standard error"
        problems.append(Problem("O27", f"a bad submission stands {where}", "no place on the board", fix, place))
    elif sent.is_refused and outcome.state == "failed":
        found = f"{outcome.platform_says}, and the team reads: {quoted(outcome.errors) or 'nothing'}"
        fix = "print what is wrong to standard error before the program ends"
        problems.append(Problem("O27", found, "the problems of the submission", fix, place))
    elif not sent.is_refused and outcome.state != "scored":
        found = f"{outcome.platform_says}: {quoted(outcome.errors) or 'no reason is given'}"
        problems.append(Problem("O28", found, "a score", "see why the program refuses it", place))
    return replace(outcome, problems=tuple(problems), rules=sent.rules)


def quoted(text: str) -> str:
    """The end of a text in one line, where errors stand."""
    return inert(" ".join(text.split())[-MOST_QUOTED:])


def number(value: Any) -> float | None:
    """A finite number; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)

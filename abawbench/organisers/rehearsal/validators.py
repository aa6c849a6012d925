"""An organiser's own validator put to the test: which planted faults it misses, and which good files it refuses."""

from __future__ import annotations

import os
import re
import shlex
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from abawbench.base.problems import Problem, ProblemError, not_found
from abawbench.challenges import Challenge
from abawbench.organisers.faults import planted
from abawbench.organisers.rehearsal.interpreters import Interpreter, this_interpreter
from abawbench.organisers.rehearsal.outcome import quoted
from abawbench.organisers.rehearsal.profiles import PROFILES
from abawbench.organisers.rehearsal.sandbox import Limits, Run, programs_end_with_us, run_program
from abawbench.organisers.samples import Sample, sample, write

COMMAND = "{python} {script} {submission} {template}"
WORDS: tuple[str, ...] = ("python", "script", "submission", "template")
# seconds that a validator has for a small file
TIME_LIMIT_S = 60.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a validator said of a submission.

    Attributes:
        name: name of the submission: that of the planted fault.
        is_refused: True where the validator refused it.
        should_refuse: True where `abawbench check` does.
        rules: the rules that `abawbench check` gives.
        says: the end of what the validator printed.
        is_late: True where it was ended at the time limit.
    """

    name: str
    is_refused: bool
    should_refuse: bool
    rules: frozenset[str]
    says: str
    is_late: bool

    @property
    def is_right(self) -> bool:
        """True where the validator and `abawbench check` agree."""
        return self.is_refused == self.should_refuse and not self.is_late

    def to_json(self) -> dict[str, Any]:
        """The verdict as plain data."""
        return {
            "submission": self.name,
            "refused": self.is_refused,
            "should_be_refused": self.should_refuse,
            "rules": sorted(self.rules),
            "says": self.says,
            "late": self.is_late,
        }


@dataclass(frozen=True, slots=True)
class Validated:
    """A validator's verdicts on everything that it was given.

    Attributes:
        script: the validator.
        challenge: id of the challenge.
        verdicts: one for the good sample, and one for each planted fault and oddity.
    """

    script: str
    challenge: str
    verdicts: tuple[Verdict, ...]

    @property
    def missed(self) -> tuple[Verdict, ...]:
        """The faults that it lets pass."""
        return tuple(one for one in self.verdicts if one.should_refuse and not one.is_refused)

    @property
    def wrongly_refused(self) -> tuple[Verdict, ...]:
        """The good submissions that it refuses."""
        return tuple(one for one in self.verdicts if one.is_refused and not one.should_refuse)

    @property
    def is_ok(self) -> bool:
        """True if it misses no fault and refuses nothing good."""
        return all(one.is_right for one in self.verdicts)

    def to_json(self) -> dict[str, Any]:
        """The verdicts as plain data."""
        return {
            "validator": self.script,
            "challenge": self.challenge,
            "missed": [one.name for one in self.missed],
            "wrongly_refused": [one.name for one in self.wrongly_refused],
            "verdicts": [one.to_json() for one in self.verdicts],
        }


def validate(
    script: Path,
    challenge: Challenge,
    *,
    command: str = COMMAND,
    accepts_if: str | None = None,
    with_zips: bool = False,
    interpreter: Interpreter | None = None,
    limits: Limits | None = None,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Validated:
    """Put a validator to the test: the sample of a challenge, and every planted fault and oddity.

    Args:
        script: the validator.
        challenge: the challenge.
        command: the call, with {python}, {script}, {submission} and {template} in it.
        accepts_if: regular expression that its output matches where it accepts; None for the exit status 0.
        with_zips: True to also give it the faults of zips.
        interpreter: interpreter that runs it; by default this one.
        limits: bounds of a call.
        workers: number of calls at a time; by default that of the cores.
        progress: function that is called with the numbers of calls done and in all.

    Raises:
        ProblemError: F01 there is no such script; C02 the command or the expression is wrong.
    """
    if not script.is_file():
        raise not_found(script, "a script")
    pattern = _pattern(accepts_if)
    words = _words(command)
    made = sample(challenge)
    given = [("good sample", made.prediction, False, frozenset[str]())]
    for fault in planted(challenge, made):
        if with_zips or not any(name.endswith(".zip") for name in fault.files):
            given.append((fault.name, fault.files, fault.is_refused, fault.rules))
    python = interpreter or this_interpreter()
    bounds = limits or Limits(TIME_LIMIT_S)

    def judge(number: int) -> Verdict:
        name, files, should_refuse, rules = given[number]
        ran = _call(words, script, files, made, python, bounds)
        text = f"{ran.output}\n{ran.errors}"
        is_accepted = ran.status == 0 if pattern is None else pattern.search(text) is not None
        return Verdict(name, ran.is_late or not is_accepted, should_refuse, rules, quoted(text), ran.is_late)

    verdicts: list[Verdict] = []
    with ThreadPoolExecutor(workers or os.cpu_count() or 1) as pool, programs_end_with_us():
        for verdict in pool.map(judge, range(len(given))):
            verdicts.append(verdict)
            if progress is not None:
                progress(len(verdicts), len(given))
    return Validated(str(script), challenge.id, tuple(verdicts))


def _call(
    words: Sequence[str], script: Path, files: Any, made: Sample, interpreter: Interpreter, limits: Limits
) -> Run:
    """Call a validator on files, in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="validator-") as work:
        place = Path(work).resolve()
        values = {
            "python": interpreter.path,
            "script": str(script.resolve()),
            "submission": str(write(files, place / "submission")),
            "template": str(write(made.template, place / "template")),
        }
        filled = [word.format_map(values) for word in words]
        (place / "work").mkdir()
        return run_program(filled, place / "work", place, limits=limits, profile=PROFILES["no-network"])


def _words(command: str) -> list[str]:
    try:
        words, blank = shlex.split(command), dict.fromkeys(WORDS, "")
        for word in words:
            word.format_map(blank)
        if words and "{submission}" in command:
            return words
        found = "a command without {submission}"
    except (ValueError, KeyError, IndexError) as error:
        found = f"{command!r}: {error}"
    fix = f"write it as '{COMMAND}'"
    raise ProblemError(Problem("C02", found, f"words with {', '.join(f'{{{word}}}' for word in WORDS)}", fix))


def _pattern(text: str | None) -> re.Pattern[str] | None:
    try:
        return None if text is None else re.compile(text)
    except re.error as error:
        fix = "correct it, or leave it out to go by the exit status"
        raise ProblemError(Problem("C02", f"--accepts-if {text!r}: {error}", "a regular expression", fix)) from error
